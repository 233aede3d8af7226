"""Dividing groups of rows into train, validation and test.

A group is wholly on one side. Groups that earlier datasets placed keep their side; the
new ones fill up what is missing. They are taken in an order in which each kind, tag and
language comes up at an even pace (systematic sampling in strata, with a random start in
each), and of that order the first ones that add up to the wanted number of rows.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from engine.errors import DatasetRefused

Side = Literal["train", "validation", "test"]
SIDES: tuple[Side, ...] = ("train", "validation", "test")
"""The sides; a group with rows of several old ones goes to the first of them.

A row that was trained on must not be held out after that; and a row by which a training
was watched or chosen is no test of it.
"""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that stay together.

    Args:
        name: What it is told from others by; its hash decides, with the seed.
        size: How many rows it has.
        stratum: What most of its rows are, from the coarse to the fine: language, kind, tag.
        side: The side that earlier datasets gave it, if any.
    """

    name: str
    size: int
    stratum: tuple[str, ...] = ()
    side: Side | None = None


def oldest_side(sides: Iterable[Side]) -> Side | None:
    """Return the side for a group whose rows had these sides."""
    found = set(sides)
    return next((side for side in SIDES if side in found), None)


def divide(groups: Sequence[Group], validation: float, test: float, seed: int) -> tuple[Side, ...]:
    """Give each group a side.

    The order of the groups decides nothing; sizes add up to the shares as closely as the
    groups allow, but no side stays empty.

    Args:
        groups: At least two; three where a test side is wanted.
        validation: The share of rows for validation, between 0 and 1.
        test: The share of rows for test; at 0 there is none.
        seed: Another seed gives another division of what has no side yet.

    Raises:
        DatasetRefused: There are not groups enough, or earlier datasets leave a side empty.
    """
    wanted: dict[Side, float] = (
        {"test": test, "validation": validation} if test else {"validation": validation}
    )
    sides: list[Side | None] = [
        one.side if one.side in wanted or one.side == "train" else _instead(one.side)
        for one in groups
    ]
    total = sum(one.size for one in groups)
    for number, (side, share) in enumerate(wanted.items()):
        free = [index for index, given in enumerate(sides) if given is None]
        have = sum(one.size for one, given in zip(groups, sides, strict=True) if given == side)
        others = [*list(wanted)[number + 1 :], "train"]
        # Groups that the sides after this one need to have something.
        spare = len(free) - sum(other not in sides for other in others)
        need = min(max(round(share * total), 1), total - 1) - have
        if have == 0 and spare < 1:
            raise _refused(groups, side, old=len(groups) - len(free))
        if spare < 1 or need <= 0:
            continue
        order = _order([groups[index] for index in free], groups, sides, side, share, seed)
        free = [free[place] for place in order]
        chosen = _closest(
            [groups[index].size for index in free],
            need,
            none=have > 0,
            all_=spare == len(free),
        )
        for place in chosen[:spare]:
            sides[free[place]] = side
    result = tuple(side or "train" for side in sides)
    if "train" not in result:
        raise _refused(groups, "train", old=len(groups))
    return result


def _instead(side: Side | None) -> Side | None:
    # Held out it was, and held out it stays where no test side is wanted.
    return "validation" if side == "test" else None


def _refused(groups: Sequence[Group], side: Side, *, old: int) -> DatasetRefused:
    rows = sum(one.size for one in groups)
    if old:
        return DatasetRefused(
            f"earlier datasets leave no row for {side}: the {rows:,} approved examples keep "
            "the sides that they had",
            hint="approve more examples, or divide anew with --fresh-split or another --seed",
        )
    return DatasetRefused(
        f"{rows} approved example{'s' if rows != 1 else ''} "
        + ("from one document " if len(groups) == 1 else f"in {len(groups)} groups ")
        + "can't be divided into training and "
        + ("validation" if side == "validation" and len(groups) == 1 else "validation and test"),
        hint="approve examples from at least 2 documents that are not alike"
        if len(groups) == 1
        else "approve examples from at least 3 documents that are not alike",
    )


