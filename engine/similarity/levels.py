"""Named levels of nearness, which each embedding model has at similarities of its own.

What similarity means "the same" depends on the model, so a person asks for a level, and each model
that was measured has a number of its own for it (docs/duplicates.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

from engine.similarity.linkage import DEFAULT_THRESHOLD, FLOOR
from engine.similarity.names import E5

Level = Literal["copies", "paraphrases"]
"""Copies say the same but for spelling, order and small words; paraphrases also in other words."""

Nearness = Level | float
"""What a person asks for: a level, or a similarity of the model that is used."""

LEVELS: tuple[Level, ...] = get_args(Level)

DEFAULT_LEVEL: Level = "copies"

_MINILM: Mapping[Level, float] = MappingProxyType({"copies": DEFAULT_THRESHOLD, "paraphrases": 0.8})
_MEASURED: Mapping[str, Mapping[Level, float]] = MappingProxyType(
    {E5: MappingProxyType({"copies": 0.92, "paraphrases": 0.8})}
)


def threshold_of(asked: Nearness, model: str = "") -> float:
    """Return the similarity from which two examples are near-duplicates.

    Args:
        asked: A level, or the similarity itself.
        model: The embedding model as the settings name it. One of a person's own that nobody
            measured has the similarities of the embedded one.
    """
    if isinstance(asked, str):
        return _MEASURED.get(model, _MINILM)[asked]
    return asked


def level_of(threshold: float, model: str = "") -> Level | None:
    """Return the level that a similarity is; None where it is between or beside them."""
    return next((one for one in LEVELS if threshold_of(one, model) == threshold), None)


def misses_paraphrases(threshold: float, model: str = "") -> bool:
    """Say whether a similarity is stricter than the level of paraphrases."""
    return threshold > threshold_of("paraphrases", model)


def level_words(threshold: float, level: str) -> str:
    """Return a threshold with its name, where it has one: "copies (0.90 and more)"."""
    return f"{level} ({threshold:.2f} and more)" if level else f"{threshold:.2f} and more"


def parse(text: str) -> Nearness | None:
    """Return what a person wrote: a level or a number in range; None for anything else."""
    if text in LEVELS:
        return text
    try:
        number = float(text)
    except ValueError:
        return None
    return number if FLOOR <= number <= 1 else None
