"""A field with a list of values, one of which holds."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from tui.widgets.words import fit, one_line


class Choice(Widget, can_focus=True):
    """Shows ``‹ value ›``; the form's keys, or a click, take the next one.

    Args:
        values: What can be chosen.
        value: What holds at first.
        empty: What is written where the value is empty.
    """

    DEFAULT_CSS = """
    Choice { height: 1; }
    Choice:focus { background: $block-cursor-background; color: $block-cursor-foreground; }
    """

    class Changed(Message):
        """Another value holds."""

        def __init__(self, choice: Choice, value: str) -> None:
            super().__init__()
            self.choice = choice
            self.value = value

        @property
        def control(self) -> Choice:
            """The field."""
            return self.choice

    def __init__(
        self, values: Sequence[str], value: str, *, empty: str = "", id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self._values = tuple(values)
        self._empty = empty
        self._value = value

    @property
    def values(self) -> tuple[str, ...]:
        """All that can be chosen."""
        return self._values

    @property
    def value(self) -> str:
        """The value that holds."""
        return self._value

    @value.setter
    def value(self, value: str) -> None:
        if value != self._value:
            self._value = value
            self.refresh()
            self.post_message(self.Changed(self, value))

    def turn(self, steps: int) -> None:
        """Take another value of the list; after the last comes the first."""
        if not self._values:
            return
        at = self._values.index(self._value) if self._value in self._values else -1
        self.value = self._values[(at + steps) % len(self._values)]

    def render(self) -> Content:
        """Draw the value between its arrows."""
        width = self.size.width
        value = self._value or self._empty
        shown = fit(one_line(value), max(1, min(cell_len(value), width - 4)))
        arrows = "$text-accent" if len(self._values) > 1 else "$text-disabled"
        return Content.assemble(("‹ ", arrows), shown, (" ›", arrows))

    def on_click(self, event: events.Click) -> None:
        """Take the next value."""
        self.turn(1)
