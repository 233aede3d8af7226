"""How far an export is: each stage has its share of the whole, so that a bar never falls back.

Shares are those of a 135M model on two cores, where a base at the same quantisation had to be
made as well. A stage that is not needed, since its file is there already, is jumped over.
"""

from __future__ import annotations

import time
from typing import Literal, Protocol

from engine.export.steps import Report

Stage = Literal[
    "merge",
    "convert",
    "quantise",
    "unpack base",
    "convert base",
    "quantise base",
    "try tuned",
    "try base",
    "gates",
]

SHARES: dict[Stage, int] = {
    "merge": 20,
    "convert": 15,
    "quantise": 25,
    "unpack base": 5,
    "convert base": 10,
    "quantise base": 15,
    "try tuned": 5,
    "try base": 5,
    "gates": 20,
}
"""The stages in their order, each with its share of the work in percent."""

TOTAL = 1000
"""In how many parts the whole is told."""

_REPORT_S = 1.0


class Phases(Protocol):
    """Where phases are written: a job."""

    def phase(self, phase: str, **fields: object) -> None:
        """Write a phase."""


class Progress:
    """Writes an export's phases, each with how far the whole export is.

    ``step`` of ``total_steps`` in the event is the whole; ``stage_done`` of ``stage_total`` is
    the stage alone.

    Args:
        job: The export's job.
    """

    def __init__(self, job: Phases) -> None:
        self._job = job
        self._farthest = 0

    def enter(self, stage: Stage, phase: str, total: int = 1) -> Report:
        """Begin a stage.

        Args:
            stage: The stage.
            phase: What a person reads of it.
            total: In how many parts it will be told.

        Returns:
            A function that tells how many parts are done, at most once a second.
        """
        last = 0.0

        def tell(done: int, total: int) -> None:
            nonlocal last
            now = time.monotonic()
            if done >= total or now - last >= _REPORT_S:
                last = now
                self._write(stage, phase, done, total)

        self._write(stage, phase, 0, total)
        return tell

    def _write(self, stage: Stage, phase: str, done: int, total: int) -> None:
        self._farthest = max(self._farthest, overall(stage, done, total))
        self._job.phase(
            phase,
            step=self._farthest,
            total_steps=TOTAL,
            stage_done=done,
            stage_total=total,
        )


def overall(stage: Stage, done: int, total: int) -> int:
    """Return how many of :data:`TOTAL` parts of an export are behind.

    Args:
        stage: The stage that is under way.
        done: Parts of the stage that are done.
        total: Parts of the stage; 0 where that is not known.
    """
    names = list(SHARES)
    before = sum(SHARES[name] for name in names[: names.index(stage)])
    share = min(1.0, max(0.0, done / total)) if total > 0 else 0.0
    return int(TOTAL * (before + SHARES[stage] * share) / sum(SHARES.values()))
