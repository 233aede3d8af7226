"""Which of several like examples stands for them: one rule for flags, verbs and screens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.models import State

_STATES: Mapping[State, int] = {"approved": 0, "undecided": 1, "skipped": 2, "rejected": 3}


def best(members: Sequence[tuple[State, float | None, int, int]]) -> int:
    """Return the index of the best of several like examples.

    It is approved before undecided, before skipped, before rejected; then the one of higher
    quality, where all are measured; then of the longer answer; then the earliest.

    Args:
        members: State, quality from 0 to 1 if measured, answer's length in characters,
            and position of each; at least one.
    """
    measured = all(quality is not None for _, quality, _, _ in members)

    def rank(index: int) -> tuple[int, float, int, int]:
        state, quality, length, position = members[index]
        known = quality if measured and quality is not None else 0.0
        return (_STATES[state], -known, -length, position)

    return min(range(len(members)), key=rank)
