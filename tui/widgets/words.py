"""Numbers, times and texts as the screens write them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from engine.models import Origin, State
from engine.paths import shorten
from engine.text import inert, pieces

SIGNS: dict[State, str] = {"approved": "✓", "rejected": "✗", "undecided": "?", "skipped": "»"}
"""The sign of each state; an edit is marked by ``~`` beside it, a flag by ``!``."""

EDITED = "~"
FLAGGED = "!"
CONFLICT = "⇄"
"""The sign of an example that was decided on without having seen what another session did."""
PENDING = "…"
"""The sign of an example whose decision is not on the disk yet."""

ORIGIN_SIGNS: dict[Origin, str] = {"": "", "changed": "≠", "gone": "†"}
"""What became of an example's place in its source since it was decided."""

_KIND_LABELS = {"qa": "Q&A"}


def kind_label(kind: str) -> str:
    """Return what a kind of example is called on the screen; most are called by their name."""
    return _KIND_LABELS.get(kind, kind)


def fit(text: str, width: int) -> str:
    """Return text in exactly ``width`` cells: cut with an ellipsis, or filled with blanks."""
    if width <= 0:
        return ""
    if cell_len(text) > width:
        return set_cell_size(text, width - 1).rstrip() + "…" + " " * _missing(text, width)
    return set_cell_size(text, width)


def _missing(text: str, width: int) -> int:
    # A cut before a double-width character, or after blanks, leaves a gap.
    return width - 1 - cell_len(set_cell_size(text, width - 1).rstrip())


def short_path(path: str, width: int) -> str:
    """Return a path, with ``~`` for the home folder, in at most ``width`` cells: its ends."""
    text = shorten(path, 1_000_000)
    if cell_len(text) <= width:
        return text
    head = set_cell_size(text, max(1, (width - 1) // 3)).rstrip()
    tail, room = "", width - 1 - cell_len(head)
    for letter in reversed(text):
        room -= cell_len(letter)
        if room < 0:
            break
        tail = letter + tail
    return f"{head}…{tail}"


def one_line(text: str) -> str:
    """Return foreign text inert and on one line."""
    return " ".join(inert(text).split())


MARK = "$text-warning reverse"
"""The style of what stands for a character that nobody would see."""


def plain(text: str, style: str = "") -> Content:
    """Return foreign text as content: inert, what is hidden in it marked, no markup read."""
    return Content.assemble(*without_tabs(marked_pieces(text, style)))


def marked_pieces(text: str, style: str = "") -> list[tuple[str, str]]:
    """Return foreign text in pieces of one style; what is hidden in it in its own."""
    return [(shown, MARK if mark else style) for shown, mark in pieces(text)]


def without_tabs(parts: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return pieces with tabs as blanks, as many as at their place in the whole text."""
    found: list[tuple[str, str]] = []
    column = 0
    for piece, style in parts:
        shown = (" " * column + piece).expandtabs(4)[column:] if "\t" in piece else piece
        found.append((shown, style))
        last = shown.rpartition("\n")
        # Stops are four apart, so that where in four a piece begins is all that counts.
        column = (len(last[2]) + (0 if last[1] else column)) % 4
    return found


def duration(seconds: float) -> str:
    """Return a length of time: ``12 s``, ``4:05``, ``1:02:33``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def ago(then: float, now: float) -> str:
    """Return how long ago a moment was: ``just now``, ``2 min ago``, ``3 days ago``."""
    if then <= 0:
        return "never"
    seconds = max(0.0, now - then)
    if seconds < 60:
        return "just now"
    for unit, size in (("day", 86400), ("hour", 3600), ("min", 60)):
        count = int(seconds // size)
        if count:
            plural = "" if unit == "min" or count == 1 else "s"
            return f"{count} {unit}{plural} ago"
    return "just now"


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: ``1 note``, ``1,204 notes``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


_EIGHTHS = " ▏▎▍▌▋▊▉"


def bar(done: float, total: float, width: int) -> str:
    """Return a progress bar's inside, ``width`` cells, in eighths of a cell."""
    if width <= 0:
        return ""
    share = min(1.0, max(0.0, done / total)) if total > 0 else 0.0
    eighths = round(share * width * 8)
    full, part = divmod(eighths, 8)
    text = "█" * full + (_EIGHTHS[part] if part else "")
    return text.ljust(width)


def file_size(size: float) -> str:
    """Return a number of bytes in decimal units, as file managers do: ``270 MB``, ``4.92 GB``."""
    for unit, amount, form in (("GB", 1e9, ".2f"), ("MB", 1e6, ",.0f"), ("kB", 1e3, ",.0f")):
        if size >= amount:
            return f"{size / amount:{form}} {unit}"
    return f"{size:,.0f} B"
