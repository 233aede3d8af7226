"""The tail of a job's output: inert lines, written in batches."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from rich.cells import cell_len, chop_cells
from textual import events
from textual.widgets import Log

from engine.text import inert
from tui.widgets.follow import FollowEnd

MAX_LINES = 5000
MAX_COLUMNS = 2000


class LogView(FollowEnd, Log, can_focus=False):
    """A log that keeps the newest 5,000 lines and shows control characters instead of obeying them.

    It follows the end until someone scrolls up, and again once they are back down. Lines that
    are longer than the view is wide are cut, or wrapped where :attr:`wraps` is set.
    """

    DEFAULT_CSS = """
    LogView {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(
            highlight=False, max_lines=MAX_LINES, auto_scroll=False, id=id, classes=classes
        )
        self._kept: deque[str] = deque(maxlen=MAX_LINES)
        self._wraps = False
        self._wrapped_for = 0

    @property
    def wraps(self) -> bool:
        """Whether long lines are wrapped."""
        return self._wraps

    @wraps.setter
    def wraps(self, value: bool) -> None:
        if value != self._wraps:
            self._wraps = value
            self._write_anew()

    def add(self, lines: Iterable[str]) -> None:
        """Append foreign lines in one batch; an empty batch sends nothing."""
        shown = [_one_line(line) for line in lines]
        if shown:
            self._kept.extend(shown)
            self.write_lines(self._rows(shown[-MAX_LINES:]))
            self.keep_end()

    def replace(self, lines: Iterable[str]) -> None:
        """Show these lines alone, from their end."""
        shown = [_one_line(line) for line in lines][-MAX_LINES:]
        if list(self._kept) == shown:
            return
        self._kept.clear()
        self._kept.extend(shown)
        self._write_anew()

    def on_resize(self, event: events.Resize) -> None:
        """Wrap for another width; :class:`FollowEnd` keeps the end in view."""
        if self._wraps and self.scrollable_content_region.width != self._wrapped_for:
            self._write_anew()

    def _write_anew(self) -> None:
        self.clear()
        self.write_lines(self._rows(self._kept))
        self.follow()

    def _rows(self, lines: Iterable[str]) -> list[str]:
        self._wrapped_for = self.scrollable_content_region.width
        if not self._wraps or self._wrapped_for < 2:
            return list(lines)
        return list(wrapped(lines, self._wrapped_for))[-MAX_LINES:]


def wrapped(lines: Iterable[str], width: int) -> Iterator[str]:
    """Yield lines of at most ``width`` cells, cut at a blank where one is near the end."""
    for line in lines:
        rest = line
        while cell_len(rest) > width:
            piece = chop_cells(rest, width)[0]
            blank = piece.rfind(" ") + 1
            if blank > len(piece) // 2:
                piece = piece[:blank]
            yield piece
            rest = rest[len(piece) :]
        yield rest


def _one_line(line: str) -> str:
    # A blank stays a line; other line ends (form feed, U+2028) would split it.
    return " ".join(inert(line[:MAX_COLUMNS]).expandtabs(8).splitlines()) or " "
