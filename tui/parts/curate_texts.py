"""Edits of a card's text in a person's own editor, and drafts of those that were not saved."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from engine.curate import Drafts, from_text, to_text
from engine.errors import FinetuiError
from engine.models import Card, short_id
from tui.bridge.threads import off_loop
from tui.bridge.writer import Withdrawn, Writer
from tui.parts.curate_decisions import Decisions, Outcome


class Texts:
    """Keeps what was typed, whatever becomes of saving it.

    Args:
        decisions: Saves edits.
        drafts: Keeps what was begun.
        writer: Makes the edits, in the order of the keys.
    """

    def __init__(self, decisions: Decisions, drafts: Drafts, writer: Writer) -> None:
        self._decisions = decisions
        self._drafts = drafts
        self._writer = writer

    def edit_with(self, edit: Callable[[str], str], card: Card) -> str:
        """Let an editor change a card's text, or what was begun of it, and hold what comes back."""
        words = edit(self._drafts.of(card.example.id) or to_text(card.turns))
        self._drafts.hold(card.example.id, "" if words == to_text(card.turns) else words)
        return words

    async def save(self, card: Card, words: str) -> Outcome:
        """Save a text in the editable form; what can't be read or saved stays a draft.

        Raises:
            ExampleInvalid: It can't be an example.
            WorkspaceError: It could not be written.
            DiskFull: There is no room.
        """
        await self.write(left=False)
        turns = from_text(words)
        what = f"the edit of {short_id(card.example.id)}"
        try:
            outcome = await self._writer.write(partial(self._decisions.save, card, turns), what)
        except Withdrawn:
            return Outcome("the edit is kept, not saved", "e continues it", "error")
        self._drafts.hold(card.example.id, "")
        await self.write(left=False)
        return outcome

    async def write(self, *, left: bool) -> Outcome | None:
        """Write the drafts, and return what is to be said.

        Args:
            left: Whether an edit was left unsaved, which is then spoken of.
        """
        try:
            await off_loop(self._drafts.write)
        except FinetuiError as error:
            words = f"the edit is kept in memory until you leave finetui: {error.message}"
            return Outcome(words, "e continues it", "error") if left else None
        return Outcome("the edit is kept, not saved", "e continues it") if left else None
