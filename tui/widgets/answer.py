"""A model's answer as it streams in: wrapped, inert, and cheap to extend."""

from __future__ import annotations

from textual.content import Content
from textual.events import Resize
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.visual import Visual

from engine.text import inert
from tui.widgets.follow import FollowEnd
from tui.widgets.lines import changed_columns

# Columns of text; longer lines tire the eye.
_MOST_COLUMNS = 100


class Answer(FollowEnd, can_focus=False):
    """Shows text that grows at its end; only the columns that changed are sent.

    It follows the end until someone scrolls up. Paragraphs are wrapped once: extending
    the text wraps its last paragraph alone.
    """

    DEFAULT_CSS = """
    Answer {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._text = ""
        self._note = Content("")
        self._lines: list[Content] = []
        # Where the last paragraph begins: in the text, and in the lines.
        self._paragraph = (0, 0)
        self._wrapped_at = 0

    @property
    def text(self) -> str:
        """The text that is shown, inert."""
        return self._text

    @property
    def lines(self) -> tuple[str, ...]:
        """The wrapped lines."""
        return tuple(line.plain for line in self._lines)

    def show(self, text: str, *, note: Content | None = None) -> None:
        """Show a text; one that extends what is shown costs only its end.

        Args:
            text: Foreign text; control characters are made visible.
            note: What stands in place of the text while there is none.
        """
        text = inert(text).expandtabs(4)
        note = note or Content("")
        if text == self._text and note.is_same(self._note):
            return
        grows = bool(self._text) and text.startswith(self._text)
        if not grows:
            self._follows = True
        self._text, self._note = text, note
        self._wrap(keep=grows)

    def on_resize(self, event: Resize) -> None:
        """Wrap again at another width."""
        if self._columns != self._wrapped_at:
            self._wrap(keep=False)
        self._fit()
        super().on_resize(event)

    @property
    def _columns(self) -> int:
        return min(self.scrollable_content_region.width, _MOST_COLUMNS)

    def _wrap(self, *, keep: bool) -> None:
        width = self._columns
        if width <= 0:
            return
        old = self._lines
        at_text, at_line = self._paragraph if keep and width == self._wrapped_at else (0, 0)
        lines = old[:at_line]
        paragraphs = self._text[at_text:].split("\n")
        for index, paragraph in enumerate(paragraphs):
            if index == len(paragraphs) - 1:
                self._paragraph = (at_text, len(lines))
            lines += Content(paragraph).wrap(width) if paragraph else [Content("")]
            at_text += len(paragraph) + 1
        if not self._text:
            lines = self._note.wrap(width) if self._note else []
            self._paragraph = (0, 0)
        self._lines, self._wrapped_at = lines, width
        self._fit()
        self._refresh_changed(old, at_line)
        self.keep_end()

    def _fit(self) -> None:
        # A new size is a new layout, which paints all: while the text fits none is needed.
        region = self.scrollable_content_region
        size = Size(region.width, max(len(self._lines), region.height))
        if size != self.virtual_size:
            self.virtual_size = size

    def _refresh_changed(self, old: list[Content], start: int) -> None:
        top, empty = self.scroll_offset.y, Content("")
        for y in range(start, max(len(old), len(self._lines))):
            before = old[y] if y < len(old) else empty
            after = self._lines[y] if y < len(self._lines) else empty
            columns = changed_columns(before, after)
            row = y - top
            if columns is not None and 0 <= row < self.size.height:
                self.refresh(Region(columns[0], row, columns[1] - columns[0], 1))

    def render_line(self, y: int) -> Strip:
        """Return the strip of a line."""
        width = self.scrollable_content_region.width
        style = self.visual_style
        index = y + self.scroll_offset.y
        if not 0 <= index < len(self._lines) or width <= 0 or not self._lines[index]:
            return Strip.blank(width, style.rich_style)
        strips = Visual.to_strips(self, self._lines[index], width, 1, style, apply_selection=False)
        strip = strips[0] if strips else Strip.blank(width, style.rich_style)
        return strip.adjust_cell_length(width, style.rich_style)
