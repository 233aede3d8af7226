"""What cards and rows are in tokens, with the tokenizer of a base that is installed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import BaseError
from engine.models import Card, Turn

if TYPE_CHECKING:
    from engine.bases import Base
    from engine.dataset import Row
    from engine.tokens import Segment, Token, Tokenizer, TurnTokens
    from engine.workspace import Workspace

KEPT = 512

LISTED = 2_000
"""The most tokens that are listed one by one."""


@dataclass(frozen=True, slots=True)
class TokenView:
    """A row as the model sees it; counts are in tokens.

    Attributes:
        segments: Its text in stretches.
        total: How many tokens are kept.
        trained: How many of these are trained.
        truncated: How many are cut off.
        turns: Counts for each turn that the template got.
        tokens: The first tokens, each with its text in the vocabulary.
        unlisted: How many more there are.
    """

    segments: tuple[Segment, ...]
    total: int
    trained: int
    truncated: int
    turns: tuple[TurnTokens, ...] = ()
    tokens: tuple[tuple[Token, str], ...] = ()
    unlisted: int = 0


class TokenViews:
    """Renders rows with one tokenizer, which is read once. Called in threads.

    Args:
        base: The base.
        max_length: The longest row in tokens; None cuts nothing.
    """

    def __init__(self, base: Base, max_length: int | None) -> None:
        self._base = base
        self.max_length = max_length
        self._tokenizer: Tokenizer | None = None

    def view(self, row: Row) -> TokenView:
        """Return a row as the model sees it.

        Raises:
            TemplateError: The chat template refuses the conversation.
        """
        from engine.tokens import Tokenizer, preview, segments

        if self._tokenizer is None:
            self._tokenizer = Tokenizer.load(self._base.directory)
        tokenizer = self._tokenizer
        seen = preview(tokenizer, row.turns, max_length=self.max_length)
        return TokenView(
            segments=tuple(segments(seen.rendered)),
            total=len(seen.rendered.ids),
            trained=seen.rendered.trained_count,
            truncated=seen.rendered.truncated,
            turns=seen.turns,
            tokens=tuple((token, tokenizer.token(token.id)) for token in seen.tokens[:LISTED]),
            unlisted=max(0, len(seen.tokens) - LISTED),
        )


@dataclass(frozen=True, slots=True)
class TokenRows:
    """Rows, and what renders them.

    Attributes:
        title: What they are rows of.
        rows: The rows.
        views: Renders them.
    """

    title: str
    rows: Sequence[Row]
    views: TokenViews


def card_rows(workspace: Workspace, card: Card) -> TokenRows:
    """Return a card as the row that it would be.

    Raises:
        BaseError: The settings' base is not installed, or damaged.
    """
    from engine.dataset import rows_to_preview

    found = rows_to_preview(workspace, card=card)
    return TokenRows(found.base.name, found.rows, TokenViews(found.base, found.max_length))


def dataset_rows(workspace: Workspace, name: str) -> TokenRows:
    """Return the rows of a dataset, or those that are approved where ``name`` is empty.

    Raises:
        FinetuiError: As :func:`engine.dataset.rows_to_preview` says.
    """
    from engine.dataset import rows_to_preview

    found = rows_to_preview(workspace, dataset=name)
    title = f"{name or 'approved'} · {found.base.name}"
    return TokenRows(title, found.rows, TokenViews(found.base, found.max_length))


class TokenCounter:
    """Counts the tokens of turns with a base's tokenizer. Called in threads.

    Args:
        base: The base's name or path, as in the settings.
    """

    def __init__(self, base: str) -> None:
        self._base = base
        self._lock = threading.Lock()
        self._tokenizer: Tokenizer | None = None
        self._kept: OrderedDict[tuple[Turn, ...], tuple[int, ...]] = OrderedDict()

    def counts(self, turns: Sequence[Turn]) -> tuple[int, ...]:
        """Return the tokens of each turn's text; empty where the base is not installed."""
        key = tuple(turns)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            tokenizer = self._loaded()
            if tokenizer is None:
                return ()
            found = tuple(len(tokenizer.encode(turn.content)) for turn in key)
            self._kept[key] = found
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return found

    def _loaded(self) -> Tokenizer | None:
        if self._tokenizer is None:
            # The tokenizers library and its model take half a second, in this thread.
            from engine.bases import tokenizer_dir
            from engine.tokens import Tokenizer

            try:
                self._tokenizer = Tokenizer.load(tokenizer_dir(self._base))
            except BaseError:
                return None  # not imported yet: asked again with the next card
        return self._tokenizer
