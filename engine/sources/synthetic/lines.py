"""Where things stand in a TOML file, which the parser of the standard library does not say.

The text is one that ``tomllib`` has accepted, so this only has to find its way, not judge.
"""

from __future__ import annotations

import re
from bisect import bisect_right

Path = tuple[str | int, ...]
"""A way to a value: keys, and numbers for the elements of arrays."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_SCALAR = re.compile(r"[^,\]}\n#]*")
_BREAK = re.compile(r"\r?\n")
_FOLDED = re.compile(r"[ \t]*\r?\n[ \t\r\n]*")
_ESCAPE = re.compile(r"u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|x[0-9A-Fa-f]{2}|.", re.S)


class Lines:
    """The lines of the keys, values and array elements of a TOML text."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._starts = [0, *(found.end() for found in re.finditer("\n", source))]
        self._at = 0
        self._found: dict[Path, int] = {}
        self._strings: dict[Path, tuple[int, int]] = {}
        self._arrays: dict[Path, int] = {}
        self._scan()

    def line(self, *path: str | int) -> int:
        """Return the line, from 1, of a value or of the nearest thing around it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._found:
                return self._line_at(self._found[path[:length]])
        return 1

    def line_in(self, offset: int, *path: str | int) -> int:
        """Return the line of a character of a string value.

        Args:
            offset: Where in the value, in characters from its beginning.
            path: The way to the value.
        """
        if path not in self._strings:
            return self.line(*path)
        at, quote = self._strings[path]
        basic = self._source[quote] == '"'
        behind = 0
        while True:
            folded = _FOLDED.match(self._source, at + 1) if basic else None
            if folded is not None and self._source[at] == "\\":
                at = folded.end()
            elif behind >= offset:
                return self._line_at(at)
            else:
                at = self._behind_character(at, basic)
                behind += 1

    def _behind_character(self, at: int, basic: bool) -> int:
        """Return where the next character of a string begins, however this one is written."""
        if basic and self._source[at] == "\\":
            escape = _ESCAPE.match(self._source, at + 1)
            return escape.end() if escape else at + 1
        # The parser makes one character of the two.
        return at + 2 if self._source.startswith("\r\n", at) else at + 1

    def _line_at(self, at: int) -> int:
        return bisect_right(self._starts, at)

    def _scan(self) -> None:
        table: Path = ()
        while True:
            self._skip(_BLANK)
            if self._at >= len(self._source):
                return
            if self._source.startswith("[[", self._at):
                table = self._header(2, array=True)
            elif self._source[self._at] == "[":
                table = self._header(1, array=False)
            else:
                self._pair(table)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self._source, self._at)
        self._at = found.end() if found else self._at

    def _header(self, brackets: int, *, array: bool) -> Path:
        start = self._at
        self._at += brackets
        keys = self._keys()
        self._at += brackets
        path: Path = ()
        for number, key in enumerate(keys, 1):
            path = (*path, key)
            last = number == len(keys)
            if array and last:
                self._arrays[path] = self._arrays.get(path, -1) + 1
                self._found.setdefault(path, start)
            if path in self._arrays:
                path = (*path, self._arrays[path])
            if last or path not in self._found:
                self._found[path] = start
        return path

    def _keys(self) -> list[str]:
        keys: list[str] = []
        while True:
            self._skip(_SPACE)
            sign = self._source[self._at]
            if sign in "\"'":
                end = self._string()
                keys.append(self._source[self._at + 1 : end - 1])
                self._at = end
            else:
                found = _BARE.match(self._source, self._at)
                assert found is not None
                keys.append(found[0])
                self._at = found.end()
            self._skip(_SPACE)
            if self._source[self._at] != ".":
                return keys
            self._at += 1

    def _pair(self, table: Path) -> None:
        start = self._at
        path = table
        for key in self._keys():
            path = (*path, key)
            self._found.setdefault(path, start)
        self._at += 1  # The equals sign.
        self._skip(_SPACE)
        self._value(path)

    def _value(self, path: Path) -> None:
        sign = self._source[self._at]
        if sign in "\"'":
            end = self._string()
            opening = 3 if self._source.startswith(sign * 3, self._at) else 1
            start = self._at + opening
            if opening == 3 and (found := _BREAK.match(self._source, start)):
                # A line break right behind the opening is no part of the value.
                start = found.end()
            self._strings[path] = (start, self._at)
            self._at = end
        elif sign == "[":
            self._members(path, "]")
        elif sign == "{":
            self._members(path, "}")
        else:
            self._skip(_SCALAR)

    def _members(self, path: Path, closing: str) -> None:
        """Walk over an array or an inline table."""
        self._at += 1
        number = 0
        while True:
            self._skip(_BLANK)
            if self._source[self._at] == closing:
                self._at += 1
                return
            if self._source[self._at] == ",":
                self._at += 1
            elif closing == "}":
                self._pair(path)
            else:
                inner = (*path, number)
                self._found[inner] = self._at
                number += 1
                self._value(inner)

    def _string(self) -> int:
        """Return where the string that begins here ends, behind its last quote."""
        quote = self._source[self._at]
        long = self._source.startswith(quote * 3, self._at)
        mark = quote * 3 if long else quote
        at = self._at + len(mark)
        while not self._source.startswith(mark, at):
            at += 2 if quote == '"' and self._source[at] == "\\" else 1
        at += len(mark)
        # A long string may end in one or two quotes of its own.
        while long and self._source.startswith(quote, at):
            at += 1
        return at
