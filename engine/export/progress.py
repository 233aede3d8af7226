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
    "imatrix",
    "quantise",
    "unpack base",
    "convert base",
    "quantise base",
    "gates",
]

SHARES: dict[Stage, int] = {
    "merge": 20,
    "convert": 10,
    "imatrix": 5,
    "quantise": 20,
    "unpack base": 5,
    "convert base": 10,
    "quantise base": 10,
    "gates": 20,
}
"""The stages in their order, each with its share of the work in percent."""

TOTAL = 1000
"""In how many parts the whole is told."""

Unit = Literal["", "bytes", "tokens"]
"""What parts of a stage are, where a rate of them says something."""

WHOLE = (0, 1)
"""The part of a stage that is all of it."""

_REPORT_S = 1.0


class Phases(Protocol):
    """Where phases are written: a job."""

    def phase(self, phase: str, **fields: object) -> None:
        """Write a phase."""


class Progress:
    """Writes an export's phases, each with how far the whole export is.

    ``step`` of ``total_steps`` in the event is the whole; ``stage_done`` of ``stage_total`` is
    the stage alone. Once a stage has a rate, ``stage_eta_s`` is how many seconds it has left,
    ``rate`` how many of ``unit`` it does in a second, and ``note`` says both in words.

    Args:
        job: The export's job.
    """

    def __init__(self, job: Phases) -> None:
        self._job = job
        self._farthest = 0

    def enter(
        self,
        stage: Stage,
        phase: str,
        total: int = 1,
        *,
        part: tuple[int, int] = WHOLE,
        unit: Unit = "",
    ) -> Report:
        """Begin a stage, or a part of one.

        Args:
            stage: The stage.
            phase: What a person reads of it.
            total: In how many parts it will be told.
            part: Which of how many like parts of the stage it is, counted from 0.
            unit: What its parts are.

        Returns:
            A function that tells how many parts are done, at most once a second.
        """
        began = last = time.monotonic()
        last -= _REPORT_S

        def tell(done: int, total: int) -> None:
            nonlocal last
            now = time.monotonic()
            if done >= total or now - last >= _REPORT_S:
                last = now
                figures = _rate(done, total, now - began, unit)
                self._write(stage, phase, done, total, part, figures)

        self._write(stage, phase, 0, total, part, {})
        return tell

    def _write(
        self,
        stage: Stage,
        phase: str,
        done: int,
        total: int,
        part: tuple[int, int],
        figures: dict[str, object],
    ) -> None:
        self._farthest = max(self._farthest, overall(stage, done, total, part))
        self._job.phase(
            phase,
            step=self._farthest,
            total_steps=TOTAL,
            stage_done=done,
            stage_total=total,
            **figures,
        )


def _rate(done: int, total: int, seconds: float, unit: Unit) -> dict[str, object]:
    if done <= 0 or seconds <= 0:
        return {}
    rate = done / seconds
    left = max(0, total - done) / rate
    figures: dict[str, object] = {"stage_eta_s": round(left, 1), "note": _words(rate, unit, left)}
    return figures | {"rate": round(rate, 1), "unit": unit} if unit else figures


def _words(rate: float, unit: Unit, left: float) -> str:
    words = []
    if unit:
        words.append(f"{rate / 1e6:,.1f} MB/s" if unit == "bytes" else f"{rate:,.0f} {unit}/s")
    if left >= 1:
        minutes, seconds = divmod(round(left), 60)
        words.append(f"{minutes} min {seconds} s left" if minutes else f"{seconds} s left")
    return " · ".join(words)


def overall(stage: Stage, done: int, total: int, part: tuple[int, int] = WHOLE) -> int:
    """Return how many of :data:`TOTAL` parts of an export are behind.

    Args:
        stage: The stage that is under way.
        done: Parts of the stage that are done.
        total: Parts of the stage; 0 where that is not known.
        part: Which of how many like parts of the stage ``done`` and ``total`` are of.
    """
    names = list(SHARES)
    before = sum(SHARES[name] for name in names[: names.index(stage)])
    at, count = part
    share = (at + (min(1.0, max(0.0, done / total)) if total > 0 else 0.0)) / max(1, count)
    return int(TOTAL * (before + SHARES[stage] * share) / sum(SHARES.values()))
