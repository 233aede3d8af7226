"""What a training run shall do: one frozen record, kept as TOML beside its results.

The docstring under each field is also its help text on the form, on the command
line and in the documentation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from engine import toml
from engine.errors import SettingsError
from engine.modes import make_read_only
from engine.near import did_you_mean
from engine.paths import shorten, write_atomic
from engine.train.checkpoints import KEEP_AT_LEAST
from engine.train.presets import ALL_LINEAR as ALL_LINEAR
from engine.train.presets import ATTENTION as ATTENTION
from engine.train.presets import find_preset

SPEC_FILE = "spec.toml"

MOST_EPOCHS = 1000
MOST_STEPS = 10_000_000
MOST_AT_ONCE = 4096
"""The largest numbers that are meant: what is above is a slip."""


class TrainSpec(BaseModel):
    """The specification of a training run. It never changes once the run has begun."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )

    base: str
    """The base model: a preset's name, a hub id, or a local directory."""
    base_dir: str = ""
    """The base model's directory; found from its name when the run starts."""
    base_fingerprint: str = ""
    """What the base model was when the run started; found from its files."""
    dataset: str
    """The frozen dataset's name."""
    dataset_dir: str = ""
    """The frozen dataset's directory; found from its name when the run starts."""
    preset: str = ""
    """The preset that these values come from."""
    backend: Literal["auto", "trl", "unsloth"] = "auto"
    """What trains: trl or unsloth; auto takes unsloth on a GPU where it is installed."""
    r: int = Field(default=16, ge=1, le=512)
    """Rank of the adapter: higher holds more, and is slower."""
    alpha: int = Field(default=32, ge=1)
    """Scale of the adapter; its weight is alpha divided by r."""
    adapter: Literal["lora", "rslora", "dora"] = "lora"
    """Kind of adapter: LoRA, rank-stabilised LoRA, or DoRA, which is slower."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of the adapter's inputs that is dropped while training."""
    target_modules: tuple[str, ...] = ATTENTION
    """Layers that get an adapter, by name; all-linear takes every linear layer but the last."""
    learning_rate: float = Field(default=2e-4, gt=0, le=1)
    """Highest learning rate."""
    epochs: float = Field(default=3.0, gt=0, le=MOST_EPOCHS)
    """How many times each example is seen."""
    max_steps: int = Field(default=0, ge=0, le=MOST_STEPS)
    """Number of steps instead of epochs; 0 goes by epochs."""
    batch_size: int = Field(default=4, ge=1, le=MOST_AT_ONCE)
    """Examples that are in memory at once."""
    accumulation: int = Field(default=4, ge=1, le=MOST_AT_ONCE)
    """Batches that make one step."""
    max_length: int = Field(default=1024, ge=16)
    """Longest example, in tokens; what is over it is cut off."""
    warmup_ratio: float = Field(default=0.03, ge=0, lt=1)
    """Share of the steps in which the learning rate rises."""
    scheduler: Literal["linear", "cosine", "constant_with_warmup"] = "linear"
    """How the learning rate falls after that."""
    weight_decay: float = Field(default=0.0, ge=0)
    """Pull of the adapter's weights towards zero."""
    max_grad_norm: float = Field(default=1.0, gt=0)
    """Largest norm of a gradient; longer ones are shortened to it."""
    seed: int = Field(default=0, ge=0, lt=2**32)
    """Seed of the adapter's first weights and of the order of examples."""
    load_in_4bit: bool = True
    """Keep the base in 4 bits (NF4 with double quantisation), on a GPU or a CPU."""
    load_in_8bit: bool = False
    """Keep the base in 8 bits (LLM.int8) instead of 4."""
    precision: Literal["auto", "bf16", "fp16", "fp32"] = "auto"
    """Number format of what is not quantised; auto takes bf16 or fp16 on a GPU, fp32 on a CPU."""
    gradient_checkpointing: bool = True
    """Save memory by computing activations twice; about a fifth slower."""
    eval_steps: int = Field(default=0, ge=0)
    """Steps between evaluations; 0 takes as many as fit in a tenth of the run, at least three."""
    patience: int = Field(default=0, ge=0)
    """Evaluations without a better one after which the run stops; 0 never stops early."""
    sample_prompts: tuple[str, ...] = ()
    """Prompts answered at each evaluation; empty takes three of the validation split."""
    sample_tokens: int = Field(default=48, ge=0, le=48)
    """Maximum length of these answers in tokens; 0 writes none."""
    save_steps: int = Field(default=500, ge=1)
    """Steps between checkpoints."""
    keep_checkpoints: int = Field(default=KEEP_AT_LEAST, ge=KEEP_AT_LEAST)
    """How many of the newest checkpoints are kept, at least two."""
    logging_steps: int = Field(default=1, ge=1)
    """Steps between two lines of the log."""
    report_to: Literal["none", "tensorboard", "wandb", "trackio"] = "none"
    """Where else the run is reported; its package has to be installed."""
    resume_from: str = ""
    """Adapter, checkpoint or run folder to take the first weights from; a run's id will do too."""

    @field_validator("sample_prompts")
    @classmethod
    def _without_blanks(cls, prompts: tuple[str, ...]) -> tuple[str, ...]:
        """Leave out blank prompts, and the space around others: no form can show it."""
        return tuple(prompt.strip() for prompt in prompts if prompt.strip())

    def steps_per_epoch(self, examples: int) -> int:
        """Return how many steps see ``examples`` examples once."""
        return math.ceil(math.ceil(examples / self.batch_size) / self.accumulation)

    def total_steps(self, examples: int) -> int:
        """Return how many steps a run over ``examples`` examples takes."""
        if self.max_steps:
            return self.max_steps
        return max(1, math.ceil(self.epochs * self.steps_per_epoch(examples)))

    def passes(self, examples: int) -> float:
        """Return how often a run sees each of ``examples`` examples."""
        if self.max_steps:
            return self.max_steps / self.steps_per_epoch(examples)
        return self.epochs


