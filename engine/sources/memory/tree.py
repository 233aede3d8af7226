"""JSON as a tree whose parts know their lines.

An app's memory is often one object with everything in it. What is left out of it, and
where each example comes from, is told by line, which ``json.loads`` forgets. A damaged
record costs that record; a file that is cut off gives what stands before the cut.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from engine.sources.files import HEAD_BYTES, MAX_TEXT_BYTES, Item, Refused, decode, is_lfs_pointer
from engine.sources.items import pointer_refusal
from engine.sources.jsonwindow import any_int, no_value
from engine.sources.records import OnProblem, records

MAX_TREE_BYTES = 64_000_000
"""The largest file that is held in memory; a larger one has to be records."""

_MAX_DEPTH = 60
_LINES = 20
_SPACE = re.compile(r"[ \t\n\r]*")


# Line ends inside of a text, as people leave them in files that they edit, lose nothing.
_DECODER = json.JSONDecoder(strict=False, parse_int=any_int, parse_constant=no_value)


@dataclass(slots=True)
class Node:
    """A JSON value and the line that it begins on.

    ``value`` is text, a number, a flag, None, a list of nodes, or a dict of nodes.
    """

    value: Any
    line: int

    def plain(self) -> Any:
        """Return the value as ``json.loads`` gives it."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


def as_node(value: Any, line: int, depth: int = 0) -> Node:
    """Return a value of ``json.loads`` as a tree that stands on one line."""
    if depth > _MAX_DEPTH:
        raise Refused("malformed-json", "it is nested too deeply")
    if isinstance(value, dict):
        return Node({key: as_node(part, line, depth + 1) for key, part in value.items()}, line)
    if isinstance(value, list):
        return Node([as_node(part, line, depth + 1) for part in value], line)
    return Node(value, line)


def trees(item: Item, on_problem: OnProblem, on_bytes: Callable[[int], None]) -> Iterator[Node]:
    """Yield the values of a JSON file, or the records of a JSONL file.

    Args:
        item: The file; its content decides what it is, its name only where that is open.
        on_problem: Called with line, code and reason of what can't be read.
        on_bytes: Called with the number of bytes that are behind.

    Raises:
        Refused: The file as a whole can't be read.
    """
    form = _form(item)
    if form == "lines" or (form == "list" and item.size > MAX_TREE_BYTES):
        for record in records(item, on_problem, on_bytes=on_bytes):
            try:
                yield as_node(dict(record.fields), record.line)
            except Refused as refused:
                on_problem(record.line, refused.code, refused.reason)
        return
    if item.size > MAX_TREE_BYTES:
        limit = MAX_TREE_BYTES // 1_000_000
        raise Refused("too-large", f"one JSON object of more than {limit} MB; save it as JSONL")
    text = decode(item.data(MAX_TREE_BYTES))
    if not text.strip():
        raise Refused("empty", "the file is empty")
    on_bytes(item.size)
    yield from parse(text, on_problem)


def _form(item: Item) -> str:
    """Return "lines" where each line is a record of its own, "list", or "whole"."""
    head = item.head(HEAD_BYTES)
    if is_lfs_pointer(head):
        raise pointer_refusal()
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "whole"
    lines, long = _first_lines(item)
    if lines and lines[0].startswith(b"["):
        return "list"
    if len(lines) < 2 or long or lines[0] == b"{":
        return "whole"
    if _is_object(lines[0]):
        return "lines"
    # The first of many records may be damaged; or it is one object over several lines.
    whole = sum(_is_object(line) for line in lines)
    return "lines" if item.suffix != ".json" and whole * 2 >= len(lines) - 1 else "whole"


def _first_lines(item: Item) -> tuple[list[bytes], bool]:
    """Return the first lines that are not blank, and whether one is too long for a record."""
    lines: list[bytes] = []
    left = MAX_TEXT_BYTES
    with item.open() as stream:
        while len(lines) < _LINES and left > 0 and (line := stream.readline(left)):
            left -= len(line)
            text = (line if lines else line.removeprefix(b"\xef\xbb\xbf")).strip()
            if text:
                lines.append(text)
            if left <= 0 and not line.endswith(b"\n"):
                # Cut off by this look, so that it says nothing.
                return (lines[:-1], False) if len(lines) > 1 else (lines, True)
    return lines, False


