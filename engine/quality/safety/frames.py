"""Who reports what others say to reject it, and who uses a word of himself.

That is told by words of speech and of rejection near a find, by quotation marks, by a
negation before a claim, and by "we" and "I am a" before a word.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.quality.safety.said import STOP, Said
from engine.quality.safety.statements import NEGATED, denied, table, untrue
from engine.quality.safety.vocabulary import Vocabulary, vocabularies

_NEAR = 28
"""Words around a find in which it may be rejected."""
_OWN = 6
"""Words before a slur in which somebody may call himself so."""

QUOTES = (("“", "”"), ("„", "“"), ("«", "»"), ("»", "«"), ("‘", "’"), ("'", "'"), ('"', '"'))


def rejected(
    said: Said, first: int, last: int, language: str, *, claimed: bool, deniable: bool, slur: bool
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
        slur: It is a word that is meant by whoever uses it, whomever he says it of.
    """
    known = vocabularies().get(language)
    if known is None:
        return False
    words = said.words
    if deniable and (
        denied(words, first - NEGATED, first, known) or untrue(words, first, last + 1, known)
    ):
        return True  # "Not all …", "it is not the case that …", "… That is a lie."
    if claimed and not slur and _attributed(words, first, known):
        return True
    spans = ((max(0, first - _NEAR), first), (last + 1, min(len(words), last + 1 + _NEAR)))
    spoken = any(known["speech"].within(words, *span) for span in spans)
    denounced = any(known["denounce"].within(words, *span) for span in spans)
    quoted = _quoted(said, first, last)
    return (claimed and spoken and denounced) or (quoted and (spoken or denounced))


def _attributed(words: Sequence[str], first: int, own: Vocabulary) -> bool:
    """Say whether a claim is said to be somebody else's: "he thinks that …"."""
    for place in range(first, max(0, first - 4), -1):
        if words[place - 1] == STOP:
            return False
        if size := own["speech"].before(words, place):
            start = place - size
            return start > 0 and _SELF.isdisjoint(words[max(0, start - 2) : start])
    return False


_SELF = table("i we eu noi ich wir je nous yo nosotros io m im d ll ve . everybody everyone all")


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
    while start > 0 and first - start < 2 * _OWN and words[start - 1] != STOP:
        start -= 1
    past = last + 1
    while past < len(words) and past - last < _OWN and words[past] != STOP:
        past += 1
    # "We queers", "I am a …", "as a …": right before the word.
    own = known["own"].within(words, max(start, first - 3), first) and known["self"].within(
        words, start, past
    )
    return own and not known["other"].within(words, start, past)
