"""What a scan did not read, and why."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual import getters, work
from textual.app import ComposeResult
from textual.content import Content

from engine.models import Skipped, Source
from tui.actions import bindings
from tui.bridge.sources import SkipPages
from tui.bridge.threads import off_loop
from tui.screens.modals.dialog import Dialog
from tui.widgets.lines import Lines
from tui.widgets.rows import Part, RowList
from tui.widgets.words import counted, fit, one_line, short_path


def where(skipped: Skipped) -> str:
    """Return the place of something skipped: ``path:line``, or the path alone."""
    path = one_line(skipped.path) or "the source itself"
    return f"{path}:{skipped.line}" if skipped.line else path


class SkipRows(RowList):
    """A skipped thing a row, read as it comes in sight."""

    _WIDE = 96

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._pages: SkipPages | None = None

    def show(self, pages: SkipPages) -> None:
        """Show other things, from the first on."""
        self._pages = pages
        self.rows_changed()
        self.move_to(0)
        self.refresh()

    @property
    def count(self) -> int:
        """How many there are."""
        return self._pages.size if self._pages is not None else 0

    def at(self, index: int) -> Skipped | None:
        """Return what stands in a row."""
        return self._pages.at(index) if self._pages is not None else None

    def draw(self, index: int, width: int) -> Sequence[Part]:
        """Return a row: place, code and reason."""
        skipped = self.at(index)
        if skipped is None:
            return ()
        place = 50 if width >= self._WIDE else 28
        return [
            (fit(where(skipped), place) + "  ", "row"),
            (fit(skipped.code, 16) + " ", "warning"),
            (one_line(skipped.reason), "muted"),
        ]


class SkipsDialog(Dialog[None]):
    """A list of any length: place, code and reason of each skipped thing.

    Args:
        source: The source; what its scan skipped is read once the dialog is open.
    """

    GROUP = "skips"
    OK = "close"
    BINDINGS = bindings("skips")

    rows = getters.query_one("#skip-rows", SkipRows)
    line = getters.query_one("#skip-codes", Lines)

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source
        self._total = 0
        self._codes: list[tuple[str, int]] = [("", 0)]
        self._at = 0

    def compose_box(self) -> ComposeResult:
        """The reasons, and the list."""
        yield Lines(id="skip-codes")
        yield SkipRows(id="skip-rows")

    def on_mount(self) -> None:
        """Load the list."""
        self._title("")
        self._load()

    def on_resize(self, event: object) -> None:
        """Write the reasons for the new width."""
        self._show_codes()

    def _title(self, count: str) -> None:
        self.title_box(f"Skipped in {short_path(one_line(self._source.root), 36)}{count}")

    @work(group="load", exclusive=True, exit_on_error=False)
    async def _load(self) -> None:
        """Read how much was skipped, and why."""
        with self.holding_keys():
            codes = await off_loop(self.app.workspace.store.skip_codes, self._source.id)
            self._total = sum(codes.values())
            self._codes = [("", self._total), *codes.items()]
            if not self._source.scanned_at:
                self.say("it was not scanned yet", hint="s on Sources scans it")
                return
            self._title(f" · {self._total:,}")
            if not self._total:
                self.say("its last scan skipped nothing")
                return
            if len(self._codes) > 2:
                self.line.styles.height = 2
            await self._read_rows()

    @work(group="fill", exclusive=True, exit_on_error=False)
    async def _fill(self) -> None:
        await self._read_rows()

    async def _read_rows(self) -> None:
        """Read which things there are; the things themselves are read as they come in sight."""
        code = self._codes[self._at][0]
        store = self.app.workspace.store
        numbers = await off_loop(store.skip_numbers, self._source.id, code)
        self.rows.show(SkipPages(store, numbers))
        self._show_codes()
        self._tell()

    def _show_codes(self) -> None:
        if len(self._codes) <= 2:
            return
        shown = [f"{code or 'all'} {count:,}" for code, count in self._codes]
        # As many as fit, and among them the one that is shown.
        first = 0
        while cell_len("   ".join(shown[first : self._at + 1])) > self.line.size.width - 2:
            first += 1
        parts: list[tuple[str, str]] = [(" ", "")]
        for index in range(first, len(shown)):
            style = "bold $text-accent" if index == self._at else "$text-muted"
            parts += [(one_line(shown[index]), style), ("   ", "")]
        self.line.show([Content.assemble(*parts), Content("")])

    def _tell(self) -> None:
        """Write the line under the cursor out in full: the list cuts long ones."""
        skipped = self.rows.at(self.rows.cursor)
        if skipped is not None:
            at = f"{self.rows.cursor + 1:,} of {counted(self.rows.count, 'item')}"
            self.say(f"{where(skipped)}: {skipped.reason}", hint=at, kind="error")

    def _move(self, rows: int) -> None:
        self.rows.move(rows)
        self._tell()

    def on_row_list_moved(self) -> None:
        """Tell about the line under the cursor."""
        self._tell()

    def action_down(self) -> None:
        """Next line."""
        self._move(1)

    def action_up(self) -> None:
        """Previous line."""
        self._move(-1)

    def action_page_down(self) -> None:
        """A page further."""
        self._move(max(1, self.rows.size.height - 1))

    def action_page_up(self) -> None:
        """A page back."""
        self._move(-max(1, self.rows.size.height - 1))

    def action_first(self) -> None:
        """First line."""
        self._move(-self.rows.count)

    def action_last(self) -> None:
        """Last line."""
        self._move(self.rows.count)

    def action_reason(self) -> None:
        """Show only what was skipped for the next reason."""
        self._turn(1)

    def action_reason_before(self) -> None:
        """Show only what was skipped for the previous reason."""
        self._turn(-1)

    def _turn(self, steps: int) -> None:
        if self._total:
            self._at = (self._at + steps) % len(self._codes)
            self._fill()
