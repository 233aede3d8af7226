"""JSON text of any length, record by record.

A list may be far larger than the memory: only the element that is being read is held.
A damaged element costs itself alone; where the next one begins is found again by the
brackets, by the indentation, or by the field that elements begin with.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from engine.sources.jsonwindow import (
    GAP,
    MAX_RECORD,
    SPACE,
    CutOff,
    Damaged,
    TooDeep,
    TooLong,
    Window,
)

CONTAINERS = frozenset({
    "conversations", "data", "items", "chats", "examples", "records", "rows", "dialogs",
    "threads", "sessions",
})  # fmt: skip
"""The fields of an object that hold the list of records."""

OnProblem = Callable[[int, str, str], None]
"""Called with a line, a code and a reason for each record that can't be read."""

Found = tuple[int, Any, int]
"""A value with the line that it begins on and its length in characters."""

_MARGIN = 512
_DEEP = 400
_ALIKE = 0.6
_STRING = r'"(?:[^"\\\n]|\\.)*+"'
_FIRST_FIELD = re.compile(rf"\{{[ \t\r\n]*+({_STRING})[ \t\r\n]*+:")
_BORDER = re.compile(rf"([ \t\r\n]*+,[ \t\r\n]*+)(?:\{{[ \t\r\n]*+({_STRING})|\[)")
_SCALAR = re.compile(r'[^,\[\]{}"]*+')
_ANY_OBJECT = re.compile(r'\{[ \t\r\n]*+"')
_CUT_OFF = "the file ends in the middle of it; it may be cut off"


@dataclass(frozen=True, slots=True)
class Lost:
    """Stands for a record that is too long, so that it keeps its number."""

    reason: str
    title: str = ""


