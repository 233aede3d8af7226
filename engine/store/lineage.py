"""Which new example takes the place of which that its source no longer has.

A note is edited, renamed or moved, and what is extracted from it is another text than
before. The new text is told to come from the old by its answer: the same one means that
only the question or the place changed; a similar one in the same file is a later version.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from engine.models import Turn

SIMILAR = 0.3
"""The least share of common words by which an answer counts as a version of another."""

SIMILAR_ELSEWHERE = 0.5
"""The same for an answer in a file that went, and one in a file that came."""

_WORD = re.compile(r"\w+")
_MOST_PAIRS = 250_000


_UNSEEN = dict.fromkeys(map(ord, "\u200b\u2060\ufeff\u00ad"))


def plain(text: str) -> str:
    """Return a text without what nobody sees: the width of its gaps, and signs of no width."""
    return " ".join(text.translate(_UNSEEN).split())


@dataclass(frozen=True)
class Trace:
    """What is known of an example when its place is looked for.

    ``item`` is the file that it stood or stands in: for a file that was moved, both
    sides carry the new name. ``adrift`` says that the file is gone, or new.
    """

    id: str
    item: str
    heading: str
    turns: tuple[Turn, ...]
    adrift: bool = False

    @property
    def answer(self) -> str:
        """All that the assistant says."""
        return "\n".join(turn.content for turn in self.turns if turn.role == "assistant")

    @cached_property
    def said(self) -> str:
        """The answer as it is compared."""
        return plain(self.answer)


@dataclass(frozen=True, slots=True)
class Pair:
    """An old example and the new one in its place; ``same`` where the answer did not change."""

    old: str
    new: str
    same: bool


def match(lost: Sequence[Trace], arrived: Sequence[Trace]) -> list[Pair]:
    """Pair examples that are gone with those that came, each at most once.

    Args:
        lost: Examples that the source had and has no more.
        arrived: Examples that it has and had not.

    Returns:
        First the pairs with the same answer, those within one file before those across
        files; then, within one file, the most similar answers, by the Jaccard index of
        their words; a common heading counts for half of what is missing. Last come similar
        answers of files that went and files that came: notes that were renamed and edited.
    """
    pairs: list[Pair] = []
    left = {trace.id: trace for trace in lost}
    new = {trace.id: trace for trace in arrived}

    def take(old: Trace, fresh: Trace, same: bool) -> None:
        pairs.append(Pair(old.id, fresh.id, same))
        del left[old.id], new[fresh.id]

    for key in (lambda trace: (trace.item, trace.said), lambda trace: ("", trace.said)):
        known: dict[tuple[str, str], list[Trace]] = {}
        for trace in left.values():
            known.setdefault(key(trace), []).append(trace)
        for fresh in list(new.values()):
            olds = known.get(key(fresh))
            if olds:
                take(olds.pop(0), fresh, True)
    for old, fresh in similar(left.values(), new.values(), lambda trace: trace.item, SIMILAR):
        if old.id in left and fresh.id in new:
            take(old, fresh, False)
    went, came = ([trace for trace in side.values() if trace.adrift] for side in (left, new))
    for old, fresh in similar(went, came, lambda _: "", SIMILAR_ELSEWHERE):
        if old.id in left and fresh.id in new:
            take(old, fresh, False)
    return pairs


def similar(
    lost: Iterable[Trace],
    arrived: Iterable[Trace],
    place: Callable[[Trace], str],
    enough: float,
) -> list[tuple[Trace, Trace]]:
    """Return the pairs at one place that are alike enough, the likest first.

    Args:
        lost: Examples that were there.
        arrived: Examples that came.
        place: What only examples of one place have in common.
        enough: The least share of common words, with half of what is missing added where both
            have one heading.
    """
    by_item: dict[str, list[Trace]] = {}
    for trace in lost:
        by_item.setdefault(place(trace), []).append(trace)
    words: dict[str, frozenset[str]] = {}

    def words_of(trace: Trace) -> frozenset[str]:
        if trace.id not in words:
            words[trace.id] = frozenset(_WORD.findall(trace.answer.lower()))
        return words[trace.id]

    scored: list[tuple[float, int, Trace, Trace]] = []
    for fresh in arrived:
        for old in by_item.get(place(fresh), ()):
            if len(scored) >= _MOST_PAIRS:
                break
            mine, theirs = words_of(fresh), words_of(old)
            together = len(mine | theirs)
            score = len(mine & theirs) / together if together else 0.0
            if fresh.heading and fresh.heading == old.heading:
                score += (1 - score) / 2
            if score >= enough:
                scored.append((-score, len(scored), old, fresh))
    scored.sort(key=lambda entry: entry[:2])
    return [(old, fresh) for _, _, old, fresh in scored]
