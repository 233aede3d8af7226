"""Sources: what the examples are read from."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textual import getters, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content

from engine.errors import SourceMissing
from engine.models import Filter, Source, Turn
from engine.paths import shorten
from engine.store import Store
from tui.actions import bindings
from tui.bridge.reading import prepare_demo, scan_source
from tui.bridge.threads import Cancel, off_loop, progress_to
from tui.messages import Progressed
from tui.screens.modals.add import AddDialog
from tui.screens.modals.confirm import ConfirmDialog
from tui.screens.modals.skips import SkipsDialog
from tui.screens.stage import StageScreen
from tui.stylesheets import stylesheet
from tui.widgets.borders import set_border
from tui.widgets.preview import documents_word, example_blocks, summary_blocks
from tui.widgets.rows import RowList
from tui.widgets.sources import SourceRows
from tui.widgets.textpane import BLANK, Block, TextPane, text
from tui.widgets.words import ago, counted, one_line

if TYPE_CHECKING:
    from engine.extract.scan import ScanReport
    from engine.sources import Detection

FIRST_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Details:
    """What the right pane shows of a source."""

    kinds: dict[str, int]
    skipped: dict[str, int]
    first: tuple[tuple[Turn, ...], ...]


def details(store: Store, source: Source) -> Details:
    """Read what the right pane shows. Runs in a thread."""
    mine = Filter(source_id=source.id)
    kinds = {
        kind: size
        for kind, _ in store.kinds()
        if (size := store.queue_size(Filter(source_id=source.id, kinds=(kind,))))
    }
    skipped = Counter(skip.code for skip in store.skips(source.id))
    first = tuple(card.turns for card in store.cards(mine, limit=FIRST_EXAMPLES))
    return Details(kinds, dict(skipped.most_common()), first)


def report_words(report: ScanReport, kind: str) -> str:
    """Return what a scan found, for the status line."""
    if report.cancelled:
        return "scan stopped: nothing was changed"
    words = [
        f"{counted(report.examples, 'example')} from {documents_word(kind, report.documents)}",
        f"{report.new:,} new",
    ]
    if report.vanished:
        words.append(f"{report.vanished:,} gone")
    if report.skipped:
        words.append(f"{len(report.skipped):,} skipped")
    return " · ".join(words)


class SourcesScreen(StageScreen):
    """The sources on the left, what the one under the cursor holds on the right."""

    STAGE = "sources"
    BINDINGS = bindings("sources")
    CSS_PATH = stylesheet("sources")

    rows = getters.query_one("#sources", SourceRows)
    pane = getters.query_one("#source", TextPane)

    def __init__(self) -> None:
        super().__init__()
        self._sources: list[Source] = []
        self._cancel: Cancel | None = None

    @property
    def _store(self) -> Store:
        return self.app.workspace.store

    def compose_body(self) -> ComposeResult:
        """The list and the details."""
        with Horizontal(id="panes"):
            yield SourceRows(id="sources", classes="pane pane-first")
            yield TextPane(id="source", classes="pane pane-second")

    def entered(self) -> None:
        """Show the sources as they are now."""
        self._load()

    # -- showing --------------------------------------------------------------------

    def _load(self, cursor_on: str = "") -> None:
        self._sources = self._store.sources()
        set_border(self.rows, f"Sources · {len(self._sources)}")
        self.rows.show(self._sources)
        for index, source in enumerate(self._sources):
            if source.id == cursor_on:
                self.rows.move_to(index)
        self._show_source()
        self.refresh_bindings()

    @property
    def _source(self) -> Source | None:
        return self._sources[self.rows.cursor] if self._sources else None

    def _show_source(self) -> None:
        source = self._source
        if source is None:
            set_border(self.pane, "Start here")
            self.pane.show(_FIRST_STEPS)
            return
        set_border(self.pane, one_line(shorten(source.root, 48)))
        self._show_details(source)

    @work(group="details", exclusive=True, exit_on_error=False)
    async def _show_details(self, source: Source) -> None:
        try:
            found = await off_loop(details, self._store, source)
        except SourceMissing:
            return  # removed meanwhile: the list is about to say so
        scanned = f"scanned {ago(source.scanned_at, time.time())}"
        if not source.scanned_at:
            scanned = "not scanned yet: s reads it"
        self.pane.show(
            [
                Block(
                    Content.assemble((source.kind, "bold $text-accent")),
                    right=text(scanned, "$text-muted"),
                ),
                Block(text(one_line(shorten(source.root, 200)), "$text-muted")),
                BLANK,
                *summary_blocks(
                    kind=source.kind,
                    documents=source.documents,
                    examples=source.examples,
                    kinds=found.kinds,
                    skipped=found.skipped,
                ),
                BLANK,
                *example_blocks(found.first),
            ]
        )

    @on(RowList.Moved, "#sources")
    def _moved(self) -> None:
        self._show_source()

    @on(RowList.Chosen, "#sources")
    def _chosen(self) -> None:
        self.action_skips()

    # -- adding and scanning ----------------------------------------------------------

    def action_add(self) -> None:
        """Add a folder or file."""
        self._add()

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def _add(self) -> None:
        chosen = await self.app.push_screen_wait(AddDialog())
        if chosen is not None:
            self._added(*chosen)

    def _added(self, path: Path, found: Detection) -> None:
        source = self._store.add_source(found.kind, str(path))
        self._load(cursor_on=source.id)
        self._scan([source])

    def action_scan(self) -> None:
        """Read the source under the cursor again."""
        if (source := self._source) is not None:
            self._scan([source])

    def action_scan_all(self) -> None:
        """Read every source again."""
        self._scan(self._sources)

    def action_stop(self) -> None:
        """Stop the scan that runs."""
        if self._cancel is not None:
            self._cancel.set()
            self.say("stopping …", kind="busy")

    def _scan(self, sources: list[Source]) -> None:
        if self._cancel is not None:
            self.say("a scan is running", hint="escape stops it")
            return
        self._cancel = Cancel()
        self._scan_all(list(sources), self._cancel)

    @work(group="scan", exclusive=False, exit_on_error=False)
    async def _scan_all(self, sources: list[Source], cancel: Cancel) -> None:
        try:
            for source in sources:
                await self._scan_one(source, cancel)
                if cancel():
                    break
        finally:
            self._cancel = None

    async def _scan_one(self, source: Source, cancel: Cancel) -> None:
        name = shorten(source.root, 32)
        self.say(f"scanning {name}", kind="busy")
        watch = progress_to(self, lambda done, total: Progressed(f"scanning {name}", done, total))
        report = await off_loop(scan_source, self._store, source, progress=watch, cancelled=cancel)
        self._load(cursor_on=source.id)
        hint = "d lists what was skipped" if report.skipped else "2 curates them"
        self.say(report_words(report, source.kind), hint=hint, kind="done")

    def action_demo(self) -> None:
        """Start with the bundled demo sources."""
        if self._cancel is not None:
            self.say("a scan is running", hint="escape stops it")
            return
        self._demo()

    @work(group="scan", exclusive=False, exit_on_error=False)
    async def _demo(self) -> None:
        what = "reading the demo sources"
        self.say(what, kind="busy")
        watch = progress_to(self, lambda done, total: Progressed(what, done, total))
        reports = await off_loop(prepare_demo, self.app.workspace, progress=watch)
        self._load()
        total = sum(report.examples for report in reports)
        self.say(f"{counted(total, 'example')} to curate", hint="2 curates them", kind="done")

    def action_skips(self) -> None:
        """List what was not read."""
        if (source := self._source) is not None:
            self._list_skips(source)

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def _list_skips(self, source: Source) -> None:
        skipped = await off_loop(self._store.skips, source.id)
        await self.app.push_screen_wait(SkipsDialog(source, skipped))

    def action_remove(self) -> None:
        """Remove the source."""
        if (source := self._source) is not None:
            self._remove(source)

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def _remove(self, source: Source) -> None:
        sure = await self.app.push_screen_wait(
            ConfirmDialog(
                f"Remove {shorten(source.root, 40)}?",
                "Its undecided examples leave the queue; what you decided or edited stays. "
                "The files themselves are not touched.",
            )
        )
        if sure:
            removed = await off_loop(self._store.remove_source, source.id)
            self._load()
            self.say(
                f"removed {shorten(source.root, 40)} and {counted(removed, 'undecided example')}",
                kind="done",
            )

    # -- moving ---------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what there is something for."""
        if action in {"scan", "scan_all", "skips", "remove"}:
            return bool(self._sources) and super().check_action(action, parameters)
        if action == "demo":
            return not self._sources and super().check_action(action, parameters)
        if action == "stop":
            return self._cancel is not None and super().check_action(action, parameters)
        return super().check_action(action, parameters)

    def action_down(self) -> None:
        """Next source."""
        self.rows.move(1)

    def action_up(self) -> None:
        """Source before."""
        self.rows.move(-1)

    def action_first(self) -> None:
        """First source."""
        self.rows.move_to(0)

    def action_last(self) -> None:
        """Last source."""
        self.rows.move_to(len(self._sources) - 1)

    def action_scroll_down(self) -> None:
        """Scroll the details down."""
        self.pane.pages_down(1)

    def action_scroll_up(self) -> None:
        """Scroll the details up."""
        self.pane.pages_down(-1)


_FIRST_STEPS = [
    Block(text("Nothing is read yet.", "bold")),
    BLANK,
    Block(
        Content.assemble(
            ("a", "bold $text-accent"),
            "  add your own: a folder of notes, a file of saved conversations, or an "
            "instruction set. Files are read, never written.",
        )
    ),
    BLANK,
    Block(
        Content.assemble(
            ("g", "bold $text-accent"),
            "  start with the bundled demo: a year of notes by a person who doesn't exist.",
        )
    ),
    BLANK,
    Block(
        text("Then 2 curates, 3 freezes a dataset, 4 trains, 5 asks both models.", "$text-muted")
    ),
]
