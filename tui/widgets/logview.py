"""The tail of a job's output: inert lines, written in batches."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widgets import Log

from engine.text import inert
from tui.widgets.follow import FollowEnd

MAX_LINES = 5000
MAX_COLUMNS = 2000


class LogView(FollowEnd, Log, can_focus=False):
    """A log that keeps the newest 5,000 lines and shows control characters instead of obeying them.

    It follows the end until someone scrolls up, and again once they are back down.
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

    def add(self, lines: Iterable[str]) -> None:
        """Append foreign lines in one batch; an empty batch sends nothing."""
        shown = [_one_line(line) for line in lines]
        if shown:
            self.write_lines(shown[-MAX_LINES:])
            self.keep_end()

    def replace(self, lines: Iterable[str]) -> None:
        """Show these lines alone, from their end."""
        shown = [_one_line(line) for line in lines][-MAX_LINES:]
        if list(self.lines) == shown:
            return
        self.clear()
        self.write_lines(shown)
        self.follow()


def _one_line(line: str) -> str:
    # A blank stays a line; other line ends (form feed, U+2028) would split it.
    return " ".join(inert(line[:MAX_COLUMNS]).expandtabs(8).splitlines()) or " "
