"""What Dataset shows: a list on the left, the numbers of the line under the cursor on the right."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import getters, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal

from engine.models import Filter, short_id
from engine.paths import shorten
from tui.bridge.datasets import Overview, frozen_datasets, frozen_stats, overview
from tui.bridge.threads import off_loop, only_long, progress_to
from tui.messages import Progressed
from tui.screens.stage import StageScreen
from tui.widgets.borders import set_border
from tui.widgets.datasets import now_blocks, stats_blocks
from tui.widgets.flags import SEVERITY, SEVERITY_SIGNS, Severity
from tui.widgets.rows import FixedRows, Part, RowList, Style
from tui.widgets.textpane import TextPane
from tui.widgets.words import ago, fit, one_line

if TYPE_CHECKING:
    from engine.dataset import Draft, FrozenInfo, LeakSummary, Refusal

MOST_LINES = 500
"""Lines of one sort that are listed; with more, the first are what matters."""

_BY_ITSELF = ("checking", "counting")
"""What is measured without having been asked for, whenever the stage is entered."""

_FLAG_STYLE: dict[Severity, Style] = {"severe": "error", "warning": "warning", "note": "muted"}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the list.

    Attributes:
        parts: What is drawn.
        holds: What it is about: what would be frozen now, or a frozen dataset.
        opens: The id of the example that enter goes to.
        filter: The part of the queue that enter goes to.
    """

    parts: tuple[Part, ...]
    holds: Overview | FrozenInfo | None = None
    opens: str = ""
    filter: Filter | None = None

    @property
    def heading(self) -> bool:
        """Whether it only names what stands below it."""
        return self.holds is None and not self.opens and self.filter is None


