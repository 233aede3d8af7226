"""Hyperparameters that belong together, and the base that some of them are for.

A preset is what differs from a spec's defaults. Some carry a base besides: a model's, by its name,
and those for a GPU's memory, with the largest of the known models that trains well in it. All
linear layers are the default, since that reaches a lower loss than attention alone;
``docs/presets.md`` has the figures.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.bases.base import BasePreset
from engine.bases.presets import PRESETS as BASES
from engine.bases.presets import SMALL_BELOW
from engine.errors import UsageError
from engine.near import bare, did_you_mean

ATTENTION: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj")
ALL_LINEAR = "all-linear"


@dataclass(frozen=True, slots=True)
class Preset:
    """Hyperparameters that belong together: what differs from the spec's defaults.

    Args:
        name: The short name.
        title: What it is for, in a few words.
        help: What it sets, in a line.
        values: Fields of a training spec.
        base: The base model that it is for; empty where it goes with any.
        gpu_bytes: The memory of the GPU that it is for; 0 where it is for none.
        aliases: Other names that mean it.
    """

    name: str
    title: str
    help: str
    values: Mapping[str, Any]
    base: str = ""
    gpu_bytes: int = 0
    aliases: tuple[str, ...] = ()


_QLORA: Mapping[str, Any] = {
    "r": 16,
    "alpha": 32,
    "target_modules": (ALL_LINEAR,),
    "learning_rate": 2e-4,
    "epochs": 3.0,
    "batch_size": 2,
    "accumulation": 8,
    "load_in_4bit": True,
    "save_steps": 500,
    "patience": 3,
}
"""What plans for 7B models take (rank, rate, epochs, 16 examples a step), on all linear layers.

Three epochs are more than some notes can take, so a run stops after three evaluations that were
not better than the best."""

_SMALL: Mapping[str, Any] = {
    "r": 16,
    "alpha": 32,
    "target_modules": (ALL_LINEAR,),
    "learning_rate": 2e-3,
    "epochs": 1.0,
    "batch_size": 2,
    "accumulation": 1,
    "max_length": 512,
    "warmup_ratio": 0.1,
    "load_in_4bit": False,
    "gradient_checkpointing": False,
    "save_steps": 25,
}
"""For models so small that a processor trains them, chosen by measurement on the smallest."""

_GENERAL = (
    Preset(
        name="small-cpu",
        title="LoRA for a small model without a GPU",
        help="every linear layer, many small steps; minutes on two cores for 100 examples",
        values=_SMALL,
    ),
    Preset(
        name="qlora",
        title="QLoRA for models of 1B and more",
        help="r 16 on every linear layer, 4-bit base, 3 epochs",
        values=_QLORA,
    ),
    Preset(
        name="seed-7b",
        title="QLoRA on attention alone, for 7B and 8B models",
        help="r 16 on attention, 4-bit base, 3 epochs; with unsloth it fits a GPU with 12 GB",
        values={**_QLORA, "target_modules": ATTENTION, "batch_size": 4, "accumulation": 4},
    ),
)


def _memory(
    gigabytes: int,
    base: str,
    what: str,
    *,
    batch: int,
    accumulation: int,
    length: int,
    aliases: tuple[str, ...] = (),
    four_bit: bool = True,
) -> Preset:
    return Preset(
        name=f"{gigabytes}gb",
        title=f"A GPU with {gigabytes} GB: {BASES[base].title} in {what}",
        help=f"r 16 on every linear layer, {what}, {batch} examples of {length} tokens at once",
        values={
            **_QLORA,
            "batch_size": batch,
            "accumulation": accumulation,
            "max_length": length,
            "load_in_4bit": four_bit,
        },
        base=base,
        gpu_bytes=gigabytes * 1_000_000_000,
        aliases=aliases,
    )


# Each step sees 16 examples, so that the learning rate means the same in all of them.
_BY_MEMORY = (
    _memory(8, "phi-3-mini", "4 bits", batch=4, accumulation=4, length=1024),
    _memory(
        12,
        "llama-3.1-8b",
        "4 bits",
        batch=2,
        accumulation=8,
        length=1024,
        aliases=("rtx-5070",),
    ),
    _memory(16, "llama-3.1-8b", "4 bits", batch=4, accumulation=4, length=1024),
    _memory(24, "qwen3-14b", "4 bits", batch=2, accumulation=8, length=2048),
    _memory(48, "llama-3.1-8b", "16 bits", batch=4, accumulation=4, length=2048, four_bit=False),
    _memory(80, "qwen3-14b", "16 bits", batch=4, accumulation=4, length=4096, four_bit=False),
)


def _of_model(base: BasePreset) -> Preset:
    """Return the preset for a known base, under the name that the base asks for."""
    small = base.parameters < SMALL_BELOW
    name = base.aliases[0] if base.embedded else base.preset
    return Preset(
        name=name,
        title=f"{base.title}, {'LoRA' if small else 'QLoRA'}",
        help="r 16 on every linear layer, "
        + ("many small steps, 1 epoch" if small else "4-bit base, 3 epochs"),
        values=_SMALL if small else _QLORA,
        base=base.name,
        aliases=tuple(sorted({base.name, *base.aliases} - {name})),
    )


PRESETS: dict[str, Preset] = {
    preset.name: preset for preset in (*_GENERAL, *_BY_MEMORY, *map(_of_model, BASES.values()))
}


def _near_sizes(wanted: str) -> str:
    """Return a question that offers the GPU sizes next to one; empty where it is no size.

    The next smaller comes first: its settings fit.
    """
    size = re.fullmatch(r"(\d+)g(i?b)?", wanted)
    if size is None:
        return ""
    asked = int(size[1]) * 10**9
    sized = sorted((one for one in PRESETS.values() if one.gpu_bytes), key=lambda p: p.gpu_bytes)
    below = [one.name for one in sized if one.gpu_bytes < asked][-1:]
    above = [one.name for one in sized if one.gpu_bytes > asked][:1]
    return f"did you mean {' or '.join(below + above)}?"


def find_preset(name: str) -> Preset:
    """Return the preset that a name or an alias means, whatever its capitals and dashes.

    Raises:
        UsageError: There is none; the hint has those with names like it.
    """
    wanted = bare(name)
    for preset in PRESETS.values():
        if wanted in {bare(word) for word in (preset.name, *preset.aliases)}:
            return preset
    known = [word for preset in PRESETS.values() for word in (preset.name, *preset.aliases)]
    near = _near_sizes(wanted) or did_you_mean(name, known)
    raise UsageError(
        f"there is no training preset {name}",
        hint=f"{near} `finetui train --help` lists all" if near else f"take {', '.join(PRESETS)}",
    )
