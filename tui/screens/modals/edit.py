"""Edit an example's text in place."""

from __future__ import annotations

from collections.abc import Callable

from textual import getters, on
from textual.app import ComposeResult
from textual.timer import Timer
from textual.widgets import TextArea

from engine.curate import from_text, to_text
from engine.models import Card, Turn, short_id
from tui.actions import bindings
from tui.screens.modals.dialog import Dialog
from tui.widgets.editable import Signs
from tui.widgets.words import one_line

DRAFT_SECONDS = 0.5
"""How long after the last key a draft is kept; a killed terminal loses no more."""


class EditDialog(Dialog[tuple[Turn, ...]]):
    """A text area with the turns; returns them when they were saved.

    Args:
        card: The example.
        draft: A text that was begun before, or empty.
        check: Raises ExampleInvalid unless turns can be an example.
        keep: Keeps a draft; an empty one drops it.
    """

    HEADING = "Edit"
    GROUP = "edit"
    ACCEPTS = False
    BINDINGS = bindings("edit")
    AUTO_FOCUS = "TextArea"

    area = getters.query_one("#edit-area", TextArea)

    def __init__(
        self,
        card: Card,
        *,
        draft: str,
        check: Callable[[tuple[Turn, ...]], None],
        keep: Callable[[str], None],
    ) -> None:
        super().__init__()
        self._card = card
        self._check = check
        self._keep = keep
        saved, original = to_text(card.turns), to_text(card.example.turns)
        self._signs = Signs.of(saved, original, draft)
        self._shown_saved = self._signs.show(saved)
        self._shown_original = self._signs.show(original)
        self._start = self._signs.show(draft) or self._shown_saved
        self._begun = bool(draft)
        self._draft_timer: Timer | None = None

    def compose_box(self) -> ComposeResult:
        """Show the text."""
        area = TextArea(self._start, id="edit-area", soft_wrap=True, tab_behavior="focus")
        area.cursor_blink = False
        area.highlight_cursor_line = False
        yield area

    def on_mount(self) -> None:
        """Say what is edited."""
        title = one_line(self._card.example.provenance.path)
        self.title_box(f"Edit {short_id(self._card.example.id)} · {title}")
        if self._begun:
            self.say("this is the edit that you began", hint="ctrl+r puts the original back")

    @on(TextArea.Changed)
    def _changed(self) -> None:
        if self._draft_timer is not None:
            self._draft_timer.stop()
        self._draft_timer = self.set_timer(DRAFT_SECONDS, self._keep_draft)

    def _keep_draft(self) -> None:
        shown = self.area.text
        self._keep("" if shown == self._shown_saved else self._signs.back(shown))

    def _done_typing(self) -> None:
        if self._draft_timer is not None:
            self._draft_timer.stop()
            self._draft_timer = None

    def action_save(self) -> None:
        """Give the turns back, if they can be an example."""
        turns = from_text(self._signs.back(self.area.text))
        self._check(turns)
        self._done_typing()
        self._keep("")
        self.dismiss(turns)

    def action_original(self) -> None:
        """Put the text back as it was extracted; nothing is saved yet."""
        self.area.text = self._shown_original
        self.say("this is the text as it was extracted", hint="ctrl+s saves it")

    def action_cancel(self) -> None:
        """Leave, and keep what was typed."""
        self._done_typing()
        self._keep_draft()
        self.dismiss(None)
