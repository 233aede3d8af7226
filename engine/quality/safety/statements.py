"""What is said of a group of people: that it is hated, less than human, to be harmed or kept out.

A group's name is harmless, and so are most words that are said of people. Hateful is a
statement: a group and a predicate that belong together, without a negation between them.
The predicates are those of the published definitions of hate speech: contempt,
dehumanising and demeaning description, threats and wishes of harm, exclusion and denied
rights. Who quotes such a statement to reject it says the opposite; that is told by words of
speech and of rejection near it, or by quotation marks.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.quality.safety.vocabulary import Vocabulary, anchors, vocabularies
from engine.quality.safety.words import Word

Placed = tuple[int, Word]


def _table(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STOP = "."
_STOPS = (".", "!", "?", ";", "\n", "…", ":")
_CLOSED = ('"', "”", "»")
_FILLS = 5
_NEAR = 28
"""Words around a find in which it may be rejected."""
_NEGATED = 4
"""Words before a verb in which a negation counts."""
_BETWEEN = 4
"""Words between a will and a deed: "we should get together and kill …"."""
_OWN = 6
"""Words before a slur in which somebody may call himself so."""

QUOTES = (("“", "”"), ("„", "“"), ("«", "»"), ("»", "«"), ("‘", "’"), ("'", "'"), ('"', '"'))


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement about a group.

    Args:
        kind: "contempt", "demeaning", "harm" or "exclusion".
        language: The language whose words it was found by.
        first: The first of its words, as a place in :class:`Said`.
        last: Its last.
        weight: What it counts.
    """

    kind: str
    language: str
    first: int
    last: int
    weight: float


class Said:
    """The words of a text as they are meant, with their sentences.

    Attributes:
        words: Folded words; a full stop stands for the end of a sentence.
        starts: Where each begins in the text.
        ends: Where each ends.
    """

    __slots__ = ("ends", "starts", "text", "words")

    def __init__(self, text: str, found: Sequence[Placed]) -> None:
        self.text = text
        self.words: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        at = 0
        while at < len(found):
            start = found[at][0]
            past = at + 1
            while past < len(found) and found[past][0] == start and start <= self._end(found[past]):
                past += 1
            chunk = found[at:past]
            # What was hidden stands last, as one word for all of the piece.
            hidden = chunk[-1][1].disguised and len(chunk[-1][1].forms[0]) > 2
            for placed in chunk[-1:] if hidden else chunk:
                self._add(placed)
            at = past

    @staticmethod
    def _end(placed: Placed) -> int:
        return placed[0] + placed[1].end

    def _add(self, placed: Placed) -> None:
        start, word = placed
        self.words.append(word.forms[0])
        self.starts.append(start + word.start)
        self.ends.append(start + word.end)
        follows = self.text[start + word.end : start + word.end + 3]
        closed = follows[:1] in _CLOSED and follows != ""
        if closed or follows.lstrip("'’)*_")[:1] in _STOPS:
            self.words.append(_STOP)
            self.starts.append(start + word.end)
            self.ends.append(start + word.end + 1)

    def place(self, offset: int) -> int:
        """Return which word stands at an offset of the text, or before it."""
        return max(0, bisect_right(self.starts, offset) - 1)


def statements(said: Said, languages: Sequence[str]) -> Iterator[Statement]:
    """Yield the hateful statements of a text, by the words of some languages."""
    known, named = vocabularies(), anchors()
    words = set(said.words)
    for language in languages:
        if language in known and not words.isdisjoint(named[language]):
            yield from _of_language(said.words, language, known[language])