def make_spec(base: str, dataset: str, preset: str = "", **changes: Any) -> TrainSpec:
    """Return a specification: the defaults, with a preset on them, with changes on that.

    Args:
        base: The base model, as a person names it.
        dataset: The frozen dataset's name.
        preset: A preset's name or alias; empty takes the bare defaults.
        changes: Fields of their own.

    Raises:
        UsageError: There is no such preset; the hint has names like it.
        SettingsError: A value is out of range, or a field unknown.
    """
    values: dict[str, Any] = {}
    if preset:
        known = find_preset(preset)
        preset, values = known.name, dict(known.values)
    asked = {"base": base, "dataset": dataset, "preset": preset, **changes}
    return _validated(_one_width(values, asked))


def changed(spec: TrainSpec, **changes: Any) -> TrainSpec:
    """Return a specification that differs in some fields, checked like a new one.

    Raises:
        SettingsError: A value is out of range, or a field unknown.
    """
    return _validated(_one_width(spec.model_dump(), changes))


def _one_width(values: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields with 4 bits off where 8 were asked for, and the other way round.

    4 bits are the default and most presets'. Whoever asks for 8 need not turn them off.
    """
    merged = {**values, **asked}
    for wanted, other in (("load_in_8bit", "load_in_4bit"), ("load_in_4bit", "load_in_8bit")):
        if asked.get(wanted) is True and other not in asked:
            merged[other] = False
    return merged


def _validated(values: Mapping[str, Any]) -> TrainSpec:
    try:
        spec = TrainSpec.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        help_text = "see `finetui train --help`"
        if first["type"] == "extra_forbidden":
            near = did_you_mean(name, TrainSpec.model_fields)
            raise SettingsError(
                f"there is no training setting {name}", hint=near or help_text
            ) from error
        raise SettingsError(f"{name} {_wrong(first)}", hint=help_text) from error
    if spec.load_in_4bit and spec.load_in_8bit:
        raise SettingsError(
            "training settings load_in_4bit and load_in_8bit are both on, and one is possible",
            hint="set one of them to false",
        )
    return spec


_SHOWN = 40  # characters of a wrong value
_LIMITS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "finite_number": "a finite number",
    "bool": "true or false",
    "string": "text",
    "tuple": "a list",
}


def _wrong(error: Mapping[str, Any]) -> str:
    """Return what a value must be, in plain words, such as ``must be at least 1, not 0``."""
    kind, context, value = error["type"], error.get("ctx", {}), error["input"]
    if kind in _LIMITS:
        words, key = _LIMITS[kind]
        needed = f"{words} {context[key]:,.12g}"
    elif kind == "literal_error":
        needed = f"one of {str(context['expected']).replace(' or ', ', ')}".replace("'", "")
    else:
        known = _KINDS.get(kind) or _KINDS.get(kind.partition("_")[0])
        if known is None:
            return f"is not valid: {error['msg']}"
        needed = known
    return f"must be {needed}, not {str(value)[:_SHOWN] or 'empty'}"


def write_spec(directory: Path, spec: TrainSpec) -> Path:
    """Write a run's specification, once and for all.

    Raises:
        DiskFull: There was no room.
    """
    path = directory / SPEC_FILE
    # A path that is not UTF-8 is written as its bytes; nothing else of a spec can be.
    write_atomic(path, tomli_w.dumps(spec.model_dump()).encode("utf-8", "surrogateescape"))
    make_read_only(path)  # nothing of a run may change what it was meant to be
    return path


def load_spec(directory: Path) -> TrainSpec:
    """Read a run's specification.

    Raises:
        SettingsError: It is missing, damaged, or of another version.
    """
    path = directory / SPEC_FILE
    try:
        values = toml.loads(path.read_text("utf-8", "surrogateescape"))
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"{shorten(path)} can't be read: {error}", hint="start the run anew"
        ) from error
    kept = values.get("keep_checkpoints")
    if (
        isinstance(kept, int) and 0 < kept < KEEP_AT_LEAST
    ):  # runs of earlier versions could keep one
        values["keep_checkpoints"] = KEEP_AT_LEAST
    return _validated(values)
