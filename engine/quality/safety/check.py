"""The check: entries found in a turn, weighed with what stands near them."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from engine.errors import CheckError
from engine.models import Flag, Turn
from engine.quality.base import Finding
from engine.quality.language import Detector
from engine.quality.safety.frames import reclaimed, rejected
from engine.quality.safety.lists import (
    CATEGORIES,
    GAP,
    GAP_WORDS,
    LANGUAGES,
    WEIGHTS,
    Entry,
    Place,
    digest,
    fits,
    index,
)
from engine.quality.safety.said import Placed, Said
from engine.quality.safety.statements import statements
from engine.quality.safety.vocabulary import mentioned
from engine.quality.safety.words import Word, chunks, spelt_out, words

RULES = "3"

THRESHOLD = 0.5
"""Score from which a turn is flagged."""

WINDOW = 40
"""Words within which finds count together."""

NEAR = 40
"""Words within which a context lowers a find."""

LOWERED = 0.6
"""What a find counts in a context that lowers it."""

REPORTED = 0.3
"""What a find counts where it is reported to reject it, or is used of oneself."""

FRAMED = frozenset({"hateful", "violent", "toxic"})
"""The categories in which it matters whether somebody reports what others say."""

LIKELY = 0.15
"""Chance from which a text may be in a language, for words that only count in one."""

SPELT_SHORTEST = 4
SPELT_LONGEST = 20
"""Single letters in a row that are looked at as one word."""

_BLOCK = 400
_MARGIN = 150

_WHAT = {
    "hateful": "words that demean people for what they are",
    "sexual": "sexually explicit words",
    "self-harm": "words about hurting or killing oneself",
    "violent": "words that threaten or describe violence",
    "profanity": "foul language",
    "toxic": "insults",
}


_SAID = {
    "contempt": "says that it hates or despises a group of people",
    "demeaning": "says something demeaning of a group of people",
    "harm": "wishes a group of people harm, or calls for it",
    "exclusion": "denies a group of people its rights or its place",
}


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry that was found.

    Args:
        entry: It.
        first: Its first word's place.
        last: Its last word's.
        weight: What it counts.
        certain: It counts whatever language the text is in.
        reported: It is quoted or named to reject it, or used of oneself.
    """

    entry: Entry
    first: int
    last: int
    weight: float
    certain: bool
    reported: bool = False