def _of_language(words: Sequence[str], language: str, own: Vocabulary) -> Iterator[Statement]:
    groups, they, being = own["groups"], own["they"], own["being"]
    mention = -1_000
    place = 0
    while place < len(words):
        length = groups.at(words, place)
        about = bool(length)
        if not length and (length := being.at(words, place)):
            if found := _described(words, place, place + length, own, traits_only=True):
                yield _made(language, *found)
            mention = place
            place += length
            continue
        if not length and place - mention < 25:
            # "They" is who was named before.
            length = they.at(words, place)
        if not length:
            opening = place == 0 or words[place - 1] == _STOP
            if opening and language in _DROPPED and place - mention < 25:
                found = _described(words, place, place, own)
                if found:
                    yield _made(language, *found)
            place += 1
            continue
        if about:
            mention = place
        past = place + length
        found = (
            _described(words, place, past, own)
            or _wished(words, place, past, own)
            or _disliked(words, place, past, own)
            or _harmed(words, place, past, own)
            or (_kept_out(words, place, past, own) if about else None)
            or (_insulted(words, place, past, own) if about else None)
        )
        if found:
            yield _made(language, *found)
        place = past


_CERTAIN = _table(
    """
    the my our his her two three four five six some many several few these unsere meine seine ihre
    viele einige zwei drei niste unii unele cateva doi doua trei quelques plusieurs deux mes nos
    algunos algunas dos mis unos alcuni alcune due miei
    """
)
"""Words before a name by which it is that of certain people."""
_GOES_ON = _table(
    """
    and or but because on to for of by und oder aber weil auf fur si sau dar pentru et ou mais car
    y o pero porque para e ma perche per
    """
)

_DROPPED = frozenset({"ro", "es", "it"})
"""Languages that leave "they" out: "Sunt niște …"."""

_Found = tuple[str, int, int, float]


def _made(language: str, kind: str, first: int, past: int, weight: float) -> Statement:
    return Statement(kind, language, first, past - 1, weight)


def _forward(
    words: Sequence[str], place: int, own: Vocabulary, most: int = _FILLS
) -> Iterator[int]:
    """Yield the places that may follow a place, with more and more words between."""
    fill = own["fill"]
    yield place
    for _ in range(most):
        length = fill.at(words, place)
        if not length:
            return
        place += length
        yield place


def _backward(words: Sequence[str], place: int, own: Vocabulary, most: int = 4) -> Iterator[int]:
    fill = own["fill"]
    yield place
    for _ in range(most):
        length = fill.before(words, place)
        if not length:
            return
        place -= length
        yield place


def _denied(words: Sequence[str], first: int, past: int, own: Vocabulary) -> bool:
    """Say whether a negation stands between two places, within the sentence."""
    for place in range(past - 1, max(-1, first - 1), -1):
        if words[place] == _STOP:
            return False
        if own["neg"].at(words, place):
            return True
    return False


def _denied_after(words: Sequence[str], past: int, own: Vocabulary) -> bool:
    """Say whether a negation follows at once: "Ich hasse G nicht"."""
    for place in range(past, min(past + 2, len(words))):
        if words[place] == _STOP:
            return False
        if own["neg"].at(words, place):
            return True
    return False


def _described(
    words: Sequence[str], first: int, past: int, own: Vocabulary, *, traits_only: bool = False
) -> _Found | None:
    """Return "G are vermin", "why are G so disgusting", "G ruin everything"."""
    bad, copula = own["bad"], own["copula"]
    asked = any(own["why"].before(words, place) for place in _backward(words, first, own, 2))
    if not asked and _denied(words, first - 3, first, own) and not own["they"].at(words, first):
        return None  # "No woman is …", "I don't think women are …"
    certain_ones = first > 0 and words[first - 1] in _CERTAIN and not own["they"].at(words, first)
    for at in _forward(words, past, own, 2):
        if not traits_only and (length := own["lacks"].at(words, at)):
            # "G don't deserve to die" denies a wish of harm.
            if any(own["fate"].at(words, end) for end in _forward(words, at + length, own, 2)):
                return None
            return "exclusion", first, at + length, 0.85
        if not traits_only and (length := own["does"].at(words, at)):
            return "demeaning", first, at + length, 0.75
        length = copula.at(words, at)
        if not length:
            continue
        for end in _forward(words, at + length, own):
            if size := bad.at(words, end):
                if not own["mild"].at(words, end):
                    return None if certain_ones else ("demeaning", first, end + size, 0.8)
                # What is said of these people, or of some case, is no claim about a group.
                general = not certain_ones and _closes(words, end + size, own)
                return ("demeaning", first, end + size, 0.65) if general else None
            if own["neg"].at(words, end):
                break
    if asked:
        for end in _forward(words, past, own):
            if size := bad.at(words, end) or own["does"].at(words, end):
                return "demeaning", first, end + size, 0.75
    return None


