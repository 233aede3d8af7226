"""A window that slides over JSON text: decoding, places, lines, and one value at a time."""

from __future__ import annotations

import codecs
import json
import re
from bisect import bisect_left
from collections.abc import Callable
from typing import Any, BinaryIO

from engine.sources.items import refusal

MAX_RECORD = 24_000_000
"""The longest record, in characters: what is longer is left out, whatever it holds."""

SPACE = re.compile(r"[ \t\r\n]*+")
GAP = re.compile(r"[ \t\r\n,]*+")

CHUNK = 1 << 20
_TRIM = 4 << 20
_CUT_NEAR = 16
_HEAD = 2000
_PATIENCE = 100_000_000
_NEST_COST = 10_000

_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["\[\]{}]', re.DOTALL)
_REST_OF_STRING = re.compile(r'[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_BAD_BYTES = re.compile("[\udc80-\udcff]")
_OPENED = {"}": ord("{"), "]": ord("[")}


def no_value(_: str) -> None:
    """Return what NaN and Infinity stand for.

    JSON has neither; ``json.dumps`` and pandas write them where a table's cell is empty.
    """


DECODER = json.JSONDecoder(parse_constant=no_value)


def any_int(digits: str) -> int | str:
    """Return an integer, or its digits where there are too many for one."""
    # Python refuses to read more than 4,300 of them.
    return int(digits) if len(digits) < 4000 else digits


PATIENT = json.JSONDecoder(parse_int=any_int, parse_constant=no_value)


class Damaged(Exception):
    """A value that is not valid JSON: on which line, and what is wrong."""

    def __init__(self, line: int, reason: str, code: str = "malformed-json") -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason
        self.code = code


class TooDeep(Damaged):
    """A value that holds more brackets in one another than can be read."""

    def __init__(self, line: int) -> None:
        super().__init__(line, "it is nested too deeply")


class CutOff(Exception):
    """The text ends inside a value."""


class TooLong(Exception):
    """A value is longer than a record may be. It was gone over."""

    reason = f"it is longer than {MAX_RECORD // 1_000_000} MB"

    def __init__(self, head: str = "") -> None:
        super().__init__(self.reason)
        self.title = title_in(head)


_TITLE = re.compile(
    r'"(?:title|name|topic|subject)"[ \t\r\n]*+:[ \t\r\n]*+("[^"\\]*+(?:\\.[^"\\]*+)*+")'
)


def title_in(head: str) -> str:
    """Return the title of an object that begins so, as far as it stands before what is in it."""
    head = head.lstrip()
    inner = re.compile(r"[\[{]").search(head, 1)
    found = _TITLE.search(head)
    if found is None or (inner is not None and inner.start() < found.start()):
        return ""
    try:
        return " ".join(str(DECODER.decode(found[1])).split())[:60]
    except ValueError:
        return ""


class Window:
    """What is held of a text, and a place in it.

    Attributes:
        text: What is held.
        at: The place, in ``text``.
        indent: What stands before the place on its line, where that is only white space;
            else None.

    Args:
        stream: UTF-8, without a byte order mark.
        on_bytes: Called with the number of bytes read so far.
    """

    def __init__(self, stream: BinaryIO, on_bytes: Callable[[int], None]) -> None:
        self.text = ""
        self.at = 0
        self.indent: str | None = ""
        self._stream = stream
        self._on_bytes = on_bytes
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._read = 0
        self._ended = False
        # How many characters lie before the window, and the line at `_counted` in it.
        self._before = 0
        self._line = 1
        self._counted = 0
        self._bad: list[int] = []
        self._spent = 0

    @property
    def place(self) -> int:
        """The place in the whole text, which stays the same when the window moves."""
        return self._before + self.at

    def go_to(self, place: int) -> None:
        """Go to a place of the whole text; to the window's beginning where that is behind it."""
        self.at = max(place - self._before, 0)

    def line(self) -> int:
        """Return the line of the place."""
        self._line += self.text.count("\n", self._counted, self.at)
        self._counted = self.at
        return self._line

    def trim(self) -> None:
        """Let go of what lies before the place."""
        self.line()
        self._before += self.at
        self.text = self.text[self.at :]
        self.at = self._counted = 0

    def more(self) -> bool:
        """Read on; what lies before the place goes. Say whether there was more."""
        if self._ended:
            return False
        try:
            data = self._stream.read(CHUNK)
        except OSError as error:
            raise refusal(error) from error
        self._ended = not data
        self._read += len(data)
        self._on_bytes(self._read)
        self.trim()
        self.text += self._decoded(data, self._before + len(self.text))
        return bool(data)

    def _decoded(self, data: bytes, offset: int) -> str:
        state = self._decoder.getstate()
        try:
            return self._decoder.decode(data, final=not data)
        except UnicodeDecodeError:
            # The element that holds them is reported; the others are read.
            careful = codecs.getincrementaldecoder("utf-8")("surrogateescape")
            careful.setstate(state)
            text = careful.decode(data, final=not data)
            self._decoder.reset()
            self._decoder.setstate(careful.getstate())
            self._bad += [offset + found.start() for found in _BAD_BYTES.finditer(text)]
            return text

    def has_bad(self, start: int) -> bool:
        """Say whether bytes between a place of the whole text and this one are not UTF-8."""
        if not self._bad:
            return False
        first, last = bisect_left(self._bad, start), bisect_left(self._bad, self.place)
        del self._bad[:last]
        return first < last

    def next(self, gap: re.Pattern[str]) -> str:
        """Go over a gap and return the character behind it; empty at the end."""
        indent: str | None = None
        while True:
            found = gap.match(self.text, self.at)
            assert found is not None
            newline = self.text.rfind("\n", self.at, found.end())
            if newline >= 0:
                indent = self.text[newline + 1 : found.end()]
            elif indent is not None or self.place == 0:
                indent = (indent or "") + found[0]
            self.at = found.end()
            if self.at < len(self.text):
                self.indent = indent
                return self.text[self.at]
            if not self.more() and self.at >= len(self.text):
                return ""

    def ahead(self, offset: int, length: int) -> str:
        """Return so many characters from an offset to the place on, fewer at the end."""
        while len(self.text) - self.at < offset + length and self.more():
            pass
        return self.text[self.at + offset : self.at + offset + length]

    def tired(self) -> bool:
        """Say whether looking for whole values among damage took more than it is worth.

        What is spent in vain is bounded by what was read, so that no file takes forever.
        """
        return self._spent > _PATIENCE + 4 * self._read

    def pass_over(self) -> None:
        """Read to the end, so that its progress is told."""
        self.at = len(self.text)
        while self.more():
            self.at = len(self.text)

    def held(self) -> Any:
        """Return the value at the place if it is whole and held already, else None."""
        try:
            return DECODER.raw_decode(self.text, self.at)[0]
        except (ValueError, RecursionError):
            return None

    def value(self) -> Any:
        """Return the value at the place and go behind it.

        Raises:
            Damaged: It is no JSON. The place is as before.
            CutOff: The text ends in it. The place is as before.
            TooLong: It is too long. The place is behind it.
        """
        while True:
            try:
                value = self._parsed()
                if self.at > _TRIM:
                    self.trim()
                return value
            except json.JSONDecodeError as error:
                # The error holds the text, which must not be held twice while it grows.
                message, wrong = error.msg, error.pos
            except RecursionError as error:
                self._spent += _NEST_COST
                raise TooDeep(self.line()) from error
            # What is wrong is looked for from the window's beginning, if fast.
            self._spent += wrong - self.at + wrong // 64
            held = len(self.text) - self.at
            unended = message.startswith("Unterminated string")
            if wrong < len(self.text) - _CUT_NEAR and not unended:
                raise self._damage(message, wrong)
            if held > MAX_RECORD:
                head = self.text[self.at : self.at + _HEAD]
                self._go_over()
                raise TooLong(head)
            offset = wrong - self.at
            if not self.more():
                cut = unended or not self.text[self.at + offset :].strip()
                raise CutOff if cut else self._damage(message, self.at + offset)
            # A long value is tried again each time that twice as much of it is there.
            self.ahead(0, min(2 * held, MAX_RECORD + 1))

    def _parsed(self) -> Any:
        try:
            value, end = DECODER.raw_decode(self.text, self.at)
        except json.JSONDecodeError:
            raise
        except ValueError:
            value, end = PATIENT.raw_decode(self.text, self.at)
        # A number may go on behind the window.
        if end == len(self.text) and not isinstance(value, str | list | dict) and self.more():
            return self._parsed()
        self.at = end
        return value

    def _damage(self, message: str, wrong: int) -> Damaged:
        line = self.line() + self.text.count("\n", self.at, wrong)
        newline = self.text.rfind("\n", 0, wrong)
        where = f" at column {wrong - newline}" if newline >= 0 or not self._before else ""
        if self.text[wrong : wrong + 1] == "\0":
            message = "a NUL byte stands in it"
        return Damaged(line, f"not valid JSON: {message}{where}")

    def closed(self) -> int:
        """Return the offset at which the brackets of the value at the place close; 0 if never.

        The value may be damaged in other ways. The place stays; what lies behind it is read.
        """
        opened = bytearray()
        offset = 0
        while not self.tired():
            stop = len(self.text)
            for token in _TOKEN.finditer(self.text, self.at + offset):
                mark = token[0]
                if mark in "{[":
                    opened.append(ord(mark))
                elif mark == '"':
                    # Its end lies behind the window.
                    stop = token.start()
                    break
                elif mark in "}]":
                    matches = opened and opened.pop() == _OPENED[mark]
                    if not (matches and opened):
                        self._spent += token.end() - self.at - offset
                        return token.end() - self.at if matches else 0
            self._spent += stop - self.at - offset
            offset = stop - self.at
            if len(self.text) - self.at > MAX_RECORD or not self.more():
                return 0
        return 0

    def _go_over(self) -> None:
        """Go behind the value at the place without holding it."""
        depth, in_string = 0, False
        while True:
            if in_string:
                found = _REST_OF_STRING.match(self.text, self.at)
                in_string = found is None
                self.at = found.end() if found else len(self.text)
            for token in () if in_string else _TOKEN.finditer(self.text, self.at):
                mark = token[0]
                if mark == '"':
                    in_string = True
                    break
                depth += (mark in "{[") - (mark in "}]")
                if depth <= 0:
                    self.at = token.end()
                    return
            # An odd backslash at the very end belongs to what follows.
            slashes = len(self.text) - len(self.text.rstrip("\\"))
            self.at = len(self.text) - (slashes % 2 if in_string else 0)
            if not self.more():
                return
