"""The card: the example that is being decided, with the tokens of its turns."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

from textual import getters, work
from textual.app import ComposeResult
from textual.containers import Vertical

from engine.models import Card, Filter, Turn
from tui.bridge.threads import off_loop
from tui.widgets.card import CardPane
from tui.widgets.queue import filter_words


class Counts(Protocol):
    """Counts tokens, in threads."""

    def counts(self, turns: Sequence[Turn]) -> tuple[int, ...]:
        """Return the tokens of each turn; empty where that can't be told."""


class CardPart(Vertical):
    """Shows one example, or words where there is none.

    Args:
        tokens: Counts the tokens of turns.
        session: Whose terminal this is, so that others' decisions are told from one's own.
        id: The widget's id.
        classes: Its classes.
    """

    pane = getters.query_one(CardPane)

    def __init__(
        self,
        tokens: Counts,
        session: str = "",
        *,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._tokens = tokens
        self._session = session
        self._draft = False
        self._counted: tuple[int, ...] = ()
        self._edited_at = 0.0
        self.card: Card | None = None
        self.seen = 0

    def compose(self) -> ComposeResult:
        """The text."""
        yield CardPane()

    @property
    def edited_elsewhere(self) -> bool:
        """Whether the text was changed in another session while it was shown."""
        return bool(self._edited_at)

    @property
    def text(self) -> str:
        """All that is shown."""
        return self.pane.text

    def show(self, card: Card, *, draft: bool, own: bool = False) -> None:
        """Show an example.

        What a person has seen of it, ``seen``, is the last entry about it when it was shown.
        Where its text is changed elsewhere while it is shown, that stays as it was: a decision
        may be on its way to the key, and it is about the text before.

        Args:
            card: The example.
            draft: Whether an edit of it was begun and not saved.
            own: Whether it is shown as what the person in front of it has just made of it.
        """
        before = self.card
        other = own or before is None or before.example.id != card.example.id
        if other or before is None:
            self.seen, self._edited_at = card.seen, 0.0
        elif before.turns != card.turns:
            self._edited_at = time.time()
        elif not self._edited_at:
            self.seen = card.seen
        self.card, self._draft, self._counted = card, draft, ()
        self._paint(top=before is None or before.example.id != card.example.id)
        self._count_tokens(card)

    def _paint(self, *, top: bool) -> None:
        if self.card is not None:
            self.pane.show_card(
                self.card,
                tokens=self._counted,
                draft=self._draft,
                top=top,
                session=self._session,
                edited_at=self._edited_at,
            )

    def show_nothing(self, which: Filter) -> None:
        """Show what can be done where no example is.

        Args:
            which: The part of the queue that is shown.
        """
        self.card, self.seen, self._edited_at = None, 0, 0.0
        if which != Filter():
            first = f"Nothing here is {filter_words(which)}."
            self.pane.show_words(first, "", "escape shows the whole queue, f chooses another part.")
        else:
            self.pane.show_words(
                "The queue is empty.",
                "",
                "1 goes to Sources: add a folder of notes there with a,",
                "or take the bundled demo sources with g.",
            )

    @work(group="tokens", exclusive=True, exit_on_error=False)
    async def _count_tokens(self, card: Card) -> None:
        found = await off_loop(self._tokens.counts, card.turns)
        if found and card is self.card:
            self._counted = found
            self._paint(top=False)

    def scroll_pages(self, pages: int) -> None:
        """Scroll by pages; negative is up."""
        self.pane.pages_down(pages)
