"""Two versions of an example, side by side."""

from __future__ import annotations

from textual import getters
from textual.app import ComposeResult
from textual.containers import Horizontal

from engine.models import Card, short_id
from tui.actions import bindings
from tui.screens.modals.dialog import Dialog
from tui.widgets.borders import set_border
from tui.widgets.compare import compared
from tui.widgets.textpane import TextPane
from tui.widgets.words import EDITED, SIGNS


class VersionsDialog(Dialog[bool]):
    """Shows what differs; returns True where the person goes to the other version.

    Args:
        older: The version that was decided on.
        newer: The one that its source has now.
        other: Which of them enter goes to.
    """

    HEADING = "Two versions"
    GROUP = "versions"
    BINDINGS = bindings("versions")

    left = getters.query_one("#version-older", TextPane)
    right = getters.query_one("#version-newer", TextPane)

    def __init__(self, older: Card, newer: Card, *, other: Card) -> None:
        super().__init__()
        self._older = older
        self._newer = newer
        self.OK = "go to the newer" if other is newer else "go to the older"

    def compose_box(self) -> ComposeResult:
        """The older on the left, the newer on the right."""
        with Horizontal(id="versions"):
            yield TextPane(id="version-older", classes="version")
            yield TextPane(id="version-newer", classes="version")

    def on_mount(self) -> None:
        """Show both."""
        set_border(self.left, f"older {_state(self._older)}")
        set_border(self.right, f"newer {_state(self._newer)}")
        left, right = compared(self._older.turns, self._newer.turns)
        self.left.show(left)
        self.right.show(right)
        self.say("what only one of them has is underlined")

    def _scroll(self, lines: int) -> None:
        for pane in (self.left, self.right):
            pane.lines_down(lines)

    def action_accept(self) -> None:
        """Go to the other version."""
        self.dismiss(True)

    def action_down(self) -> None:
        """A line further."""
        self._scroll(1)

    def action_up(self) -> None:
        """A line back."""
        self._scroll(-1)

    def action_scroll_down(self) -> None:
        """A page further."""
        self._scroll(max(1, self.left.size.height - 1))

    def action_scroll_up(self) -> None:
        """A page back."""
        self._scroll(-max(1, self.left.size.height - 1))


def _state(card: Card) -> str:
    edited = f" {EDITED} edited" if card.edited else ""
    return f"{short_id(card.example.id)} · {SIGNS[card.state]} {card.state}{edited}"
