"""Find words in a job's log."""

from __future__ import annotations

from textual import getters, on
from textual.app import ComposeResult
from textual.widgets import Input

from tui.screens.modals.dialog import Dialog
from tui.widgets.field import Field
from tui.widgets.logview import LogView
from tui.widgets.words import counted


class LogSearchDialog(Dialog[str]):
    """A field that counts what it would find as you type; returns the text.

    Args:
        log: The log; what is searched for in it now is where the field starts.
    """

    HEADING = "Search the log"
    OK = "go to the newest"
    AUTO_FOCUS = "Field"

    field = getters.query_one("#search-text", Field)

    def __init__(self, log: LogView) -> None:
        super().__init__()
        self._log = log

    def compose_box(self) -> ComposeResult:
        """Show the field."""
        yield Field(
            self._log.words, placeholder="words; capitals count where you write one",
            id="search-text",
        )  # fmt: skip

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        # At most a few thousand short lines, which are in memory.
        if not event.value:
            self.say("nothing typed: the search ends")
        else:
            self.say(f"{counted(self._log.count(event.value), 'line')} found")

    def action_accept(self) -> None:
        """Give the text back."""
        self.dismiss(self.field.value)
