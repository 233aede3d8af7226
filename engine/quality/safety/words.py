"""Words as they are meant: folded, and out of their disguises.

A disguise is a diacritic, a stretched letter ("nooo"), a digit or sign for a letter
("1d10t"), signs between letters ("i.d.i.o.t"), stars for some of them ("id**t"), or a letter
of another alphabet that looks the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

LONGEST = 200
"""Characters of a run without spaces that are looked at together."""

_CHUNK = re.compile(r"\S+")
# Marks that combine with a letter, and signs without width, don't end a word.
_INNER = "\u0300-\u036f\u00ad\u200b-\u200d\u2060\ufeff"
_WORD = re.compile(rf"[^\W_](?:[^\W_]|[{_INNER}])*")
_UNSEEN = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")
_STRETCHED = re.compile(r"(.)\1{2,}")
_DOUBLED_END = re.compile(r"([aeiouy])\1$")
_DISGUISED = re.compile(
    r"[^\W\d_][*@$!#\d|]+(?=[^\W\d_])|^[@$]\w|[^\W\d_][*#]{2,}|[^\W\d_][$@](?!\w)"
)
_SPELT = re.compile(r"(?:[^\W\d_][.\-_*~ ])+[^\W\d_]")
_EDGES = "*_~\"'“”„‘’«»()[]{}<>,;:.?…-–—`"
_LEET = str.maketrans("01345789@$!|", "oieastbgasil")
_LOOKALIKE = str.maketrans("аеорсхуікмтнвѕјցսոοαερτυικν", "aeopcxyikmthbsjgunoaeptuikv")
_FOREIGN = re.compile("[\u0370-\u058f]")
_UNFOLDED = str.maketrans({"ı": "i", "ł": "l", "đ": "d", "ø": "o", "æ": "ae"})
_HIDDEN = re.compile(r"[*#]+")


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a text.

    Args:
        forms: What it may be, the plain one first; none is empty.
        masked: It with ``?`` for each letter that is a star; "" where none is.
        respelt: It with "t" for "tz", as "ț" is written on keyboards without it; "" where
            there is none.
        start: Where it begins, in characters.
        end: Where it ends, exclusive.
        disguised: Somebody took care that it doesn't stand there as it is meant.
    """

    forms: tuple[str, ...]
    masked: str
    respelt: str
    start: int
    end: int
    disguised: bool = False


def fold(text: str) -> str:
    """Return text in lower case and without diacritics."""
    if text.isascii():
        return text.lower()
    # Twice, since letters of a fancy alphabet have a case only once they are plain.
    plain = unicodedata.normalize("NFKD", _UNSEEN.sub("", text)).casefold()
    apart = unicodedata.normalize("NFKD", plain)
    return "".join(sign for sign in apart if not unicodedata.combining(sign)).translate(_UNFOLDED)


def chunks(text: str) -> Iterator[tuple[int, str]]:
    """Yield what stands between spaces, with its place; what is very long in parts."""
    for found in _CHUNK.finditer(text):
        chunk, start = found.group(), found.start()
        if len(chunk) <= LONGEST:
            yield start, chunk
        else:
            for at in range(0, len(chunk), LONGEST):
                yield start + at, chunk[at : at + LONGEST]


@lru_cache(maxsize=1 << 16)
def words(chunk: str) -> tuple[Word, ...]:
    """Return the words of what stands between two spaces; places count from its start."""
    bare = chunk.strip(_EDGES)
    offset = len(chunk) - len(chunk.lstrip(_EDGES))
    if bare.isalpha():
        return (_plain(bare, offset),)
    found = [_plain(part.group(), offset + part.start()) for part in _WORD.finditer(bare)]
    inner = bare.strip("*_~!")
    letters = sum(map(str.isalpha, inner[:41]))
    # Mostly letters, of an alphabet: "$3,99" is no word, and a sentence without spaces is many.
    if 2 <= letters <= 40 and letters * 2 >= len(inner) and max(inner) < "\u0590":
        found += [_disguised(bare, offset)] if _hides(bare, inner) else []
    return tuple(found)


def _hides(bare: str, inner: str) -> bool:
    return bool(_DISGUISED.search(bare) or _SPELT.fullmatch(inner))


def _plain(word: str, start: int) -> Word:
    forms = _forms(word)
    respelt = forms[0].replace("tz", "t") if "tz" in forms[0] else ""
    mixed = not word.isascii() and forms[0].isascii() and _FOREIGN.search(word) is not None
    return Word(forms, "", respelt, start, start + len(word), mixed)


def _forms(word: str) -> tuple[str, ...]:
    folded = fold(word)
    if not folded.isascii() and any("a" <= sign <= "z" for sign in folded):
        folded = folded.translate(_LOOKALIKE)
    forms = [folded]
    if _STRETCHED.search(folded):
        forms += [_STRETCHED.sub(r"\1", folded), _STRETCHED.sub(r"\1\1", folded)]
    elif _DOUBLED_END.search(folded):
        forms.append(folded[:-1])
    return tuple(dict.fromkeys(forms))


def _disguised(bare: str, offset: int) -> Word:
    lower = fold(bare.rstrip("!"))
    plain = "".join(_WORD.findall(lower))
    meant = "".join(_WORD.findall(lower.translate(_LEET)))
    forms = [form for form in (meant, plain) if any(map(str.isalpha, form))]
    stretched = [_STRETCHED.sub(r"\1", form) for form in forms]
    masked = ""
    if _HIDDEN.search(lower):
        masked = "".join(
            sign if sign.isalpha() else "?" for sign in lower if sign.isalpha() or sign in "*#"
        )
        known = sum(map(str.isalpha, masked))
        masked = masked if len(masked) >= 4 and known >= 2 and known * 2 >= len(masked) else ""
    forms = list(dict.fromkeys([*forms, *stretched])) or [lower]
    return Word(tuple(forms), masked, "", offset, offset + len(bare), True)


def spelt_out(letters: str, start: int, end: int) -> Word:
    """Return the word that single letters with spaces between them make."""
    return Word((fold(letters) or letters,), "", "", start, end, True)
