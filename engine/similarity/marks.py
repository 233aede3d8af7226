"""Clusters with a representative, and the flags that say so on the cards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.models import Flag, Link, LinkWhat, short_id
from engine.similarity.best import best
from engine.similarity.cache import VectorCache
from engine.similarity.linkage import NUMBERS_APART, clusters
from engine.similarity.reading import About, Reading, Sides

SHORT_ANSWER = 32
"""Answers of fewer characters, such as "Yes" or a label, may well stand under many questions."""

_ONE_SIDED: tuple[tuple[LinkWhat, str, str], ...] = (
    ("prompt", "same-question", "asks what {0} asks ({1:.2f}), and answers otherwise"),
    ("answer", "same-answer", "answers as {0} does ({1:.2f}), to another question"),
)


@dataclass(frozen=True, slots=True)
class Group:
    """A cluster: the representative's position first, and each one's similarity to it."""

    what: LinkWhat
    positions: tuple[int, ...]
    similarities: tuple[float, ...]


def grouped(
    links: Sequence[Link],
    what: LinkWhat,
    threshold: float,
    reading: Reading,
    cache: VectorCache,
) -> list[Group]:
    """Return the clusters of one kind, each with its representative first.

    The representative is chosen by :func:`engine.similarity.best.best`; the others follow by
    their similarity to it.
    """
    groups = []
    for members in clusters((link for link in links if link.what == what), threshold):
        head = representative([reading.about[position] for position in members])
        rest = [position for position in members if position != head]
        near = _similarities(what, head, rest, reading.sides, cache)
        order = sorted(zip(near, rest, strict=True), key=lambda one: (-one[0], one[1]))
        groups.append(
            Group(
                what,
                (head, *(position for _, position in order)),
                (1.0, *(similarity for similarity, _ in order)),
            )
        )
    return groups


def representative(members: Sequence[About]) -> int:
    """Return the position of the one that stands for a cluster."""
    chosen = best([(one.state, one.quality, one.answer_length, one.position) for one in members])
    return members[chosen].position


def _similarities(
    what: LinkWhat,
    head: int,
    others: Sequence[int],
    sides: Mapping[int, Sides],
    cache: VectorCache,
) -> list[float]:
    """Return how similar examples are to one: 1 for equal text, NaN vectors count as 0."""
    near = np.ones(len(others))
    if what != "answer":
        near = np.minimum(near, _one_side("prompt", head, others, sides, cache))
    if what != "prompt":
        near = np.minimum(near, _one_side("answer", head, others, sides, cache))
    found: list[float] = np.round(near, 5).tolist()
    return found


def _one_side(
    side: str, head: int, others: Sequence[int], sides: Mapping[int, Sides], cache: VectorCache
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    def of(position: int) -> tuple[bytes, int]:
        one = sides[position]
        if side == "prompt":
            return one.prompt, one.prompt_numbers
        return one.answer, one.answer_numbers

    mine, my_numbers = of(head)
    theirs = [of(position) for position in others]
    equal = np.array([key == mine for key, _ in theirs], bool)
    if equal.all():
        return np.ones(len(others))
    rows = np.nan_to_num(cache.load([mine, *(key for key, _ in theirs)]), nan=0.0)
    near = rows[1:].astype(np.float64) @ rows[0].astype(np.float64)
    apart = [bool(my_numbers and numbers and numbers != my_numbers) for _, numbers in theirs]
    near = near - NUMBERS_APART * np.array(apart, np.float64)
    return np.where(equal, 1.0, np.clip(near, 0.0, 0.99999))


def flags(
    groups: Mapping[LinkWhat, Sequence[Group]], reading: Reading
) -> dict[int, tuple[Flag, ...]]:
    """Return the flags of kind "duplicate" that clusters mean, by position.

    A representative has none. Another member of a cluster of duplicates is "exact" where
    one before it has the same text but for case, white space and the like, else "near".
    Of examples that ask the same and are no duplicates, all but one are "same-question";
    of those that answer the same at some length, all but one are "same-answer".
    """
    found: dict[int, list[Flag]] = {}
    family: dict[int, int] = {}
    for group in groups["both"]:
        head = group.positions[0]
        family.update(dict.fromkeys(group.positions, head))
        first: dict[tuple[bytes, bytes], int] = {}
        for position, near in zip(group.positions, group.similarities, strict=True):
            sides = reading.sides[position]
            twin = first.setdefault((sides.prompt, sides.answer), position)
            if position != head:
                found[position] = [_duplicate(position, head, twin, near, reading)]
    for what, code, words in _ONE_SIDED:
        for group in groups[what]:
            head = group.positions[0]
            if what == "answer" and reading.about[head].answer_length < SHORT_ANSWER:
                continue
            of_head = family.get(head, head)
            for position, near in zip(group.positions[1:], group.similarities[1:], strict=True):
                # Duplicates are spoken for by the one that they are a duplicate of.
                if family.get(position, position) == position and position != of_head:
                    name = short_id(reading.about[head].example_id)
                    flag = Flag("duplicate", code, near, words.format(name, near))
                    found.setdefault(position, []).append(flag)
    return {position: tuple(flags) for position, flags in found.items()}


def _duplicate(position: int, head: int, twin: int, near: float, reading: Reading) -> Flag:
    if twin != position:
        name = short_id(reading.about[twin].example_id)
        return Flag("duplicate", "exact", 1.0, f"the same text as {name}")
    name = short_id(reading.about[head].example_id)
    return Flag("duplicate", "near", near, f"near {name} at {near:.2f}")


def counted(flags: Iterable[tuple[Flag, ...]]) -> dict[str, int]:
    """Return how many flags of each code there are."""
    counts: dict[str, int] = {}
    for some in flags:
        for flag in some:
            counts[flag.code] = counts.get(flag.code, 0) + 1
    return dict(sorted(counts.items()))
