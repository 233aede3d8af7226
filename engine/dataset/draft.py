"""What a freeze would hold, before anything is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from engine.bases import Base
from engine.dataset.gate import Checked, Refusal, check
from engine.dataset.rows import Row, row_of
from engine.dataset.split import split
from engine.errors import DatasetRefused, NothingApproved
from engine.models import Card, Filter, canonical_json
from engine.tokens import Tokenizer
from engine.workspace import Workspace

Progress = Callable[[int, int], None]
_NAMED = 5


def quiet(done: int, total: int) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True, slots=True)
class DatasetOptions:
    """What decides a dataset, next to the approved examples.

    Args:
        validation_fraction: The share of rows that is held out.
        seed: The seed of the split.
        system_prompt: Put before conversations without a system message.
        max_length: The longest sequence in tokens; None cuts nothing.
    """

    validation_fraction: float
    seed: int
    system_prompt: str
    max_length: int | None


@dataclass(frozen=True, slots=True)
class Draft:
    """Approved examples, checked and divided.

    Args:
        options: What it was made with.
        base: The base that tokens were counted for, if any.
        train: Rows to train on.
        validation: Rows that are held out.
        approved: How many examples are approved.
        duplicates: How many were left out as copies of an earlier one.
        refusals: What the gate refused.
    """

    options: DatasetOptions
    base: Base | None
    train: tuple[Checked, ...]
    validation: tuple[Checked, ...]
    approved: int
    duplicates: int
    refusals: tuple[Refusal, ...]

    @property
    def refused_by_code(self) -> dict[str, int]:
        """How many rows the gate refused, by reason's code."""
        return dict(sorted(Counter(refusal.code for refusal in self.refusals).items()))


def draft(
    workspace: Workspace,
    *,
    base: Base | None,
    options: DatasetOptions,
    progress: Progress = quiet,
) -> Draft:
    """Check and divide the approved examples; nothing is written.

    Args:
        workspace: Where they are.
        base: The base to count tokens for; without it, only what needs no tokens is checked.
        options: What decides the dataset.
        progress: Called with rows checked and in total.

    Raises:
        NothingApproved: No example is approved.
        DatasetRefused: What passes the gate can't be divided.
    """
    cards = list(workspace.store.cards(Filter(states=("approved",))))
    if not cards:
        raise NothingApproved(
            "no example is approved yet",
            hint="approve some: in the app with the key a, or with finetui decide ID approve",
        )
    rows = _distinct(cards, options.system_prompt)
    tokenizer = Tokenizer.load(base.directory) if base else None
    checked: list[Checked] = []
    for number, row in enumerate(rows, 1):
        checked.append(check(row, tokenizer, options.max_length))
        progress(number, len(rows))
    passed = {one.row.id: one for one in checked if one.refusal is None}
    refusals = tuple(one.refusal for one in checked if one.refusal is not None)
    if not passed:
        raise refused(refusals)
    train, validation = split(
        [one.row for one in passed.values()], options.validation_fraction, options.seed
    )
    return Draft(
        options=options,
        base=base,
        train=tuple(passed[row.id] for row in train),
        validation=tuple(passed[row.id] for row in validation),
        approved=len(cards),
        duplicates=len(cards) - len(rows),
        refusals=refusals,
    )


def _distinct(cards: list[Card], system_prompt: str) -> list[Row]:
    """Return one row for each text, in an order that only the examples decide."""
    first: dict[str, Card] = {}
    for card in sorted(cards, key=_order):
        first.setdefault(canonical_json(card.turns), card)
    return [row_of(card, system_prompt) for card in first.values()]


def _order(card: Card) -> tuple[str, str, int, str]:
    where = card.example.provenance
    return where.source_id, where.path, where.start_line, card.example.id


def refused(refusals: tuple[Refusal, ...]) -> DatasetRefused:
    """Return the error that names what the gate refused."""
    named = "; ".join(f"{one.example_id}: {one.reason} [{one.code}]" for one in refusals[:_NAMED])
    more = f"; and {len(refusals) - _NAMED} more" if len(refusals) > _NAMED else ""
    count = f"{len(refusals)} approved example{'s' if len(refusals) != 1 else ''}"
    return DatasetRefused(
        f"{count} can't be trained on: {named}{more}",
        hint="edit or reject them, or leave them out with --drop-refused",
    )
