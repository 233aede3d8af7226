"""Are the spaces where words end: not between all letters, and not lost?

Both are what a program leaves that takes letters out of a PDF by their place on the page:
"T h e b r e a d", "Thebreadrisesfortwohours." A compound is long, too, but one word; words that
ran together hold the small words of their language, or a full stop and what follows it.
"""

from __future__ import annotations

import re
from itertools import pairwise

from engine.quality.score.fault import Fault, ramp
from engine.quality.score.language import GRAMMARS
from engine.quality.score.view import SINGLE, View, fold

_APART = 20
"""Letters that stand apart from which a line is no formula and no list of letters."""
_LONG = 30
"""Letters from which a piece without spaces may be several words."""
_FEWEST = 55
"""Letters that ran together from which one piece is enough."""
_CHARACTER = re.compile(rf"[{SINGLE}]")
_LOOKED_AT = 400
"""So much of a piece is looked at, in characters."""
_PART = re.compile(r"[^\W\d_]+")
_NO_PROSE = re.compile(r"://|www\.|[\d_/\\@=<>{}\[\]|#&%$+*`~]")
_ENDED = re.compile(r"[^\W\d_]{15,}(?:[,;:!?]|\.(?=[^\W\d_a-z]))(?=[^\W\d_]{2})")
_SMALL = tuple(
    re.compile("|".join(sorted(words, key=len, reverse=True)))
    for grammar in GRAMMARS.values()
    if (words := [word for word in grammar.common | grammar.dangling if len(word) > 2])
)
_SPELT = re.compile(r"spell|letter|alphabet|\bspac|buchstab|\blitere|lettre|\bletra|lettera|букв")

_VOWELS = re.compile("[aeiouy]")
_UNSPOKEN = re.compile(
    r"q[bcdfghjklmnpqrstvwxyz]|x[bdfgjkqrvwz]|v[bfgjmpqwx]|w[cgjpqvxz]|j[bcdfghklmpqrstvwxz]"
)
_ONE_SOUND = re.compile("sch|[cpst]h|ck|ng|[csrd]z|s[tp]")
LONGEST = 120
"""Letters from which a word is none, however it sounds."""


def spoken(word: str) -> bool:
    """Say whether a folded word can be spoken, however long: a compound, not random letters."""
    size = len(word)
    if size > LONGEST or not word.isalpha() or len(set(word)) < 8:
        return False
    if not word.isascii():
        return True
    vowels = len(_VOWELS.findall(word))
    return 0.25 * size <= vowels <= 0.65 * size and 25 * len(_UNSPOKEN.findall(word)) <= size


def sounds(word: str) -> str:
    """Return a word with one letter for those that are one sound ("sch", "ck")."""
    return _ONE_SOUND.sub("c", word)


def look(view: View) -> list[Fault]:
    """Return where the spaces of an answer are not between its words."""
    if view.code:
        return []
    text = view.plain
    return [*_apart(view, text), *([] if view.single else _together(view, text))]


def _apart(view: View, text: str) -> list[Fault]:
    """Return the fault of letters with a space after each."""
    if 4 * text.count(" ") < len(text) and "\n" not in text:
        return []
    at = letters = 0
    span: tuple[int, int] | None = None
    for line in text.split("\n"):
        start, at = at, at + len(line) + 1
        if 3 * line.count(" ") < len(line) or len(line) < 2 * _APART:
            continue
        found = _letters_of(line)
        if found and line not in view.prompt:
            letters += found
            span = span or (start, start + len(line))
    if span is None or _SPELT.search(view.prompt_folded):
        return []
    weight = 0.35 + 0.3 * ramp(2 * letters / len(text), 0.1, 0.8)
    why = f"{letters} letters have a space after each, as in a PDF"
    return [Fault("formatting", "pdf", weight, why, *span)]


def _letters_of(line: str) -> int:
    """Return how many letters of a line stand apart, if most of it is such and it is prose."""
    pieces = line.split()
    single = [
        piece.lower() for piece in pieces if piece[0].isalpha() and len(piece.rstrip(".,;:!?")) == 1
    ]
    number = len(single)
    if (
        _CHARACTER.search(line)
        or number < _APART
        or 10 * number < 8 * len(pieces)
        or len(set(single)) < 8
    ):
        return 0
    letters = [piece[0] for piece in single]
    listed = sum(ord(after) - ord(one) == 1 for one, after in pairwise(letters))
    return 0 if 2 * listed > number else number


def _together(view: View, text: str) -> list[Fault]:
    """Return the fault of words without spaces between them."""
    if len(max(text.split(), key=len, default="")) < _LONG:
        return []
    pieces = [piece for piece in text.split() if len(piece) >= _LONG and _ran_together(piece)]
    size = sum(map(len, pieces))
    if not pieces or (len(pieces) == 1 and size < _FEWEST) or pieces[0] in view.prompt:
        return []
    weight = 0.32 + 0.3 * ramp(size / len(text), 0.1, 0.7)
    start = text.find(pieces[0])
    why = f"{size} letters in a row of words without the spaces between them"
    return [Fault("formatting", "pdf", weight, why, start, start + len(pieces[0]))]


def _ran_together(piece: str) -> bool:
    piece = piece[:_LOOKED_AT]
    if _NO_PROSE.search(piece):
        return False
    parts: list[str] = _PART.findall(piece)
    if sum(map(len, parts)) < 12 * len(parts):
        return False
    if _ENDED.search(piece):
        return True
    folded = fold(piece)
    most = max(len(small.findall(folded)) for small in _SMALL)
    return most >= 2 and 20 * most >= len(folded)
