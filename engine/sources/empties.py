r"""Words that programs write where there is no value, and which of them count as none.

A table of text has no empty value but the empty cell, so that whoever writes one has to choose a
word. Those that ``pandas.read_csv`` takes for a missing value by default count as none there, as
do the infinities that ``to_csv`` writes, and ``\N`` of MySQL and PostgreSQL. JSON and Parquet have
an empty value of their own: there a word is somebody's text ("Which of these is a mammal?
None"), but in what an instruction is about, which may be left away, it says nothing.
"""

from __future__ import annotations

from collections import Counter

EMPTY_CELL = "empty-cell"
"""The code of cells that hold a word for no value."""

# https://pandas.pydata.org/docs/reference/api/pandas.read_csv.html, na_values
_PANDAS = frozenset((
    *("#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
    *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
))  # fmt: skip
_CELLS = _PANDAS | {"inf", "-inf", "\\N"}
# Self-instruct and alpaca write <noinput>.
_INPUTS = frozenset(("<noinput>", "<no input>", "<nan>", "nan", "null", "none", "n/a", "<na>"))
_LONGEST = max(map(len, _CELLS | _INPUTS))


def is_empty_cell(cell: str) -> bool:
    """Say whether a cell of a table of text holds a word for no value."""
    return len(cell) <= _LONGEST + 2 and cell.strip() in _CELLS


def is_no_value(text: object) -> bool:
    """Say whether a text holds nothing but a word for no value."""
    if not isinstance(text, str) or len(text) > _LONGEST + 2:
        return False
    said = text.strip()
    return said in _PANDAS or said.casefold() in _INPUTS


class EmptyCells:
    """Counts cells that hold a word for no value, by column and word."""

    def __init__(self) -> None:
        self._words: Counter[str] = Counter()
        self._columns: dict[str, None] = {}

    def add(self, column: str, word: str) -> None:
        """Count a cell."""
        self._words[word.strip()] += 1
        self._columns.setdefault(column)

    def reason(self, what: str) -> str:
        """Return what was found, and ``what`` became of it; empty where nothing was."""
        if not self._words:
            return ""
        total = self._words.total()
        words = ", ".join(f"{word} {count:,}" for word, count in self._words.most_common(6))
        columns = ", ".join(list(self._columns)[:6])
        many = f"{total:,} cell holds" if total == 1 else f"{total:,} cells hold"
        return f"{many} nothing but a word for no value ({words}; in {columns}): {what}"
