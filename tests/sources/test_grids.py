"""Tables in notes against markdown-it-py's reading of GitHub's tables, and HTML ones."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from engine.sources.blocks import plain
from engine.sources.grids import find_rows

_PEER = MarkdownIt("commonmark").enable("table")
_TABLES = (
    "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |",
    "a | b\n--- | ---\n1 | 2",
    "a | b\n:-- | --:\n1 |\n| 2 | 3 |",
    "| one |\n|:---:|\n| x |",
    "|a|b|c|\n|-|-|-|\n|x\\|y|`p \\| q`||",
    "  | a | b |\n  | - | - |\n  | 1 | 2 |",
    "> | a | b |\n> |---|---|\n> | 1 | 2 |",
    "a | b\n---\n",
    "| a | b |\n|---|\n| 1 | 2 |",
    "| a | b |\n\n|---|---|",
    "no table\n---|---",
    "| a | b |\n|---|---|\n| 1 | 2 |\n> quoted | not",
    "| a | b |\n|---|---|\n\n| 1 | 2 |",
    "text\n\n| a |\n| --- |\n| 1 |\n\nmore | text",
)


def _peer(text: str) -> list[list[str]]:
    rows: list[list[str]] = []
    cell = False
    for token in _PEER.parse(text):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open"):
            cell = True
        elif token.type == "inline" and cell:
            rows[-1].append(token.content)
            cell = False
    return rows


@pytest.mark.parametrize("text", _TABLES)
def test_rows_are_those_that_the_peer_finds(text: str) -> None:
    lines = text.split("\n")
    found = find_rows(lines, [False] * len(lines), 0, len(lines))
    rows = [list(row) for _, row in sorted(found.items()) if row is not None]
    # The peer fills rows up to the width of the head, and cuts them there.
    width = len(rows[0]) if rows else 0
    assert [[*row, *[""] * width][:width] for row in rows] == _peer(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("| [[Mara\\|her]] | **b** |\n|---|---|\n| `a\\|b` | ![x](y) z |", "her | b\n`a|b` | z"),
        ("- | a | b |\n  |---|---|\n  | 1 | 2 |", "a | b\n1 | 2"),
        (
            "<table>\n <tr><th>a</th>\n <th>b &amp; c</th></tr>\n"
            " <tr>\n<td>1</td><td><b>2</b>\nx</td></tr>\n</table>",
            "a | b & c\n1 | 2 x",
        ),
        ("to\n\n<table><tr><td>1</td><td>2</td></tr></table>\n\nend", "to\n\n1 | 2\n\nend"),
        ("<table><tr><td>never closed</td><td>two", "never closed two"),
        ("| a loose | row |", "a loose | row"),
    ],
)
def test_tables_become_lines_of_cells(text: str, expected: str) -> None:
    assert plain(text) == expected
