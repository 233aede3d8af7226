"""Sources: what the examples are read from."""

from __future__ import annotations

import time
from collections.abc import Sequence

from textual import getters, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content

from engine.errors import SourceMissing, TokenMissing, TokenRefused
from engine.models import Source
from engine.paths import shorten
from engine.store import Store
from tui.actions import bindings
from tui.bridge.reading import Stopped, add_demo, located, look_for
from tui.bridge.scans import short_name
from tui.bridge.sources import details
from tui.bridge.threads import Cancel, off_loop
from tui.host import explain
from tui.messages import ScanEnded
from tui.screens.modals.add import AddDialog
from tui.screens.modals.confirm import ConfirmDialog
from tui.screens.modals.setup import SetupDialog
from tui.screens.modals.skips import SkipsDialog
from tui.screens.modals.token import TokenDialog
from tui.screens.source_form import Added
from tui.screens.stage import StageScreen
from tui.stylesheets import stylesheet
from tui.widgets.borders import set_border
from tui.widgets.preview import report_words, round_words
from tui.widgets.rows import RowList
from tui.widgets.sources import SourceRows, source_blocks
from tui.widgets.textpane import BLANK, Block, TextPane, text
from tui.widgets.words import counted, one_line


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
        self._looking = Cancel()

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
        self.rows.show_scan(self.app.scan)

    # -- showing --------------------------------------------------------------------

    def _load(self, cursor_on: str = "") -> None:
        self._sources = self._store.sources()
        set_border(self.rows, f"Sources · {len(self._sources)}")
        self.rows.show(self._sources)
        for index, source in enumerate(self._sources):
            if source.id == cursor_on:
                self.rows.move_to(index)
        # Where there is nothing to list, what to do first takes the list's place.
        self.set_class(not self._sources, "-empty")
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
        report = self.app.scans.reports.get(source.id)
        self.pane.show(source_blocks(source, found, report, time.time()))

    @on(RowList.Moved, "#sources")
    def _moved(self) -> None:
        self._show_source()

    @on(RowList.Chosen, "#sources")
    def _chosen(self) -> None:
        self.action_skips()

    # -- adding -----------------------------------------------------------------------

    def action_add(self) -> None:
        """Add a folder, a file or an address."""
        self._add()

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def _add(self) -> None:
        added = await self.app.push_screen_wait(AddDialog())
        if added is not None:
            await self._take(added)

    async def _take(self, added: Added) -> None:
        root = await off_loop(located, self.app.workspace, added.place)
        source = self._store.add_source(added.kind, root, added.options)
        self._load(cursor_on=source.id)
        self._scan([source])

    def action_options(self) -> None:
        """Set how the source is read, and read it again."""
        if (source := self._source) is not None:
            self._set_options(source)

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def _set_options(self, source: Source) -> None:
        self.say(f"looking at {short_name(source.root)} …", kind="busy")
        self._looking.set()
        self._looking = Cancel()
        try:
            found = await off_loop(
                look_for,
                source.root,
                kind=source.kind,
                options=source.options,
                cancelled=self._looking,
            )
        except Stopped:
            self.say("")
            return
        self.say("")
        setup = SetupDialog(
            source.root,
            found,
            kind=source.kind,
            chosen=source.options,
            fixed=True,
            ok="set and scan",
        )
        added = await self.app.push_screen_wait(setup)
        if added is not None:
            await self._take(added)

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def _ask_token(self, source: Source, why: str) -> None:
        token = await self.app.push_screen_wait(TokenDialog(source.root, why))
        if token:
            self.app.tokens.hold(source.root, token)
            self._scan([source])

    def action_demo(self) -> None:
        """Start with the bundled demo sources."""
        self._demo()

    @work(group="demo", exclusive=True, exit_on_error=False)
    async def _demo(self) -> None:
        sources = await off_loop(add_demo, self.app.workspace)
        self._load()
        self._scan(sources)

    # -- scanning ---------------------------------------------------------------------

    def action_scan(self) -> None:
        """Read the source under the cursor again."""
        if (source := self._source) is not None:
            self._scan([source])

    def action_scan_all(self) -> None:
        """Read every source again."""
        self._scan(self._sources)

    def action_stop(self) -> None:
        """Stop the scan that runs."""
        if self.app.scans.active:
            self.app.scans.stop()
            self.say("stopping …", kind="busy")

    def _scan(self, sources: Sequence[Source]) -> None:
        busy = self.app.scans.active
        fresh = self.app.scans.start(sources)
        if not fresh:
            self.say("it is being read already", hint="escape stops it")
        elif busy:
            self.say(f"{counted(fresh, 'source')} will be read next", hint="escape stops all")
        else:
            name = short_name(sources[0].root) if fresh == 1 else counted(fresh, "source")
            self.say(f"scanning {name}", hint="escape stops it; go on meanwhile", kind="busy")
        self.refresh_bindings()

    def scan_moved(self) -> None:
        """Show how far a scan is in its source's row."""
        self.rows.show_scan(self.app.scan)
        if self.app.scan is None:
            if len(self.app.scans.ended) > 1:
                self._say_all(self.app.scans.ended)
            self.refresh_bindings()

    def scan_ended(self, event: ScanEnded) -> None:
        """Show what a scan found, or ask for the token that it lacks."""
        self._load()
        if isinstance(event.error, TokenMissing | TokenRefused):
            self.app.tokens.hold(event.source.root, "")
            self._ask_token(event.source, event.error.message)
        if event.report is None or event.report.cancelled:
            super().scan_ended(event)
            return
        report = event.report
        hint = "d lists what was skipped" if report.skipped_count else "2 curates them"
        self.say(report_words(report, event.source.kind), hint=hint, kind="done")

    def _say_all(self, ended: Sequence[ScanEnded]) -> None:
        """Say what several sources gave together, once the last of them is read."""
        errors = [event.error for event in ended if event.error is not None]
        if errors:
            message, hint = explain(errors[0])
            count = f"{len(errors)} of {counted(len(ended), 'source')} not read"
            self.say(f"{count}: {message}", hint=hint, kind="error")
        else:
            reports = [event.report for event in ended if event.report is not None]
            self.say(round_words(reports), hint="2 curates them", kind="done")

    # -- what is skipped, and removing ----------------------------------------------------

    def action_skips(self) -> None:
        """List what was not read."""
        if (source := self._source) is not None:
            self._list_skips(source)

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def _list_skips(self, source: Source) -> None:
        codes = await off_loop(self._store.skip_codes, source.id)
        await self.app.push_screen_wait(SkipsDialog(source, codes))

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
        if action in {"scan", "scan_all", "skips", "remove", "options", "swap_panes"}:
            return bool(self._sources) and super().check_action(action, parameters)
        if action == "demo":
            return not self._sources and super().check_action(action, parameters)
        if action == "stop":
            return self.app.scans.active and super().check_action(action, parameters)
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


def _step(key: str, words: str) -> Block:
    return Block(Content.assemble((key, "bold $text-accent"), (f"  {words}", "")))


_FIRST_STEPS = [
    Block(text("Nothing is read yet.", "bold")),
    BLANK,
    _step(
        "a",
        "add your own: a folder of notes, saved chats, a semantic cache, an instruction set, "
        "an app's memory, or templates for synthetic data. Files are read, never written.",
    ),
    BLANK,
    _step("g", "start with the bundled demo: a year of notes by a person who doesn't exist."),
    BLANK,
    Block(
        text("Then 2 curates, 3 freezes a dataset, 4 trains, 5 asks both models.", "$text-muted")
    ),
]
