"""JSON and JSONL as streams of records, each with the line that it begins on.

A damaged record costs that record: it is reported with its line, and reading goes on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.sources.files import (
    MAX_JSON_BYTES,
    MAX_TEXT_BYTES,
    Refused,
    decode,
    is_lfs_pointer,
    read_bytes,
    refusal,
)

JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")
_CONTAINERS = ("conversations", "data", "items", "chats", "examples", "records", "rows", "dialogs")
_HEAD_BYTES = 65_536

OnProblem = Callable[[int, str, str], None]
"""Called with a line, a code and a reason for each record that can't be read."""


@dataclass(frozen=True, slots=True)
class Record:
    """One JSON object of a file: its fields, its first line, and its number from 1."""

    fields: Mapping[str, Any]
    line: int
    number: int


def records(
    path: Path, on_problem: OnProblem, *, on_bytes: Callable[[int], None] = lambda _: None
) -> Iterator[Record]:
    """Yield the records of a JSON or JSONL file, whichever its content is.

    Args:
        path: The file; its name's ending is a hint, its content decides.
        on_problem: Called with line, code and reason of what can't be read.
        on_bytes: Called with the number of bytes read so far.

    Raises:
        Refused: The file as a whole can't be read.
    """
    head = _head(path)
    if not head.strip():
        raise Refused("empty", "the file is empty")
    if _is_lines(path, head):
        yield from _numbered(_lines(path, on_problem, on_bytes), on_problem)
        return
    data = read_bytes(path, limit=MAX_JSON_BYTES)
    on_bytes(len(data))
    yield from _numbered(_whole(decode(data), on_problem), on_problem)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as handle:
            head = handle.read(_HEAD_BYTES)
    except OSError as error:
        raise refusal(error) from error
    if is_lfs_pointer(head):
        read_bytes(path)  # Raises the refusal that says what a pointer is.
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in head:
        decode(head)
    return _without_mark(head)


def _without_mark(data: bytes) -> bytes:
    """Return the beginning of a file without its byte order mark."""
    return data.removeprefix(b"\xef\xbb\xbf")


def _is_lines(path: Path, head: bytes) -> bool:
    """Say whether each line is a record of its own."""
    lines = [line.strip() for line in head.splitlines() if line.strip()]
    first = lines[0]
    if first in (b"{", b"[") or first.startswith(b"["):
        return False
    if path.suffix.lower() != ".json":
        return True
    # A .json file that holds one record a line is a common mistake in naming.
    return len(lines) > 1 and _is_object(first)


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _lines(
    path: Path, on_problem: OnProblem, on_bytes: Callable[[int], None]
) -> Iterator[tuple[int, Any]]:
    read = 0
    try:
        with path.open("rb") as handle:
            number = 0
            while line := handle.readline(MAX_TEXT_BYTES + 1):
                number += 1
                read += len(line)
                if len(line) > MAX_TEXT_BYTES:
                    while line and not line.endswith(b"\n"):
                        line = handle.readline(MAX_TEXT_BYTES)
                        read += len(line)
                    limit = MAX_TEXT_BYTES // 1_000_000
                    on_problem(number, "too-long", f"the line is longer than {limit} MB")
                elif stripped := (line if number > 1 else _without_mark(line)).strip():
                    value = _parsed(stripped, number, on_problem)
                    if value is not None:
                        yield number, value
                on_bytes(read)
    except OSError as error:
        raise refusal(error) from error


def _parsed(data: bytes, line: int, on_problem: OnProblem) -> Any:
    try:
        return json.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        on_problem(line, "not-utf8", f"it is not UTF-8: byte {data[error.start]:#04x}")
    except json.JSONDecodeError as error:
        on_problem(line, "malformed-json", f"not valid JSON: {error.msg} at column {error.colno}")
    except (ValueError, RecursionError):
        on_problem(line, "malformed-json", "it is nested too deeply, or holds too long a number")
    return None


def _whole(text: str, on_problem: OnProblem) -> Iterator[tuple[int, Any]]:
    """Yield the elements of a text that is one array or one object."""
    start = len(text) - len(text.lstrip())
    line = text.count("\n", 0, start) + 1
    if text[start : start + 1] == "[":
        yield from _array(text, start, line, on_problem)
        return
    try:
        value, end = json.JSONDecoder().raw_decode(text, start)
    except json.JSONDecodeError as error:
        on_problem(error.lineno, "malformed-json", f"not valid JSON: {error.msg}")
        return
    except (ValueError, RecursionError):
        on_problem(line, "malformed-json", "it is nested too deeply, or holds too long a number")
        return
    if text[end:].strip():
        after = text.count("\n", 0, end) + 1
        on_problem(after, "malformed-json", "more text stands behind the end of the JSON")
    if isinstance(value, dict):
        held = next((value[key] for key in _CONTAINERS if _is_record_list(value.get(key))), None)
        if held is not None and "messages" not in value:
            yield from ((line, item) for item in held)
            return
    yield line, value


def _is_record_list(value: Any) -> bool:
    """Say whether a value is a list of records, and not one conversation's messages."""
    if not isinstance(value, list) or not value or not isinstance(value[0], dict):
        return False
    return not ({"role", "from", "sender"} & value[0].keys())


def _array(text: str, start: int, line: int, on_problem: OnProblem) -> Iterator[tuple[int, Any]]:
    decoder = json.JSONDecoder()
    gap = re.compile(r"[\s,]*")
    at, counted = start + 1, start
    while True:
        found = gap.match(text, at)
        at = found.end() if found else at
        line += text.count("\n", counted, at)
        counted = at
        if at >= len(text):
            on_problem(line, "malformed-json", "the list is never closed; the file may be cut off")
            return
        if text[at] == "]":
            if text[at + 1 :].strip():
                on_problem(line, "malformed-json", "more text stands behind the end of the JSON")
            return
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            where = error.lineno if isinstance(error, json.JSONDecodeError) else line
            what = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
            again = _next_element(text, at)
            rest = "" if again else "; nothing behind it can be read"
            on_problem(where, "malformed-json", f"not valid JSON: {what}{rest}")
            if not again:
                return
            at = again
            continue
        yield line, value


def _next_element(text: str, at: int) -> int:
    """Return where the next element begins that is indented like the damaged one, or 0."""
    newline = text.rfind("\n", 0, at)
    indent = text[newline + 1 : at]
    if newline < 0 or indent.strip() or text[at] != "{":
        return 0
    found = text.find(f"\n{indent}{{", at)
    return found + 1 + len(indent) if found >= 0 else 0


def _numbered(values: Iterator[tuple[int, Any]], on_problem: OnProblem) -> Iterator[Record]:
    for number, (line, value) in enumerate(values, 1):
        if isinstance(value, dict):
            yield Record(value, line, number)
        else:
            on_problem(line, "not-a-record", f"record {number} is not a JSON object")
