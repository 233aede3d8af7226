"""Sources: what the examples are read from."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual import getters, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal

from engine.models import Source
from tui.actions import bindings
from tui.bridge.reading import add_demo, located
from tui.bridge.scans import Standing
from tui.bridge.threads import off_loop
from tui.messages import ScanEnded
from tui.parts.sources_details import SourceDetails
from tui.parts.sources_list import SourceList
from tui.parts.sources_scans import Said, SourceScans
from tui.screens.stage import StageScreen
from tui.stylesheets import stylesheet
from tui.widgets.rows import RowList
from tui.widgets.words import counted, one_line, short_path

if TYPE_CHECKING:
    from tui.screens.source_form import Added

_OF_A_SOURCE = {"scan", "scan_all", "skips", "remove", "options", "swap_panes"}
"""What can be done only where there is a source."""


# Dialogs are imported by the actions that show them: the first screen opens without them.


class SourcesScreen(StageScreen):
    """The sources on the left, what the one under the cursor holds on the right."""

    STAGE = "sources"
    BINDINGS = bindings("sources")
    CSS_PATH = stylesheet("sources")

    rows = getters.query_one("#sources", SourceList)
    pane = getters.query_one("#source", SourceDetails)

    def __init__(self) -> None:
        super().__init__()
        self._scans = SourceScans(self.app.scans, self.app.tokens)

    def compose_body(self) -> ComposeResult:
        """The list and the details."""
        with Horizontal(id="panes"):
            yield SourceList(id="sources", classes="pane pane-first")
            yield SourceDetails(self.app.workspace.store, id="source", classes="pane pane-second")

    def entered(self) -> None:
        """Show the sources as they are now."""
        self._load()
        self.rows.show_scan(self.app.scan)

    def show_source(self, source_id: str) -> None:
        """Put the cursor on a source, also before the list is there."""
        self.rows.go_to(source_id)

    # -- showing --------------------------------------------------------------------

    @work(group="list", exclusive=True, exit_on_error=False)
    async def _load(self) -> None:
        self.rows.show(await off_loop(self.app.workspace.store.sources))
        # Where there is nothing to list, what to do first takes the list's place.
        self.set_class(not self.rows.count, "-empty")
        self._show_source()
        self.refresh_bindings()

    @on(RowList.Moved, "#sources")
    def _show_source(self) -> None:
        source = self.rows.source
        if source is not None:
            self.pane.show_source(source, self.app.scans.reports.get(source.id))
        elif self.rows.known:
            self.pane.show_first_steps()
        self.refresh_bindings()

    @on(RowList.Chosen, "#sources")
    def _chosen(self) -> None:
        self.action_skips()

    def _tell(self, said: Said | None) -> None:
        if said is not None:
            message, hint, kind = said
            self.say(message, hint=hint, kind=kind)

    # -- adding -----------------------------------------------------------------------

    def action_add(self) -> None:
        """Add a folder, a file or an address."""
        from tui.screens.modals.add import AddDialog

        self.app.ask(AddDialog(), self._take)

    @work(group="take", exclusive=False, exit_on_error=False)
    async def _take(self, added: Added) -> None:
        root = await off_loop(located, self.app.workspace, added.place)
        store = self.app.workspace.store
        source = await off_loop(store.add_source, added.kind, root, added.options)
        self.rows.go_to(source.id)
        self._load()
        self._scan([source])

    def action_options(self) -> None:
        """Set how the source is read, and read it again."""
        from tui.screens.modals.setup import SetupDialog

        if (source := self.rows.source) is not None:
            setup = SetupDialog(
                source.root,
                kind=source.kind,
                chosen=source.options,
                fixed=True,
                ok="set and scan",
            )
            self.app.ask(setup, self._take)

    def action_token(self) -> None:
        """Type the token that the source's app asks for, and read it with that."""
        from tui.screens.modals.token import TokenDialog

        source = self.rows.source
        if source is not None and (why := self._scans.wants_token(source)):
            self.app.ask(TokenDialog(source.root, why), partial(self._with_token, source))

    def _with_token(self, source: Source, token: str) -> None:
        self._tell(self._scans.hold_token(source, token))
        self.refresh_bindings()

    @work(group="take", exclusive=False, exit_on_error=False)
    async def action_demo(self) -> None:
        """Start with the bundled demo sources."""
        sources = await off_loop(add_demo, self.app.workspace)
        self._load()
        self._scan(sources)

    # -- scanning ---------------------------------------------------------------------

    def action_scan(self) -> None:
        """Read the source under the cursor again."""
        if (source := self.rows.source) is not None:
            self._scan([source])

    def action_scan_all(self) -> None:
        """Read every source again."""
        self._scan(self.rows.sources)

    def _scan(self, sources: list[Source] | tuple[Source, ...]) -> None:
        self._tell(self._scans.start(sources))
        self.refresh_bindings()

    def action_stop(self) -> None:
        """Ask whether to stop the scan that runs, and those that wait."""
        from tui.screens.modals.confirm import ConfirmDialog

        if (asked := self._scans.question()) is not None:
            standing, question, cost = asked
            self.app.ask(ConfirmDialog(question, cost), partial(self._stop, standing))

    def _stop(self, standing: Standing, sure: bool) -> None:
        if sure:
            self._tell(self._scans.stop(standing))

    def scan_moved(self) -> None:
        """Show how far a scan is in its source's row."""
        self.rows.show_scan(self.app.scan)
        if self.app.scan is None:
            self._tell(self._scans.all_ended())
            self.refresh_bindings()

    def scan_ended(self, event: ScanEnded) -> None:
        """Show what a scan found, or why it could not read its source."""
        self._load()
        said = self._scans.ended(event)
        if said is None:
            super().scan_ended(event)
        else:
            self._tell(said)

    # -- what is skipped, and removing ----------------------------------------------------

    def action_skips(self) -> None:
        """List what was not read."""
        from tui.screens.modals.skips import SkipsDialog

        if (source := self.rows.source) is not None:
            self.app.ask(SkipsDialog(source))

    def action_remove(self) -> None:
        """Ask whether to remove the source."""
        from tui.screens.modals.confirm import ConfirmDialog

        source = self.rows.source
        if source is None:
            return
        name = one_line(short_path(source.root, 40))
        if self._scans.reads(source):
            self.say(f"{name} is being scanned, or waits for it", hint="X stops that first")
            return
        question = ConfirmDialog(
            f"Remove {name}?",
            "Its undecided examples leave the queue; what you decided or edited stays. "
            "The files themselves are not touched.",
        )
        self.app.ask(question, partial(self._remove, source))

    @work(group="remove", exclusive=False, exit_on_error=False)
    async def _remove(self, source: Source, sure: bool) -> None:
        if sure:
            removed = await off_loop(self.app.workspace.store.remove_source, source.id)
            self._load()
            name = one_line(short_path(source.root, 40))
            self.say(f"removed {name} and {counted(removed, 'undecided example')}", kind="done")

    # -- what is offered, and moving -----------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what there is something for."""
        return self._is_offered(action) and super().check_action(action, parameters)

    def _is_offered(self, action: str) -> bool:
        if not self.query(SourceList) or not self.rows.known:
            return action not in {"demo", "token", "stop"}
        if action in _OF_A_SOURCE:
            return self.rows.count > 0
        if action == "demo":
            return self.rows.count == 0
        if action == "token":
            source = self.rows.source
            return source is not None and bool(self._scans.wants_token(source))
        if action == "stop":
            return self._scans.active
        return True

    def refusal(self, action: str) -> tuple[str, str]:
        """Return why an action is not offered now, and what to do instead."""
        if action in _OF_A_SOURCE and not self.rows.count:
            return "there is no source yet", "a adds one, g starts with the demo's"
        if action == "demo" and self.rows.count:
            return "the demo's sources are for an empty workspace", "a adds sources of your own"
        if action == "stop":
            return "no scan is running", ""
        if action == "token":
            return "this source asks for no token", ""
        return "", ""

    def action_down(self) -> None:
        """Next source."""
        self.rows.move(1)

    def action_up(self) -> None:
        """Previous source."""
        self.rows.move(-1)

    def action_first(self) -> None:
        """First source."""
        self.rows.move_to(0)

    def action_last(self) -> None:
        """Last source."""
        self.rows.move_to(self.rows.count - 1)

    def action_scroll_down(self) -> None:
        """Scroll the details down."""
        self.pane.pages_down(1)

    def action_scroll_up(self) -> None:
        """Scroll the details up."""
        self.pane.pages_down(-1)