class SafetyCheck:
    """Flags words of hate, sex, self-harm, violence, foul language and insults.

    Args:
        threshold: Score from 0 to 1 from which a turn is flagged.
        languages: The lists that are used; none means all.
        categories: What is flagged; none means everything.

    Raises:
        CheckError: There is no such list or category, or the threshold is out of range.
    """

    name = "safety"

    def __init__(
        self,
        *,
        threshold: float = THRESHOLD,
        languages: Sequence[str] = (),
        categories: Sequence[str] = (),
    ) -> None:
        if not 0 <= threshold <= 1:
            raise CheckError(f"a threshold of {threshold}", hint="It lies between 0 and 1.")
        self._languages = _chosen(languages, LANGUAGES, "list of words")
        self._categories = _chosen(categories, CATEGORIES, "category")
        self._threshold = threshold
        self._detector = Detector()

    @property
    def version(self) -> str:
        """Its rules and lists, what tells languages, and the options."""
        options = f"{self._threshold};{','.join(self._languages)};{','.join(self._categories)}"
        return f"{RULES} lists-{digest()} {self._detector.version} {options}"

    def look(self, turns: Sequence[Turn]) -> Finding:
        """Look at a conversation; see :class:`engine.quality.base.Check`."""
        flags = [
            flag for number, turn in enumerate(turns) for flag in self._turn(number, turn.content)
        ]
        return Finding(tuple(flags))

    def _turn(self, number: int, text: str) -> list[Flag]:
        found, places, named = _read(text)
        people = named and "hateful" in self._categories
        if not places and not people:
            return []
        hits, lowered = self._hits(found, places)
        if people or any(hits[category] for category in FRAMED):
            said = Said(text, found)
            if people:
                hits["hateful"] += self._statements(said, found)
            for category in FRAMED:
                hits[category] = [_framed(hit, said, found) for hit in hits[category]]
        speaks = self._speaks(text)
        flags = []
        for category in CATEGORIES:
            # Telling a language costs more than all else: only where it may matter.
            if _most(hits[category]) < self._threshold:
                continue
            counted = [
                hit
                for hit in hits[category]
                if hit.certain or speaks(_start(found[hit.first]), hit.entry.language)
            ]
            one = _weigh(counted, lowered[category])
            if one is not None and one[0] >= self._threshold:
                flags.append(_flag(category, one, counted, number, found))
        return flags

    def _hits(
        self, found: Sequence[Placed], places: Sequence[tuple[int, tuple[Place, ...]]]
    ) -> tuple[dict[str, list[Hit]], dict[str, list[int]]]:
        """Return by category what was found, and where words stand that lower it."""
        hits: dict[str, list[Hit]] = defaultdict(list)
        lowered: dict[str, list[int]] = defaultdict(list)
        for at, candidates in places:
            for entry, piece in candidates:
                lowers = entry.level == "lowered_by"
                if not lowers and (
                    entry.language not in self._languages or entry.category not in self._categories
                ):
                    continue
                span = _span(entry, piece, at, found)
                if span is not None and lowers:
                    lowered[entry.category].append(at)
                elif span is not None:
                    # A word that was hidden is meant; no language can be told by it.
                    hidden = entry.level == "strong" and found[at][1].disguised
                    certain = hidden or not entry.gated
                    hit = Hit(entry, *span, WEIGHTS[entry.level], certain)
                    hits[entry.category].append(hit)
        return hits, lowered

    def _statements(self, said: Said, found: Sequence[Placed]) -> list[Hit]:
        """Return the hateful statements about groups as finds."""
        starts = [_start(placed) for placed in found]
        hits: list[Hit] = []
        for one in statements(said, self._languages):
            first = max(0, bisect_right(starts, said.starts[one.first]) - 1)
            last = max(first, bisect_right(starts, said.starts[one.last]) - 1)
            number = -1 - len(hits)
            entry = Entry(one.language, "hateful", one.kind, (), True, number)
            hidden = any(word.disguised for _, word in found[first : last + 1])
            hits.append(Hit(entry, first, last, one.weight, hidden))
        return hits

    def _speaks(self, text: str) -> Callable[[int, str], bool]:
        """Return what says whether the text about a place may be in a language."""
        known: dict[int, frozenset[str]] = {}

        def speaks(place: int, language: str) -> bool:
            block = place // _BLOCK
            if block not in known:
                start = max(0, block * _BLOCK - _MARGIN)
                part = " ".join(text[start : (block + 1) * _BLOCK + _MARGIN].split())
                scores = self._detector.scores(part.lower())
                known[block] = _likely(scores.items())
            return language in known[block]

        return speaks


def _framed(hit: Hit, said: Said, found: Sequence[Placed]) -> Hit:
    """Return a find with what it counts where it is reported, or used of oneself."""
    first = said.place(_start(found[hit.first]))
    last = max(first, said.place(_start(found[hit.last])))
    language = hit.entry.language
    claimed = hit.entry.category == "hateful"
    listed = claimed and hit.entry.level in WEIGHTS
    slur = listed and len(hit.entry.pieces) == 1
    reported = rejected(
        said, first, last, language, claimed=claimed, deniable=listed and not slur, slur=slur
    )
    if reported or (listed and reclaimed(said, first, last, language)):
        return replace(hit, weight=hit.weight * REPORTED, reported=True)
    return hit


def _most(hits: Sequence[Hit]) -> float:
    """Return the score that all finds together have at most."""
    weights = {hit.entry.number: hit.weight for hit in hits}
    return 1 - math.prod(1 - weight for weight in weights.values())


def _likely(scores: Iterable[tuple[str, float]]) -> frozenset[str]:
    pairs = list(scores)
    best = max((score for _, score in pairs), default=0.0)
    total = sum(math.exp(score - best) for _, score in pairs)
    return frozenset(name for name, score in pairs if math.exp(score - best) >= LIKELY * total)


def _chosen(given: Sequence[str], known: Sequence[str], what: str) -> tuple[str, ...]:
    for one in given:
        if one not in known:
            raise CheckError(f"there is no {what} {one!r}", hint=f"There are {', '.join(known)}.")
    return tuple(one for one in known if one in given) if given else tuple(known)


@lru_cache(maxsize=1 << 16)
def _looked_up(chunk: str) -> tuple[tuple[tuple[Word, tuple[Place, ...]], ...], bool]:
    """Return the words of a chunk with their entries, and whether one may name a group."""
    lists, names = index(), mentioned()
    several = tuple((word, lists.find(word)) for word in words(chunk))
    return several, any(form in names for word, _ in several for form in word.forms)


