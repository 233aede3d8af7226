"""What the drawn lists and texts share about scrolling."""

from __future__ import annotations

from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.widget import Widget


def set_lines(view: ScrollView, lines: int) -> None:
    """Tell a view how many lines it has, without laying the whole screen out again.

    Assigning ``virtual_size`` asks for a layout, and a layout paints everything:
    20 KB on the wire at 80x24 for a card that is a line longer than the one before.
    Only a scrollbar that comes or goes needs one, and asks for it itself.

    Args:
        view: A list or a text.
        lines: The lines that it holds.
    """
    size = Size(0, lines)
    if size == view.virtual_size:
        return
    if view.styles.is_auto_height:
        view.virtual_size = size  # what it holds decides how high it is
        return
    view.set_reactive(Widget.virtual_size, size)
    if view.container_size:
        view._scroll_update(size)
