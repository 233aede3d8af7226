"""The question, the two answers, and what the person wrote to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from textual import events, getters, on
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.content import Content
from textual.message import Message

from tui.parts import chat_words as words
from tui.parts.chat_talk import Talk
from tui.widgets.answer import Answer, Exchange
from tui.widgets.borders import set_border
from tui.widgets.lines import Lines

if TYPE_CHECKING:
    from engine.evaluate.blind import Position
    from tui.parts.chat_round import Round

STACKED_BELOW = 100
"""Columns below which A stands above B."""

LEAST_ROWS = 2
"""Rows of text that an answer keeps beside a longer one."""


class Answers(Vertical):
    """Shows a conversation's last turn, with the earlier ones above each answer.

    A and B stand side by side, or A above B where there is little room. Scrolling moves
    both, each by a page of its own, so that one key reads two long answers through.
    """

    class Read(Message):
        """More of the answers was on the screen."""

        def can_replace(self, message: Message) -> bool:
            """Only the last one counts."""
            return isinstance(message, Answers.Read)

    asked = getters.query_one("#asked", Lines)
    sides = getters.query_one("#sides", Container)
    left = getters.query_one("#left", Answer)
    right = getters.query_one("#right", Answer)
    own = getters.query_one("#own", Answer)

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._talk: Talk | None = None
        self._teaching = (Content(""), Content(""))
        self._larger: Position | None = None
        self._own_of: Round | None = None

    def compose(self) -> ComposeResult:
        """From the question down."""
        yield Lines(id="asked")
        with Container(id="sides"):
            yield Answer(id="left", classes="pane")
            yield Answer(id="right", classes="pane")
        yield Answer(id="own", classes="pane")

    def on_mount(self) -> None:
        """Name the pane that is always the same."""
        set_border(self.own, "You wrote")
        self.own.display = False
        self.show(None)

    # -- showing --------------------------------------------------------------------

    @property
    def panes(self) -> dict[Position, Answer]:
        """The two answers."""
        return {"left": self.left, "right": self.right}

    @property
    def stacked(self) -> bool:
        """Whether A stands above B."""
        return self.has_class("-stacked")

    @property
    def all_seen(self) -> bool:
        """Whether every line of both answers has been on the screen."""
        return not any(pane.unseen for pane in self.panes.values())

    @property
    def more(self) -> bool:
        """Whether a line stands below one of the views."""
        return any(pane.below for pane in self.panes.values())

    @property
    def has_own(self) -> bool:
        """Whether the person has written an answer to this prompt."""
        return bool(self.own.text)

    def teach(self, left: Content, right: Content) -> None:
        """Say something in the panes while nothing was asked.

        Args:
            left: What stands in A.
            right: What stands in B.
        """
        self._teaching = (left, right)
        if self._talk is None:
            self.show(None)

    def show(self, talk: Talk | None) -> None:
        """Show a conversation, or what :meth:`teach` said.

        Args:
            talk: The conversation.
        """
        self._talk = talk
        self.asked.display = talk is not None
        most = 2 if self.stacked else 3
        self.asked.show(words.asked_lines(talk, max(0, self.size.width - 2), most))
        current = talk.current if talk is not None else None
        own = current.prompt.answer if current is not None and current.prompt else ""
        # What the person wrote would colour the next judgement: it is shown when asked for.
        if current is not self._own_of or not own:
            self._own_of, self.own.display = current, False
        self.own.show(own)
        self.stream()
        self._share_rows()

    def stream(self) -> None:
        """Show what may be seen of the answers now; this alone is called while they come."""
        talk = self._talk
        for (position, pane), taught in zip(self.panes.items(), self._teaching, strict=True):
            if talk is None:
                pane.show("", note=taught)
            else:
                text = talk.current.shown(position)
                pane.show(
                    text,
                    key=talk.current,
                    earlier=[Exchange(*one) for one in words.earlier_of(talk, position)],
                    note=words.note_of(talk.current, position) if not text else None,
                )
            pane.set_class(talk is not None and talk.sealed, "-sealed")
        self._title()

    def toggle_own(self) -> bool:
        """Show or hide what the person wrote to this prompt; return whether there is any."""
        if not self.has_own:
            return False
        self.own.display = not self.own.display
        return True

    def look(self) -> None:
        """Note what can be seen: the screen has come to the front."""
        for pane in self.panes.values():
            pane.look()

    @on(Answer.Moved)
    def _moved(self, event: Answer.Moved) -> None:
        event.stop()
        self._title()
        self.post_message(self.Read())

    def _title(self) -> None:
        """Write the borders; A's lower one is B's upper one where A stands above."""
        talk = self._talk
        current = talk.current if talk is not None else None
        for position, pane in self.panes.items():
            title = words.side_title(talk, position)
            state = words.side_state(current, position, short=self.stacked)
            reading = words.reading_words(current, position, pane)
            title = " · ".join(filter(None, [title, reading]))
            if self.stacked:
                set_border(pane, " · ".join(filter(None, [title, state])), "")
            else:
                set_border(pane, title, state)

    # -- scrolling ------------------------------------------------------------------

    def page(self, pages: int) -> None:
        """Scroll both answers, each by pages of its own."""
        for pane in self.panes.values():
            pane.page(pages)

    def line(self, lines: int) -> None:
        """Scroll both answers by lines."""
        for pane in self.panes.values():
            pane.line(lines)

    def jump(self, to: Literal["start", "end"]) -> None:
        """Go to the start or to the end of both answers."""
        for pane in self.panes.values():
            if to == "start":
                pane.to_start()
            else:
                pane.to_end()

    # -- rows -----------------------------------------------------------------------

    def enlarge(self) -> None:
        """Make A larger, then B, then both the same; only where A stands above B."""
        order: tuple[Position | None, ...] = (None, "left", "right")
        self._larger = order[(order.index(self._larger) + 1) % 3]
        self._share_rows()

    def on_resize(self, event: events.Resize) -> None:
        """Stand A above B, or beside it, as the width asks."""
        self.set_class(event.size.width < STACKED_BELOW, "-stacked")
        if not self.stacked:
            self._larger = None
        self.show(self._talk)

    def _share_rows(self) -> None:
        """Give an answer that needs few rows what it needs, and the other one the rest."""
        talk = self._talk
        heights: tuple[int | str, int | str] = ("1fr", "1fr")
        room = self.sides.size.height - 3  # A has an upper border, B both
        if self.stacked and self._larger is not None:
            heights = (1, "1fr") if self._larger == "right" else ("1fr", 2)
        elif self.stacked and talk is not None and talk.current.uncovered and not talk.earlier:
            needs = [max(LEAST_ROWS, len(pane.lines)) for pane in self.panes.values()]
            if needs[0] < room // 2:
                heights = (needs[0] + 1, "1fr")
            elif needs[1] < room // 2:
                heights = ("1fr", needs[1] + 2)
        for pane, height in zip(self.panes.values(), heights, strict=True):
            pane.styles.height = height
