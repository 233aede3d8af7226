"""Where a plot's dots are put: braille, of which a character holds two by four, or letters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from textual.content import Content

_BRAILLE = 0x2800
# The bit of each dot in a braille character, by row and column.
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))

_PLAIN_TERMINALS = ("linux", "dumb", "vt100", "vt102", "vt220", "cons25")
"""Values of TERM whose fonts have no braille."""


def shows_braille(environment: Mapping[str, str]) -> bool:
    """Return whether a terminal can be expected to show braille, by its environment.

    The first variable that is set of LC_ALL, LC_CTYPE and LANG names the encoding (locale(7));
    where none is, as over many an SSH connection, the terminal is taken for a modern one.
    """
    if environment.get("TERM", "") in _PLAIN_TERMINALS:
        return False
    names = ("LC_ALL", "LC_CTYPE", "LANG")
    locale = next((value for name in names if (value := environment.get(name))), "")
    return not locale or locale.lower().replace("-", "").partition(".")[2].startswith("utf8")


@dataclass(slots=True)
class _Cell:
    bits: int = 0
    character: str = ""
    style: str = ""
    rank: int = -1


class Canvas(ABC):
    """A grid of characters; dots are addressed from the bottom left.

    What has a higher rank hides what has a lower one.

    Args:
        width: Columns.
        height: Rows.
    """

    across = 1
    """Dots in a character, from left to right."""
    up = 1
    """Dots in a character, from bottom to top."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._rows = [[_Cell() for _ in range(width)] for _ in range(height)]

    @property
    def dots(self) -> tuple[int, int]:
        """How many dots there are, across and up."""
        return self.width * self.across, self.height * self.up

    def row_of(self, y: int) -> int:
        """Return the row, from the top, of the dots at a height."""
        return self.height - 1 - y // self.up

    def dot(self, x: int, y: int, style: str, rank: int, character: str) -> None:
        """Put a dot; ``character`` is what stands for it where dots have no form of their own."""
        if not (0 <= x < self.width * self.across and 0 <= y < self.height * self.up):
            return
        cell = self._rows[self.row_of(y)][x // self.across]
        if rank < cell.rank:
            return
        if rank > cell.rank:
            cell.bits, cell.character, cell.style, cell.rank = 0, "", style, rank
        self._put(cell, x, y, character)

    @abstractmethod
    def _put(self, cell: _Cell, x: int, y: int, character: str) -> None: ...

    def line(
        self, start: tuple[int, int], end: tuple[int, int], style: str, rank: int, character: str
    ) -> None:
        """Put the dots between two."""
        (x0, y0), (x1, y1) = start, end
        steps = max(abs(x1 - x0), abs(y1 - y0), 1)
        for index in range(steps + 1):
            share = index / steps
            x, y = round(x0 + (x1 - x0) * share), round(y0 + (y1 - y0) * share)
            self.dot(x, y, style, rank, character)

    def dotted(
        self, start: tuple[int, int], end: tuple[int, int], style: str, rank: int, character: str
    ) -> None:
        """Put every third of the dots between two."""
        steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
        for index in range(0, steps + 1, 3):
            share = index / steps
            x = round(start[0] + (end[0] - start[0]) * share)
            y = round(start[1] + (end[1] - start[1]) * share)
            self.dot(x, y, style, rank, character)

    def mark(self, x: int, y: int, character: str, style: str, rank: int) -> None:
        """Put a character where a dot would be."""
        column, row = x // self.across, self.row_of(y)
        if not (0 <= column < self.width and 0 <= row < self.height):
            return
        if rank >= self._rows[row][column].rank:
            self._rows[row][column] = _Cell(0, character, style, rank)

    def content(self, row: int) -> Content:
        """Return a row."""
        parts: list[tuple[str, str]] = []
        for cell in self._rows[row]:
            character = cell.character or (chr(_BRAILLE | cell.bits) if cell.bits else " ")
            if parts and parts[-1][1] == cell.style:
                parts[-1] = (parts[-1][0] + character, cell.style)
            else:
                parts.append((character, cell.style))
        return Content.assemble(*parts)


class Braille(Canvas):
    """A canvas of braille characters."""

    across, up = 2, 4

    def _put(self, cell: _Cell, x: int, y: int, character: str) -> None:
        top = self.height * self.up - 1 - y
        cell.bits |= _DOTS[top % self.up][x % self.across]


class Plain(Canvas):
    """A canvas of ASCII letters, for terminals that have no braille."""

    def _put(self, cell: _Cell, x: int, y: int, character: str) -> None:
        cell.character = character


@dataclass(frozen=True, slots=True)
class Pen:
    """What a plot's axes are drawn with, and on what canvas."""

    canvas: type[Canvas]
    line: str
    side: str
    side_tick: str
    bottom: str
    bottom_tick: str
    corner: str


BRAILLE = Pen(Braille, "━", "│", "┤", "─", "┬", "└")
ASCII = Pen(Plain, "-", "|", "+", "-", "+", "+")
