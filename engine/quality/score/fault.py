"""What can be wrong with an answer, as one value."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Part = Literal[
    "completeness", "repetition", "refusal", "boilerplate", "echo", "formatting", "readability"
]
PARTS: tuple[Part, ...] = (
    "completeness",
    "repetition",
    "refusal",
    "boilerplate",
    "echo",
    "formatting",
    "readability",
)
"""The parts of the score; 1 is "nothing wrong here" in each."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with an answer.

    Args:
        part: The part of the score that it lowers.
        code: What it is, in a stable word, as the flag has it.
        weight: How bad it is, from 0 to 1: the part is multiplied by ``1 - weight``.
        reason: What it is, in plain words.
        start: Where in the answer it begins, in characters.
        end: Where it ends, exclusive; ``start == end`` means the whole answer.
    """

    part: Part
    code: str
    weight: float
    reason: str
    start: int = 0
    end: int = 0


def left(faults: Iterable[Fault]) -> float:
    """Return what faults leave of 1: the product of ``1 - weight``."""
    return math.prod(1.0 - fault.weight for fault in faults)


def ramp(value: float, low: float, high: float) -> float:
    """Return 0 up to ``low``, 1 from ``high`` on, and a straight line between."""
    return min(1.0, max(0.0, (value - low) / (high - low)))
