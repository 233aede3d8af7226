"""The live view of a run or export: headline, curves or result, machine, and log."""

from __future__ import annotations

import time

from textual import getters
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content

from tui.bridge.run_tail import JobState, LogPart
from tui.parts import train_view as view
from tui.parts import train_words as words
from tui.parts.train_exports import export_blocks
from tui.widgets.borders import set_border
from tui.widgets.gauge import MachinePanel, machine_of
from tui.widgets.lines import Lines
from tui.widgets.logview import LogView
from tui.widgets.plot import Plot
from tui.widgets.textpane import TextPane


class LiveView(Vertical):
    """Shows one job. Each part compares before it paints, so the same again costs nothing.

    Classes for the stylesheet: ``-export`` shows a result instead of curves, ``-log`` the log
    alone.
    """

    headline = getters.query_one("#headline", Lines)
    plot = getters.query_one("#plot", Plot)
    result = getters.query_one("#result", TextPane)
    machine = getters.query_one("#machine", MachinePanel)
    log_view = getters.query_one("#log", LogView)

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._job: JobState | None = None
        self._phases: tuple[tuple[str, float], ...] = ()
        self._drawn = 0.0

    def compose(self) -> ComposeResult:
        """The headline over curves and machine, the log below."""
        yield Lines(id="headline")
        with Horizontal(id="middle"):
            yield Plot(id="plot")
            yield TextPane(id="result", classes="pane")
            yield MachinePanel(id="machine", classes="pane")
        yield LogView(id="log", classes="pane")

    def on_mount(self) -> None:
        """Name the panes."""
        set_border(self.plot, "Loss")
        set_border(self.result, "Export")
        set_border(self.machine, "Machine")
        set_border(self.log_view, "Log")

    def on_resize(self) -> None:
        """Write the headline for another width, as when the view was hidden before."""
        if self._job is not None:
            self._draw_headline(self._job)

    def show(self, job: JobState | None, held: JobState | None = None) -> None:
        """Show a job as it is now.

        Args:
            job: The job; None for an empty view.
            held: The run whose curves are drawn behind its own.
        """
        if self._job is None or job is None or self._job.dir != job.dir:
            self._phases = ()
        self._job = job
        self.set_class(job is not None and bool(job.quant), "-export")
        if job is None:
            self.headline.show([Content("")])
            self.plot.plot([])
            self.machine.show_machine(machine_of({}))
            return
        self._draw_headline(job)
        self.plot.plot(
            view.curves_of(job, held),
            x_end=max(job.view.total_steps, held.view.total_steps if held else 0),
            empty=view.no_curve(job),
        )
        set_border(self.machine, "Machine" if job.view.active else "Machine, as it ended")
        self.machine.show_machine(machine_of(job.view.last_gpu))
        self._draw_result(job)

    def _draw_result(self, job: JobState) -> None:
        if job.quant:
            self.result.show(export_blocks(job, self._phases), top=False)

    def _draw_headline(self, job: JobState) -> None:
        self._drawn = time.monotonic()
        width = max(20, self.headline.size.width)
        self.headline.show(view.headline(job, width, words.now()))

    def tick(self, seconds: float) -> None:
        """Bring elapsed times up to date, unless that was done within ``seconds``."""
        if self._job is not None and time.monotonic() - self._drawn >= seconds:
            self._draw_headline(self._job)

    def show_log(self, part: LogPart) -> None:
        """Show new lines of the job's log; those of another job are not for here."""
        if self._job is None or part.dir != self._job.dir:
            return
        self._phases = part.phases
        self._draw_result(self._job)
        if part.fresh:
            self.log_view.replace(part.lines)
        else:
            self.log_view.add(part.lines)

    def make_compact(self, compact: bool) -> None:
        """Give the machine a line a card, or a panel of its own."""
        self.machine.compact = compact

    def toggle_log(self) -> None:
        """Show the log alone, or beside the rest again."""
        self.toggle_class("-log")

    def toggle_wrap(self) -> bool:
        """Wrap long lines of the log, or cut them; return whether they are wrapped now."""
        self.log_view.wraps = not self.log_view.wraps
        set_border(self.log_view, "Log, long lines wrapped" if self.log_view.wraps else "Log")
        return self.log_view.wraps

    def scroll_pages(self, pages: int) -> None:
        """Scroll the log, or an export's result where that is shown."""
        if self.has_class("-export") and not self.has_class("-log"):
            self.result.pages_down(pages)
        elif pages > 0:
            self.log_view.scroll_page_down(animate=False)
        else:
            self.log_view.scroll_page_up(animate=False)
