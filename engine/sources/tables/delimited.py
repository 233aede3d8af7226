"""CSV and its kin: rows of cells, however they are separated, quoted and encoded.

A row that can't be read is reported with the line it begins on, and reading goes on
behind it. A quote that is never closed costs its own row and not the rest of the file.
"""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import BinaryIO

from engine.sources.empties import EMPTY_CELL, EmptyCells, is_empty_cell
from engine.sources.files import HEAD_BYTES, Item, Refused, refusal
from engine.sources.records import OnProblem, Record
from engine.sources.tables.dialect import (
    Dialect,
    Sniffed,
    raise_cell_limit,
    separator_line,
    sniffed,
    trimmed,
)
from engine.sources.tables.formats import encoding_of
from engine.sources.tables.headers import named, why_no_header

MAX_ROW = 10_000_000
"""The most characters of a row."""
MAX_LINES = 100_000
"""The most lines of a row."""

_TAKEN_EMPTY = "read as empty, as pandas does; in a JSON file such a word stays an answer"
_TELL_EVERY = 256
_MAX_READ_AGAIN = 200_000_000
_MANY_LINES = 50
_LIKE_ROWS = 0.8
_SNIFF_BYTES = 4 * HEAD_BYTES


def delimited(
    item: Item, on_problem: OnProblem, on_bytes: Callable[[int], None]
) -> Iterator[Record]:
    """Yield the rows of a table of text.

    Args:
        item: The file.
        on_problem: Called with line, code and reason of each row that can't be read.
        on_bytes: Called with the number of bytes read so far.

    Raises:
        Refused: It is no table, or has no line of column names.
    """
    head = item.head(_SNIFF_BYTES)
    table, encoding = _looked_at(head, len(head) == _SNIFF_BYTES)
    missing = why_no_header(table.header, table.rows)
    if missing:
        raise Refused("no-header", missing)
    raise_cell_limit(MAX_ROW + 1)
    try:
        with item.open() as raw:
            lines = _Lines(raw, encoding)
            yield from _Table(lines, table.dialect, on_problem, on_bytes).records()
            on_bytes(raw.tell())
    except UnicodeError as error:
        raise Refused("not-utf8", f"its mark says {encoding.upper()}, but it is not") from error
    except OSError as error:
        raise refusal(error) from error


def _looked_at(head: bytes, cut: bool) -> tuple[Sniffed, str]:
    encoding = encoding_of(head)
    text = head.decode(encoding, "surrogateescape" if encoding == "utf-8-sig" else "replace")
    table = sniffed(text, cut=cut)
    if table is None:
        raise Refused("unknown-format", "no rows of cells can be made out in it")
    if any("\udc80" <= sign <= "\udcff" for sign in "".join(table.header)):
        raise Refused("not-utf8", "its column names are not UTF-8; save it as UTF-8")
    return table, encoding


