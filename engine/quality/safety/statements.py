"""What is said of a group of people: that it is hated, less than human, to be harmed or kept out.

A group's name is harmless, and so are most words that are said of people. Hateful is a
statement: a group and a predicate that belong together, without a negation between them.
The predicates are those of the published definitions of hate speech: contempt,
dehumanising and demeaning description, threats and wishes of harm, exclusion and denied
rights. Who quotes such a statement to reject it says the opposite; that is told by words of
speech and of rejection near it, or by quotation marks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.quality.safety.said import STOP, Said
from engine.quality.safety.vocabulary import Vocabulary, anchors, vocabularies


def table(text: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(text.split())


_FILLS = 5
NEGATED = 4
"""Words before a verb in which a negation counts."""
_CLAIM = 14
"""Words of a claim, up to the end of its sentence, after which it may be called untrue."""
_BETWEEN = 4
"""Words between a will and a deed: "we should get together and kill …"."""


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
            opening = place == 0 or words[place - 1] == STOP
            if opening and language in _DROPPED and place - mention < 25:
                found = _described(words, place, place, own)
                if found:
                    yield _made(language, *found)
            place += 1
            continue
        if about:
            mention = place
        past = place + length
        if untrue(words, place, past, own):
            place = past
            continue
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


_CERTAIN = table(
    """
    the my our his her two three four five six some many several few these unsere meine seine ihre
    viele einige zwei drei niste unii unele cateva doi doua trei quelques plusieurs deux mes nos
    algunos algunas dos mis unos alcuni alcune due miei
    """
)
"""Words before a name by which it is that of certain people."""
_GOES_ON = table(
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


def denied(words: Sequence[str], first: int, past: int, own: Vocabulary) -> bool:
    """Say whether a negation stands between two places, within the sentence."""
    for place in range(past - 1, max(-1, first - 1), -1):
        if words[place] == STOP:
            return False
        if own["neg"].at(words, place):
            return True
    return False


def untrue(words: Sequence[str], first: int, past: int, own: Vocabulary) -> bool:
    """Say whether a claim about a group is called untrue, before it or right after it.

    "It is false that G …", "it is not true that G …"; "G are …. That is a lie." What is called
    untrue and negated in turn ("it is no lie that G …") is claimed.
    """
    for at in _backward(words, first, own):
        if size := own["untrue"].before(words, at):
            start = at - size
            return not denied(words, start - 2, start, own)
        if size := own["holds"].before(words, at):
            start = at - size
            return denied(words, start - NEGATED, start, own)
    for place in range(past, min(past + _CLAIM, len(words) - 1)):
        if words[place] == STOP:
            size = own["verdict"].at(words, place + 1)
            end = place + 1 + size
            return size > 0 and (end >= len(words) or words[end] == STOP)
    return False


def _denied_after(words: Sequence[str], past: int, own: Vocabulary) -> bool:
    """Say whether a negation follows at once: "Ich hasse G nicht"."""
    for place in range(past, min(past + 2, len(words))):
        if words[place] == STOP:
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
    if not asked and denied(words, first - 3, first, own) and not own["they"].at(words, first):
        return None  # "No woman is …", "I don't think women are …"
    certain_ones = first > 0 and words[first - 1] in _CERTAIN and not own["they"].at(words, first)
    for at in _forward(words, past, own, 2):
        if not traits_only and (length := own["lacks"].at(words, at)):
            # "G don't deserve to die", "G deserve no hate" deny a wish of harm.
            ends = tuple(_forward(words, at + length, own, 2))
            if any(own["fate"].at(words, end) or own["harms"].at(words, end) for end in ends):
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
    if not certain_ones and (far := _far(words, past, own)):
        return "demeaning", first, far, 0.65
    if asked:
        for end in _forward(words, past, own):
            if size := bad.at(words, end) or own["does"].at(words, end):
                return "demeaning", first, end + size, 0.75
    return None


def _far(words: Sequence[str], past: int, own: Vocabulary) -> int:
    """Return where a predicate ends that a few words part from its group; 0 where none is."""
    for at in range(past, min(past + 6, len(words))):
        if words[at] == STOP or own["neg"].at(words, at) or own["groups"].at(words, at):
            return 0
        length = own["copula"].at(words, at)
        if not length:
            continue
        if own["neg"].at(words, at + length):
            return 0
        for end in _forward(words, at + length, own):
            size = own["bad"].at(words, end)
            if size and not own["mild"].at(words, end):
                return end + size
        return 0
    return 0


def _closes(words: Sequence[str], place: int, own: Vocabulary) -> bool:
    """Say whether a predicate ends there, as a plain claim does: "G are lazy", "… and …"."""
    if place >= len(words) or words[place] == STOP or words[place] in _GOES_ON:
        return True
    return bool(own["bad"].at(words, place) or own["mild"].at(words, place))


def _wished(words: Sequence[str], first: int, past: int, own: Vocabulary) -> _Found | None:
    """Return "G should be shot"."""
    if first and words[first - 1] == "no":
        for at in _forward(words, past, own, 2):
            if (length := own["should"].at(words, at)) and not _ALLOWED.isdisjoint(
                words[at + length : at + length + 4]
            ):
                return "exclusion", first - 1, at + length + 2, 0.8
    if denied(words, first - 3, first, own):
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
    return STOP in next_ones[:2] or len(next_ones) < 2 or not _PLACES.isdisjoint(next_ones)


_ALLOWED = table("allowed rights vote marry work exist")
_PLACES = table(
    "country countries here hell us land tara noastra pays pais paese nation alone acasa casa chez"
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
        if denied(words, start - NEGATED, start, own) or _denied_after(words, past, own):
            return None
        if any(word in _OTHERS for word in before[-2:]):
            return None  # "people who hate G"
        return "contempt", start, past, 0.85
    return None


_CLAUSES = table("that how when what dass wie wenn ca cand cum que quand comment como cuando che")
_OTHERS = table(
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
        if denied(words, start - NEGATED, start, own):
            return None
        opening = start == 0 or words[start - 1] == STOP
        for place in range(start, max(0, start - _BETWEEN) - 1, -1):
            if place < start and words[place] == STOP:
                break
            if size := own["will"].before(words, place):
                if denied(words, place - size - 2, place - size, own):
                    return None
                return "harm", place - size, past, 0.85
        if opening:
            return "harm", start, past, 0.75
    # Verbs stand last in German: "man sollte alle G erschießen".
    for end in _forward(words, past, own, 4):
        if length := own["kill"].at(words, end):
            for place in _backward(words, first, own):
                if (size := own["will"].before(words, place)) and not denied(
                    words, first, end, own
                ):
                    return "harm", place - size, end + length, 0.85
    return None


def _kept_out(words: Sequence[str], first: int, past: int, own: Vocabulary) -> _Found | None:
    """Return "no G here", "death to G", "you filthy G", "G scum"."""
    closing = STOP in words[past : past + 5] or past + 5 > len(words)
    for at in _backward(words, first, own, 3):
        length = own["expel"].before(words, at)
        if not length:
            continue
        start = at - length
        if denied(words, start - 3, start, own):
            return None
        for end in _forward(words, past, own, 2):
            if size := own["out"].at(words, end):
                return "exclusion", start, end + size, 0.75
        if (start == 0 or words[start - 1] == STOP) and closing and words[start] not in _WEAK:
            return "exclusion", start, past, 0.7
    size = own["out"].at(words, past)
    if size and (STOP in words[past + size : past + size + 5] or past + size + 5 > len(words)):
        opening = first == 0 or words[first - 1] == STOP
        if opening and not own["neg"].at(words, past):
            return "exclusion", first, past + size, 0.7
    return None


def _insulted(words: Sequence[str], first: int, past: int, own: Vocabulary) -> _Found | None:
    """Return "you filthy G", where the name is no more than that of a man or a woman."""
    size = own["insults"].before(words, first)
    if not size:
        return None
    start = first - size
    if words[first] in _COMMON and _YOU.isdisjoint(words[max(0, start - 5) : start]):
        return None
    if denied(words, start - NEGATED, start, own):
        return None
    return "demeaning", start, past, 0.65


_YOU = table("you u")
_COMMON = table("women woman girls females men old poor white elderly")
_WEAK = table("no keep get send drive remove plus pas de sans keine fara niente basta")