class DatasetList(StageScreen):
    """A list on the left: now, the frozen ones, what is flagged, refused, cut off or too near."""

    rows = getters.query_one("#datasets", FixedRows)
    numbers = getters.query_one("#numbers", TextPane)

    def __init__(self) -> None:
        super().__init__()
        self._overview: Overview | None = None
        self._frozen: list[FrozenInfo] = []
        self._lines: list[Line] = []
        self._leaks: tuple[LeakSummary, ...] = ()
        self._leaks_of: object = None

    def compose_body(self) -> ComposeResult:
        """The list and the numbers."""
        with Horizontal(id="panes"):
            yield FixedRows(id="datasets", classes="pane pane-second")
            yield TextPane(id="numbers", classes="pane pane-first")

    def on_mount(self) -> None:
        """Title the panes."""
        set_border(self.rows, "Datasets")

    def entered(self) -> None:
        """Measure again: decisions may have been made meanwhile."""
        self._load()

    def examples_changed(self) -> None:
        """Measure again after a scan or checks."""
        self._load()

    def on_progressed(self, event: Progressed) -> None:
        """Show how far a call has got; measuring by itself takes the place of no message."""
        said = self.status_line.text
        if event.what in _BY_ITSELF and said and not said.startswith(_BY_ITSELF):
            event.stop()
            return
        super().on_progressed(event)

    # -- showing --------------------------------------------------------------------

    @work(group="load", exclusive=True, exit_on_error=False)
    async def _load(self, show: str = "") -> None:
        workspace = self.app.workspace
        watch = progress_to(self, lambda done, total: Progressed("checking", done, total))
        self._frozen = await off_loop(frozen_datasets, workspace)
        self._overview = await off_loop(overview, workspace, progress=only_long(watch))
        if self.status_line.text.startswith(_BY_ITSELF):
            self.say("")
        self._list(show)
        self._show_numbers()

    def _list(self, show: str = "") -> None:
        now = self._overview
        assert now is not None
        before = self._line
        here = before.opens if before is not None and not show else ""
        self._lines = list(self._all_lines(now))
        self.rows.show([line.parts for line in self._lines])
        for index, line in enumerate(self._lines):
            named = show and getattr(line.holds, "name", "") == show
            if named or (here and line.opens == here):
                self.rows.move_to(index)

    def _all_lines(self, now: Overview) -> Iterator[Line]:
        approved = f"{now.counts.approved:,} approved"
        yield Line(((fit("now", 12), "accent"), (approved, "row")), holds=now)
        if self._frozen:
            yield _heading("frozen")
            yield from map(_frozen_line, self._frozen)
        if now.flags:
            yield _heading("flagged · enter shows them in Curate")
        for kind, some, total in now.flags:
            severity = SEVERITY[kind]
            sign: Part = (fit(SEVERITY_SIGNS[severity], 3), _FLAG_STYLE[severity])
            counts = f"{some:,} approved of {total:,}"
            drawn: tuple[Part, ...] = (sign, (fit(kind, 11), "row"), (counts, "muted"))
            yield Line(drawn, filter=Filter(flags=(kind,)))
        if now.refusals:
            yield _heading(f"refused by the gate · {len(now.refusals):,}")
            yield from map(_refusal_line, now.refusals[:MOST_LINES])
        if now.truncation is not None and now.truncation.cuts:
            cuts = now.truncation.cuts
            yield _heading(f"cut off at {now.truncation.limit:,} tokens · {len(cuts):,}")
            for cut in cuts[:MOST_LINES]:
                words = f"loses {cut.tokens:,} tokens, {cut.trained:,} of them trained"
                yield _example_line("·", "muted", cut.example_id, words)
        for leak in self._leaks_now():
            yield _heading(f"{leak.side}: nearest to what is trained on")
            for pair in leak.worst:
                near = pair.similarity >= leak.threshold
                words = f"{pair.similarity:.2f} to {short_id(pair.train)}"
                if near:
                    yield _example_line("!!", "error", pair.held_out, words)
                else:
                    yield _example_line("·", "muted", pair.held_out, words)

    def _leaks_now(self) -> tuple[LeakSummary, ...]:
        """The leak meter of what would be frozen now, as long as that is what was measured."""
        made = self._overview.draft if self._overview is not None else None
        return self._leaks if made is not None and sides_of(made) == self._leaks_of else ()

    @property
    def _line(self) -> Line | None:
        return self._lines[self.rows.cursor] if self.rows.cursor < len(self._lines) else None

    @property
    def _selected(self) -> FrozenInfo | None:
        """The frozen dataset under the cursor."""
        line = self._line
        if line is None or line.holds is None or isinstance(line.holds, Overview):
            return None
        return line.holds

    @on(RowList.Moved, "#datasets")
    def _show_numbers(self) -> None:
        info = self._selected
        if info is not None:
            self._show_frozen(info)
        elif self._overview is not None:
            set_border(self.numbers, "What a freeze would take now")
            self.numbers.show(now_blocks(self._overview, self._leaks_now()))

    @work(group="numbers", exclusive=True, exit_on_error=False)
    async def _show_frozen(self, info: FrozenInfo) -> None:
        watch = progress_to(self, lambda done, total: Progressed("counting", done, total))
        found = await off_loop(
            frozen_stats, self.app.workspace, info.name, progress=only_long(watch)
        )
        if info is self._selected:
            set_border(self.numbers, one_line(f"{info.name} · {shorten(info.directory, 44)}"))
            leaks = self._leaks if self._leaks_of == info.content_hash else ()
            self.numbers.show(stats_blocks(found, base=info.base, leaks=leaks))

    # -- moving ---------------------------------------------------------------------

    def _step(self, rows: int) -> None:
        self.rows.move(rows)
        # A heading holds nothing: the cursor steps over it.
        if self._line is not None and self._line.heading:
            self.rows.move(rows)

    def action_down(self) -> None:
        """Next line."""
        self._step(1)

    def action_up(self) -> None:
        """Line before."""
        self._step(-1)

    def action_scroll_down(self) -> None:
        """Scroll the numbers down."""
        self.numbers.pages_down(1)

    def action_scroll_up(self) -> None:
        """Scroll the numbers up."""
        self.numbers.pages_down(-1)


def sides_of(made: Draft) -> object:
    """Return what tells one division of rows from another."""
    return tuple((side, tuple(one.row.id for one in rows)) for side, rows in made.sides.items())


def _heading(words: str) -> Line:
    return Line(((words, "muted"),))


def _frozen_line(info: FrozenInfo) -> Line:
    size = f"{info.train:,} + {info.validation:,}" + (f" + {info.test:,}" if info.test else "")
    when = ago(info.frozen_at, time.time())
    return Line(((fit(info.name, 12), "strong"), (fit(size, 14), "row"), (when, "muted")), info)


def _refusal_line(refusal: Refusal) -> Line:
    parts: tuple[Part, ...] = (
        (f"! {short_id(refusal.example_id)} ", "warning"),
        (fit(refusal.code, 16) + " ", "row"),
        (one_line(refusal.reason), "muted"),
    )
    return Line(parts, opens=refusal.example_id)


def _example_line(sign: str, style: Style, example_id: str, words: str) -> Line:
    name = f"{fit(sign, 2)} {short_id(example_id)} "
    return Line(((name, style), (words, "row")), opens=example_id)
