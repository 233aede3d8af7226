"""The tail of a job's output: inert lines, written in batches, and searched."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from rich.cells import cell_len, chop_cells
from rich.style import Style
from textual import events
from textual.content import Content
from textual.geometry import Region, Size
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Log

from engine.text import inert
from tui.widgets.follow import FollowEnd
from tui.widgets.lines import changed_columns
from tui.widgets.scrolling import set_lines

MAX_LINES = 5000
MAX_COLUMNS = 2000

_FOUND = Style(reverse=True)


class LogView(FollowEnd, Log, can_focus=False):
    """A log that keeps the newest 5,000 lines and shows control characters instead of obeying them.

    It follows the end until someone scrolls up or holds it, and again once they are back down.
    Lines that are longer than the view is wide are cut, or wrapped where :attr:`wraps` is set.
    What is copied out of it are whole lines, however they are wrapped.
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
        self._goes_on: deque[bool] = deque(maxlen=MAX_LINES)
        self._dropped = 0
        self._wraps = False
        self._wrapped_for = 0
        self._words = ""
        self._match = -1
        self._painted: list[Content] = []
        self._bar_for = 0
        self._still_bar = False

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
            self._dropped += max(0, len(self._kept) + len(shown) - MAX_LINES)
            self._kept.extend(shown)
            self._append(self._rows(shown[-MAX_LINES:]))

    def replace(self, lines: Iterable[str]) -> None:
        """Show these lines alone, from their end."""
        shown = [_one_line(line) for line in lines][-MAX_LINES:]
        if list(self._kept) == shown:
            return
        self._kept.clear()
        self._kept.extend(shown)
        self._dropped, self._match = 0, -1
        self._write_anew()

    def on_resize(self, event: events.Resize) -> None:
        """Wrap for another width; :class:`FollowEnd` keeps the end in view."""
        self._bar_for = 0
        if self._wraps and self.scrollable_content_region.width != self._wrapped_for:
            self._write_anew()

    def _write_anew(self) -> None:
        self.clear()
        self._goes_on.clear()
        self._bar_for = 0
        self._append(self._rows(self._kept))
        self.follow()
        self.refresh()

    def _append(self, rows: list[str]) -> None:
        """Put rows below the others, and paint what differs from what was there.

        ``write_lines`` of the library lays the whole screen out and paints all of it.
        """
        self._lines.extend(rows)
        if gone := max(0, len(self._lines) - MAX_LINES):
            del self._lines[:gone]
        self._render_line_cache.clear()
        count, height = len(self._lines), self.scrollable_content_region.height
        # The bar is drawn anew when its thumb is another by half a cell, or comes.
        if abs(count - self._bar_for) * height * 2 >= count or not self.show_vertical_scrollbar:
            self._bar_for = count
            set_lines(self, count)
            self.keep_end()
        else:
            self.set_reactive(Widget.virtual_size, Size(0, count))
            if self.is_following:
                self._still_bar = True
                self.scroll_end(animate=False, immediate=True, force=True, x_axis=False)
                self._still_bar = False
        self._repaint()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Paint what differs, and note whether the end is in view."""
        if self.show_vertical_scrollbar and not self._still_bar:
            self.vertical_scrollbar.position = new_value
        self.note_place(new_value)
        self._repaint()

    def _repaint(self) -> None:
        """Paint the columns of the rows in sight that differ from what was painted last."""
        region = self.scrollable_content_region
        top = self.scroll_offset.y
        rows = [Content(row) for row in self._lines[top : top + region.height]]
        rows += [Content("")] * (region.height - len(rows))
        before, self._painted = self._painted, rows
        if len(before) != len(rows) or self.text_selection is not None or self._words:
            self.refresh()
            return
        regions = [
            Region(columns[0], y, columns[1] - columns[0], 1)
            for y, (old, new) in enumerate(zip(before, rows, strict=True))
            if (columns := changed_columns(old, new)) is not None
        ]
        if regions:
            self.refresh(*regions)

    def _rows(self, lines: Iterable[str]) -> list[str]:
        self._wrapped_for = self.scrollable_content_region.width
        rows: list[str] = []
        for line in lines:
            pieces = [line]
            if self._wraps and self._wrapped_for >= 2:
                pieces = list(wrapped([line], self._wrapped_for))
            rows += pieces
            self._goes_on.extend([True] * (len(pieces) - 1) + [False])
        return rows[-MAX_LINES:]

    # -- searching ----------------------------------------------------------------------

    @property
    def words(self) -> str:
        """What is searched for; empty where nothing is."""
        return self._words

    def count(self, words: str) -> int:
        """Return how many lines hold some words; small letters stand for capitals as well."""
        return len(self._matches(words))

    def search(self, words: str) -> tuple[int, int]:
        """Search for words, from the newest line that holds them on; empty ends the search.

        Returns:
            Which match is shown, counted from the oldest, and how many there are.
        """
        self._words, self._match = words, -1
        self._draw_matches()
        return self.go_to_match(-1) if words else (0, 0)

    def go_to_match(self, by: int) -> tuple[int, int]:
        """Show a match some further down, or up; past the last one it goes on with the first.

        Returns:
            As :meth:`search` does.
        """
        found = [self._dropped + index for index in self._matches(self._words)]
        if not found:
            self._match = -1
            return 0, 0
        if self._match in found:
            place = (found.index(self._match) + by) % len(found)
        else:  # the first time, or the line has been dropped since
            place = -1 if by < 0 else 0
        self._match = found[place]
        self.hold()
        row = self._row_of(self._match - self._dropped)
        height = self.scrollable_content_region.height
        self.scroll_to(y=max(0, row - height // 2), animate=False, immediate=True)
        self._draw_matches()
        return found.index(self._match) + 1, len(found)

    def _matches(self, words: str) -> list[int]:
        if not words:
            return []
        if words != words.lower():
            return [index for index, line in enumerate(self._kept) if words in line]
        return [index for index, line in enumerate(self._kept) if words in line.lower()]

    def _row_of(self, line: int) -> int:
        """Return the row that a line begins in."""
        ends = [index for index, goes_on in enumerate(self._goes_on) if not goes_on]
        # Where lines are wrapped, the oldest rows may be gone while their lines are kept.
        behind = len(self._kept) - line
        return 0 if behind >= len(ends) else ends[len(ends) - behind - 1] + 1

    def _draw_matches(self) -> None:
        self._render_line_cache.clear()
        self.refresh()

    def _render_line_strip(self, y: int, rich_style: Style) -> Strip:
        strip = super()._render_line_strip(y, rich_style)
        row = self.lines[y]
        small = self._words == self._words.lower()
        text = row.lower() if small else row
        if not self._words or self._words not in text or len(text) != len(row):
            return strip
        start = cell_len(row[: text.index(self._words)])
        end = start + cell_len(self._words)
        # Log pads rows to the widest; what it selects is styled there already.
        return Strip.join([
            strip.crop(0, start),
            strip.crop(start, end).apply_style(_FOUND),
            strip.crop(end, strip.cell_length),
        ])  # fmt: skip

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return what is selected, with the rows of a wrapped line in one."""
        found = super().get_selection(selection)
        if found is None or not self._wraps:
            return found
        text, ending = found
        rows = text.split("\n")
        first = selection.start.y if selection.start is not None else 0
        goes_on = list(self._goes_on)[-len(self.lines) :]
        joined = "".join(
            row if goes_on[first + index] else f"{row}\n" for index, row in enumerate(rows[:-1])
        )
        return joined + rows[-1], ending


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
