"""How a table of text separates and quotes its cells, told from its first rows."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from engine.sources.columns import known

_DELIMITERS = (",", ";", "\t", "|")
_MAX_COLUMNS = 2000
_SAMPLE_ROWS = 200
_SEPARATOR_LINE = re.compile(r"\s*\ufeff?sep=(.)\r?\n?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How cells are separated and quoted.

    ``quote`` is empty where quotes are ordinary characters; ``escape`` stands before a
    quote within a quoted cell, and is empty where such a quote is doubled.
    """

    delimiter: str
    quote: str = '"'
    escape: str = ""

    def reader_options(self, *, strict: bool = False) -> dict[str, str | int | bool | None]:
        """Return the arguments for Python's ``csv.reader``.

        Args:
            strict: Whether text behind a closing quote is an error.
        """
        return {
            "delimiter": self.delimiter,
            "quotechar": self.quote or None,
            "quoting": csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            "escapechar": self.escape or None,
            "doublequote": not self.escape,
            "skipinitialspace": False,
            "strict": strict,
        }


@dataclass(frozen=True, slots=True)
class Sniffed:
    """A table's dialect, the cells of its first row, and how many rows are as long as it."""

    dialect: Dialect
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    consistency: float


def raise_cell_limit(limit: int) -> None:
    """Allow cells of a length; Python's own limit is 131,072 characters."""
    if csv.field_size_limit() < limit:
        csv.field_size_limit(limit)


def separator_line(line: str) -> str:
    """Return the delimiter of a first line such as ``sep=;``, which Excel writes; else ""."""
    match = _SEPARATOR_LINE.match(line)
    return match[1] if match else ""


def sniffed(text: str, *, cut: bool) -> Sniffed | None:
    """Return how a table's text is written; None where nothing in it is a row.

    Each delimiter and way of quoting is tried; that under which most rows are as long
    as the first is taken, and of several the one with more columns.

    Args:
        text: The beginning of the table.
        cut: Whether the last row may be cut off.
    """
    given = separator_line(text.partition("\n")[0])
    if given:
        text = text.partition("\n")[2]
    found: list[tuple[float, int, int, Sniffed]] = []
    for number, dialect in enumerate(_dialects(text, given)):
        table = _tried(text, dialect, cut)
        if table is not None:
            found.append((*_score(table), -number, table))
    return max(found, key=lambda seen: seen[:3])[3] if found else None


def _dialects(text: str, given: str) -> list[Dialect]:
    delimiters = [given] if given else [sign for sign in _DELIMITERS if sign in text] or [","]
    made = [Dialect(delimiter) for delimiter in delimiters]
    if '\\"' in text:
        made += [Dialect(delimiter, escape="\\") for delimiter in delimiters]
    for delimiter in delimiters:
        at_edges = re.findall(rf"(?:^|{re.escape(delimiter)})'[^'\n]*'(?={re.escape(delimiter)}|$)",
                              text[:20_000], re.MULTILINE)  # fmt: skip
        if len(at_edges) > 2:
            made.append(Dialect(delimiter, quote="'"))
    if '"' in text:
        made += [Dialect(delimiter, quote="") for delimiter in delimiters]
    return made


def _tried(text: str, dialect: Dialect, cut: bool) -> Sniffed | None:
    raise_cell_limit(len(text) + 1)
    options = dialect.reader_options()
    rows: list[tuple[str, ...]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), **options):  # type: ignore[arg-type]
            if any(cell.strip() for cell in row):
                rows.append(tuple(row))
            if len(rows) > _SAMPLE_ROWS:
                break
    except csv.Error:
        return None
    if cut and len(rows) > 2 and len(rows) <= _SAMPLE_ROWS:
        del rows[-1]
    if not rows or len(rows[0]) > _MAX_COLUMNS:
        return None
    header = trimmed(rows[0])
    width = len(header)
    fitting = sum(len(trimmed(row, width)) == width for row in rows[1:])
    consistency = fitting / (len(rows) - 1) if len(rows) > 1 else 0.5
    return Sniffed(dialect, header, tuple(rows[1:]), consistency)


def _score(table: Sniffed) -> tuple[float, int]:
    width = len(table.header)
    widths = Counter(len(row) for row in table.rows)
    # One column fits any text; it is taken where nothing separates the rows consistently.
    alone = 0.45 if width == 1 else 0.0
    common = widths.most_common(1)[0][0] if widths else width
    off = 0.0 if common == width else 0.2
    # That quotes mean nothing is taken only where else most rows would be broken.
    quotes = sum(cell[:1] == '"' and cell[-1:] == '"' and len(cell) > 1
                 for row in table.rows for cell in row)  # fmt: skip
    cells = sum(len(row) for row in table.rows) or 1
    left = 0.3 + 0.3 * quotes / cells if not table.dialect.quote else 0.0
    columns = known(dict.fromkeys(map(str.strip, table.header), ""))
    told = 1.0 if columns is not None and columns.whole else 0.0
    return round(table.consistency + told - alone - off - left, 2), width


def trimmed(row: Sequence[str], width: int = 1) -> tuple[str, ...]:
    """Return a row without the empty cells at its end that stand beyond a width."""
    end = len(row)
    while end > width and not row[end - 1].strip():
        end -= 1
    return tuple(row[:end])