def _is_object(line: bytes) -> bool:
    try:
        return line.startswith(b"{") and isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def parse(text: str, on_problem: OnProblem) -> Iterator[Node]:
    """Yield the values that stand one after the other in a text, commonly one.

    Args:
        text: The text of a file.
        on_problem: Called with line, code and reason of what can't be read.
    """
    parser = _Parser(text, on_problem)
    while not parser.at_end():
        top: list[Node] = []
        try:
            parser.value(top.append, 0)
        except json.JSONDecodeError as error:
            on_problem(error.lineno, "malformed-json", _said(error))
            yield from top
            return
        yield from top


def _said(error: json.JSONDecodeError) -> str:
    if error.pos >= len(error.doc.rstrip()):
        return "the JSON ends before it is complete; the file may be cut off"
    return f"not valid JSON: {error.msg}; nothing behind it can be read"


class _Parser:
    """Reads JSON by recursion, as deep as is sane."""

    def __init__(self, text: str, on_problem: OnProblem) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._counted = 0
        self._on_problem = on_problem

    def at_end(self) -> bool:
        """Say whether nothing but space is left."""
        return not self._peek()

    def value(self, attach: Callable[[Node], None], depth: int) -> None:
        """Read a value and hand its node over; a list or object before its parts are read."""
        mark = self._peek()
        node = Node(None, self._line_here())
        if depth > _MAX_DEPTH:
            raise self._error("it is nested too deeply")
        if mark == "{":
            node.value = {}
            attach(node)
            self._object(node.value, depth)
        elif mark == "[":
            node.value = []
            attach(node)
            self._list(node.value, depth)
        else:
            node.value, self._at = _DECODER.raw_decode(self._text, self._at)
            attach(node)

    def _object(self, fields: dict[str, Node], depth: int) -> None:
        self._at += 1
        if self._closes("}"):
            return
        while True:
            if self._peek() != '"':
                raise self._error("Expecting property name enclosed in double quotes")
            line = self._line_here()
            key, self._at = _DECODER.raw_decode(self._text, self._at)
            if self._peek() != ":":
                raise self._error("Expecting ':' delimiter")
            self._at += 1
            if key in fields:
                said = f"the name {key[:60]!r} stands twice in one object; the later one is read"
                self._on_problem(line, "repeated-name", said)

            def attach(node: Node, key: str = key) -> None:
                fields[key] = node

            self.value(attach, depth + 1)
            if self._ends("}"):
                return

    def _list(self, values: list[Node], depth: int) -> None:
        self._at += 1
        if self._closes("]"):
            return
        while True:
            self._peek()
            start = self._at
            held: list[Node] = []
            try:
                self.value(held.append, depth + 1)
            except json.JSONDecodeError as error:
                # Half a list is worth reading; half a record is not.
                if held and isinstance(held[0].value, list):
                    values.append(held[0])
                if not self._recover(start, error):
                    raise
                continue
            values.append(held[0])
            if self._ends("]"):
                return

    def _recover(self, start: int, error: json.JSONDecodeError) -> bool:
        """Go on at the next record that is indented like the damaged one."""
        newline = self._text.rfind("\n", 0, start)
        indent = self._text[newline + 1 : start]
        if newline < 0 or indent.strip() or self._text[start : start + 1] != "{":
            return False
        found = self._text.find(f"\n{indent}{{", max(start, error.pos))
        if found < 0:
            return False
        self._at = found + 1 + len(indent)
        reason = f"not valid JSON: {error.msg}; read on in line {self._line_here()}"
        self._on_problem(error.lineno, "malformed-json", reason)
        return True

    def _closes(self, mark: str) -> bool:
        if self._peek() != mark:
            return False
        self._at += 1
        return True

    def _ends(self, mark: str) -> bool:
        """Step over a comma, or the closing mark."""
        found = self._peek()
        if found not in (",", mark) or not found:
            raise self._error("Expecting ',' delimiter")
        self._at += 1
        # A comma behind the last part, as people leave it when they edit, loses nothing.
        return found == mark or self._closes(mark)

    def _peek(self) -> str:
        space = _SPACE.match(self._text, self._at)
        self._at = space.end() if space else self._at
        return self._text[self._at : self._at + 1]

    def _line_here(self) -> int:
        if self._at < self._counted:
            return self._text.count("\n", 0, self._at) + 1
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _error(self, message: str) -> json.JSONDecodeError:
        return json.JSONDecodeError(message, self._text, self._at)
