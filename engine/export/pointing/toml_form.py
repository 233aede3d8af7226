"""TOML files: the place of each value is found by walking over a text that is known to be TOML."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from engine import toml
from engine.export.pointing.form import Change, NotThatForm
from engine.export.pointing.tree import Plain, find, only_changed

Path = tuple[str, ...]

_GAP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BLANK = re.compile(r"[ \t]*")
_PART = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*'""")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_BARE = re.compile(r"[^,\]}#\r\n]*")


class Toml:
    """The form of TOML files."""

    name = "TOML"
    most_bytes = 5_000_000

    def change(self, text: str, key: str, value: str) -> Change:
        """See :class:`~engine.export.pointing.form.Form`."""
        document = _read(text)
        found = find(Plain(), document, key)
        try:
            spans = [span for path, *span in _Walk(text).values() if path == found.names]
        except (IndexError, ValueError) as error:  # it was read, so this is not to be seen
            raise NotThatForm("the place of the value can't be found") from error
        for start, end in spans:
            written = _string(value, literal=text[start : start + 1] == "'")
            changed = text[:start] + written + text[end:]
            if only_changed(
                Plain(), document, _read(changed), found.path, lambda read: bool(read == value)
            ):
                return Change(found.node, changed)
        raise NotThatForm("the value can't be changed by itself")


def _read(text: str) -> Any:
    try:
        return toml.loads(text)
    except ValueError as error:
        raise NotThatForm(f"it can't be read as TOML: {error}") from error


def _string(value: str, *, literal: bool) -> str:
    if literal and "'" not in value and value.isprintable():
        return f"'{value}'"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


class _Walk:
    """Goes over a text and says where each single value is."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._lengths: dict[Path, int] = {}  # of arrays of tables

    def values(self) -> Iterator[tuple[Path, int, int]]:
        """Yield the names that lead to each single value, and where it begins and ends.

        Places in a list are names too, as decimal numbers.
        """
        table: Path = ()
        while self._skip(_GAP) < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
                continue
            key = self._key()
            self._at += 1  # the equals sign
            yield from self._value((*table, *key))

    def _header(self) -> Path:
        is_array = self._text.startswith("[[", self._at)
        self._at += 1 + is_array
        table: Path = ()
        parts = self._key()
        for at, part in enumerate(parts):
            table = (*table, part)
            if is_array and at == len(parts) - 1:
                self._lengths[table] = self._lengths.get(table, 0) + 1
            if table in self._lengths:
                table = (*table, str(self._lengths[table] - 1))
        self._at += 1 + is_array
        return table

    def _key(self) -> Path:
        parts: list[str] = []
        while True:
            self._skip(_BLANK)
            found = _PART.match(self._text, self._at)
            if found is None:
                raise ValueError(self._at)
            self._at = found.end()
            quoted = found[0][0] in "\"'"
            parts.append(toml.loads(f"k = {found[0]}")["k"] if quoted else found[0])
            self._skip(_BLANK)
            if self._text[self._at] != ".":
                return tuple(parts)
            self._at += 1

    def _value(self, path: Path) -> Iterator[tuple[Path, int, int]]:
        self._skip(_BLANK)
        begin = self._text[self._at]
        if begin in "[{":
            yield from self._group(path, is_list=begin == "[")
            return
        start = self._at
        found = (_STRING if begin in "\"'" else _BARE).match(self._text, start)
        if found is None:
            raise ValueError(start)
        self._at = start + len(found[0].rstrip(" \t"))
        yield path, start, self._at

    def _group(self, path: Path, *, is_list: bool) -> Iterator[tuple[Path, int, int]]:
        self._at += 1
        index = 0
        while True:
            self._skip(_GAP)
            if self._text[self._at] in "]}":
                self._at += 1
                return
            inner: Path = (str(index),)
            if not is_list:
                inner = self._key()
                self._at += 1
            yield from self._value((*path, *inner))
            index += 1
            self._skip(_GAP)
            self._at += self._text[self._at] == ","

    def _skip(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._at
