"""Which model words a question."""

from __future__ import annotations

from textual import getters
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Label

from engine.errors import UsageError
from tui.actions import bindings
from tui.bridge.questions import EMBEDDED, ENDPOINT, Asked
from tui.screens.modals.dialog import FormDialog
from tui.widgets.choice import Choice
from tui.widgets.field import Field


class QuestionDialog(FormDialog[Asked]):
    """Asks for the model; returns it.

    Args:
        start: The model that was asked last.
    """

    HEADING = "Let a model word the question"
    GROUP = "fields"
    OK = "ask it"
    BINDINGS = bindings("fields")
    AUTO_FOCUS = "Choice"

    by = getters.query_one("#question-by", Choice)
    address = getters.query_one("#question-address", Field)
    model = getters.query_one("#question-model", Field)

    def __init__(self, start: Asked) -> None:
        super().__init__()
        self._start = start

    def compose_box(self) -> ComposeResult:
        """A line a field."""
        start = self._start
        address = Field(start.address, placeholder="http://localhost:11434/v1")
        for name, label, widget in (
            ("by", "model", Choice((EMBEDDED, ENDPOINT), start.by)),
            ("address", "address", address),
            ("model", "its name", Field(start.model, placeholder="as the endpoint calls it")),
        ):
            widget.id = f"question-{name}"
            with Horizontal(classes="form-line"):
                yield Label(label, classes="label")
                yield widget

    def on_mount(self) -> None:
        """Say what becomes of the text."""
        self.say("an endpoint is sent the answer; the embedded model is on this machine")

    def action_accept(self) -> None:
        """Give the model back."""
        address = self.address.value.strip()
        if self.by.value == ENDPOINT and not address:
            raise UsageError("the endpoint has no address", hint="http://localhost:11434/v1")
        self.dismiss(Asked(self.by.value, address, self.model.value.strip()))
