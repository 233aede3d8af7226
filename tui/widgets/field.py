"""A text field that stands still and shows what it holds, whatever that is."""

from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip
from textual.widgets import Input

from tui.widgets.editable import pictured


class Field(Input):
    """An input whose cursor does not blink: a blink is traffic, and draws the eye.

    Names of files and columns come into it too, so what would steer the terminal is
    shown as a picture. The value itself stays as it is.
    """

    def __init__(
        self, value: str = "", *, placeholder: str = "", id: str | None = None, kind: str = "text"
    ) -> None:
        super().__init__(
            value,
            placeholder=placeholder,
            id=id,
            type=kind,  # type: ignore[arg-type]
            select_on_focus=False,
            valid_empty=True,
        )
        self.cursor_blink = False

    def render_line(self, y: int) -> Strip:
        """Paint the line, with a picture for each character that can't be shown."""
        strip = super().render_line(y)
        shown = [pictured(segment.text) for segment in strip]
        if all(text == segment.text for text, segment in zip(shown, strip, strict=True)):
            return strip
        segments = (Segment(text, one.style) for text, one in zip(shown, strip, strict=True))
        return Strip(segments).adjust_cell_length(strip.cell_length)
