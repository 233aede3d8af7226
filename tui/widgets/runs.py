"""The list of runs, with their exports below them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tui.bridge.run_tail import JobState
from tui.widgets.rows import Part, RowList, Style
from tui.widgets.words import file_size, fit, one_line

SIGNS: Mapping[str, tuple[str, Style]] = {
    "prepared": ("○", "muted"),
    "queued": ("◷", "accent"),
    "created": ("…", "accent"),
    "running": ("▶", "accent"),
    "stopping": ("▶", "warning"),
    "finished": ("✓", "success"),
    "stopped": ("■", "muted"),
    "killed": ("✗", "warning"),
    "failed": ("✗", "error"),
    "died": ("✗", "error"),
}
"""The sign and colour of each status of the run protocol."""


Mark = tuple[str, Style]
"""The sign of a run that is compared with others, and its colour."""


def row_parts(job: JobState, width: int, now: float, *, mark: Mark | None) -> list[Part]:
    """Return a row of the list: sign, id, base, dataset, best held-out loss, age.

    Args:
        job: The run or export.
        width: Cells of the row.
        now: Seconds since the epoch, for the age.
        mark: Its sign in the charts, where it is compared with others.
    """
    sign, style = SIGNS.get(job.view.status, ("?", "muted"))
    age = short_age(job.view.started, now)
    if job.quant:
        shown = tuned_size(job) or (job.view.phase if job.view.active else job.view.status)
        room = max(0, width - 7 - 7)
        return [
            ("   └ ", "muted"),
            (f"{sign} ", style),
            (fit(f"{job.quant}  {one_line(shown)}", room), "row"),
            (f"{age:>7}", "muted"),
        ]
    loss = "" if job.view.loss is None else f"{job.view.loss:.2f}"
    judged = job.view.best[1] if job.view.best is not None else job.view.eval_loss
    if judged is not None:
        loss = f"◆{judged:.2f}"
    rest = max(0, width - 2 - 5 - 6 - 7)
    base = min(max(rest // 2, 8), 24)
    return [
        (f"{sign} ", style),
        (fit(job.short, 4), "strong"),
        mark or (" ", "row"),
        (fit(one_line(job.called or job.base), base - 1) + " ", "row"),
        (fit(one_line(job.dataset), max(0, rest - base)), "muted"),
        (f"{loss:>6}", "row"),
        (f"{age:>7}", "muted"),
    ]


def tuned_size(job: JobState) -> str:
    """Return the size of an export's file, or nothing where it has none yet."""
    tuned = job.view.result.get("tuned")
    size = tuned.get("bytes") if isinstance(tuned, Mapping) else None
    return file_size(size) if isinstance(size, int) else ""


def short_age(then: float, now: float) -> str:
    """Return an age in at most five cells: ``now``, ``4 min``, ``12 h``, ``3 d``."""
    if then <= 0:
        return ""
    seconds = max(0.0, now - then)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        count = int(seconds // size)
        if count:
            return f"{count} {unit}"
    return "now"


class RunRows(RowList):
    """One row a run or export. The cursor stays on its job when others come or go."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._jobs: tuple[JobState, ...] = ()
        self._shown: tuple[tuple[Part, ...], ...] = ()
        self._marks: Mapping[Path, Mark] = {}
        self._now = 0.0

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self._jobs)

    @property
    def job(self) -> JobState | None:
        """The job under the cursor."""
        return self._jobs[self.cursor] if self._jobs else None

    @property
    def jobs(self) -> tuple[JobState, ...]:
        """All jobs, as they are listed."""
        return self._jobs

    def show(
        self, jobs: Sequence[JobState], now: float, *, marks: Mapping[Path, Mark] | None = None
    ) -> None:
        """Show jobs as they are now; only rows that differ are painted again.

        Args:
            jobs: Runs, each followed by its exports.
            now: Seconds since the epoch, for the ages.
            marks: Signs of the runs that are compared, by their directories.
        """
        place = self.job.dir if self.job is not None else None
        self._jobs, self._now, self._marks = tuple(jobs), now, marks or {}
        before, self._shown = self._shown, self._rows()
        at = next((i for i, job in enumerate(self._jobs) if job.dir == place), self.cursor)
        if len(before) != len(self._shown):
            self.rows_changed()
            self.move_to(at)
            return
        for index, (old, new) in enumerate(zip(before, self._shown, strict=True)):
            if old != new:
                self.repaint(index)
        if at != self.cursor:
            self.move_to(at)

    def go_to(self, directory: Path) -> None:
        """Put the cursor on a job, if it is listed."""
        for index, job in enumerate(self._jobs):
            if job.dir == directory:
                self.move_to(index)

    def draw(self, index: int, width: int) -> Sequence[Part]:
        """Return a row's parts."""
        job = self._jobs[index]
        return row_parts(job, width, self._now, mark=self._marks.get(job.dir))

    def _rows(self) -> tuple[tuple[Part, ...], ...]:
        width = max(20, self.scrollable_content_region.width - 1)
        return tuple(tuple(self.draw(index, width)) for index in range(len(self._jobs)))
