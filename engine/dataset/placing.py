"""Rows to sides: what each group is of, and where its rows stood before."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from engine.dataset.candidates import Candidate, answer_length
from engine.dataset.groups import Grouping, NearClusters
from engine.dataset.history import History
from engine.dataset.options import DatasetOptions
from engine.dataset.split import Group, Side, divide, oldest_side
from engine.models import Turn
from engine.similarity import normal_form, parts
from engine.similarity.texts import key_of


def place(
    rows: Sequence[Candidate],
    grouping: Grouping,
    options: DatasetOptions,
    before: History,
) -> list[Side]:
    """Return the side of each row.

    Raises:
        DatasetRefused: The rows can't be divided.
    """
    strata = _strata(rows, options.validation_fraction)
    groups = []
    for places in grouping.groups:
        members = [rows[at] for at in places]
        groups.append(
            Group(
                # The name depends on no order: the least of the documents and rows.
                name=min((one.row.group, one.row.id) for one in members)[0] or members[0].row.id,
                size=len(places),
                stratum=_most(strata[at] for at in places),
                side=oldest_side(
                    side for one in members for side in _sides_of(one, before) if side
                ),
            )
        )
    sides = divide(groups, options.validation_fraction, options.test_fraction, options.seed)
    found: list[Side] = ["train"] * len(rows)
    for places, side in zip(grouping.groups, sides, strict=True):
        for at in places:
            found[at] = side
    return found


def _sides_of(one: Candidate, before: History) -> list[Side]:
    """Return where an example stood: itself, its text, or the one that it took the place of."""
    names = (one.row.id, one.row.metadata.get("text_id", ""), one.follows)
    return [before.sides[name] for name in names if name in before.sides]


def _strata(rows: Sequence[Candidate], share: float) -> list[tuple[str, str, str]]:
    """Return what each row is: its language, its kind, and the rarest of its tags.

    Of tags, those of fewer than ``1 / share`` rows don't count: not one row would be held out.
    """
    tags = Counter(tag for one in rows for tag in one.row.metadata.get("tags", ()))
    found = []
    for one in rows:
        own = [(tags[tag], tag) for tag in one.row.metadata.get("tags", ())]
        common = [pair for pair in own if pair[0] >= 1 / share]
        kind = str(one.row.metadata.get("kind", ""))
        found.append((one.language, kind, min(common)[1] if common else ""))
    return found


def _most(strata: Iterable[tuple[str, str, str]]) -> tuple[str, str, str]:
    counts = Counter(strata)
    return min(counts, key=lambda one: (-counts[one], one))


def representatives(
    rows: Sequence[Candidate], near: NearClusters, before: History
) -> tuple[list[Candidate], int]:
    """Keep one row of each cluster of near-duplicates, and of rows that are equal but for spelling.

    It is the one that an earlier dataset had, else the one of the highest quality where all
    are scored, else the one with the longest answer, else the first.

    Returns:
        The rows that stay, in their order, and how many don't.
    """
    clusters: list[list[int]] = []
    by_position = {one.position: at for at, one in enumerate(rows)}
    clusters += [[by_position[at] for at in one if at in by_position] for one in near.both]
    equal: defaultdict[bytes, list[int]] = defaultdict(list)
    for at, one in enumerate(rows):
        equal[_key(one.row.turns)].append(at)
    clusters += equal.values()
    gone: set[int] = set()
    for cluster in clusters:
        staying = [at for at in cluster if at not in gone]
        if len(staying) > 1:
            scored = all(rows[at].quality is not None for at in staying)
            best = min(staying, key=lambda at: (*_worth(rows[at], before, scored=scored), at))
            gone.update(at for at in staying if at != best)
    return [one for at, one in enumerate(rows) if at not in gone], len(gone)


def _worth(one: Candidate, before: History, *, scored: bool) -> tuple[bool, float, int]:
    quality = one.quality if scored and one.quality is not None else 0.0
    return (not _sides_of(one, before), -quality, -answer_length(one.row))


def _key(turns: Sequence[Turn]) -> bytes:
    pair = parts(turns)
    return key_of(normal_form(pair.prompt)) + b"\0" + key_of(normal_form(pair.answer))
