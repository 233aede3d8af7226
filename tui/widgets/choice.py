"""A field with a list of values, one of which holds."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from tui.widgets.words import fit, one_line

TYPING_S = 1.0
"""Letters that follow one another within this time are one word."""


class Choice(Widget, can_focus=True):
    """Shows ``‹ value ›``; the form's keys, or a click, take the next one.

    What is typed goes to the value that begins so; the same letter again goes to the next one.

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
        self._typed = ""
        self._typed_at = 0.0

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

    def offer(self, values: Sequence[str], value: str) -> None:
        """Let other values be chosen, one of which holds."""
        self._values = tuple(values)
        self._value = value
        self.refresh()

    def turn(self, steps: int) -> None:
        """Take another value of the list; after the last comes the first."""
        if not self._values:
            return
        at = self._values.index(self._value) if self._value in self._values else -1
        self.value = self._values[(at + steps) % len(self._values)]

    def jump(self, typed: str) -> bool:
        """Take the next value that begins with ``typed``, whatever its case.

        Returns:
            Whether there is one; a single letter that only the present value begins with counts.
        """
        at = self._values.index(self._value) if self._value in self._values else -1
        # One letter goes on to the next value, more of a word may stay on the present one.
        first = at + 1 if len(typed) == 1 else max(at, 0)
        for step in range(len(self._values)):
            value = self._values[(first + step) % len(self._values)]
            if value.casefold().startswith(typed.casefold()):
                self.value = value
                return True
        return False

    def on_key(self, event: events.Key) -> None:
        """Go to the value that begins with what is typed."""
        letter = event.character
        if letter is None or not letter.isprintable() or letter.isspace():
            return
        word = self._typed + letter if event.time - self._typed_at < TYPING_S else letter
        if len(set(word)) == 1:
            word = letter
        if self.jump(word) or self.jump(word := letter):
            self._typed, self._typed_at = word, event.time
            event.stop()

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
