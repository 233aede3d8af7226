"""From frozen rows to batches: the very ids and labels that the engine renders, nothing else.

Rendering needs no torch. :func:`collate` runs in the training child alone.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.dataset import Row
from engine.tokens import IGNORED, Tokenizer, render

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A rendered example: ids, and for each id itself or -100 as its label."""

    id: str
    ids: tuple[int, ...]
    labels: tuple[int, ...]

    @property
    def trained(self) -> int:
        """How many tokens carry loss."""
        # The first token has nothing before it to be predicted from.
        return sum(label != IGNORED for label in self.labels[1:])


@dataclass(frozen=True, slots=True)
class TokenRows:
    """The rendered examples of a split, and what became of the others.

    ``untrained`` are ids of examples without a single trained token, which are
    left out; ``truncated`` of those that were too long and are cut.
    """

    rows: tuple[TokenRow, ...]
    untrained: tuple[str, ...] = ()
    truncated: tuple[str, ...] = ()

    @property
    def tokens(self) -> int:
        """All tokens."""
        return sum(len(row.ids) for row in self.rows)

    @property
    def trained_tokens(self) -> int:
        """Tokens that carry loss."""
        return sum(row.trained for row in self.rows)


def render_rows(tokenizer: Tokenizer, rows: Sequence[Row], max_length: int) -> TokenRows:
    """Render examples with the base's chat template.

    Raises:
        TemplateError: The template can't render an example.
    """
    kept: list[TokenRow] = []
    untrained: list[str] = []
    truncated: list[str] = []
    for row in rows:
        rendered = render(tokenizer, row.turns, max_length=max_length)
        tokens = TokenRow(id=row.id, ids=rendered.ids, labels=rendered.labels)
        if rendered.truncated:
            truncated.append(row.id)
        if tokens.trained:
            kept.append(tokens)
        else:
            untrained.append(row.id)
    return TokenRows(rows=tuple(kept), untrained=tuple(untrained), truncated=tuple(truncated))


class EpochSampler:
    """The order of examples, which depends on the seed and the epoch alone.

    So a resumed run sees just what an uninterrupted one sees, with either backend.
    """

    def __init__(self, length: int, seed: int) -> None:
        self._length = length
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Take the order of an epoch, counted from 0; called by the data loader."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        order = list(range(self._length))
        random.Random(f"{self._seed}/{self._epoch}").shuffle(order)
        return iter(order)

    def __len__(self) -> int:
        return self._length


def as_features(row: TokenRow) -> dict[str, list[int]]:
    """Return a row as the trainer takes it."""
    return {"input_ids": list(row.ids), "labels": list(row.labels)}


def collate(rows: Sequence[Mapping[str, Any]], *, pad_id: int) -> dict[str, torch.Tensor]:
    """Pad rows to the longest among them.

    Args:
        rows: What :func:`as_features` returns.
        pad_id: What pads ids; padding is masked and carries no loss, so any id does.

    Returns:
        ``input_ids``, ``attention_mask`` and ``labels``, each (rows, longest) and int64.
    """
    import torch

    longest = max(len(row["input_ids"]) for row in rows)

    def padded(lists: Sequence[Sequence[int]], filler: int) -> torch.Tensor:
        return torch.tensor([[*items, *[filler] * (longest - len(items))] for items in lists])

    return {
        "input_ids": padded([row["input_ids"] for row in rows], pad_id),
        "attention_mask": padded([[1] * len(row["input_ids"]) for row in rows], 0),
        "labels": padded([row["labels"] for row in rows], IGNORED),
    }
