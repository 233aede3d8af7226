"""Find text in the queue."""

from __future__ import annotations

from dataclasses import replace

from textual import getters, on, work
from textual.app import ComposeResult
from textual.widgets import Input

from engine.models import Filter
from tui.bridge.threads import off_loop
from tui.screens.modals.dialog import Dialog
from tui.widgets.field import Field
from tui.widgets.words import counted


class SearchDialog(Dialog[str]):
    """A field that counts what it would find as you type; returns the text.

    Args:
        filter: The filter that holds now; its text is where the field starts.
    """

    HEADING = "Search"
    OK = "show them"
    AUTO_FOCUS = "Field"

    field = getters.query_one("#search-text", Field)

    def __init__(self, filter: Filter) -> None:
        super().__init__()
        self._filter = filter

    def compose_box(self) -> ComposeResult:
        """Show the field."""
        yield Field(
            self._filter.text, placeholder="words, or beginnings of words", id="search-text"
        )

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        self.count(event.value)

    @work(group="count", exclusive=True, exit_on_error=False)
    async def count(self, words: str) -> None:
        """Count what the words find."""
        if not words.strip():
            self.say("nothing typed: the whole queue")
            return
        wanted = replace(self._filter, text=words)
        found = await off_loop(self.app.workspace.store.queue_size, wanted)
        self.say(f"{counted(found, 'example')} found")

    def action_accept(self) -> None:
        """Give the text back."""
        self.dismiss(self.field.value)