def _closes(words: Sequence[str], place: int, own: Vocabulary) -> bool:
    """Say whether a predicate ends there, as a plain claim does: "G are lazy", "… and …"."""
    if place >= len(words) or words[place] == _STOP or words[place] in _GOES_ON:
        return True
    return bool(own["bad"].at(words, place) or own["mild"].at(words, place))


def _wished(words: Sequence[str], first: int, past: int, own: Vocabulary) -> _Found | None:
    """Return "G should be shot"."""
    if _denied(words, first - 3, first, own):
        return None
    for at in _forward(words, past, own, 2):
        length = own["should"].at(words, at)
        if not length:
            continue
        for end in _forward(words, at + length, own, 3):
            if size := own["fate"].at(words, end):
                soft = own["soft"].at(words, end) == size
                if soft and not _soon(words, end + size):
                    return None  # "should leave the house early"
                return "harm", first, end + size, 0.85
            if size := own["lacks"].at(words, end):
                return "exclusion", first, end + size, 0.8
    # "I hope G rot in hell."
    for start in _backward(words, first, own, 2):
        if size := own["will"].before(words, start):
            for end in _forward(words, past, own, 2):
                if length := own["fate"].at(words, end):
                    return "harm", start - size, end + length, 0.8
    return None


def _soon(words: Sequence[str], place: int) -> bool:
    """Say whether a sentence ends soon, or names a country to be left."""
    next_ones = words[place : place + 4]
    return _STOP in next_ones[:2] or len(next_ones) < 2 or not _PLACES.isdisjoint(next_ones)


_PLACES = _table(
    "country countries here hell us land tara noastra pays pais paese bara nation alone"
)


def _disliked(words: Sequence[str], first: int, past: int, own: Vocabulary) -> _Found | None:
    """Return "I hate G", where it is the one who speaks that hates."""
    if first and words[first - 1] in _CLAUSES:
        return None  # "I hate that gay people have to hide"
    for at in _backward(words, first, own):
        length = own["hate"].before(words, at)
        if not length:
            continue
        start = at - length
        before = words[max(0, start - 3) : start]
        if _denied(words, start - _NEGATED, start, own) or _denied_after(words, past, own):
            return None
        if any(word in _OTHERS for word in before[-2:]):
            return None  # "people who hate G"
        return "contempt", start, past, 0.85
    return None


_CLAUSES = _table("that how when what dass wie wenn ca cand cum que quand comment como cuando che")
_OTHERS = _table(
    """
    who that they he she people you those some anyone nobody cine care unii oamenii die wer manche
    qui ceux certains quien quienes chi alcuni why if
    """
)


def _harmed(words: Sequence[str], first: int, past: int, own: Vocabulary) -> _Found | None:
    """Return "let's kill G", "kill all G"."""
    for at in _backward(words, first, own):
        length = own["kill"].before(words, at)
        if not length:
            continue
        start = at - length
        if _denied(words, start - _NEGATED, start, own):
            return None
        opening = start == 0 or words[start - 1] == _STOP
        for place in range(start, max(0, start - _BETWEEN) - 1, -1):
            if place < start and words[place] == _STOP:
                break
            if size := own["will"].before(words, place):
                if _denied(words, place - size - 2, place - size, own):
                    return None
                return "harm", place - size, past, 0.85
        if opening:
            return "harm", start, past, 0.75
    # Verbs stand last in German: "man sollte alle G erschießen".
    for end in _forward(words, past, own, 4):
        if length := own["kill"].at(words, end):
            for place in _backward(words, first, own):
                if (size := own["will"].before(words, place)) and not _denied(
                    words, first, end, own
                ):
                    return "harm", place - size, end + length, 0.85
    return None


