"""A panel of ready lines that sends only the columns that changed."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.visual import Visual
from textual.widget import Widget


def changed_columns(old: Content, new: Content) -> tuple[int, int] | None:
    """Return the first changed column and the one after the last, or None where nothing differs.

    Styles count as well as characters. Columns are terminal cells.
    """
    if old.is_same(new):
        return None
    before, after = _cells(old), _cells(new)
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end_before, end_after = len(before), len(after)
    # Only lines of one width end in the same columns.
    if old.cell_length == new.cell_length:
        while end_after > start and end_before > start:
            if before[end_before - 1] != after[end_after - 1]:
                break
            end_before -= 1
            end_after -= 1
    first = cell_len("".join(character for character, _ in after[:start]))
    last = max(
        cell_len("".join(character for character, _ in before[:end_before])),
        cell_len("".join(character for character, _ in after[:end_after])),
    )
    return None if last <= first else (first, last)


def _cells(content: Content) -> list[tuple[str, tuple[str, ...]]]:
    styles: list[tuple[str, ...]] = [()] * len(content.plain)
    for span in content.spans:
        for index in range(max(span.start, 0), min(span.end, len(styles))):
            styles[index] = (*styles[index], str(span.style))
    return list(zip(content.plain, styles, strict=True))


class Lines(Widget):
    """Shows lines as they are: no wrapping, no markup, cropped at the right.

    :meth:`show` compares with what stands there and repaints only the changed
    columns, so that a figure that ticks costs some ten bytes instead of a panel.
    Colours are names of theme variables (``$primary``) in the lines' styles.
    """

    DEFAULT_CSS = """
    Lines {
        height: auto;
    }
    """

    def __init__(
        self, *, id: str | None = None, classes: str | None = None, lines: Sequence[Content] = ()
    ) -> None:
        super().__init__(id=id, classes=classes, markup=False)
        self._lines: tuple[Content, ...] = tuple(lines)

    @property
    def lines(self) -> tuple[Content, ...]:
        """The lines that are shown."""
        return self._lines

    @property
    def text(self) -> str:
        """The lines' characters, one line a line."""
        return "\n".join(line.plain for line in self._lines)

    def show(self, lines: Sequence[Content]) -> bool:
        """Show other lines; where they are the same nothing is sent.

        Returns:
            Whether anything changed.
        """
        old, new = self._lines, tuple(lines)
        if len(old) != len(new):
            self._lines = new
            # Where the height follows the content the panel has another size now.
            self.refresh(layout=self.styles.is_auto_height)
            return True
        regions = [
            Region(columns[0], y, columns[1] - columns[0], 1)
            for y, (before, after) in enumerate(zip(old, new, strict=True))
            if (columns := changed_columns(before, after)) is not None
        ]
        if not regions:
            return False
        self._lines = new
        self.refresh(*regions)
        return True

    def get_content_width(self, container: object, viewport: object) -> int:
        """Return the width of the longest line."""
        return max((line.cell_length for line in self._lines), default=0)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """Return the number of lines."""
        return len(self._lines)

    def render_line(self, y: int) -> Strip:
        """Return the strip of a line."""
        width = self.size.width
        style = self.visual_style
        if not 0 <= y < len(self._lines) or not width or not self._lines[y]:
            return Strip.blank(width, style.rich_style)
        line = self._lines[y].truncate(width)
        strips = Visual.to_strips(self, line, width, 1, style, apply_selection=False)
        strip = strips[0] if strips else Strip.blank(width, style.rich_style)
        return strip.adjust_cell_length(width, style.rich_style)
