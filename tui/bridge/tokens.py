"""Token counts for the card, if the base of the settings is installed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.errors import BaseError
from engine.models import Turn

if TYPE_CHECKING:
    from engine.tokens import Tokenizer

KEPT = 512


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
            from engine.bases import resolve
            from engine.tokens import Tokenizer

            try:
                self._tokenizer = Tokenizer.load(resolve(self._base).directory)
            except BaseError:
                return None  # not imported yet: asked again with the next card
        return self._tokenizer
