"""Dividing rows into training and validation so that no document is on both sides."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from engine.dataset.rows import Row
from engine.errors import DatasetRefused

# Shorter answers ("Yes, thank you.") are equal by chance.
_SAME_ANSWER_CHARS = 80


def split(rows: Sequence[Row], fraction: float, seed: int) -> tuple[list[Row], list[Row]]:
    """Divide rows into training and validation.

    Rows of one document stay together, and so do documents that hold the same
    long answer, so that nothing held out has been trained on. Which groups are
    held out follows from a hash of the seed and the group, not from the order of
    the rows; their sizes add up to the fraction as closely as the groups allow.

    Args:
        rows: At least two, of at least two groups.
        fraction: The share of rows that is wanted for validation, between 0 and 1.
        seed: Another seed gives another division.

    Returns:
        Training and validation rows, each in the order of ``rows``.

    Raises:
        DatasetRefused: All rows belong together, so that nothing can be held out.
    """
    groups = _groups(rows)
    if len(groups) < 2:
        raise DatasetRefused(
            f"{len(rows)} approved example{'s' if len(rows) != 1 else ''} from one document "
            "can't be divided into training and validation",
            hint="approve examples from at least 2 documents",
        )
    ordered = sorted(groups, key=lambda group: _hash(seed, group))
    target = min(max(round(fraction * len(rows)), 1), len(rows) - 1)
    held_out = {
        rows[index].id
        for group in _closest([len(groups[name]) for name in ordered], target)
        for index in groups[ordered[group]]
    }
    train = [row for row in rows if row.id not in held_out]
    return train, [row for row in rows if row.id in held_out]


def _hash(seed: int, group: str) -> bytes:
    return hashlib.blake2b(f"{seed}\0{group}".encode(), digest_size=16).digest()


def _groups(rows: Sequence[Row]) -> dict[str, list[int]]:
    """Return row numbers by group; a group is named by the least of its documents."""
    parent = {row.group: row.group for row in rows}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    owner: dict[str, str] = {}
    for row in rows:
        for turn in row.turns:
            text = turn.content.strip()
            if turn.role != "assistant" or len(text) < _SAME_ANSWER_CHARS:
                continue
            first, second = sorted((root(owner.setdefault(text, row.group)), root(row.group)))
            parent[second] = first
    groups: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        groups.setdefault(root(row.group), []).append(index)
    return groups


def _closest(sizes: Sequence[int], target: int) -> list[int]:
    """Choose numbers whose sum is as near to ``target`` as can be, but neither 0 nor all.

    The sums that the first numbers can reach are the bits of one integer; for
    each sum is kept which number reached it first, so that a choice can be read
    back. Earlier numbers are preferred.

    Returns:
        The places of the chosen numbers, ascending.
    """
    total = sum(sizes)
    reach = 1
    reached_by: dict[int, int] = {}
    for place, size in enumerate(sizes):
        new = (reach << size) & ~reach
        reach |= new
        while new:
            low = new & -new
            reached_by[low.bit_length() - 1] = place
            new ^= low
        if target in reached_by:
            break
    best = min((abs(s - target), s) for s in reached_by if 0 < s < total)[1]
    chosen: list[int] = []
    while best:
        place = reached_by[best]
        chosen.append(place)
        best -= sizes[place]
    return sorted(chosen)
