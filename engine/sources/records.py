"""JSON and JSONL as streams of records, each with the line that it begins on.

A damaged record costs that record: it is reported with its line, and reading goes on.
Neither a file's length nor a list's is a matter of memory; a record's is, and has a limit.
"""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from engine.sources.facts import clean
from engine.sources.items import Item, Refused, is_lfs_pointer, pointer_refusal, refusal
from engine.sources.jsonstream import Found, JsonStream, Lost, OnProblem, is_message
from engine.sources.jsonwindow import DECODER, MAX_RECORD, PATIENT, title_in

JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")

_READ_AT_ONCE = 4_000_000
_TELL_EVERY = 1 << 20
_CHUNK = 1 << 16
_MAX_KEY = 200
_TITLE_BYTES = 2000
_SESSION_KEYS = ("conversation_id", "session_id", "chat_id", "thread_id", "message_tree_id")

__all__ = ["JSON_SUFFIXES", "MAX_RECORD", "OnProblem", "Record", "record_key", "records"]


@dataclass(frozen=True, slots=True)
class Record:
    """One JSON object of a file: its fields, its first line, and its number from 1.

    Messages that stand in a list or on lines of their own, with nothing around them, are
    one record with the field ``messages``.
    """

    fields: Mapping[str, Any]
    line: int
    number: int


def record_key(fields: Mapping[str, Any], number: int) -> str:
    """Return what tells a record from the others of its file.

    That is the id of its conversation where it names one, which stays when a later export
    puts it elsewhere, and which rows of one conversation share; else its number.
    """
    for key in _SESSION_KEYS:
        value = fields.get(key)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return clean(str(value))[:_MAX_KEY]
    return f"#{number}"


def records(
    item: Item, on_problem: OnProblem, *, on_bytes: Callable[[int], None] = lambda _: None
) -> Iterator[Record]:
    """Yield the records of a JSON or JSONL file, whichever its content is.

    Args:
        item: The file; its name's ending is a hint, its content decides.
        on_problem: Called with line, code and reason of what can't be read.
        on_bytes: Called with the number of bytes read so far.

    Raises:
        Refused: The file as a whole can't be read.
    """
    if item.size <= _READ_AT_ONCE:
        # Kept, so that the same bytes are read and hashed.
        item.data(2 * _READ_AT_ONCE)
    head = item.head()
    if is_lfs_pointer(head):
        raise pointer_refusal()
    encoding, mark = _encoding(head)
    text = head[mark:] if encoding == "utf-8" else head[mark:].decode(encoding, "ignore").encode()
    if not text.strip():
        raise Refused("empty", "the file is empty")
    if b"\x00" in text and text.lstrip()[:1] not in (b"{", b"["):
        raise Refused("binary", "it holds binary data")
    with item.open() as raw:
        raw.read(mark)
        plain = encoding == "utf-8"
        stream = raw if plain else io.BufferedReader(_Transcoded(raw, encoding), _CHUNK)
        if _is_lines(item, text, len(head) < item.size):
            found = _lines(stream, on_problem, on_bytes)
        else:
            found = JsonStream(stream, on_problem, on_bytes).values()
        yield from _numbered(_gathered(found, on_problem), on_problem)


def _encoding(head: bytes) -> tuple[str, int]:
    """Return a JSON text's encoding and the length of its byte order mark.

    Its first two characters are ASCII, so the place of NUL bytes tells UTF-16 and UTF-32
    apart even without a mark (RFC 4627, section 3).
    """
    for mark, encoding in (
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF8, "utf-8"),
    ):
        if head.startswith(mark):
            return encoding, len(mark)
    guessed = json.detect_encoding(head)
    if b"\x00" in head and head.decode(guessed, "ignore").lstrip()[:1] in ("{", "["):
        return guessed, 0
    return "utf-8", 0


class _Transcoded(io.RawIOBase):
    """UTF-16 or UTF-32 as UTF-8; what is no character stays none, and is refused later."""

    def __init__(self, raw: BinaryIO, encoding: str) -> None:
        self._raw = raw
        self._decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        while not self._left:
            data = self._raw.read(_CHUNK)
            try:
                text = self._decoder.decode(data, final=not data)
            except UnicodeDecodeError:
                text = "\udcff"
                self._decoder.reset()
            self._left = text.encode("utf-8", "surrogatepass")
            if not data:
                break
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size


