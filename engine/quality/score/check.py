"""The score of a conversation as a check: its measures, and a flag for what is wrong."""

from __future__ import annotations

from collections.abc import Sequence

from engine.models import Flag, Turn
from engine.quality.base import Finding
from engine.quality.score.fault import Fault
from engine.quality.score.scoring import score

RULES = 4
"""Raised whenever the same turns may be scored otherwise."""

FLAGGED = 0.2
"""From this weight on, a fault is flagged."""


class QualityCheck:
    """Scores the answers of a conversation.

    Measures "quality" and "quality.<part>" for each of
    :data:`engine.quality.score.PARTS`. One flag for each code and answer: "cut-off",
    "empty", "repetition", "loop", "refusal", "boilerplate", "placeholder", "page-chrome", "echo",
    "encoding", "control", "role-marker", "markup", "pdf", "line-breaks", "indentation",
    "gibberish", "wall", "capitals".
    """

    name = "quality"
    version = f"quality {RULES}"

    def look(self, turns: Sequence[Turn]) -> Finding:
        """Score a conversation; see :func:`engine.quality.score.score`."""
        quality = score(turns)
        flags = [
            Flag("quality", fault.code, round(fault.weight, 3), fault.reason,
                 answer.turn, fault.start, fault.end)
            for answer in quality.answers
            for fault in _gravest(answer.faults)
        ]  # fmt: skip
        measures: dict[str, float | str] = {"quality": round(quality.score, 4)}
        for part, value in quality.parts.items():
            measures[f"quality.{part}"] = round(value, 4)
        return Finding(tuple(flags), measures)


def _gravest(faults: Sequence[Fault]) -> list[Fault]:
    """Return the gravest fault of each code, where it is grave enough to be flagged."""
    kept: dict[str, Fault] = {}
    for fault in faults:
        if fault.weight >= FLAGGED and fault.weight > getattr(kept.get(fault.code), "weight", 0.0):
            kept[fault.code] = fault
    return list(kept.values())
