"""Finds many values in a text at once, in any of their spellings, in linear time.

A text is read in a few normal forms (as it is, without regard to spaces, to case, to
accents, or to all but letters and digits). In each form a value is one string, so that
a dictionary says which values begin at a place, however many there are.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

from engine.models import FLAG_KINDS
from engine.quality.normal import normal_text, view_of
from engine.quality.values import (
    CASELESS_WORDS,
    NAME_WORDS,
    NUMBER_WORDS,
    folded,
    lowered,
    name_orders,
    number_forms,
    word_for,
)

_SHORT_SECRET = 6
_LEAST_DIGITS = 6
_GAP = re.compile(r"[ ().\-/:]{0,3}\Z")
_KEY = 8
_RUN = re.compile(r"[^\W_]+")
_PIECE = re.compile(r"\S+")
_WORD = re.compile(r"(?<!\w)\w")
_CHARACTER = re.compile(r"\w")


@dataclass(frozen=True, slots=True)
class Value:
    """A flagged value: its code, how it is spelled, and whether it is a secret."""

    code: str
    text: str
    secret: bool


@dataclass(frozen=True, slots=True)
class Hole:
    """A stretch of a text that holds a value, and the value as it is spelled there."""

    start: int
    end: int
    value: Value


def severity(value: Value) -> tuple[int, str]:
    """Return what orders values of the same stretch, the most severe first."""
    return FLAG_KINDS.index("secret" if value.secret else "personal"), value.code


@dataclass(frozen=True, slots=True)
class _Form:
    """A text in a normal form, and where its pieces begin there and in the text."""

    text: str
    starts: list[int]
    places: list[int]

    def place(self, at: int) -> int:
        """Return where in the text a character of the form is."""
        piece = bisect_right(self.starts, at) - 1
        return self.places[piece] + at - self.starts[piece]


def _joined(text: str, pieces: re.Pattern[str], between: str) -> _Form:
    starts, places, kept = [], [], []
    at = 0
    for match in pieces.finditer(text):
        starts.append(at)
        places.append(match.start())
        kept.append(match.group())
        at += match.end() - match.start() + len(between)
    return _Form(between.join(kept), starts, places)


_FORMS: dict[str, Callable[[str], _Form]] = {
    "exact": lambda text: _Form(text, [0], [0]),
    "spaced": lambda text: _joined(text, _PIECE, " "),
    "caseless": lambda text: _joined(lowered(text), _PIECE, " "),
    "folded": lambda text: _joined(folded(text), _PIECE, " "),
    "numbers": lambda text: _joined(lowered(text), _RUN, ""),
}


@dataclass(slots=True)
class _Dictionary:
    """Values by their string in a normal form."""

    values: dict[str, Value] = field(default_factory=dict)
    gaps: dict[str, set[tuple[int, str]]] = field(default_factory=dict)
    _lengths: dict[str, set[int]] = field(default_factory=dict)
    _key_lengths: set[int] = field(default_factory=set)

    def add(self, form: str, value: Value) -> None:
        """Add a value; of two with the same string the more severe stays."""
        if not form:
            return
        known = self.values.get(form)
        if known is None or severity(value) < severity(known):
            self.values[form] = value
        self._lengths.setdefault(form[:_KEY], set()).add(len(form))
        self._key_lengths.add(min(len(form), _KEY))

    def at(self, text: str, starts: Iterator[int]) -> Iterator[tuple[int, int, Value]]:
        """Yield the values that begin at some places of a text in the same form."""
        lengths, values = self._lengths, self.values
        key_lengths = sorted(self._key_lengths)
        for start in starts:
            for key_length in key_lengths:
                for length in lengths.get(text[start : start + key_length], ()):
                    value = values.get(text[start : start + length])
                    if value is not None:
                        yield start, start + length, value


class Finder:
    """Finds values anywhere in a text, in any of their spellings.

    Whole words alone count, except for secrets of six characters and more, which are found
    inside of other words as well.

    Args:
        values: What is sought. The time is linear in their sum and the texts' length.
    """

    def __init__(self, values: Sequence[Value]) -> None:
        self._dictionaries: dict[tuple[str, bool], _Dictionary] = {}
        for value in values:
            self._add(replace(value, text=normal_text(value.text) or value.text))

    def _add(self, value: Value) -> None:
        word = word_for(value.code)
        kept = "".join(_RUN.findall(value.text))
        if word in NUMBER_WORDS and len(kept) >= _LEAST_DIGITS:
            numbers = self._of("numbers", True)
            for form in number_forms(word, value.text):
                numbers.add(form, value)
            # A sign that is no gap elsewhere is one where the value was written with it.
            own = numbers.gaps.setdefault(lowered(kept), set())
            own.update(_gaps(value.text))
            return
        inside = value.secret and len(value.text) >= _SHORT_SECRET
        edged = not inside and (value.text[0].isalnum() or value.text[0] == "_")
        text = _spaced(value.text)
        if word == "SECRET" or not text:
            self._of("exact", edged).add(value.text, value)
        elif word in NAME_WORDS:
            for form in name_orders(word, folded(text)):
                self._of("folded", edged).add(form, value)
        elif word in CASELESS_WORDS:
            self._of("caseless", edged).add(lowered(text), value)
        else:
            self._of("spaced", edged).add(text, value)

    def _of(self, form: str, edged: bool) -> _Dictionary:
        return self._dictionaries.setdefault((form, edged), _Dictionary())

    def holes(self, text: str) -> list[Hole]:
        """Return every occurrence; they may overlap."""
        view = view_of(text)
        found = self._holes(view.text)
        if view.text == text:
            return found
        placed = []
        for hole in found:
            start, end = view.span(hole.start, hole.end)
            value = replace(hole.value, text=text[start:end])
            placed.append(Hole(start, end, value))
        return placed

    def _holes(self, text: str) -> list[Hole]:
        forms: dict[str, _Form] = {}
        found: list[Hole] = []
        turned: list[Hole] = []
        for (name, edged), values in self._dictionaries.items():
            if name not in forms:
                forms[name] = _FORMS[name](text)
            form = forms[name]
            if name == "numbers":
                found += _numbers(text, form, values)
                continue
            places: Iterator[int] = iter(range(len(form.text)))
            if edged:
                places = (match.start() for match in _WORD.finditer(form.text))
            for start, end, value in values.at(form.text, places):
                begin, stop = form.place(start), form.place(end - 1) + 1
                inside = value.secret and len(value.text) >= _SHORT_SECRET
                if not inside and _goes_on(text, stop):
                    continue
                hole = Hole(begin, stop, replace(value, text=text[begin:stop]))
                if name != "folded" or form.text[start:end] == _spaced(folded(value.text)):
                    found.append(hole)
                elif all(word[0].isupper() for word in hole.value.text.split()):
                    turned.append(hole)
        # In "Ana Pop, Ana Pop" nobody is called "Pop, Ana".
        return found + _apart(turned, found) if turned else found


def _spaced(text: str) -> str:
    return " ".join(text.split())


def _apart(holes: Sequence[Hole], others: Sequence[Hole]) -> list[Hole]:
    """Return the holes that touch none of some others."""
    spans = sorted((other.start, other.end) for other in others)
    starts = [start for start, _ in spans]
    # The furthest end of all that begin up to a place.
    ends = list(accumulate((end for _, end in spans), max))
    return [
        hole
        for hole in holes
        if not (place := bisect_left(starts, hole.end)) or ends[place - 1] <= hole.start
    ]


def _goes_on(text: str, stop: int) -> bool:
    """Return whether a word goes on after a place."""
    return _is_word(text, stop - 1) and _is_word(text, stop)


def _is_word(text: str, at: int) -> bool:
    return 0 <= at < len(text) and _CHARACTER.match(text, at) is not None


def _gaps(text: str) -> Iterator[tuple[int, str]]:
    """Yield what stands between the letters and digits of a value, and after how many."""
    count, end = 0, -1
    for match in _RUN.finditer(text):
        if end >= 0:
            yield count, text[end : match.start()]
        count += match.end() - match.start()
        end = match.end()


def _numbers(text: str, form: _Form, values: _Dictionary) -> Iterator[Hole]:
    for start, end, value in values.at(form.text, iter(form.starts)):
        begin, stop = form.place(start), form.place(end - 1) + 1
        begin = _with_sign(text, begin, stop, value.code)
        if _is_word(text, begin - 1) or _is_word(text, stop):
            continue
        spelled = text[begin:stop]
        own = values.gaps.get(form.text[start:end]) or ()
        if all(_GAP.match(gap) or (count, gap) in own for count, gap in _gaps(spelled)):
            yield Hole(begin, stop, replace(value, text=spelled))


def _with_sign(text: str, begin: int, end: int, code: str) -> int:
    """Return where a number begins, with the bracket and the plus that belong to it."""
    if text[begin - 1 : begin] == "(" and text.find(")", begin, end) >= 0:
        begin -= 1
    if code == "phone" and text[begin - 1 : begin] == "+":
        begin -= 1
    return begin