def _hash(seed: int, *words: str) -> bytes:
    text = "\0".join((str(seed), *words))
    return hashlib.blake2b(text.encode("utf-8", "backslashreplace"), digest_size=16).digest()


def _uniform(seed: int, *words: str) -> float:
    return int.from_bytes(_hash(seed, *words)[:6], "big") / 2**48


def _order(
    free: Sequence[Group],
    groups: Sequence[Group],
    sides: Sequence[Side | None],
    side: Side,
    share: float,
    seed: int,
) -> list[int]:
    """Return the places of free groups, those first that should go to a side.

    In each stratum groups come by hash; the one at the row ``r`` of ``R`` of the stratum
    gets the rank ``r / R / x``, where ``x`` is the part of the stratum's free rows that the
    side lacks. The ranks below 1 then hold what is lacking of each stratum.
    """
    cells = _cells(groups, share)
    size: Counter[tuple[str, ...]] = Counter()
    have: Counter[tuple[str, ...]] = Counter()
    for one, given in zip(groups, sides, strict=True):
        size[cells[one.stratum]] += one.size
        if given == side:
            have[cells[one.stratum]] += one.size
    rows: Counter[tuple[str, ...]] = Counter()
    for one in free:
        rows[cells[one.stratum]] += one.size
    before: Counter[tuple[str, ...]] = Counter()
    ranks: dict[int, tuple[float, bytes]] = {}
    hashes = [_hash(seed, side, one.name) for one in free]
    for place in sorted(range(len(free)), key=lambda at: hashes[at]):
        one = free[place]
        cell = cells[one.stratum]
        lacking = share * size[cell] - have[cell]
        at = before[cell] + _uniform(seed, side, *cell) * one.size
        before[cell] += one.size
        part = lacking / rows[cell]
        ranks[place] = (at / rows[cell] / part if part > 0 else math.inf, hashes[place])
    return sorted(ranks, key=ranks.__getitem__)


def _cells(groups: Sequence[Group], share: float) -> Mapping[tuple[str, ...], tuple[str, ...]]:
    """Return the stratum that each stratum counts as: small ones are put together.

    Of fewer than ``1 / share`` rows not even one would be held out.
    """
    cells = {one.stratum: one.stratum for one in groups}
    sizes: Counter[tuple[str, ...]] = Counter()
    for one in groups:
        sizes[one.stratum] += one.size
    for depth in range(max(map(len, cells), default=0), 0, -1):
        filled: Counter[tuple[str, ...]] = Counter()
        for stratum, cell in cells.items():
            filled[cell] += sizes[stratum]
        for stratum, cell in cells.items():
            if len(cell) == depth and filled[cell] < 1 / share:
                cells[stratum] = cell[:-1]
    return cells


def _closest(sizes: Sequence[int], target: int, *, none: bool, all_: bool) -> list[int]:
    """Choose numbers whose sum is as near to ``target`` as can be.

    The sums that the first numbers can reach are the bits of one integer; for
    each sum is kept which number reached it first, so that a choice can be read
    back. Earlier numbers are preferred.

    Args:
        sizes: The numbers.
        target: The sum that is wanted.
        none: Whether none may be chosen.
        all_: Whether all may be chosen.

    Returns:
        The places of the chosen numbers, ascending.
    """
    # No sum beyond this can be nearer than the one of the largest number that goes over.
    mask = (1 << (target + max(sizes) + 1)) - 1
    reach = 1
    reached_by: dict[int, int] = {}
    for place, size in enumerate(sizes):
        new = (reach << size) & ~reach & mask
        reach |= new
        while new:
            low = new & -new
            reached_by[low.bit_length() - 1] = place
            new ^= low
        if target in reached_by:
            break
    sums = {*reached_by} | ({0} if none else set())
    if not all_:
        sums.discard(sum(sizes))
    best = min((abs(total - target), total) for total in sums)[1]
    chosen: list[int] = []
    while best:
        place = reached_by[best]
        chosen.append(place)
        best -= sizes[place]
    return sorted(chosen)
