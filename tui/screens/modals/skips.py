"""What a scan did not read, and why."""

from __future__ import annotations

from collections.abc import Sequence

from textual import getters
from textual.app import ComposeResult

from engine.models import Skipped, Source
from engine.paths import shorten
from tui.actions import bindings
from tui.screens.modals.dialog import Dialog
from tui.widgets.rows import FixedRows, Part
from tui.widgets.words import counted, fit, one_line


def where(skipped: Skipped) -> str:
    """Return the place of something skipped: ``path:line``, or the path alone."""
    path = one_line(skipped.path)
    return f"{path}:{skipped.line}" if skipped.line else path


class SkipsDialog(Dialog[None]):
    """A list of any length: place, code and reason of each skipped item.

    Args:
        source: The source that was scanned.
        skipped: What was not read.
    """

    GROUP = "skips"
    OK = "close"
    BINDINGS = bindings("skips")

    rows = getters.query_one("#skip-rows", FixedRows)

    def __init__(self, source: Source, skipped: Sequence[Skipped]) -> None:
        super().__init__()
        self._source = source
        self._skipped = list(skipped)

    def compose_box(self) -> ComposeResult:
        """Show the list."""
        yield FixedRows(id="skip-rows")

    def on_mount(self) -> None:
        """Fill the list."""
        root = shorten(self._source.root, 36)
        self.title_box(f"Skipped in {root} · {len(self._skipped):,}")
        self.rows.show([self._row(skipped) for skipped in self._skipped])
        if not self._skipped:
            self.say("nothing was skipped: everything in this source was read")
        else:
            self._tell()

    def _row(self, skipped: Skipped) -> list[Part]:
        return [
            (fit(where(skipped), 34) + "  ", "row"),
            (fit(skipped.code, 15) + " ", "warning"),
            (one_line(skipped.reason), "muted"),
        ]

    def _tell(self) -> None:
        """Write the line under the cursor out in full: the list cuts long ones."""
        skipped = self._skipped[self.rows.cursor]
        at = f"{self.rows.cursor + 1:,} of {counted(len(self._skipped), 'item')}"
        self.say(f"{where(skipped)}: {skipped.reason}", hint=at, kind="error")

    def _move(self, rows: int) -> None:
        if self._skipped:
            self.rows.move(rows)
            self._tell()

    def on_row_list_moved(self) -> None:
        """Tell about the line under the cursor."""
        self._tell()

    def action_down(self) -> None:
        """Next line."""
        self._move(1)

    def action_up(self) -> None:
        """Line before."""
        self._move(-1)

    def action_page_down(self) -> None:
        """A page further."""
        self._move(max(1, self.rows.size.height - 1))

    def action_page_up(self) -> None:
        """A page back."""
        self._move(-max(1, self.rows.size.height - 1))

    def action_first(self) -> None:
        """First line."""
        self._move(-len(self._skipped))

    def action_last(self) -> None:
        """Last line."""
        self._move(len(self._skipped))