class _Broken(Exception):
    """A row that can't be read."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class _Lines:
    """The lines of a file, which can be given back. ``number`` is that of the last one."""

    def __init__(self, raw: BinaryIO, encoding: str) -> None:
        self._raw = raw
        errors = "surrogateescape" if encoding == "utf-8-sig" else "strict"
        self._text = io.TextIOWrapper(raw, encoding, errors, newline="")
        self._again: deque[str] = deque()
        self._given_back = 0
        self.number = 0
        self.taken: list[str] = []
        self.ended = False
        self._size = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._following()
        if not line:
            self.ended = True
            raise StopIteration
        self.number += 1
        if len(line) > MAX_ROW:
            while line and not line.endswith(("\n", "\r")):
                line = self._text.readline(MAX_ROW)
            raise _Broken("too-long", f"the row is longer than {MAX_ROW // 1_000_000} MB")
        self.taken.append(line)
        self._size += len(line)
        if self._size > MAX_ROW or len(self.taken) > MAX_LINES:
            raise _Broken("open-quote", f"is not closed within {MAX_LINES:,} lines or 10 MB")
        return line

    def _following(self) -> str:
        return self._again.popleft() if self._again else self._text.readline(MAX_ROW + 1)

    def begin(self) -> int:
        """Forget the lines of the row before; return the number of the next one."""
        self.taken = []
        self._size = 0
        self.ended = False
        return self.number + 1

    def give_back(self) -> bool:
        """Give back the lines of the present row but its first; False where too many were."""
        rest = self.taken[1:]
        self._given_back += sum(map(len, rest))
        if self._given_back > _MAX_READ_AGAIN:
            return False
        self._again.extendleft(reversed(rest))
        self.number -= len(rest)
        return True

    def drain(self, quote: str, escape: object) -> None:
        """Read up to the end of the quoted cell that the last line stands in."""
        self.taken = []
        while line := self._following():
            self.number += line.endswith(("\n", "\r"))
            bare = line.replace(str(escape) + quote, "") if escape else line
            # A quote within the cell is doubled, so an odd number of them ends it.
            if bare.count(quote) % 2:
                return
        self.ended = True

    def tell(self) -> int:
        """Return how many bytes were read."""
        return self._raw.tell()


class _Table:
    """A table being read."""

    def __init__(
        self,
        lines: _Lines,
        dialect: Dialect,
        on_problem: OnProblem,
        on_bytes: Callable[[int], None],
    ) -> None:
        self._lines = lines
        self._options = dialect.reader_options()
        self._on_problem = on_problem
        self._on_bytes = on_bytes
        self._names: tuple[str, ...] = ()
        self._number = 0
        self._empties = EmptyCells()

    def records(self) -> Iterator[Record]:
        for count, (line, cells) in enumerate(self._rows()):
            if count % _TELL_EVERY == 0:
                self._on_bytes(self._lines.tell())
            if not self._names:
                if not separator_line("".join(self._lines.taken)):
                    self._names = self._named(line, cells)
                continue
            self._number += 1
            fields = self._fields(line, cells)
            if fields is not None:
                yield Record(fields, line, self._number)
        if reason := self._empties.reason(_TAKEN_EMPTY):
            self._on_problem(0, EMPTY_CELL, reason)

    def _named(self, line: int, cells: Sequence[str]) -> tuple[str, ...]:
        names, twice = named(trimmed(cells))
        for name, instead in twice:
            self._on_problem(
                line,
                "duplicate-column",
                f"two columns are named {name}; the later one is read as {instead}",
            )
        return names

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield each row that has cells, with the line it begins on."""
        reader = self._reader()
        while True:
            line = self._lines.begin()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except _Broken as broken:
                if broken.code == "too-long":
                    self._on_problem(line, broken.code, broken.reason)
                else:
                    self._unclosed(line, broken.reason)
                reader = self._reader()
                continue
            except csv.Error as error:
                again = self._again_leniently(line, error)
                reader = self._reader()
                if again is None:
                    continue
                cells = again
            if self._lines.ended and self._options["quotechar"]:
                # A row that ends with the file and not with a line has a quote open.
                self._unclosed(line, "is not closed before the end of the file")
                reader = self._reader()
            elif self._swallowed(cells):
                self._unclosed(line, "swallows the rows that follow")
                reader = self._reader()
            elif any(cell.strip() for cell in cells):
                yield line, cells

    def _reader(self) -> Iterator[list[str]]:
        return csv.reader(self._lines, **{**self._options, "strict": True})  # type: ignore[arg-type]

    def _again_leniently(self, line: int, error: csv.Error) -> list[str] | None:
        """Return the cells of a row with text behind a closing quote.

        None where its quote was never meant to open, and took in the rows behind it.
        """
        if self._lines.ended:
            self._unclosed(line, "is not closed before the end of the file")
            return None
        if len(self._lines.taken) > 1 and self._inner_rows():
            self._unclosed(line, "swallows the rows that follow")
            return None
        whole = chain(tuple(self._lines.taken), self._lines)
        try:
            return next(csv.reader(whole, **self._options))  # type: ignore[arg-type]
        except _Broken as broken:
            self._unclosed(line, broken.reason)
        except (csv.Error, StopIteration):
            self._on_problem(line, "malformed-csv", f"its cells can't be told apart: {error}")
        return None

    def _unclosed(self, line: int, what: str) -> None:
        """Report a quote that opens and does not close, and find where to go on.

        Where the lines behind it are rows, they are read as such; else they belong to the
        cell and are left out with it.
        """
        if self._inner_rows() and self._lines.give_back():
            where = "in this line"
        else:
            if not self._lines.ended:
                self._lines.drain(str(self._options["quotechar"]), self._options["escapechar"])
            last = self._lines.number
            where = f"here and takes in lines {line:,} to {last:,}" if last > line else "here"
        self._on_problem(line, "open-quote", f"a quote opens {where}; it {what}")

    def _inner_rows(self) -> bool:
        """Say whether the lines behind the first of the present row are rows themselves."""
        inner = self._lines.taken[1:]
        if not inner or not self._names:
            return False
        rows = csv.reader(inner, **self._options)  # type: ignore[arg-type]
        try:
            fitting = sum(len(row) == len(self._names) for row in rows)
        except csv.Error:
            return False
        return fitting >= _LIKE_ROWS * len(inner)

    def _swallowed(self, cells: Sequence[str]) -> bool:
        """Say whether a row of another length holds many lines that are rows themselves."""
        if not self._names or len(cells) == len(self._names):
            return False
        return len(self._lines.taken) >= _MANY_LINES and self._inner_rows()

    def _fields(self, line: int, cells: Sequence[str]) -> dict[str, str] | None:
        cells = trimmed(cells, len(self._names))
        what = f"row {self._number}"
        if len(cells) != len(self._names):
            count = f"{len(cells)} cell" + ("" if len(cells) == 1 else "s")
            self._on_problem(
                line, "ragged-row", f"{what} has {count}; the header has {len(self._names)}"
            )
            return None
        joined = "".join(cells)
        if "\x00" in joined:
            self._on_problem(line, "binary", f"{what} holds NUL bytes")
            return None
        if not joined.isascii() and any("\udc80" <= sign <= "\udcff" for sign in joined):
            byte = ord(next(sign for sign in joined if "\udc80" <= sign <= "\udcff")) - 0xDC00
            self._on_problem(line, "not-utf8", f"{what} is not UTF-8: byte {byte:#04x}")
            return None
        fields = dict(zip(self._names, cells, strict=True))
        for name, cell in fields.items():
            if is_empty_cell(cell):
                self._empties.add(name, cell)
                fields[name] = ""
        return fields
