"""The dialogs of Curate, each made of what it needs and imported when it is first opened.

Nothing is read before a dialog is open.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from engine.curate import Drafts, other_answers
from engine.models import Card, Filter, Turn, short_id
from engine.workspace import Workspace
from tui.bridge.curation import shares
from tui.bridge.questions import last_asked
from tui.bridge.tokens import card_rows
from tui.bridge.writer import Write, Writer
from tui.parts.curate_decisions import Decisions, Outcome
from tui.parts.curate_versions import pairs_of

if TYPE_CHECKING:
    from tui.screens.modals.answers import AnswersDialog
    from tui.screens.modals.edit import EditDialog
    from tui.screens.modals.filter import FilterDialog
    from tui.screens.modals.near import NearDialog
    from tui.screens.modals.question import QuestionDialog
    from tui.screens.modals.tokens import TokensDialog
    from tui.screens.modals.versions import VersionsDialog
    from tui.screens.modals.why import WhyDialog


HISTORY = 200
"""Entries of an example's journal that are told, at most."""


class Dialogs:
    """Makes the dialogs about a card or the queue.

    Args:
        workspace: Where the examples are.
        decisions: Makes decisions and edits.
        drafts: Keeps what was begun.
        writer: Writes decisions and edits, in the order of the keys.
    """

    def __init__(
        self, workspace: Workspace, decisions: Decisions, drafts: Drafts, writer: Writer
    ) -> None:
        self._workspace = workspace
        self._store = workspace.store
        self._decisions = decisions
        self._drafts = drafts
        self._writer = writer

    def filter(self, which: Filter) -> FilterDialog:
        """Choose which part of the queue is shown."""
        from tui.screens.modals.filter import FilterDialog

        return FilterDialog(which, partial(shares, self._store))

    def edit(self, card: Card) -> EditDialog:
        """Edit a card's text."""
        from tui.screens.modals.edit import EditDialog

        return EditDialog(card, self._drafts, partial(self._save, card))

    def _save(self, card: Card, turns: tuple[Turn, ...]) -> Write[Outcome]:
        what = f"the edit of {short_id(card.example.id)}"
        return self._writer.submit(partial(self._decisions.save, card, turns), what)

    def answers(self, card: Card) -> AnswersDialog:
        """Choose among the other answers of a card."""
        from tui.screens.modals.answers import AnswersDialog

        return AnswersDialog(card, other_answers(card))

    def versions(self, card: Card) -> VersionsDialog:
        """Compare the texts of a card."""
        from tui.screens.modals.versions import VersionsDialog

        return VersionsDialog(card.example.id, partial(pairs_of, self._store, card))

    def tokens(self, card: Card) -> TokensDialog:
        """Show which tokens of a card are trained."""
        from tui.screens.modals.tokens import TokensDialog

        return TokensDialog("Tokens", partial(card_rows, self._workspace, card))

    def why(self, card: Card) -> WhyDialog:
        """Show what is known of a card."""
        from tui.screens.modals.why import WhyDialog

        roots = {source.id: source.root for source in self._store.sources()}
        root = roots.get(card.example.provenance.source_id, "")
        history = partial(self._store.journal, HISTORY, card.example.id)
        return WhyDialog(card, root, history, self._store.session)

    def near(self, card: Card) -> NearDialog:
        """Decide a card among its near-duplicates."""
        from engine.similarity import threshold_of
        from engine.similarity.near import neighbours
        from tui.screens.modals.near import NearDialog

        checks = self._workspace.settings.check
        threshold = threshold_of(checks.duplicate_threshold, checks.embedding_model)
        load = partial(neighbours, self._store, card)
        return NearDialog(card, load, self._decisions, self._writer, threshold=threshold)

    def question(self) -> QuestionDialog:
        """Choose the model that words a question."""
        from tui.screens.modals.question import QuestionDialog

        return QuestionDialog(last_asked(self._store))
