"""The system prompt of typed questions: change it, or leave it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import getters
from textual.app import ComposeResult
from textual.widgets import TextArea

from tui.actions import bindings
from tui.screens.modals.dialog import Dialog
from tui.widgets.editable import Signs
from tui.widgets.words import counted

if TYPE_CHECKING:
    from engine.evaluate.system import System


class SystemDialog(Dialog[str]):
    """A text area with the system prompt; returns what stands in it, empty for none.

    Args:
        system: What typed questions are asked with now.
    """

    HEADING = "System prompt of typed questions"
    GROUP = "system"
    ACCEPTS = False
    BINDINGS = bindings("system")
    AUTO_FOCUS = "TextArea"

    area = getters.query_one("#system-area", TextArea)

    def __init__(self, system: System) -> None:
        super().__init__()
        self._system = system
        self._signs = Signs.of(system.text, system.frozen.text)

    def compose_box(self) -> ComposeResult:
        """Show the text."""
        text = self._signs.show(self._system.text)
        area = TextArea(text, id="system-area", soft_wrap=True, tab_behavior="focus")
        area.cursor_blink = False
        area.highlight_cursor_line = False
        yield area

    def on_mount(self) -> None:
        """Say what the dataset has."""
        frozen = self._system.frozen
        if frozen.text:
            self.say("the model was trained with the dataset's", hint="ctrl+r puts it back")
        elif frozen.own:
            self.say(
                f"the dataset has none for all rows; {counted(frozen.own, 'row')} of "
                f"{frozen.rows:,} have one of their own"
            )
        else:
            self.say("the model was trained without one")
        self.area.move_cursor(self.area.document.end)

    def action_save(self) -> None:
        """Ask typed questions with this text."""
        self.dismiss(self._signs.back(self.area.text).strip())

    def action_frozen(self) -> None:
        """Put the dataset's text there."""
        self.area.text = self._signs.show(self._system.frozen.text)

    def action_clear(self) -> None:
        """Leave the system prompt out."""
        self.dismiss("")