def _read(text: str) -> tuple[list[Placed], list[tuple[int, tuple[Place, ...]]], bool]:
    """Return the words of a text, which some entry may be found by, and if a group is named."""
    people = False
    found: list[Placed] = []
    places: list[tuple[int, tuple[Place, ...]]] = []
    run: list[Placed] = []
    for start, chunk in chunks(text):
        several, named = _looked_up(chunk)
        people = people or named
        for word, candidates in several:
            if candidates:
                places.append((len(found), candidates))
            found.append((start, word))
        single = len(several) == 1 and several[0][0].end - several[0][0].start == 1
        if single:
            run.append((start, several[0][0]))
        if run and (not single or len(chunk) > 1):
            _spelt_out(run, found, places)
            run = []
    _spelt_out(run, found, places)
    return found, places, people


def _spelt_out(
    run: list[Placed], found: list[Placed], places: list[tuple[int, tuple[Place, ...]]]
) -> None:
    """Add the word that single letters make ("i d i o t")."""
    if not SPELT_SHORTEST <= len(run) <= SPELT_LONGEST:
        return
    letters = "".join(word.forms[0] for _, word in run)
    (first, one), (last, other) = run[0], run[-1]
    word = spelt_out(letters, first + one.start, last + other.end)
    if candidates := index().find(word):
        places.append((len(found), candidates))
        found.append((0, word))


def _span(entry: Entry, piece: int, at: int, found: Sequence[Placed]) -> tuple[int, int] | None:
    """Return the first and last word of an entry of which one piece is at a place."""
    first = _walk(entry, entry.pieces[:piece][::-1], at, -1, found)
    last = _walk(entry, entry.pieces[piece + 1 :], at, 1, found)
    return None if first is None or last is None else (first, last)


def _start(placed: Placed) -> int:
    return placed[0] + placed[1].start


def _walk(
    entry: Entry, pieces: Sequence[str], at: int, step: int, found: Sequence[Placed]
) -> int | None:
    """Return where the last of some pieces is, taken word by word from a place."""

    def there() -> bool:
        return 0 <= at < len(found) and fits(piece, found[at][1], entry.language)

    skips = 0
    for piece in pieces:
        if piece == GAP:
            skips = GAP_WORDS
            continue
        at += step
        while skips and not there():
            at += step
            skips -= 1
        if not there():
            return None
        skips = 0
    return at


def _weigh(hits: list[Hit], lowered: list[int]) -> tuple[float, Hit, bool] | None:
    """Return the best score of a window, its strongest hit, and whether a context lowered it."""
    hits.sort(key=lambda hit: (hit.first, -hit.weight, hit.entry.number))
    best: tuple[float, Hit, bool] | None = None
    for at, hit in enumerate(hits):
        window: dict[int, Hit] = {}
        used = -1
        for other in hits[at : at + WINDOW]:
            if other.first > hit.first + WINDOW:
                break
            # A word counts once, and so does an entry, however often it stands there.
            if other.first <= used or other.entry.number in window:
                continue
            window[other.entry.number] = other
            used = other.last
        weights = {number: _weight(one, lowered) for number, one in window.items()}
        score = 1 - math.prod(1 - weight for weight in weights.values())
        if best is None or score > best[0]:
            number = max(weights, key=lambda one: weights[one])
            strongest = window[number]
            best = score, strongest, weights[number] < strongest.weight
    return best


def _weight(hit: Hit, lowered: Sequence[int]) -> float:
    if hit.entry.level not in WEIGHTS:
        return hit.weight  # A statement says what it means.
    place = bisect_left(lowered, hit.first - NEAR)
    near = place < len(lowered) and lowered[place] <= hit.last + NEAR
    return hit.weight * LOWERED if near else hit.weight


def _flag(
    category: str,
    one: tuple[float, Hit, bool],
    hits: Sequence[Hit],
    number: int,
    found: Sequence[Placed],
) -> Flag:
    score, hit, lowered = one
    count = len({(other.first, other.last) for other in hits})
    what = _SAID.get(hit.entry.level, _WHAT[category])
    reason = f"{what} ({hit.entry.language})"
    if count > 1:
        reason += f", {count} places"
    if hit.reported:
        reason += "; it seems to be reported or used of oneself"
    elif lowered:
        reason += "; the words near suggest a report, a definition or another meaning"
    start, end = _start(found[hit.first]), found[hit.last][0] + found[hit.last][1].end
    return Flag("safety", category, round(min(score, 0.99), 3), reason, number, start, end)