class JsonStream:
    """The values of a JSON text: the elements of its list, or the objects that follow each other.

    Args:
        stream: UTF-8, without a byte order mark.
        on_problem: Called with line, code and reason of what can't be read.
        on_bytes: Called with the number of bytes read so far.
    """

    def __init__(
        self, stream: BinaryIO, on_problem: OnProblem, on_bytes: Callable[[int], None]
    ) -> None:
        self._window = Window(stream, on_bytes)
        self._on_problem = on_problem
        # The fields that elements have, in their order.
        self._fields: list[str] = []
        # How elements begin, where the list may be left by mistake.
        self._astray: re.Pattern[str] | None = None

    def values(self) -> Iterator[Found]:
        """Yield the elements of each list, and each object that stands by itself."""
        window = self._window
        seen = False
        while (character := window.next(SPACE)) != "":
            if character == "[":
                window.at += 1
                yield from self._elements()
            elif character == "{":
                yield from self._object()
            else:
                what = "more text stands behind the end of the JSON" if seen else "it is not JSON"
                if character == "\x00":
                    what = "NUL bytes stand where JSON should"
                self._on_problem(window.line(), "malformed-json", what)
                window.pass_over()
                return
            seen = True

    # Lists

    def _elements(self, *, boxed: bool = False) -> Iterator[Found]:
        """Yield the elements of a list whose bracket is behind.

        Args:
            boxed: The list is a field of an object.
        """
        window = self._window
        while True:
            character = window.next(GAP)
            if character == "":
                what = "the list is never closed; the file may be cut off"
                self._on_problem(window.line(), "malformed-json", what)
                return
            if character == "]":
                window.at += 1
                if not self._goes_on(boxed):
                    return
                continue
            found = self._element(character)
            if found is not None:
                yield found
                # Not held while the next one is read, which may be as large.
                del found

    def _goes_on(self, boxed: bool) -> bool:
        """Say whether more elements stand behind a bracket that closes the list.

        Args:
            boxed: The list is a field of an object, of which others may follow.
        """
        window = self._window
        what = "not valid JSON: a bracket closes the list too early"
        if _BORDER.match(window.ahead(0, _MARGIN)):
            self._on_problem(window.line(), "malformed-json", what)
            return True
        if boxed and self._astray is None:
            return False
        character = window.next(SPACE)
        # Several lists may follow each other; damage may have closed one inside an element.
        if character in "{[" or not (self._fields or self._astray):
            return False
        line = window.line()
        if not self._find_alike():
            if not boxed:
                what = "NUL bytes stand" if character == "\x00" else "more text stands"
                what += " behind the end of the JSON"
                self._on_problem(line, "malformed-json", what)
            window.pass_over()
            return False
        self._on_problem(line, "malformed-json", what)
        return True

    def _element(self, character: str) -> Found | None:
        """Return the element at the place, which begins so; None where it is damaged."""
        window = self._window
        line, start = window.line(), window.place
        try:
            if character not in "{[" and self._fields:
                raise Damaged(line, "not valid JSON: something that is no object")
            value = window.value()
        except TooLong as error:
            return line, Lost(error.reason, error.title), window.place - start
        except CutOff:
            # A list or object in it may never be closed: then others stand inside.
            again = bool(self._fields) and self._find_border(character)
            what = "not valid JSON: it is never closed" if again else _CUT_OFF
            self._on_problem(line, "malformed-json", what)
            if not again:
                window.pass_over()
            return None
        except Damaged as damaged:
            again = self._find_next(character)
            rest = "" if again else "; nothing behind it can be read"
            self._on_problem(damaged.line, damaged.code, damaged.reason + rest)
            if not again:
                window.pass_over()
            return None
        if window.has_bad(start):
            self._on_problem(line, "not-utf8", "bytes in it are not UTF-8")
            return None
        if isinstance(value, dict) and value and self._is_like_others(value):
            self._fields = list(value)
        return line, value, window.place - start

    # Going on behind damage

    def _find_next(self, character: str) -> bool:
        """Go to where the element behind a damaged one begins; say whether there is one."""
        window = self._window
        if character in "{[":
            end = window.closed()
            if end and self._follows(end):
                window.at += end
                return True
        elif not self._fields:
            found = _SCALAR.match(window.text, window.at + 1)
            window.at = found.end() if found else window.at + 1
            return True
        return self._find_border(character)

    def _find_border(self, character: str) -> bool:
        """Go to the next place at which an element begins as this one does."""
        indent = self._window.indent
        if indent is not None and character in ("{" if self._fields else "{["):
            return self._search(re.compile(rf"\n{re.escape(indent)}{re.escape(character)}"))
        return self._find_alike()

    def _find_alike(self) -> bool:
        """Go to the next object that begins as elements do and has their fields."""
        if self._astray is not None and not self._fields:
            return self._search(self._astray, check=True)
        field = self._first_field()
        pattern = re.compile(r"\{[ \t\r\n]*+" + re.escape(field)) if field else _ANY_OBJECT
        self._astray = None if self._fields else pattern
        return self._search(pattern, check=True)

    def _first_field(self) -> str:
        """Return the field that elements begin with, as it is written; empty if not known."""
        if self._fields:
            return json.dumps(self._fields[0], ensure_ascii=False)
        begins = _FIRST_FIELD.match(self._window.ahead(0, _MARGIN))
        return begins[1] if begins else ""

    def _follows(self, offset: int) -> bool:
        """Say whether what stands at an offset looks like the border between two elements."""
        field, indent = self._first_field(), self._window.indent
        rest = self._window.ahead(offset, _MARGIN)
        behind = rest.lstrip(" \t\r\n")
        if behind.startswith("]") or not behind:
            return not behind[1:].lstrip(" \t\r\n]}")
        border = _BORDER.match(rest)
        if border is None or (field and border[2] != field):
            return False
        newline = border[1].rfind("\n")
        return newline < 0 or indent == border[1][newline + 1 :]

    def _search(self, pattern: re.Pattern[str], *, check: bool = False) -> bool:
        """Go to the next brace or bracket that a pattern finds; say whether there is one.

        Args:
            pattern: The text before the brace, and the brace.
            check: The pattern begins with the brace, and what stands there has to look
                like the elements before it.
        """
        window = self._window
        window.at += 1
        while not window.tired():
            found = pattern.search(window.text, window.at)
            if found is None:
                window.at = max(window.at, len(window.text) - _MARGIN)
                if not window.more():
                    return False
            elif not check:
                window.at = found.end() - 1
                return True
            else:
                window.at = found.start()
                if self._is_alike():
                    return True
                window.at += 1
        return False

    def _is_alike(self) -> bool:
        """Say whether an object at the place has the fields that elements have."""
        window = self._window
        place = window.place
        try:
            value = window.value()
        except TooLong:
            return False
        except (Damaged, CutOff) as error:
            # So many brackets in one another begin with others that are too many as well.
            window.go_to(place + (_DEEP if isinstance(error, TooDeep) else 0))
            return False
        window.go_to(place)
        return self._is_like_others(value)

    def _is_like_others(self, value: dict[str, Any]) -> bool:
        known = set(self._fields)
        return not known or len(value.keys() & known) >= _ALIKE * len(value.keys() | known)

    # An object that stands by itself

    def _object(self) -> Iterator[Found]:
        """Yield the records in an object's list of records, or the object itself."""
        window = self._window
        line, start = window.line(), window.place
        held = window.held()
        fields: dict[str, Any] = {}
        streamed = False
        try:
            if held is not None and not held.keys() & CONTAINERS:
                fields = window.value()
            else:
                window.at += 1
                streamed = yield from self._members(fields, start)
        except CutOff:
            self._on_problem(line, "malformed-json", _CUT_OFF)
            window.pass_over()
        except TooLong as error:
            title = str(fields.get("title") or "") if fields else error.title
            yield line, Lost(error.reason, title[:60]), window.place - start
            window.pass_over()
        except Damaged as damaged:
            self._on_problem(damaged.line, damaged.code, damaged.reason)
            # Objects may follow each other, each beginning a line.
            if not self._search(re.compile(r"\n\{")):
                window.pass_over()
        else:
            if window.has_bad(start):
                self._on_problem(line, "not-utf8", "bytes in it are not UTF-8")
            elif not streamed:
                yield line, fields, window.place - start

    def _members(self, fields: dict[str, Any], start: int) -> Generator[Found, None, bool]:
        """Yield the records of an object, or fill in its fields; return whether there were any."""
        window = self._window
        streamed = False
        while (character := window.next(GAP)) != "}":
            if character == "":
                raise CutOff
            if character != '"':
                raise Damaged(window.line(), "not valid JSON: a field's name is missing")
            key = window.value()
            if window.next(SPACE) != ":":
                raise Damaged(window.line(), "not valid JSON: a field has no value")
            window.at += 1
            if window.next(SPACE) == "[" and key in CONTAINERS and "messages" not in fields:
                window.at += 1
                held = yield from self._listed(start)
                streamed = streamed or held is None
                fields[key] = held
            elif window.at >= len(window.text):
                raise CutOff
            else:
                fields[key] = window.value()
            if window.place - start > MAX_RECORD and not streamed:
                raise Damaged(window.line(), TooLong.reason, "too-long")
        window.at += 1
        return streamed

    def _listed(self, start: int) -> Generator[Found, None, list[Any] | None]:
        """Yield the elements of a list that are records; return the list where they are none."""
        elements = self._elements(boxed=True)
        first = next(elements, None)
        if first is not None and _is_record(first[1]):
            yield first
            yield from elements
            return None
        held = [first[1]] if first is not None else []
        for line, value, _ in elements:
            if isinstance(value, Lost):
                self._on_problem(line, "too-long", value.reason)
                continue
            held.append(value)
            if self._window.place - start > MAX_RECORD:
                raise Damaged(self._window.line(), TooLong.reason, "too-long")
        return held


def _is_record(value: Any) -> bool:
    if isinstance(value, Lost):
        return True
    if isinstance(value, list):
        return bool(value) and is_message(value[0])
    return isinstance(value, dict) and not is_message(value)


def is_message(value: Any) -> bool:
    """Say whether a value looks like one message of a conversation, and not like a record."""
    if not isinstance(value, dict):
        return False
    return isinstance(value.get("role", value.get("from", value.get("sender"))), str)
