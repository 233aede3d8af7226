"""The card: the example that is being decided, with the tokens of its turns."""

from __future__ import annotations

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
        id: The widget's id.
        classes: Its classes.
    """

    pane = getters.query_one(CardPane)

    def __init__(
        self, tokens: Counts, *, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._tokens = tokens
        self._draft = False
        self.card: Card | None = None

    def compose(self) -> ComposeResult:
        """The text."""
        yield CardPane()

    @property
    def text(self) -> str:
        """All that is shown."""
        return self.pane.text

    def show(self, card: Card, *, draft: bool) -> None:
        """Show an example.

        Args:
            card: The example.
            draft: Whether an edit of it was begun and not saved.
        """
        other = self.card is None or self.card.example.id != card.example.id
        self.card, self._draft = card, draft
        self.pane.show_card(card, draft=draft, top=other)
        self._count_tokens(card)

    def show_nothing(self, which: Filter) -> None:
        """Show what can be done where no example is.

        Args:
            which: The part of the queue that is shown.
        """
        self.card = None
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
            self.pane.show_card(card, tokens=found, draft=self._draft, top=False)

    def scroll_pages(self, pages: int) -> None:
        """Scroll by pages; negative is up."""
        self.pane.pages_down(pages)
