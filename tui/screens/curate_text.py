"""What Curate does with a card's text: edit it, take another answer, compare two versions."""

from __future__ import annotations

from textual import work
from textual.app import SuspendNotSupported

from engine.curate import check_turns, from_text, to_text
from engine.curate.editor import edit_text
from engine.errors import BaseMissing, DependencyMissing, ExampleMissing
from engine.models import Card, Turn, short_id
from engine.paths import shell_path
from tui.bridge.curation import other_answers, with_answer
from tui.bridge.datasets import row_for
from tui.bridge.threads import off_loop
from tui.bridge.tokens import TokenViews
from tui.screens.curate_queue import CurateQueue
from tui.screens.modals.answers import AnswersDialog
from tui.screens.modals.edit import EditDialog
from tui.screens.modals.versions import VersionsDialog


class CurateText(CurateQueue):
    """Everything that is saved here is an edit in the journal, which ``u`` takes back."""

    # -- editing --------------------------------------------------------------------

    def action_edit(self) -> None:
        """Edit the card's text here."""
        if (card := self._card) is not None:
            self._edit(card)

    @work(group="edit", exclusive=True, exit_on_error=False)
    async def _edit(self, card: Card) -> None:
        dialog = EditDialog(
            card,
            draft=self._drafts.of(card),
            check=lambda turns: check_turns(turns, before=card.turns),
            keep=lambda text: self._drafts.keep(card, text),
        )
        turns = await self.app.push_screen_wait(dialog)
        if turns is None:
            if self._drafts.of(card):
                self.say("the edit is kept, not saved", hint="e goes on with it", kind="info")
            self._show_current()
            return
        self._save(card, turns)

    def _save(self, card: Card, turns: tuple[Turn, ...]) -> None:
        if turns == card.turns:
            self.say("the text is as it was")
            self._show_current()
            return
        saved = self._curator.edit(card.example.id, turns)
        self._after(saved)
        self._show_current()
        self._say_card("edited", saved, hint="u takes it back")
        self.app.checks.follow([saved.example.id])

    def action_editor(self) -> None:
        """Edit the card's text in the person's own editor; the terminal is its own meanwhile."""
        card = self._card
        if card is None:
            return
        before = self._drafts.of(card) or to_text(card.turns)
        try:
            with self.app.suspend():
                text = edit_text(before, configured=self._settings.curation.editor)
        except SuspendNotSupported as error:
            raise DependencyMissing(
                "this terminal can't be handed to an editor", hint="e edits the text here"
            ) from error
        self._drafts.keep(card, "" if text == to_text(card.turns) else text)
        turns = from_text(text)  # if it can't be read the draft stays, and e goes on with it
        check_turns(turns, before=card.turns)
        self._drafts.keep(card, "")
        self._save(card, turns)

    # -- other answers ----------------------------------------------------------------

    def action_answers(self) -> None:
        """Show the other answers of a card, and take one instead."""
        card = self._card
        if card is None:
            return
        if not other_answers(card):
            self.say("this example has no other answer")
            return
        self._show_answers(card)

    @work(group="edit", exclusive=True, exit_on_error=False)
    async def _show_answers(self, card: Card) -> None:
        answers = other_answers(card)
        chosen = await self.app.push_screen_wait(AnswersDialog(card, answers))
        if chosen is not None:
            self._save(card, with_answer(card, answers[chosen]))

    # -- tokens ---------------------------------------------------------------------------

    def action_tokens(self) -> None:
        """Show which tokens of the card are trained."""
        if (card := self._card) is not None:
            self._show_tokens(card)

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def _show_tokens(self, card: Card) -> None:
        from tui.screens.modals.tokens import TokensDialog

        settings = self._settings
        row, base = await off_loop(row_for, self.app.workspace, card)
        if base is None:
            raise BaseMissing(
                f"tokens can't be shown: the base {settings.training.base} is not installed",
                hint=f"add it with: finetui bases add {shell_path(settings.training.base)}",
            )
        views = TokenViews(base, settings.check.max_length)
        await self.app.push_screen_wait(TokensDialog(base.name, [row], views))

    # -- versions -----------------------------------------------------------------------

    def action_versions(self) -> None:
        """Show the older and the newer text of an example whose source changed."""
        if (card := self._card) is not None:
            self._show_versions(card)

    @work(group="edit", exclusive=True, exit_on_error=False)
    async def _show_versions(self, card: Card) -> None:
        if not card.example.follows and not card.origin:
            self.say("its source has not changed since it was read")
            return
        try:
            if card.example.follows:
                older, newer = self._store.card(card.example.follows), card
            else:
                found = await off_loop(self._store.newer_version, card.example.id)
                if not found:
                    self.say("its source has no other version of it now")
                    return
                older, newer = card, self._store.card(found)
        except ExampleMissing:
            self.say(f"{short_id(card.example.follows)} is no longer in the workspace")
            return
        other = newer if older is card else older
        go = await self.app.push_screen_wait(VersionsDialog(older, newer, other=other))
        if go:
            self.show_example(other.example.id)
