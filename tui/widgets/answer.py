"""A model's answer as it streams in: wrapped, inert, cheap to extend, and it knows what was seen.

Nothing is judged that was not shown, so the pane notes which lines of the answer have stood
on the screen. It counts in characters that are not blank: wrapping at another width moves
every line, and leaves those where they are.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.events import Resize
from textual.geometry import Region
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from engine.text import inert
from tui.widgets.lines import changed_columns
from tui.widgets.scrolling import set_lines

# Columns of text; longer lines tire the eye.
_MOST_COLUMNS = 100


@dataclass(frozen=True, slots=True)
class Exchange:
    """An earlier turn: what was asked, and what was answered."""

    question: str
    answer: str


class Answer(ScrollView, can_focus=False):
    """Shows text that grows at its end; only the columns that changed are sent.

    The view stays at the start of the answer until someone scrolls: who reads two answers
    at once can't follow two ends. Earlier turns of the conversation stand above it.
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

    class Moved(Message):
        """Other lines stand on the screen, or were seen."""

        def __init__(self, answer: Answer) -> None:
            super().__init__()
            self.answer = answer

        @property
        def control(self) -> Answer:
            """The answer."""
            return self.answer

        def can_replace(self, message: Message) -> bool:
            """Only the last one counts."""
            return isinstance(message, Answer.Moved) and message.answer is self.answer

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._text = ""
        self._note = Content("")
        self._key: object = None
        self._earlier: tuple[Exchange, ...] = ()
        self._head: list[Content] = []
        self._lines: list[Content] = []
        # Where each line begins and the last ends, in characters that are not blank.
        self._marks: list[int] = [0]
        self._seen: list[tuple[int, int]] = []
        # Where the last paragraph begins: in the text, and in the lines.
        self._paragraph = (0, 0)
        self._wrapped_at = 0
        self._scrolled = False
        self._looks = False
        self._told: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        """The text that is shown, inert."""
        return self._text

    @property
    def lines(self) -> tuple[str, ...]:
        """The wrapped lines of the answer alone."""
        return tuple(line.plain for line in self._lines)

    @property
    def below(self) -> int:
        """How many lines stand below the view."""
        bottom = self.scroll_offset.y + self._rows
        return max(0, len(self._head) + len(self._lines) - bottom)

    @property
    def unseen(self) -> int:
        """How many lines of the answer have never been on the screen."""
        if self._text and not self._lines:  # it has no place on the screen yet
            return self._text.count("\n") + 1
        return sum(not self._was_seen(index) for index in range(len(self._lines)))

    @property
    def unseen_above(self) -> bool:
        """Whether a line that has never been on the screen stands above the view."""
        top = min(len(self._lines), self.scroll_offset.y - len(self._head))
        return any(not self._was_seen(index) for index in range(top))

    def show(
        self,
        text: str,
        *,
        key: object = None,
        earlier: Sequence[Exchange] = (),
        note: Content | None = None,
    ) -> None:
        """Show a text; one that extends what is shown costs only its end.

        Args:
            text: Foreign text; control characters are made visible.
            key: Whose answer it is; that of another key was never seen.
            earlier: The conversation's turns before it.
            note: What stands in place of the text while there is none.
        """
        text, note, earlier = inert(text).expandtabs(4), note or Content(""), tuple(earlier)
        other = key is not self._key or earlier != self._earlier
        if text == self._text and note.is_same(self._note) and not other:
            return
        grows = bool(self._text) and text.startswith(self._text) and not other
        self._text, self._note, self._key = text, note, key
        if not grows:
            self._scrolled, self._seen = False, []
        if earlier != self._earlier:
            self._earlier = earlier
            self._wrap_head()
            self.refresh()
        self._wrap(keep=grows)

    # -- scrolling ------------------------------------------------------------------

    def page(self, pages: int) -> None:
        """Scroll by pages; a line of the page before stays in view."""
        self.line(pages * max(1, self._rows - 1))

    def line(self, lines: int) -> None:
        """Scroll by lines."""
        if self._rows:
            self._go(self.scroll_offset.y + lines)
            self._scrolled = True

    def to_start(self) -> None:
        """Go to the start of the answer."""
        self._go(len(self._head))

    def to_end(self) -> None:
        """Go to the end of the answer."""
        self.line(self.below)

    def look(self) -> None:
        """Note what stands on the screen, once it has been painted."""
        if not self._looks:
            self._looks = True
            self.call_after_refresh(self._look)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Look what came into view."""
        super().watch_scroll_y(old_value, new_value)
        # Where a new size has not been fitted yet, the start may be out of reach for a moment.
        if round(new_value) != len(self._head) <= self.max_scroll_y:
            self._scrolled = True
        self.look()

    def on_resize(self, event: Resize) -> None:
        """Wrap again at another width, and keep the place."""
        if self._columns != self._wrapped_at:
            top = self.scroll_offset.y - len(self._head)
            mark = self._marks[min(top, len(self._lines))] if top >= 0 else None
            scrolled = self._scrolled
            self._wrap_head()
            self._wrap(keep=False)
            if scrolled and mark is not None:
                self._go(len(self._head) + max(0, bisect_right(self._marks, mark) - 1))
                self._scrolled = True
            self.refresh()
        self._fit()
        if not self._scrolled:
            self.to_start()
        self.look()

    def _go(self, y: int) -> None:
        # Forced, since the scrollbar that allows it appears only at the next layout.
        self.scroll_to(y=y, animate=False, immediate=True, force=True)
        self.call_after_refresh(self._place_bar)

    def _place_bar(self) -> None:
        # A scrollbar that appeared since was not told where the text stands.
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = self.scroll_y

    # -- what was seen --------------------------------------------------------------

    def _look(self) -> None:
        self._looks = False
        in_front = self.is_attached and self.app.screen is self.screen
        if in_front and self.is_on_screen and self._rows:
            first = max(0, self.scroll_offset.y - len(self._head))
            last = min(len(self._lines), self.scroll_offset.y - len(self._head) + self._rows)
            if first < last:
                self._add_seen(self._marks[first], self._marks[last])
        told = (self.unseen, self.below, self.scroll_offset.y, self._marks[-1])
        if told != self._told:
            self._told = told
            self.post_message(self.Moved(self))

    def _add_seen(self, start: int, stop: int) -> None:
        apart = [one for one in self._seen if one[1] < start or stop < one[0]]
        joined = [one for one in self._seen if one not in apart]
        span = (min([start, *(a for a, _ in joined)]), max([stop, *(b for _, b in joined)]))
        self._seen = sorted([*apart, span])

    def _was_seen(self, index: int) -> bool:
        start, stop = self._marks[index], self._marks[index + 1]
        return start == stop or any(a <= start and stop <= b for a, b in self._seen)

    # -- wrapping -------------------------------------------------------------------

    @property
    def _rows(self) -> int:
        return self.scrollable_content_region.height

    @property
    def _columns(self) -> int:
        return min(self.scrollable_content_region.width, _MOST_COLUMNS)

    def _wrap_head(self) -> None:
        width = self._columns
        self._head = []
        if width <= 0 or not self._earlier:
            return
        for number, one in enumerate(self._earlier, 1):
            self._head.append(_rule(f"turn {number}", width))
            question = Content.styled(inert(one.question).expandtabs(4), "$text-muted bold")
            answer = Content.styled(inert(one.answer).expandtabs(4), "$text-muted")
            self._head += [*question.wrap(width), *answer.wrap(width), Content("")]
        self._head.append(_rule(f"turn {len(self._earlier) + 1}", width))

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
        self._marks = self._marks[: at_line + 1]
        if not self._text:
            lines = self._note.wrap(width) if self._note else []
            self._paragraph = (0, 0)
        for line in lines[at_line:]:
            # A note is not an answer: it counts for nothing.
            letters = len("".join(line.plain.split())) if self._text else 0
            self._marks.append(self._marks[-1] + letters)
        self._lines, self._wrapped_at = lines, width
        self._fit()
        self._refresh_changed(old, at_line)
        if not self._scrolled:
            self.to_start()
        self.look()

    def _fit(self) -> None:
        # With room for a whole view below the earlier turns the answer begins at the top of it
        # from its first word on, and nothing moves while it grows.
        least = 1 if self.styles.is_auto_height else self._rows
        set_lines(self, len(self._head) + max(len(self._lines), least))

    def _refresh_changed(self, old: list[Content], start: int) -> None:
        top, empty = self.scroll_offset.y - len(self._head), Content("")
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
        above = len(self._head)
        lines, index = (self._head, index) if index < above else (self._lines, index - above)
        if not 0 <= index < len(lines) or width <= 0 or not lines[index]:
            return Strip.blank(width, style.rich_style)
        strips = Visual.to_strips(self, lines[index], width, 1, style, apply_selection=False)
        strip = strips[0] if strips else Strip.blank(width, style.rich_style)
        return strip.adjust_cell_length(width, style.rich_style)


def _rule(words: str, width: int) -> Content:
    return Content.styled(f"── {words} ".ljust(width, "─")[:width], "$text-muted")