def _is_lines(item: Item, head: bytes, more: bool) -> bool:
    """Say whether each line is a record of its own."""
    lines = [line.strip() for line in head.split(b"\n") if line.strip()]
    whole = _is_whole(lines[0])
    if whole and len(lines) == 1 and not more:
        return False
    if item.suffix == ".json" or lines[0][:1] not in (b"{", b'"'):
        # A .json file that holds one record a line is a common mistake in naming.
        return whole and len(lines) > 1 and lines[1][:1] in (b"{", b"[")
    return whole or lines[0] not in (b"{", b"[")


def _is_whole(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict | list)
    except (ValueError, RecursionError):
        return False


def _lines(
    stream: BinaryIO, on_problem: OnProblem, on_bytes: Callable[[int], None]
) -> Iterator[Found]:
    number, read, told = 0, 0, 0
    try:
        while line := stream.readline(MAX_RECORD + 1):
            number += 1
            read += len(line)
            if read - told > _TELL_EVERY:
                told = read
                on_bytes(read)
            if len(line) > MAX_RECORD:
                title = title_in(line[:_TITLE_BYTES].decode("utf-8", "replace"))
                while line and not line.endswith(b"\n"):
                    line = stream.readline(_TELL_EVERY)
                    read += len(line)
                    on_bytes(read)
                limit = MAX_RECORD // 1_000_000
                yield number, Lost(f"the line is longer than {limit} MB", title), MAX_RECORD
            elif stripped := line.strip():
                value = _parsed(stripped, number, on_problem)
                if value is not None:
                    yield number, value, len(line)
    except OSError as error:
        raise refusal(error) from error
    on_bytes(read)


def _parsed(data: bytes, line: int, on_problem: OnProblem) -> Any:
    try:
        text = data.decode("utf-8")
        try:
            return DECODER.decode(text)
        except json.JSONDecodeError:
            raise
        except ValueError:
            return PATIENT.decode(text)
    except UnicodeDecodeError as error:
        on_problem(line, "not-utf8", f"it is not UTF-8: byte {data[error.start]:#04x}")
    except json.JSONDecodeError as error:
        what = f"{error.msg} at column {error.colno}"
        if not data.strip(b"\x00"):
            what = "nothing but NUL bytes"
        on_problem(line, "malformed-json", f"not valid JSON: {what}")
    except RecursionError:
        on_problem(line, "malformed-json", "it is nested too deeply")
    return None


def _gathered(found: Iterator[Found], on_problem: OnProblem) -> Iterator[tuple[int, Any]]:
    """Put messages that stand by themselves together, as far as they are of one conversation."""
    held: list[Any] = []
    first, size, given_up = 0, 0, False
    for line, value, length in found:
        single = isinstance(value, dict) and _stands_alone(value)
        if held and (not single or _begins(value, held[-1])):
            yield first, {"messages": held}
            held = []
        if not single:
            given_up = False
            messages = isinstance(value, list) and value and is_message(value[0])
            yield line, ({"messages": value} if messages else value)
            # Not held while the next one is read, which may be as large.
            del value
            continue
        if not held:
            if given_up and not _begins(value, {}):
                continue
            first, size, given_up = line, 0, False
        held.append(value)
        size += length
        if size > MAX_RECORD:
            limit = MAX_RECORD // 1_000_000
            on_problem(first, "too-long", f"a conversation of more than {limit} MB")
            held, given_up = [], True
    if held:
        yield first, {"messages": held}


def _stands_alone(value: Mapping[str, Any]) -> bool:
    """Say whether a record is a message, and nothing but that."""
    if "mes" in value and "is_user" in value:
        return True
    if "character_name" in value and "user_name" in value:
        return True
    if not is_message(value) or "messages" in value or "conversations" in value:
        return False
    return any(isinstance(value.get(key), str | list) for key in ("content", "text", "value"))


def _begins(value: Mapping[str, Any], last: Mapping[str, Any]) -> bool:
    """Say whether a message belongs to another conversation than the one before it."""
    if "character_name" in value and "mes" not in value:
        return True
    return any(value.get(key) != last.get(key) for key in _SESSION_KEYS if key in value)


def _numbered(values: Iterator[tuple[int, Any]], on_problem: OnProblem) -> Iterator[Record]:
    for number, (line, value) in enumerate(values, 1):
        if isinstance(value, dict):
            yield Record(value, line, number)
            del value
        elif isinstance(value, Lost):
            named = f" ({value.title})" if value.title else ""
            on_problem(line, "too-long", f"record {number}{named}: {value.reason}")
        else:
            on_problem(line, "not-a-record", f"record {number} is not a JSON object")
