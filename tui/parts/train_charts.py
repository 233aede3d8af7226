"""The charts of a run: what is drawn of it, how it is looked at, and what it is compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tui.bridge.run_tail import JobState
from tui.widgets.plot import Chart, Curve
from tui.widgets.rows import Style
from tui.widgets.scales import Point
from tui.widgets.words import one_line

CHARTS = ("loss", "learning rate", "gradient norm", "tokens/s")
"""What can be drawn of a run."""

MOST = 4
"""How many runs can be overlaid beside the one that is looked at."""


@dataclass(frozen=True, slots=True)
class Sign:
    """How a compared run is told from others, in the list and in the charts alike."""

    mark: str
    letter: str
    style: Style
    colour: str


_PINNED = Sign("□", "#", "muted", "$text-muted")
_OVERLAID = (
    Sign("○", "1", "success", "$text-success"),
    Sign("△", "2", "warning", "$text-warning"),
    Sign("▽", "3", "error", "$text-error"),
    Sign("▷", "4", "accent", "$text-accent"),
)


@dataclass(frozen=True, slots=True)
class Compared:
    """A run whose curves are drawn behind those of the one that is looked at."""

    job: JobState
    sign: Sign
    pinned: bool = False


class Comparing:
    """Which runs are compared: several that are overlaid, and one that is pinned."""

    def __init__(self) -> None:
        self._overlaid: dict[Path, Sign] = {}
        self._pinned: Path | None = None

    @property
    def signs(self) -> Mapping[Path, Sign]:
        """The compared runs' directories, with their signs."""
        if self._pinned is None:
            return dict(self._overlaid)
        return {**self._overlaid, self._pinned: _PINNED}

    def among(self, jobs: Sequence[JobState]) -> tuple[Compared, ...]:
        """Return the compared runs that are among these jobs, the pinned one first."""
        signs = self.signs
        found = [
            Compared(job, signs[job.dir], job.dir == self._pinned)
            for job in jobs
            if job.dir in signs and not job.quant
        ]
        return tuple(sorted(found, key=lambda one: not one.pinned))

    def overlay(self, directory: Path) -> bool | None:
        """Overlay a run, or take it off.

        Returns:
            Whether it is overlaid now; None where there are too many.
        """
        if self._overlaid.pop(directory, None) is not None:
            return False
        free = [sign for sign in _OVERLAID if sign not in self._overlaid.values()]
        if not free:
            return None
        self._overlaid[directory] = free[0]
        return True

    def pin(self, directory: Path) -> bool:
        """Pin a run in the place of another, or let go of it; return whether it is pinned."""
        self._pinned = None if self._pinned == directory else directory
        return self._pinned is not None


def reference(compared: Sequence[Compared], job: JobState) -> Compared | None:
    """Return the run whose settings another one's are set against: the pinned one, or the only."""
    others = [one for one in compared if one.job.dir != job.dir]
    if others and (others[0].pinned or len(others) == 1):
        return others[0]
    return None


@dataclass(frozen=True, slots=True)
class Look:
    """How charts are looked at.

    Attributes:
        chart: Which of :data:`CHARTS` is drawn.
        grid: Whether all are, side by side.
        log: Whether y is logarithmic.
        share: Whether x is the share of the run instead of its steps.
    """

    chart: int = 0
    grid: bool = False
    log: bool = False
    share: bool = False

    def turned(self, by: int) -> Look:
        """Return it with another chart drawn, in the whole room."""
        return replace(self, chart=(self.chart + by) % len(CHARTS), grid=False)

    @property
    def title(self) -> str:
        """What is drawn, in a few words."""
        said = "All charts" if self.grid else CHARTS[self.chart].capitalize()
        return f"{said} · log scale" if self.log else said


def charts_of(job: JobState, compared: Sequence[Compared], look: Look) -> list[Chart]:
    """Return the charts of a run as they are looked at, with those of others behind its own."""
    others = [one for one in compared if one.job.dir != job.dir]
    names = CHARTS if look.grid else CHARTS[look.chart : look.chart + 1]
    steps = [job.view.total_steps, *(one.job.view.total_steps for one in others)]
    end = 100.0 if look.share else float(max(steps))
    x_name = "% of the run" if look.share else "step"
    return [
        Chart(name, _curves(name, job, others, look), x_name, end, look.log, no_curve(job, name))
        for name in names
    ]


def _curves(name: str, job: JobState, others: Sequence[Compared], look: Look) -> tuple[Curve, ...]:
    found: list[Curve] = []
    for one in others:
        colour, group = one.sign.colour, one.job.short
        line = Curve(name, _points(name, one.job, look), style=colour, faint="", group=group)
        found.append(replace(line, letter=one.sign.letter))
        if name == "loss":
            marks = _at(one.job.view.evals, one.job, look)
            found.append(
                Curve("eval", marks, "marks", colour, colour, one.sign.mark, one.sign.letter,
                      group=group)
            )  # fmt: skip
    group = job.short if found else ""
    found.append(Curve(name, _points(name, job, look), group=group))
    if name == "loss":
        marks = _at(job.view.evals, job, look)
        step = job.view.best[0] if job.view.best else -1
        best = _at(((step, 0.0),), job, look)[0][0]
        found.append(
            Curve(
                "eval", marks, "marks", "$accent", "$accent", best=best,
                best_at=f"step {step:,}" if look.share else "", group=group,
            )
        )  # fmt: skip
    return tuple(found)


def _points(name: str, job: JobState, look: Look) -> tuple[Point, ...]:
    view = job.view
    series = {
        "loss": view.losses,
        "learning rate": view.lrs,
        "gradient norm": view.grad_norms,
        "tokens/s": view.rates,
    }
    return _at(series[name], job, look)


def _at(points: Sequence[tuple[int, float]], job: JobState, look: Look) -> tuple[Point, ...]:
    total = job.view.total_steps
    if not look.share or not total:
        return tuple(points)
    return tuple((100.0 * step / total, value) for step, value in points)


def no_curve(job: JobState, name: str = "loss") -> str:
    """Return what stands where a chart will be."""
    if name != "loss" and job.view.losses:
        return f"this run wrote no {name}"
    if job.view.active:
        phase = one_line(job.view.phase)
        return f"the curve begins with the first step{f' · now: {phase}' if phase else ''}"
    return "this run wrote no step"
