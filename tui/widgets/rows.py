"""A list that is drawn, not mounted: it costs what is seen, whatever it holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.widgets.scrolling import set_lines
from tui.widgets.words import fit

Style = Literal["row", "muted", "strong", "accent", "success", "error", "warning"]
Part = tuple[str, Style]


class RowList(ScrollView, can_focus=False):
    """Rows with a cursor.

    Subclasses say how many rows there are and draw one; this class scrolls, keeps the
    cursor in sight and repaints the two rows that a move touches. It takes no keys:
    the screen has them all, so that no key is lost to a focus elsewhere.
    """

    DEFAULT_CSS = """
    RowList {
        height: 1fr;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        & > .rows--row { color: $foreground; }
        & > .rows--muted { color: $text-muted; }
        & > .rows--strong { text-style: bold; }
        & > .rows--accent { color: $text-accent; }
        & > .rows--success { color: $text-success; }
        & > .rows--error { color: $text-error; }
        & > .rows--warning { color: $text-warning; }
        & > .rows--cursor {
            background: $block-cursor-background;
            color: $block-cursor-foreground;
            text-style: $block-cursor-text-style;
        }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "rows--row",
        "rows--muted",
        "rows--strong",
        "rows--accent",
        "rows--success",
        "rows--error",
        "rows--warning",
        "rows--cursor",
    }

    LOOK_AHEAD: ClassVar[bool] = False
    """Whether rows below the cursor are kept in sight: the list then jumps by half a page."""

    class Moved(Message):
        """The cursor stands on another row, or on the same one after the rows changed."""

        def __init__(self, rows: RowList, index: int) -> None:
            super().__init__()
            self.rows = rows
            self.index = index

        @property
        def control(self) -> RowList:
            """The list, for ``@on(RowList.Moved, "#queue")``."""
            return self.rows

        def can_replace(self, message: Message) -> bool:
            """Only where the cursor is now is of interest."""
            return isinstance(message, RowList.Moved) and message.rows is self.rows

    class Chosen(Message):
        """A row was clicked a second time, as enter would choose it."""

        def __init__(self, rows: RowList, index: int) -> None:
            super().__init__()
            self.rows = rows
            self.index = index

        @property
        def control(self) -> RowList:
            """The list."""
            return self.rows

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._cursor = 0

    # -- what a subclass says -----------------------------------------------------------

    @property
    def count(self) -> int:
        """How many rows there are."""
        raise NotImplementedError

    def draw(self, index: int, width: int) -> Sequence[Part]:
        """Return a row as parts of text and style; it is cut or filled to ``width``."""
        raise NotImplementedError

    # -- the cursor ---------------------------------------------------------------------

    @property
    def cursor(self) -> int:
        """The row under the cursor; 0 while there is none."""
        return self._cursor

    def move_to(self, index: int) -> None:
        """Put the cursor on a row, and scroll only as far as needed to show it."""
        index = max(0, min(index, self.count - 1))
        before, self._cursor = self._cursor, index
        if before != index:
            self._repaint_row(before)
            self._repaint_row(index)
        self._show_cursor()
        if self.count and before != index:
            self.post_message(self.Moved(self, index))

    def move(self, rows: int) -> None:
        """Move the cursor by a number of rows."""
        self.move_to(self._cursor + rows)

    def page(self, pages: int) -> None:
        """Move the cursor by pages."""
        self.move(pages * max(1, self._height - 1))

    def rows_changed(self) -> None:
        """Draw anew: rows came, went, or changed. The cursor stays as near as it can."""
        self._cursor = max(0, min(self._cursor, self.count - 1))
        set_lines(self, self.count)
        self._show_cursor()
        self.refresh()

    @property
    def _height(self) -> int:
        return self.scrollable_content_region.height

    def _show_cursor(self) -> None:
        height = self._height
        if not height:
            return
        top = self.scroll_offset.y
        bottom = top + height - 1
        if self.LOOK_AHEAD and height > 2:
            # A jump repaints every row, a step between two jumps only two of them.
            leaves = bottom <= self._cursor < self.count - 1 or self._cursor > bottom
            if leaves or self._cursor < top:
                self.scroll_to(y=max(0, self._cursor - height // 2), animate=False)
        elif self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False)
        elif self._cursor > bottom:
            self.scroll_to(y=self._cursor - height + 1, animate=False)

    def _repaint_row(self, index: int) -> None:
        y = index - self.scroll_offset.y
        if 0 <= y < self._height:
            width = self.scrollable_content_region.width
            self.refresh(Region(0, y, width, 1))

    def repaint(self, index: int) -> None:
        """Draw one row again."""
        self._repaint_row(index)

    # -- painting and the mouse ---------------------------------------------------------

    def notify_style_update(self) -> None:
        """Draw anew in the new theme's colours."""
        super().notify_style_update()
        self.refresh()

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self._show_cursor()

    def render_line(self, y: int) -> Strip:
        """Draw the row on a line of the widget."""
        width = self.scrollable_content_region.width
        index = self.scroll_offset.y + y
        base = self.rich_style
        if index >= self.count:
            return Strip.blank(width, base)
        selected = index == self._cursor
        if selected:
            base = self.get_component_rich_style("rows--cursor")
        segments = [Segment("▌" if selected else " ", base)]
        left = width - 1
        for text, style in self.draw(index, width - 1):
            if left <= 0:
                break
            shown = text if cell_len(text) <= left else fit(text, left)
            left -= cell_len(shown)
            # On the cursor all text has its colour, so that it reads in every theme.
            look = base
            if not selected:
                look = self.get_component_rich_style(f"rows--{style}")
            segments.append(Segment(shown, look))
        return Strip(segments).adjust_cell_length(width, base)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is; a second click chooses."""
        index = self.scroll_offset.y + event.y - self.gutter.top
        if not 0 <= index < self.count:
            return
        if index == self._cursor:
            self.post_message(self.Chosen(self, index))
        self.move_to(index)


class FixedRows(RowList):
    """Rows that are all in memory."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._rows: tuple[tuple[Part, ...], ...] = ()

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    def show(self, rows: Sequence[Sequence[Part]]) -> None:
        """Show other rows; the same again cost nothing."""
        new = tuple(tuple(row) for row in rows)
        if new != self._rows:
            self._rows = new
            self.rows_changed()

    def draw(self, index: int, width: int) -> Sequence[Part]:
        """Return the row as it was given."""
        return self._rows[index]
