"""Edit an example's text in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual import getters, on, work
from textual.app import ComposeResult
from textual.timer import Timer
from textual.widgets import TextArea

from engine.curate import Drafts, answer_line, from_text, to_text
from engine.errors import FinetuiError
from engine.invisible import names
from engine.models import Card, Turn, short_id
from tui.actions import bindings
from tui.bridge.threads import off_loop
from tui.bridge.writer import Withdrawn, Write
from tui.parts.curate_decisions import Outcome
from tui.screens.modals.dialog import Dialog
from tui.widgets.editable import Signs
from tui.widgets.words import one_line

DRAFT_SECONDS = 0.5
"""How long after the last key a draft is written; a killed terminal loses no more."""


@dataclass(frozen=True, slots=True)
class Edited:
    """How an edit ended: saved, or left with a draft.

    Attributes:
        outcome: What was saved; None where it was left.
    """

    outcome: Outcome | None = None


def hidden_words(found: Sequence[str]) -> str:
    """Say which characters of a text nobody sees."""
    return f"hidden characters, shown here as signs: {', '.join(found)}"


class EditDialog(Dialog[Edited]):
    """A text area with the turns, opened in the answer.

    The text stays in it until it is saved: what goes wrong is shown here. Each pause in
    typing holds it as a draft, in memory first, so that nothing here waits for the disk.

    Args:
        card: The example.
        drafts: Where what was begun is kept.
        save: Begins to save turns as an edit.
    """

    HEADING = "Edit"
    GROUP = "edit"
    ACCEPTS = False
    BINDINGS = bindings("edit")
    AUTO_FOCUS = "TextArea"

    area = getters.query_one("#edit-area", TextArea)

    def __init__(
        self, card: Card, drafts: Drafts, save: Callable[[tuple[Turn, ...]], Write[Outcome]]
    ) -> None:
        super().__init__()
        self._card = card
        self._drafts = drafts
        self._save = save
        draft = drafts.of(card.example.id)
        saved, original = to_text(card.turns), to_text(card.example.turns)
        self._signs = Signs.of(saved, original, draft)
        self._shown_saved = self._signs.show(saved)
        self._shown_original = self._signs.show(original)
        self._start = self._signs.show(draft) or self._shown_saved
        self._begun = bool(draft)
        self._draft_timer: Timer | None = None
        self._saving: Write[Outcome] | None = None
        self._named = names(saved)

    def compose_box(self) -> ComposeResult:
        """Show the text."""
        area = TextArea(self._start, id="edit-area", soft_wrap=True, tab_behavior="focus")
        area.cursor_blink = False
        area.highlight_cursor_line = False
        yield area

    def on_mount(self) -> None:
        """Say what is edited, and go to the answer."""
        title = one_line(self._card.example.provenance.path)
        self.title_box(f"Edit {short_id(self._card.example.id)} · {title}")
        self._go_to_answer()
        if self._begun:
            self.say("this is the edit that you began", hint="ctrl+r puts the original back")
        elif self._named:
            self.say(hidden_words(self._named), kind="help")

    def _go_to_answer(self) -> None:
        self.area.move_cursor((answer_line(self.area.text), 0))

    # -- drafts -----------------------------------------------------------------------

    @on(TextArea.Changed)
    def _changed(self) -> None:
        self._stop_timer()
        self._draft_timer = self.set_timer(DRAFT_SECONDS, self._keep_draft)

    def _stop_timer(self) -> None:
        if self._draft_timer is not None:
            self._draft_timer.stop()
            self._draft_timer = None

    def _hold(self) -> None:
        """Hold what stands here in memory; that can't fail."""
        shown = self.area.text
        draft = "" if shown == self._shown_saved else self._signs.back(shown)
        self._drafts.hold(self._card.example.id, draft)

    def _keep_draft(self) -> None:
        self._hold()
        self._write_draft()

    @work(group="draft", exclusive=True, exit_on_error=False)
    async def _write_draft(self) -> None:
        try:
            await off_loop(self._drafts.write)
        except FinetuiError as error:
            self.say(f"the draft is kept in memory only: {error.message}", hint=error.hint)

    # -- leaving ----------------------------------------------------------------------

    def action_save(self) -> None:
        """Save the text, if it can be an example."""
        if self.holds_keys:
            return
        self._stop_timer()
        self._hold()
        words = self._signs.back(self.area.text)
        turns = from_text(words)
        found = names(words)
        if set(found) - set(self._named):
            # Pasted, or typed: it is named before it is saved.
            self._named = found
            self.say(hidden_words(found), hint="ctrl+s saves it with them", kind="help")
            return
        self._save_turns(turns)

    @work(group="accept", exclusive=True, exit_on_error=False)
    async def _save_turns(self, turns: tuple[Turn, ...]) -> None:
        self._saving = self._save(turns)
        try:
            outcome = await self._saving.result(self._say_waiting)
        except Withdrawn:
            self.say("it was not saved: the text is kept as it stands here", hint="ctrl+s saves it")
            return
        finally:
            self._saving = None
        self._drafts.hold(self._card.example.id, "")
        self.dismiss(Edited(outcome))

    def _say_waiting(self) -> None:
        words = self._saving.waits_for if self._saving is not None else ""
        self.say(f"{words}: not saved yet", hint="esc gives up", kind="busy")

    def action_original(self) -> None:
        """Put the text back as it was extracted; nothing is saved yet."""
        self.area.text = self._shown_original
        self._go_to_answer()
        self.say("this is the text as it was extracted", hint="ctrl+s saves it")

    def action_cancel(self) -> None:
        """Leave, and keep what was typed."""
        if self._saving is not None:
            self._saving.withdraw()
            return
        self._stop_timer()
        self._hold()
        self.dismiss(Edited() if self._drafts.of(self._card.example.id) else None)