def _kept_out(words: Sequence[str], first: int, past: int, own: Vocabulary) -> _Found | None:
    """Return "no G here", "death to G", "you filthy G", "G scum"."""
    closing = _STOP in words[past : past + 5] or past + 5 > len(words)
    for at in _backward(words, first, own, 3):
        length = own["expel"].before(words, at)
        if not length:
            continue
        start = at - length
        if _denied(words, start - 3, start, own):
            return None
        for end in _forward(words, past, own, 2):
            if size := own["out"].at(words, end):
                return "exclusion", start, end + size, 0.75
        if (start == 0 or words[start - 1] == _STOP) and closing and words[start] not in _WEAK:
            return "exclusion", start, past, 0.7
    size = own["out"].at(words, past)
    if size and (_STOP in words[past + size : past + size + 5] or past + size + 5 > len(words)):
        opening = first == 0 or words[first - 1] == _STOP
        if opening and not own["neg"].at(words, past):
            return "exclusion", first, past + size, 0.7
    return None


def _insulted(words: Sequence[str], first: int, past: int, own: Vocabulary) -> _Found | None:
    """Return "you filthy G", where the name is no more than that of a man or a woman."""
    size = own["insults"].before(words, first)
    if not size or words[first] in _COMMON:
        return None
    start = first - size
    if _denied(words, start - _NEGATED, start, own):
        return None
    return "demeaning", start, past, 0.65


_COMMON = _table("women woman girls females men old poor white elderly")
_WEAK = _table("no keep get send drive remove plus pas de sans keine fara niente basta")


def rejected(
    said: Said, first: int, last: int, language: str, *, claimed: bool, deniable: bool
) -> bool:
    """Say whether words around a find report it to reject it, or deny it.

    Args:
        said: The text's words.
        first: The first word of the find.
        last: Its last.
        language: The find's language.
        claimed: It is about a group, so that words of rejection are enough; what else is foul
            must be quoted, too.
        deniable: A negation before it denies it: it is a claim, and not a slur.
    """
    known = vocabularies().get(language)
    if known is None:
        return False
    words = said.words
    if deniable and _denied(words, first - _NEGATED, first, known):
        return True  # "Not all …", "it is not the case that …"
    spans = ((max(0, first - _NEAR), first), (last + 1, min(len(words), last + 1 + _NEAR)))
    spoken = any(known["speech"].within(words, *span) for span in spans)
    denounced = any(known["denounce"].within(words, *span) for span in spans)
    quoted = _quoted(said, first, last)
    return (claimed and spoken and denounced) or (quoted and (spoken or denounced))


def _quoted(said: Said, first: int, last: int) -> bool:
    """Say whether a find stands in quotation marks."""
    if not said.starts:
        return False
    start = said.starts[first]
    end = said.ends[min(last, len(said.ends) - 1)]
    before = said.text[max(0, start - 160) : start]
    after = said.text[end : end + 160]
    for opening, closing in QUOTES:
        at = before.rfind(opening)
        if at < 0 or closing not in after:
            continue
        inner = before[at + 1 :]
        if opening == closing:
            if opening == "'" and at and before[at - 1].isalnum():
                continue  # "don't"
            if before.count(opening) % 2 == 0 and len(before) < 160:
                continue
        elif closing in inner:
            continue
        return True
    return False


def reclaimed(said: Said, first: int, last: int, language: str) -> bool:
    """Say whether somebody uses a word of himself and his own, and of nobody else."""
    known = vocabularies().get(language)
    if known is None:
        return False
    words = said.words
    start = first
    while start > 0 and first - start < 2 * _OWN and words[start - 1] != _STOP:
        start -= 1
    past = last + 1
    while past < len(words) and past - last < _OWN and words[past] != _STOP:
        past += 1
    # "We queers", "I am a …", "as a …": right before the word.
    own = known["own"].within(words, max(start, first - 3), first) and known["self"].within(
        words, start, past
    )
    return own and not known["other"].within(words, start, past)
