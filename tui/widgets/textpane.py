"""Text that scrolls: wrapped once for a width, painted line by line, laid out never."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.geometry import Region
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from tui.widgets.lines import changed_columns
from tui.widgets.scrolling import set_lines


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph or more.

    Attributes:
        content: The text, with newlines; it is wrapped.
        indent: Cells before each of its lines.
        right: What stands at the right end of its first line.
        wraps: Whether it is wrapped; if not, it is one line that is cut for the width.
    """

    content: Content
    indent: int = 0
    right: Content | None = None
    wraps: bool = True


def text(value: str, style: str = "") -> Content:
    """Return one piece of text in one style; never read as markup."""
    return Content.assemble((value, style)) if style else Content(value)


BLANK = Block(Content(""))


class TextPane(ScrollView, can_focus=False):
    """Shows blocks of text; the screen's keys scroll it."""

    DEFAULT_CSS = """
    TextPane {
        height: 1fr; overflow-x: hidden; scrollbar-gutter: stable; scrollbar-size-vertical: 1;
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._blocks: tuple[Block, ...] = ()
        self._lines: list[Content] = []
        self._wrapped_for = 0

    @property
    def text(self) -> str:
        """All text, for tests and for copying."""
        return "\n".join(block.content.plain for block in self._blocks)

    def show(self, blocks: Sequence[Block], *, top: bool = True) -> None:
        """Show other text; the same again costs nothing.

        Args:
            blocks: What to show.
            top: Scroll to the beginning; False keeps the place, for an update in place.
        """
        new = tuple(blocks)
        if _same(new, self._blocks):
            return
        self._blocks = new
        before, height = self._lines, self.virtual_size.height
        at = self.scroll_offset.y
        self._wrap()
        if top:
            self.scroll_to(y=0, animate=False)
        if at != self.scroll_offset.y or (height != len(self._lines) and self._bar_changes(height)):
            self.refresh()
        else:
            self._repaint(before)

    def _bar_changes(self, height: int) -> bool:
        """Return whether the scrollbar comes or goes."""
        room = self.scrollable_content_region.height
        return (height > room) != (len(self._lines) > room)

    def _repaint(self, before: Sequence[Content]) -> None:
        """Paint the columns of the lines in sight that differ from those before."""
        top = self.scroll_offset.y
        regions: list[Region] = []
        empty = Content("")
        for y in range(self.scrollable_content_region.height):
            index = top + y
            old = before[index] if index < len(before) else empty
            new = self._lines[index] if index < len(self._lines) else empty
            columns = changed_columns(old, new)
            if columns is not None:
                regions.append(Region(columns[0], y, columns[1] - columns[0], 1))
        if regions:
            self.refresh(*regions)

    def lines_down(self, lines: int) -> None:
        """Scroll by a number of lines; negative is up."""
        self.scroll_to(y=self.scroll_offset.y + lines, animate=False)

    def pages_down(self, pages: int) -> None:
        """Scroll by pages, which overlap by a line; negative is up."""
        self.lines_down(pages * max(1, self.scrollable_content_region.height - 1))

    def on_resize(self) -> None:
        """Wrap for the new width."""
        if self.scrollable_content_region.width != self._wrapped_for:
            self._wrap()
            self.refresh()

    def notify_style_update(self) -> None:
        """Draw anew in the new theme's colours."""
        super().notify_style_update()
        self.refresh()

    def _wrap(self) -> None:
        width = self.scrollable_content_region.width
        self._wrapped_for = width
        self._lines = []
        if width > 0:
            for block in self._blocks:
                # A cell free on the right, so that no text touches the scrollbar.
                self._lines.extend(_wrapped(block, width - 1))
        set_lines(self, len(self._lines))

    def render_line(self, y: int) -> Strip:
        """Paint a line."""
        width = self.scrollable_content_region.width
        style = self.visual_style
        index = self.scroll_offset.y + y
        if not 0 <= index < len(self._lines) or width <= 0:
            return Strip.blank(width, style.rich_style)
        line = self._lines[index].truncate(width)
        if not line:  # not a strip with an empty segment in it
            return Strip.blank(width, style.rich_style)
        strips = Visual.to_strips(self, line, width, 1, style, apply_selection=False)
        strip = strips[0] if strips else Strip.blank(width, style.rich_style)
        return strip.adjust_cell_length(width, style.rich_style)


def _wrapped(block: Block, width: int) -> list[Content]:
    room = max(8, width - block.indent)
    first_room = room
    if block.right is not None:
        first_room = max(8, room - block.right.cell_length - 1)
    if not block.wraps:
        lines = [block.content.truncate(first_room, ellipsis=True)]
        return [_with_right(lines[0], block.right, room).pad_left(block.indent)]
    lines = []
    for paragraph in block.content.split("\n", allow_blank=True):
        lines.extend(paragraph.wrap(first_room if not lines else room) or [Content("")])
    lines[0] = _with_right(lines[0], block.right, room)
    if block.indent:
        lines = [line.pad_left(block.indent) for line in lines]
    return lines


def _with_right(line: Content, right: Content | None, room: int) -> Content:
    if right is None:
        return line
    gap = room - line.cell_length - right.cell_length
    return Content.assemble(line, " " * max(1, gap), right)


def _same(one: Sequence[Block], two: Sequence[Block]) -> bool:
    if len(one) != len(two):
        return False
    return all(_equal(a, b) for a, b in zip(one, two, strict=True))


def _equal(one: Block, two: Block) -> bool:
    if (one.indent, one.wraps) != (two.indent, two.wraps) or (one.right is None) != (
        two.right is None
    ):
        return False
    if one.right is not None and two.right is not None and not one.right.is_same(two.right):
        return False
    return one.content.is_same(two.content)
