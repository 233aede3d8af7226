"""The live view of a run or export: headline, curves, samples or result, machine, and log."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from textual import getters
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content

from tui.bridge.run_tail import JobState, LogPart
from tui.parts import train_view as view
from tui.parts import train_words as words
from tui.parts.train_charts import Compared, Look, charts_of
from tui.parts.train_exports import export_blocks
from tui.parts.train_samples import SamplesPart
from tui.widgets.borders import set_border
from tui.widgets.canvas import ASCII, BRAILLE
from tui.widgets.gauge import MachinePanel
from tui.widgets.lines import Lines
from tui.widgets.logview import LogView
from tui.widgets.machine import machine_of
from tui.widgets.plot import Plot
from tui.widgets.textpane import TextPane

PACE_SECONDS = 2.0
"""How long new figures and lines of the log wait for others to be drawn with them."""

_SSH_SECONDS, _SSH_CELLS = 4.0, 750
"""The same over SSH, at least, and how many cells of the screen make it a second longer."""


def _course(job: JobState, compared: Sequence[Compared]) -> tuple[object, ...]:
    """Return what of a job is shown as soon as it is another."""
    view = job.view
    known = view.evals, len(view.samples), len(view.warnings), bool(view.losses)
    others = tuple((one.job.dir, one.sign.mark) for one in compared)
    return job.dir, view.status, view.phase, *known, view.process_started, others


class LiveView(Vertical):
    """Shows one job. Each part compares before it paints, so the same again costs nothing.

    Classes for the stylesheet: ``-export`` shows a result instead of curves, ``-samples`` what
    the model answers, ``-log`` the log alone.
    """

    headline = getters.query_one("#headline", Lines)
    plot = getters.query_one("#plot", Plot)
    samples = getters.query_one("#samples", SamplesPart)
    result = getters.query_one("#result", TextPane)
    machine = getters.query_one("#machine", MachinePanel)
    log_view = getters.query_one("#log", LogView)

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._job: JobState | None = None
        self._compared: tuple[Compared, ...] = ()
        self._look = Look()
        self._phases: tuple[tuple[str, float], ...] = ()
        self._drawn = 0.0
        self._match = (0, 0)
        self._shown = self._logged = 0.0
        self._thin = False
        self._waiting: tuple[JobState, tuple[Compared, ...]] | None = None
        self._lines: list[str] = []

    def compose(self) -> ComposeResult:
        """The headline over curves and machine, the log below."""
        yield Lines(id="headline")
        with Horizontal(id="middle"):
            yield Plot(id="plot")
            yield SamplesPart(id="samples")
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

    # -- the job ------------------------------------------------------------------------

    def show(self, job: JobState | None, compared: Sequence[Compared] = ()) -> None:
        """Show a job as it is now.

        Args:
            job: The job; None for an empty view.
            compared: Runs whose curves are drawn behind its own.
        """
        # New figures alone come at a pace that a thin line bears; all else at once.
        if job is not None and not self._is_news(job, compared):
            self._waiting = job, tuple(compared)
            return
        self._waiting, self._shown = None, time.monotonic()
        fresh = self._job is None or job is None or self._job.dir != job.dir
        if fresh:
            self._phases = ()
            self._lines.clear()
        self._job, self._compared = job, tuple(compared)
        self.set_class(job is not None and bool(job.quant), "-export")
        if job is None:
            self.headline.show([Content("")])
            self.plot.plot([])
            self.machine.show_machine(machine_of({}))
            return
        self._draw_headline(job)
        self._draw_charts()
        self.samples.show(job.view.samples, view.no_samples(job), fresh=fresh)
        machine = machine_of(job.view.last_gpu, job.view.fit)
        set_border(self.machine, "Machine" if job.view.active else "Machine, as it ended")
        self.machine.show_machine(machine)
        self._draw_result(job)

    def _is_news(self, job: JobState, compared: Sequence[Compared]) -> bool:
        """Return whether a job is to be shown at once."""
        if self._job is None or time.monotonic() - self._shown >= self.pace:
            return True
        return _course(self._job, self._compared) != _course(job, compared)

    def _draw_result(self, job: JobState) -> None:
        if job.quant:
            self.result.show(export_blocks(job, self._phases), top=False)

    def _draw_headline(self, job: JobState) -> None:
        self._drawn = time.monotonic()
        width = max(20, self.headline.size.width)
        self.headline.show(view.headline(job, width, words.now()))

    def tick(self, seconds: float) -> None:
        """Bring elapsed times up to date, unless that was done within ``seconds``."""
        if self._waiting is not None and time.monotonic() - self._shown >= self.pace:
            self.show(*self._waiting)
        self._write_log()
        due = self.pace / 2 if self._thin else seconds
        if self._job is not None and time.monotonic() - self._drawn >= due:
            self._draw_headline(self._job)
        self._name_log()  # someone may have scrolled it

    # -- the charts ---------------------------------------------------------------------

    def _draw_charts(self) -> None:
        if self._job is not None and not self._job.quant:
            self.plot.plot(charts_of(self._job, self._compared, self._look))
        set_border(self.plot, self._look.title)

    def _look_at(self, look: Look) -> str:
        """Show the charts in another way; return what is drawn."""
        self.remove_class("-samples", "-log")
        self._look = look
        self._draw_charts()
        return look.title

    def turn_chart(self, by: int) -> str:
        """Show the next chart, or one before; return what it is of."""
        return self._look_at(self._look.turned(by))

    def toggle_grid(self) -> str:
        """Show all charts side by side, or one again; return what is drawn."""
        return self._look_at(replace(self._look, grid=not self._look.grid))

    def toggle_scale(self) -> str:
        """Draw y on a logarithmic scale, or a linear one again; return what is drawn."""
        return self._look_at(replace(self._look, log=not self._look.log))

    def toggle_share(self) -> bool:
        """Draw x as the share of the run, or as steps again; return whether it is the share."""
        self._look_at(replace(self._look, share=not self._look.share))
        return self._look.share

    @property
    def pace(self) -> float:
        """The seconds between two drawings of figures that move on by themselves."""
        cells = self.app.size.width * self.app.size.height
        return max(_SSH_SECONDS, cells / _SSH_CELLS) if self._thin else PACE_SECONDS

    def draw_thinly(self, thin: bool) -> None:
        """Draw less often what moves on by itself, for a thin line."""
        self._thin = thin

    def draw_plainly(self, plain: bool) -> None:
        """Draw charts in ASCII, or in braille."""
        self.plot.use(ASCII if plain else BRAILLE)

    # -- the samples --------------------------------------------------------------------

    def toggle_samples(self) -> None:
        """Show what the model answers instead of the charts, or the charts again."""
        self.remove_class("-log")
        self.toggle_class("-samples")

    def turn_samples(self, by: int) -> bool:
        """Show the answers after, or before; return whether there are any."""
        if not self.has_class("-samples"):
            self.toggle_samples()
            return True
        return self.samples.earlier() if by < 0 else self.samples.later()

    # -- the log ------------------------------------------------------------------------

    def show_log(self, part: LogPart) -> None:
        """Show new lines of the job's log; those of another job are not for here."""
        if self._job is None or part.dir != self._job.dir:
            return
        self._phases = part.phases
        self._draw_result(self._job)
        if part.fresh:
            self._lines.clear()
            self.log_view.replace(part.lines)
        else:
            self._lines += part.lines
            self._write_log(at_once=not self._job.view.active)
        self._name_log()

    def _write_log(self, *, at_once: bool = False) -> None:
        """Add the lines that wait to the log, where it is time for it."""
        if self._lines and (at_once or time.monotonic() - self._logged >= self.pace):
            self._logged = time.monotonic()
            self.log_view.add(self._lines)
            self._lines.clear()

    def _name_log(self) -> None:
        log = self.log_view
        said = ["Log"]
        if log.wraps:
            said.append("long lines wrapped")
        if log.size.height and not log.is_following:
            said.append("‖ not at the end: f follows")
        set_border(log, " · ".join(said), view.match_words(log.words, *self._match))

    def make_compact(self, compact: bool) -> None:
        """Give the machine a line a GPU, or a panel of its own."""
        self.machine.compact = compact

    def toggle_log(self) -> None:
        """Show the log alone, or beside the rest again."""
        self.toggle_class("-log")

    def toggle_wrap(self) -> bool:
        """Wrap long lines of the log, or cut them; return whether they are wrapped now."""
        self.log_view.wraps = not self.log_view.wraps
        self._name_log()
        return self.log_view.wraps

    def toggle_follow(self) -> bool:
        """Let the log follow its end, or stay where it is; return whether it follows."""
        if self.log_view.is_following:
            self.log_view.hold()
        else:
            self.log_view.follow()
        self._name_log()
        return self.log_view.is_following

    def search_log(self, words: str) -> int:
        """Search the log for words, from its end; return how many lines hold them."""
        self._match = self.log_view.search(words)
        if not words:
            self.log_view.follow()
        self._name_log()
        return self._match[1]

    def turn_match(self, by: int) -> int:
        """Show the next match, or the one before; return how many there are."""
        self._match = self.log_view.go_to_match(by)
        self._name_log()
        return self._match[1]

    def scroll_pages(self, pages: int) -> None:
        """Scroll the log, or what is shown instead of the charts."""
        alone = self.has_class("-log")
        if self.has_class("-export") and not alone:
            self.result.pages_down(pages)
        elif self.has_class("-samples") and not alone:
            self.samples.scroll_pages(pages)
        elif pages > 0:
            self.log_view.scroll_page_down(animate=False)
        else:
            self.log_view.scroll_page_up(animate=False)
