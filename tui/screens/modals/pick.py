"""Take one line of a short list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.content import Content

from tui.actions import bindings
from tui.screens.modals.dialog import Dialog
from tui.widgets.lines import Lines
from tui.widgets.rows import FixedRows, Part, RowList
from tui.widgets.words import one_line


class PickDialog(Dialog[int]):
    """Shows lines and returns the number of the one that was taken.

    Args:
        rows: The lines.
        at: Where the cursor starts.
        note: Lines above the list.
    """

    GROUP = "pick"
    OK = "take it"
    BINDINGS = bindings("pick")
    MOST_ROWS: ClassVar[int] = 14

    rows = getters.query_one("#pick-rows", FixedRows)

    def __init__(
        self,
        rows: Sequence[Sequence[Part]],
        *,
        at: int = 0,
        note: Sequence[Content] = (),
    ) -> None:
        super().__init__()
        self._rows = rows
        self._at = at
        self._note = note

    def compose_box(self) -> ComposeResult:
        """The note and the list."""
        if self._note:
            yield Lines(id="pick-note", lines=self._note)
        yield FixedRows(id="pick-rows")

    def on_mount(self) -> None:
        """Fill the list."""
        self.rows.styles.height = min(len(self._rows), self.MOST_ROWS)
        self.rows.show(self._rows)
        self.rows.move_to(self._at)

    @on(RowList.Chosen)
    def _clicked(self) -> None:
        self.action_accept()

    def action_accept(self) -> None:
        """Give the line's number back."""
        self.dismiss(self.rows.cursor)

    def action_down(self) -> None:
        """Next line."""
        self.rows.move(1)

    def action_up(self) -> None:
        """Line before."""
        self.rows.move(-1)

    def action_page_down(self) -> None:
        """A page further."""
        self.rows.page(1)

    def action_page_up(self) -> None:
        """A page back."""
        self.rows.page(-1)


class PairDialog(PickDialog):
    """Takes the pair of models to chat with."""

    HEADING = "Models"
    OK = "load both"


class QuantDialog(PickDialog):
    """Takes the quantisation of an export."""

    HEADING = "Export"
    OK = "export"


class ValueDialog(PickDialog):
    """Takes one of the values that a field can have.

    Args:
        name: The field.
        values: The values.
        at: The one that holds.
        unset: What an empty value means.
    """

    OK = "take it"

    def __init__(self, name: str, values: Sequence[str], *, at: int, unset: str) -> None:
        super().__init__([[(one_line(value) or unset, "row")] for value in values], at=at)
        self._field = name

    def on_mount(self) -> None:
        """Say which field it is."""
        super().on_mount()
        self.title_box(self._field)
