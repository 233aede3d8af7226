"""Approved examples as rows, with what is known of each, and the filters that leave some out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.dataset.metadata import Metadata
from engine.dataset.options import DatasetOptions
from engine.dataset.rows import Row, row_of
from engine.errors import DatasetRefused, NothingApproved
from engine.models import Card, Filter, Flag, example_id
from engine.store import Store


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that may be frozen.

    Args:
        row: The row.
        position: The example's place in the queue, by which its links are found.
        text_id: The id of its text without the system message that was added.
        follows: The id of the example that it took the place of, if any.
        checked: Whether checks have looked at its text as it is.
        language: Its language, as an ISO 639-1 code; empty where it is not known.
        quality: From 0 to 1; None where it is not known.
        flags: What checks found.
    """

    row: Row
    position: int = -1
    text_id: str = ""
    follows: str = ""
    checked: bool = False
    language: str = ""
    quality: float | None = None
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True, slots=True)
class Approved:
    """The approved examples of a workspace, one for each text.

    Args:
        candidates: In an order that only the examples decide.
        total: How many are approved.
        decisions: Example and text of each that is approved, sorted: what was decided.
        in_conflict: How many of them were decided without having seen what others did.
    """

    candidates: tuple[Candidate, ...]
    total: int
    decisions: tuple[tuple[str, str], ...]
    in_conflict: int = 0

    @property
    def duplicates(self) -> int:
        """How many are copies of an earlier one."""
        return self.total - len(self.candidates)


def approved(store: Store, system_prompt: str, metadata: Metadata | None = None) -> Approved:
    """Return the approved examples.

    Args:
        store: Where they are.
        system_prompt: Put before conversations without one.
        metadata: Makes what rows say of where they come from; None leaves it out.

    Raises:
        NothingApproved: There is none.
    """
    # By the text's hash, so that no text is held twice.
    first: dict[str, tuple[tuple[str, str, int, str], Candidate]] = {}
    decisions = []
    in_conflict = 0
    for card in store.cards(Filter(states=("approved",))):
        in_conflict += card.conflict is not None
        text_id = example_id(card.turns)
        decisions.append((card.example.id, text_id))
        order = _order(card)
        known = first.get(text_id)
        if known is None or order < known[0]:
            first[text_id] = order, _candidate(card, text_id, system_prompt, metadata)
    if not first:
        raise NothingApproved(
            "no example is approved yet",
            hint="approve some: in the app with the key a, or with finetui decide ID approve",
        )
    ordered = sorted(first.values(), key=lambda pair: pair[0])
    return Approved(
        tuple(candidate for _, candidate in ordered),
        len(decisions),
        tuple(sorted(decisions)),
        in_conflict,
    )


def _candidate(
    card: Card, text_id: str, system_prompt: str, metadata: Metadata | None
) -> Candidate:
    quality = card.measures.get("quality")
    return Candidate(
        row_of(card, system_prompt, metadata.of(card) if metadata else None),
        card.position,
        text_id,
        card.example.follows,
        card.checked,
        str(card.measures.get("language", "")),
        float(quality) if quality is not None else None,
        card.flags,
    )


def _order(card: Card) -> tuple[str, str, int, str]:
    where = card.example.provenance
    return where.source_id, where.path, where.start_line, card.example.id


def sift(
    candidates: Sequence[Candidate], options: DatasetOptions
) -> tuple[list[Candidate], dict[str, int]]:
    """Leave out what the options' filters leave out.

    Returns:
        The rest, and how many each filter left out, by its name; a row that several would
        leave out counts for the first.

    Raises:
        DatasetRefused: A filter asks for what a check finds, and checks have not looked
            at some rows yet, or nothing is left.
    """
    asks = options.min_quality is not None or options.languages or options.exclude_flags
    unseen = [one for one in candidates if not one.checked] if asks else []
    if unseen:
        raise DatasetRefused(
            f"{len(unseen):,} of {len(candidates):,} approved examples were never checked, "
            "so that they can't be chosen by quality, language or flags",
            hint="check them first: finetui check",
        )
    left_out = dict.fromkeys(_asked(options), 0)
    kept = []
    for one in candidates:
        why = _why_not(one, options)
        if why:
            left_out[why] += 1
        else:
            kept.append(one)
    if not kept:
        raise DatasetRefused(
            f"the filters leave out all {len(candidates):,} approved examples: {counted(left_out)}",
            hint="ask for less",
        )
    return kept, left_out


def counted(counts: Mapping[str, int]) -> str:
    """Return counts in a line."""
    return ", ".join(f"{name} {count:,}" for name, count in counts.items() if count)


def _asked(options: DatasetOptions) -> Iterable[str]:
    if options.min_length:
        yield "min_length"
    if options.languages:
        yield "languages"
    if options.min_quality is not None:
        yield "min_quality"
    if options.exclude_flags:
        yield "exclude_flags"


def _why_not(one: Candidate, options: DatasetOptions) -> str:
    if options.min_length and answer_length(one.row) < options.min_length:
        return "min_length"
    if options.languages and one.language not in options.languages:
        return "languages"
    # What could not be scored has no quality that could be high enough.
    if options.min_quality is not None and (one.quality or 0.0) < options.min_quality:
        return "min_quality"
    wanted = set(options.exclude_flags)
    if any(flag.kind in wanted or f"{flag.kind}:{flag.code}" in wanted for flag in one.flags):
        return "exclude_flags"
    return ""


def answer_length(row: Row) -> int:
    """Return how many characters a row's answers have together, blanks around them aside."""
    return sum(len(turn.content.strip()) for turn in row.turns if turn.role == "assistant")
