"""Counts as blocks of text: lists with bars, and a histogram."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.content import Content

from tui.widgets.textpane import Block
from tui.widgets.words import bar, fit, one_line

Line = tuple[str, int, str]
"""A label, its count, and the style of its bar."""


def count_lines(lines: Sequence[Line], *, width: int = 24, label: int = 14) -> list[Block]:
    """Return a line for each count: label, number, and a bar that compares them.

    Args:
        lines: Label, count and the bar's style.
        width: Cells of the longest bar.
        label: Cells of the labels.
    """
    most = max((count for _, count, _ in lines), default=0)
    digits = max((len(f"{count:,}") for _, count, _ in lines), default=1)
    return [
        Block(
            Content.assemble(
                fit(one_line(name), label),
                (f" {count:>{digits},} ", "bold"),
                (bar(count, most, width).rstrip(), style or "$primary"),
            )
        )
        for name, count, style in lines
    ]


def joined_counts(counts: Iterable[tuple[str, int]], most: int = 8) -> str:
    """Return counts on one line: ``reflection 141 · decision 62``."""
    items = list(counts)
    words = " · ".join(f"{one_line(name)} {count:,}" for name, count in items[:most])
    more = len(items) - most
    return f"{words} · {more} more" if more > 0 else words


_LEVELS = " ▁▂▃▄▅▆▇█"


def histogram(bins: Sequence[tuple[int, int]], *, last: int = 0, height: int = 4) -> list[Content]:
    """Return a histogram as lines of text, with its two ends below.

    Args:
        bins: Lower edge and count of each bin, by rising edge.
        last: The upper edge of the last bin; 0 writes its lower one.
        height: Lines of the bars.
    """
    most = max((count for _, count in bins), default=0)
    if not most:
        return []
    width = 4 if len(bins) <= 16 else 2 if len(bins) <= 32 else 1
    lines: list[Content] = []
    for level in range(height, 0, -1):
        row = ""
        for _, count in bins:
            # A bin that has something is never drawn as if it were empty.
            eighths = max(round(8 * height * count / most), 1) if count else 0
            part = max(0, min(8, eighths - 8 * (level - 1)))
            row += _LEVELS[part] * width
        lines.append(Content.assemble((row.rstrip(), "$primary")))
    left, right = f"{bins[0][0]:,}", f"{last or bins[-1][0]:,}"
    gap = max(1, width * len(bins) - len(left) - len(right))
    lines.append(Content.assemble((left + " " * gap + right, "$text-muted")))
    return lines
