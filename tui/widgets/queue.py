"""The queue: a sign, the marks, the label and the kind of each example."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Protocol

from engine.models import Filter, QueueRow, State
from tui.widgets.rows import Part, RowList, Style
from tui.widgets.words import (
    CONFLICT,
    EDITED,
    FLAGGED,
    ORIGIN_SIGNS,
    PENDING,
    SIGNS,
    fit,
    kind_label,
    one_line,
)

STATE_STYLE: dict[State, Style] = {
    "approved": "success",
    "rejected": "error",
    "undecided": "accent",
    "skipped": "muted",
}


class Pages(Protocol):
    """Where rows come from, by rank."""

    @property
    def size(self) -> int:
        """How many rows there are."""

    def row(self, rank: int) -> QueueRow | None:
        """Return a row, or None beyond the end."""


class QueueList(RowList):
    """A queue of any length; it reads the rows that it draws."""

    LOOK_AHEAD = True

    KIND_FROM = 44
    """From this width on the kind stands at the right."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._pages: Pages | None = None
        self._pending: Set[str] = frozenset()

    def mark_pending(self, ids: Set[str]) -> None:
        """Mark examples whose decisions wait to be stored."""
        if ids != self._pending:
            self._pending = ids
            self.refresh()

    def show(self, pages: Pages, cursor: int = 0) -> None:
        """Show another part of the queue with the cursor on a row."""
        self._pages = pages
        self.rows_changed()
        self.move_to(cursor)

    @property
    def count(self) -> int:
        """How many rows there are."""
        return self._pages.size if self._pages is not None else 0

    def draw(self, index: int, width: int) -> Sequence[Part]:
        """Draw an example's line."""
        row = self._pages.row(index) if self._pages is not None else None
        if row is None:
            return ()
        edited = EDITED if row.edited else " "
        label = one_line(row.label) or "(empty)"
        sign, style = SIGNS[row.state], STATE_STYLE[row.state]
        if row.example_id in self._pending:
            sign, style = PENDING, "warning"
        parts: list[Part] = [(f"{sign}{edited} ", style)]
        if row.conflict:
            parts.append((f"{CONFLICT} ", "error"))
        if row.flagged:
            parts.append((f"{FLAGGED} ", "warning"))
        if row.origin:
            parts.append((f"{ORIGIN_SIGNS[row.origin]} ", "warning"))
        body: Style = "row" if row.state == "undecided" else "muted"
        if width < self.KIND_FROM:
            return (*parts, (label, body))
        room = width - sum(len(text) for text, _ in parts) - 13
        return (*parts, (fit(label, room), body), (" " + fit(kind_label(row.kind), 12), "muted"))


def upcoming_words(rows: Sequence[QueueRow]) -> str:
    """Return what comes next on a line: ``next: Weekly review · Call with Ana !``."""
    flagged = {True: f" {FLAGGED}", False: ""}
    labels = [(one_line(row.label) or "(empty)") + flagged[row.flagged] for row in rows]
    return f" next: {' · '.join(labels)}" if labels else ""


def filter_words(which: Filter) -> str:
    """Return a filter in words for the queue's title: ``undecided · #work · "boat"``."""
    parts = [" or ".join(which.states), " or ".join(map(kind_label, which.kinds))]
    parts.append(f"{' or '.join(which.origins)} in its source" if which.origins else "")
    parts.append(f"{CONFLICT} in conflict" if which.conflict else "")
    parts += ["edited" if which.edited else "", f"#{which.tag}" if which.tag else ""]
    parts.append(" or ".join(_flag_words(flag) for flag in which.flags))
    parts.append(_quality_words(which))
    parts.append(" or ".join(which.languages))
    parts += ["one source" if which.source_id else "", f'"{which.text}"' if which.text else ""]
    return one_line(" · ".join(part for part in parts if part)) or "all"


def _flag_words(flag: str) -> str:
    kind, _, code = flag.partition(":")
    return f"{FLAGGED} {code.replace('-', ' ') or kind}"


def _quality_words(which: Filter) -> str:
    least, most = which.min_quality, which.max_quality
    if least is not None and most is not None:
        return f"quality {least:.1f} to {most:.1f}"
    if least is not None:
        return f"quality {least:.1f} and more"
    return f"quality below {most:.1f}" if most is not None else ""
