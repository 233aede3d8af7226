"""Ask for the token of an app's memory."""

from __future__ import annotations

from textual import getters
from textual.app import ComposeResult
from textual.widgets import Static

from tui.screens.modals.dialog import Dialog
from tui.widgets.field import Field
from tui.widgets.words import plain


class TokenDialog(Dialog[str]):
    """A masked field; returns what was typed, which is shown and written nowhere.

    Args:
        address: The app's address.
        why: What the app said.
    """

    HEADING = "Token"
    OK = "scan with it"
    AUTO_FOCUS = "Field"

    field = getters.query_one("#token-field", Field)

    def __init__(self, address: str, why: str) -> None:
        super().__init__()
        self._address = address
        self._why = why

    def compose_box(self) -> ComposeResult:
        """What the app said, and the field."""
        yield Static(plain(self._address), classes="question", markup=False)
        yield Static(plain(self._why), classes="consequence", markup=False)
        field = Field("", placeholder="the app's token", id="token-field")
        field.password = True
        yield field

    def on_mount(self) -> None:
        """Say what becomes of it."""
        self.say("it goes to this address alone, and is forgotten when finetui is left")

    def action_accept(self) -> None:
        """Give the token back."""
        self.dismiss(self.field.value.strip())
