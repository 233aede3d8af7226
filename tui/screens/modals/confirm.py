"""A question before something that can't be undone."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from tui.actions import bindings
from tui.screens.modals.dialog import Dialog
from tui.widgets.words import plain


class ConfirmDialog(Dialog[bool]):
    """Asks; returns True only for a yes.

    Args:
        question: What would be done, as a question.
        consequence: What is lost and what is kept.
    """

    HEADING = "Sure?"
    GROUP = "confirm"
    ACCEPTS = False
    BINDINGS = bindings("confirm")

    def __init__(self, question: str, consequence: str) -> None:
        super().__init__()
        self._question = question
        self._consequence = consequence

    def compose_box(self) -> ComposeResult:
        """Show the question."""
        yield Static(plain(self._question), classes="question", markup=False)
        yield Static(plain(self._consequence), classes="consequence", markup=False)

    def action_accept(self) -> None:
        """Nothing: what can't be undone is not done by a key pressed out of habit."""

    def action_yes(self) -> None:
        """Yes."""
        self.dismiss(True)

    def action_no(self) -> None:
        """No."""
        self.dismiss(False)
