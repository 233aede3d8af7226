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

    Args:
        lengths: The examples' lengths in tokens.
        seed: The run's seed.
        batch_size: Examples of a batch.
        accumulation: Batches of a step.
        alike: Whether to put examples of like length into a batch, which spares padding.
            Which examples a step has stays as it is, only their places in it change. Its
            loss is a mean over all its trained tokens, a sum in which the order of terms
            does not matter: so its gradient is the same too, up to rounding.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        seed: int,
        *,
        batch_size: int = 1,
        accumulation: int = 1,
        alike: bool = False,
    ) -> None:
        self._lengths = lengths
        self._seed = seed
        self._step = batch_size * accumulation
        self._alike = alike and accumulation > 1
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Take the order of an epoch, counted from 0; called by the data loader."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        order = list(range(len(self._lengths)))
        random.Random(f"{self._seed}/{self._epoch}").shuffle(order)
        if not self._alike:
            return iter(order)
        steps = (order[at : at + self._step] for at in range(0, len(order), self._step))
        # The longest first: a step that doesn't fit into memory fails at its first batch.
        return iter([row for step in steps for row in sorted(step, key=self._longest_first)])

    def _longest_first(self, row: int) -> int:
        return -self._lengths[row]

    def __len__(self) -> int:
        return len(self._lengths)


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


def collate_packed(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Lay rows end to end, without padding; see :mod:`engine.train.packing`.

    Args:
        rows: What :func:`as_features` returns.

    Returns:
        ``input_ids``, ``position_ids``, which start anew with each row, and ``labels``, each
        (1, tokens) and int64; and ``row_lengths``, a tuple of numbers.
    """
    import torch

    lengths = tuple(len(row["input_ids"]) for row in rows)
    ids = [token for row in rows for token in row["input_ids"]]
    # A row's first token is not predicted from the last of the row before it.
    labels = [label for row in rows for label in (IGNORED, *row["labels"][1:])]
    return {
        "input_ids": torch.tensor([ids]),
        "position_ids": torch.cat([torch.arange(length) for length in lengths])[None],
        "labels": torch.tensor([labels]),
        "row_lengths": lengths,
    }


def tokens_of(batch: Mapping[str, Any]) -> int:
    """Return the number of a batch's tokens, without padding."""
    mask = batch.get("attention_mask")  # there is none where batches have no padding
    return int(batch["input_ids"].numel() if mask is None else mask.sum())


def budgeted(
    rows: Sequence[TokenRow], batch_size: int, *, padded: bool
) -> Iterator[Sequence[TokenRow]]:
    """Split rows into batches that take no more memory than ``batch_size`` of the longest rows.

    Short rows go together in larger numbers, sorted by length, so little is padding. An
    evaluation's figure is a sum over tokens and does not depend on it.

    Args:
        rows: The rows.
        batch_size: Rows of the greatest length that fit at once.
        padded: Whether a batch's rows are padded to its longest.
    """
    ordered = sorted(rows, key=lambda row: -len(row.ids))
    budget = batch_size * len(ordered[0].ids) if ordered else 0
    batch: list[TokenRow] = []
    taken = 0
    for row in ordered:
        # In a padded batch each row takes the room of its first, which is the longest.
        room = len(batch[0].ids) if padded and batch else len(row.ids)
        if batch and taken + room > budget:
            yield batch
            batch, taken, room = [], 0, len(row.ids)
        batch.append(row)
        taken += room
    if batch:
        yield batch
