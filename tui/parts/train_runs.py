"""The runs with their exports, and what the one under the cursor is made of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from tui.bridge.run_tail import JobState
from tui.parts import train_words as words
from tui.parts.train_charts import Compared, Comparing, reference
from tui.widgets.borders import set_border
from tui.widgets.rows import RowList
from tui.widgets.runs import RunRows
from tui.widgets.textpane import TextPane

if TYPE_CHECKING:
    from engine.train import Plan


class RunsPart(Vertical):
    """A list of jobs with a cursor, over the specification of the one that it stands on.

    Given the jobs, it posts :class:`Selected` for the one under the cursor.
    """

    class Selected(Message):
        """The cursor is on another job, or on one for the first time."""

        def __init__(self, job: JobState) -> None:
            super().__init__()
            self.job = job

        def can_replace(self, message: Message) -> bool:
            """Only where the cursor is now is of interest."""
            return isinstance(message, RunsPart.Selected)

    class Opened(Message):
        """The job under the cursor was clicked again."""

    rows = getters.query_one("#runs", RunRows)
    spec = getters.query_one("#spec", TextPane)

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._comparing = Comparing()
        self._selected: Path | None = None
        self._go_to: Path | None = None
        self._plans: dict[Path, Plan] = {}
        self._known = False
        self._means: tuple[bool | None, str] = (None, "")

    def compose(self) -> ComposeResult:
        """The list over the spec."""
        yield RunRows(id="runs", classes="pane")
        yield TextPane(id="spec", classes="pane")

    def on_mount(self) -> None:
        """Name the list."""
        set_border(self.rows, "Runs")

    # -- what is shown ------------------------------------------------------------------

    @property
    def job(self) -> JobState | None:
        """The run or export under the cursor."""
        return self.rows.job

    @property
    def run(self) -> JobState | None:
        """The run under the cursor, or the one of the export under it."""
        job = self.job
        if job is None or not job.quant:
            return job
        runs = (one for one in self.rows.jobs if one.run_id == job.run_id and not one.quant)
        return next(runs, job)

    @property
    def compared(self) -> tuple[Compared, ...]:
        """The runs whose curves are drawn behind those of the one under the cursor."""
        return self._comparing.among(self.rows.jobs)

    def show(self, jobs: Sequence[JobState]) -> tuple[JobState, ...]:
        """Show the jobs as they are now.

        Returns:
            Those that were active at the last call and have ended since.
        """
        active = {job.dir for job in self.rows.jobs if job.view.active}
        self._known = True
        self._show_rows(jobs)
        if self._go_to is not None:
            self.rows.go_to(self._go_to)
            if self.job is not None and self.job.dir == self._go_to:
                self._go_to = None
        self._draw()
        return tuple(job for job in jobs if job.dir in active and not job.view.active)

    def show_plan(self, directory: Path, plan: Plan) -> None:
        """Show what a run was planned to take, below its spec."""
        self._plans[directory] = plan
        self._draw()

    def has_plan(self, directory: Path) -> bool:
        """Return whether a run's plan is known."""
        return directory in self._plans

    def show_means(self, datasets: bool, device: str) -> None:
        """Show a newcomer what there is to train on, where there is no run."""
        self._means = (datasets, device)
        self._draw()

    def tick(self) -> None:
        """Bring the ages up to date."""
        self._show_rows(self.rows.jobs)

    def _show_rows(self, jobs: Sequence[JobState]) -> None:
        signs = self._comparing.signs.items()
        marks = {directory: (sign.mark, sign.style) for directory, sign in signs}
        self.rows.show(jobs, words.now(), marks=marks)

    def _draw(self) -> None:
        job = self.job
        if job is None:
            if self._known:
                set_border(self.spec, "Train")
                self.spec.show(words.teaching(*self._means))
            return
        other = None if job.quant else reference(self.compared, job)
        blocks = words.spec_blocks(job, self._plans.get(job.dir), other, words.now())
        set_border(self.spec, job.name.capitalize())
        self.spec.show(blocks, top=False)
        if job.dir != self._selected:
            self._selected = job.dir
            self.post_message(self.Selected(job))

    # -- moving -------------------------------------------------------------------------

    def go_to(self, directory: Path) -> None:
        """Put the cursor on a job, now or as soon as it is listed."""
        self._go_to = directory
        self.rows.go_to(directory)
        if self.job is not None and self.job.dir == directory:
            self._go_to = None

    def move(self, rows: int) -> None:
        """Move the cursor."""
        self.rows.move(rows)

    def move_to_first(self) -> None:
        """Go to the newest run."""
        self.rows.move_to(0)

    def move_to_last(self) -> None:
        """Go to the oldest run."""
        self.rows.move_to(self.rows.count - 1)

    def overlay(self) -> bool | None:
        """Overlay the run under the cursor on others, or take it off.

        Returns:
            Whether it is overlaid now; None where there are too many, or no run.
        """
        job = self.job
        done = None if job is None else self._comparing.overlay(job.dir)
        self._redraw()
        return done

    def pin(self) -> bool:
        """Pin the run under the cursor, or let go of it; return whether it is pinned now."""
        job = self.job
        done = job is not None and self._comparing.pin(job.dir)
        self._redraw()
        return done

    def _redraw(self) -> None:
        self.tick()
        self._draw()

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self._draw()

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self.post_message(self.Opened())
