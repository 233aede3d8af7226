"""Take one line of a short list."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import getters, on, work
from textual.app import ComposeResult
from textual.content import Content

from tui.actions import bindings
from tui.bridge.chat_pair import choices
from tui.bridge.threads import off_loop
from tui.parts.chat_conditions import weights_line
from tui.parts.chat_words import choice_rows
from tui.screens.modals.dialog import Dialog
from tui.widgets.lines import Lines
from tui.widgets.rows import FixedRows, Part, RowList
from tui.widgets.words import one_line

if TYPE_CHECKING:
    from engine.evaluate.sharing import Weights
    from engine.workspace import Workspace
    from tui.bridge.chat_pair import Choice as ModelPair


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
        self.fill(self._rows, self._at)

    def fill(self, rows: Sequence[Sequence[Part]], at: int = 0) -> None:
        """Show other lines, with the cursor on one of them."""
        self.rows.styles.height = max(1, min(len(rows), self.MOST_ROWS))
        self.rows.show(rows)
        self.rows.move_to(at)

    @on(RowList.Chosen)
    def _clicked(self) -> None:
        self.action_accept()

    def action_accept(self) -> None:
        """Give the line's number back, where there is a line."""
        if self.rows.count:
            self.dismiss(self.rows.cursor)

    def action_down(self) -> None:
        """Next line."""
        self.rows.move(1)

    def action_up(self) -> None:
        """Previous line."""
        self.rows.move(-1)

    def action_page_down(self) -> None:
        """Next page."""
        self.rows.page(1)

    def action_page_up(self) -> None:
        """Previous page."""
        self.rows.page(-1)


class PairDialog(PickDialog):
    """Takes the pair of models to chat with; it looks itself which there are.

    Args:
        workspace: Where runs and exports are.
        now: The key of the pair that is loaded.
        weights: How it is loaded: "auto", "files" or "shared".

    Attributes:
        found: The pairs, in the order of the lines.
        weights: How the pair that is taken is to be loaded.
    """

    GROUP = "pair"
    BINDINGS = bindings("pair")
    HEADING = "Models"
    OK = "load both"

    def __init__(self, workspace: Workspace, now: str = "", weights: Weights = "auto") -> None:
        super().__init__([[("looking for exports …", "muted")]], note=[weights_line(weights)])
        self._workspace = workspace
        self._now = now
        self.weights: Weights = weights
        self.found: list[ModelPair] = []

    def on_mount(self) -> None:
        """Look which pairs there are."""
        self.load()

    @work(group="load", exclusive=True, exit_on_error=False)
    async def load(self) -> None:
        """Show the pairs, with the cursor on the one that is loaded."""
        with self.holding_keys():
            self.found = await off_loop(choices, self._workspace)
            keys = [pair.key for pair in self.found]
            none: list[list[Part]] = [[("There is no exported model yet.", "row")]]
            self.fill(
                choice_rows(self.found, time.time()) or none,
                keys.index(self._now) if self._now in keys else 0,
            )

    def action_weights(self) -> None:
        """Load the two files, or one copy of the base for both sides."""
        self.weights = "files" if self.weights == "shared" else "shared"
        self.query_one("#pick-note", Lines).show([weights_line(self.weights)])

    def action_accept(self) -> None:
        """Give the line's number back, if there is a pair."""
        self.dismiss(self.rows.cursor if self.found else None)


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
        self.title_box(self._field)
