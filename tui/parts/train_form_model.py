"""The fields of the training form, made from the schema of a training spec."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin

from engine.bases import EMBEDDED, installed, presets
from engine.dataset import datasets
from engine.errors import FinetuiError, SettingsError
from engine.train import PRESETS, TrainSpec, base_and_preset, default_base, make_spec
from engine.workspace import Workspace
from tui.parts.train_words import prompts_of, prompts_text, value_words

# Found from the names when a run starts; nobody writes them.
_FOUND = ("base_dir", "base_fingerprint", "dataset_dir")

_SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("What", ("dataset", "base", "preset")),
    ("Adapter", ("r", "alpha", "adapter", "dropout", "target_modules", "resume_from")),
    (
        "Learning",
        ("learning_rate", "epochs", "max_steps", "batch_size", "accumulation", "scheduler",
         "warmup_ratio", "weight_decay", "max_grad_norm", "seed"),
    ),
    (
        "Memory",
        ("max_length", "load_in_4bit", "load_in_8bit", "precision", "gradient_checkpointing",
         "backend"),
    ),
    (
        "Rhythm",
        ("eval_steps", "patience", "sample_prompts", "sample_tokens", "save_steps",
         "keep_checkpoints", "logging_steps", "report_to"),
    ),
)  # fmt: skip

_MAY_BE_EMPTY = ("resume_from", "sample_prompts")

_SEVERAL = {
    "target_modules": " Separate several by commas.",
    "sample_prompts": r" Separate several by |; \| is the sign itself.",
}

NO_PRESET = "none"


@dataclass(frozen=True, slots=True)
class FormField:
    """A field: its name in the spec, its help, and its values where it has a list of them."""

    name: str
    section: str
    help: str
    values: tuple[str, ...] = ()
    closed: bool = False

    @property
    def label(self) -> str:
        """What stands before it."""
        return self.name.replace("_", " ")


@dataclass(frozen=True, slots=True)
class FormChoices:
    """What a workspace and this machine offer.

    ``bases`` maps every known base to the preset that fits it; ``here`` are those that
    need no import or download; ``base`` and ``preset`` are taken where nothing is said.
    """

    datasets: tuple[str, ...]
    bases: Mapping[str, str]
    here: frozenset[str]
    base: str = EMBEDDED
    preset: str = ""
    downloads: Mapping[str, int] = field(default_factory=dict)


def form_choices(workspace: Workspace) -> FormChoices:
    """Look what can be chosen. Reads files; call it off the event loop."""
    found = sorted(datasets(workspace), key=lambda info: info.frozen_at, reverse=True)
    here = installed()
    known = {preset.name: preset.preset for preset in presets()}
    known |= {base.name: base.preset for base in here}
    try:
        base, preset = base_and_preset(workspace)
    except FinetuiError:
        base, preset = default_base(workspace), ""  # the form says so at its field
    return FormChoices(
        datasets=tuple(info.name for info in found),
        bases=known,
        here=frozenset(base.name for base in here),
        base=base,
        preset=preset,
        downloads={preset.name: preset.download_bytes for preset in presets()},
    )


def form_fields(choices: FormChoices) -> list[FormField]:
    """Return the fields in order; one that the sections don't know comes last."""
    infos = TrainSpec.model_fields
    sections = {name: section for section, names in _SECTIONS for name in names}
    order = [name for _, names in _SECTIONS for name in names if name in infos]
    order += [name for name in infos if name not in sections and name not in _FOUND]
    fields = []
    for name in order:
        values, closed = _values(name, infos[name].annotation, choices)
        text = " ".join((infos[name].description or "").split()) + _SEVERAL.get(name, "")
        fields.append(FormField(name, sections.get(name, "Other"), text, values, closed))
    return fields


def _values(name: str, annotation: Any, choices: FormChoices) -> tuple[tuple[str, ...], bool]:
    """Return a field's list of values, and whether others are refused."""
    if name == "dataset":
        return choices.datasets, True
    if name == "base":
        return tuple(choices.bases), False
    if name == "preset":
        return (*PRESETS, NO_PRESET), True
    if annotation is bool:
        return ("yes", "no"), True
    if get_origin(annotation) is Literal:
        return tuple(str(value) for value in get_args(annotation)), True
    return (), False


def first_values(choices: FormChoices, like: Mapping[str, object]) -> dict[str, str]:
    """Return what the form starts with.

    Args:
        choices: What can be chosen.
        like: The spec of a run to start from; empty for the settings' base and preset.
    """
    if like:
        values = {name: str_of(name, like[name]) for name in _names() if name in like}
        known = preset_values(choices, values.get("base", ""), values.get("preset", ""))
        values = {**known, **values}
    else:
        values = preset_values(choices, choices.base, choices.preset)
    if values.get("dataset") not in choices.datasets:
        values["dataset"] = choices.datasets[0] if choices.datasets else ""
    return values


def preset_values(choices: FormChoices, base: str, preset: str) -> dict[str, str]:
    """Return all values of a preset, on the spec's defaults."""
    known = preset if preset in PRESETS else ""
    dataset = choices.datasets[0] if choices.datasets else "-"
    spec = make_spec(base or "-", dataset, known)
    values = {name: str_of(name, getattr(spec, name)) for name in _names()}
    return {**values, "base": base, "preset": known or NO_PRESET}


def base_of_preset(preset: str) -> str:
    """Return the base that a preset brings with it, if it has one."""
    return PRESETS[preset].base if preset in PRESETS else ""


def preset_help(preset: str) -> str:
    """Return what a preset is for; empty for none."""
    return PRESETS[preset].title if preset in PRESETS else ""


def _names() -> list[str]:
    return [name for name in TrainSpec.model_fields if name not in _FOUND]


def str_of(name: str, value: object) -> str:
    """Return a value as it stands in its field."""
    if name == "preset":
        return str(value) or NO_PRESET
    if name == "sample_prompts" and isinstance(value, list | tuple):
        return prompts_text([str(prompt) for prompt in value])
    return "" if value in ("", None) else value_words(value)


def checked(
    values: Mapping[str, str], fields: Sequence[FormField]
) -> tuple[TrainSpec | None, dict[str, str]]:
    """Return the spec that the form's texts mean, or what is wrong with each field.

    Args:
        values: Text of each field.
        fields: The form's fields.
    """
    problems: dict[str, str] = {}
    parsed: dict[str, Any] = {}
    for one in fields:
        text = values.get(one.name, "").strip()
        if not text and one.name in _MAY_BE_EMPTY:
            continue
        if not text:
            problems[one.name] = "can't be empty"
        elif one.closed and text not in one.values:
            problems[one.name] = f"is not one of {', '.join(one.values)}"
        elif one.name not in ("base", "dataset", "preset"):
            parsed[one.name] = _parsed(one.name, text)
            problem = _problem(one.name, parsed[one.name])
            if problem:
                problems[one.name] = problem
    if problems:
        return None, problems
    preset = "" if values["preset"] == NO_PRESET else values["preset"]
    return make_spec(values["base"].strip(), values["dataset"], preset, **parsed), {}


def _parsed(name: str, text: str) -> Any:
    if name == "sample_prompts":
        return prompts_of(text)
    if name == "target_modules":
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text


def _problem(name: str, value: Any) -> str:
    try:
        make_spec("-", "-", "", **{name: value})
    except SettingsError as error:
        return error.message.removeprefix(f"{name} ")
    return ""
