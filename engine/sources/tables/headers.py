"""The first line of a table: whether it names the columns, and what it names them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.sources.columns import known

_LONGEST_NAME = 64
_NUMBER = re.compile(r"[-+]?[\d.,]+%?$")
_SENTENCE_END = re.compile(r"[?!？！。…]\W*$|\w\.$")


def why_no_header(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return why a first line does not name the columns, or "" where it may.

    Args:
        header: Its cells.
        rows: Some of the rows below it.
    """
    cells = [cell.strip() for cell in header]
    hint = "; put a line with the columns' names in front"
    written = [cell for cell in cells if cell]
    if not written:
        return f"its first line names no column{hint}"
    columns = known(dict.fromkeys(cells, ""))
    if columns is not None and columns.whole:
        return ""
    for cell in written:
        shown = cell if len(cell) <= 40 else cell[:39] + "…"
        if len(cell) > _LONGEST_NAME or "\n" in cell:
            return f"its first line is a row, not names: {shown!r} is no column's name{hint}"
        if _NUMBER.match(cell) or (_SENTENCE_END.search(cell) and " " in cell):
            return f"its first line is a row, not names: {shown!r} is no column's name{hint}"
    below = {tuple(cell.strip() for cell in row) for row in rows}
    if tuple(cells) in below:
        return f"its first line stands among the rows as well, so it is no line of names{hint}"
    return ""


def named(cells: Sequence[str]) -> tuple[tuple[str, ...], list[tuple[str, str]]]:
    """Return the columns' names, each only once.

    Returns:
        The names; and for each that stood there before, it and what is used instead.
        A column without a name is called by its place.
    """
    names: list[str] = []
    twice: list[tuple[str, str]] = []
    wanted = [cell.strip().lstrip("\ufeff") for cell in cells]
    for place, name in enumerate(wanted, 1):
        base = unique = name or f"column {place}"
        count = 1
        while unique in names or (unique != base and unique in wanted):
            count += 1
            unique = f"{base} {count}"
        if unique != base:
            twice.append((base, unique))
        names.append(unique)
    return tuple(names), twice
