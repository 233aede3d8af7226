"""The body of the Chat screen: the question, two sides, the votes, the line to write in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import getters
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content

from engine.errors import FinetuiError
from tui.bridge.chat_pair import Choice
from tui.screens import chat_view as view
from tui.screens.chat_round import Round
from tui.widgets.answer import Answer
from tui.widgets.borders import set_border
from tui.widgets.field import Field
from tui.widgets.lines import Lines
from tui.widgets.words import one_line

if TYPE_CHECKING:
    from engine.evaluate.blind import Position, Tally
    from engine.export.held_out import Prompt


@dataclass(frozen=True, slots=True)
class ChatState:
    """What the panes show.

    Attributes:
        choice: The pair that is loaded, or being loaded.
        loading: Whether it is still being loaded.
        failure: Why it could not be loaded.
        exports: Whether anything was exported; None while that is not known.
        blind: Whether the next question hides the sides.
        tally: The votes on this run.
        round: The question that was asked last.
        own: Whether what the person wrote is shown.
        offered: The prompt that was offered last.
        number: Its number, from 1.
        total: How many prompts there are.
    """

    choice: Choice | None = None
    loading: bool = False
    failure: FinetuiError | None = None
    exports: bool | None = None
    blind: bool = False
    tally: Tally | None = None
    round: Round | None = None
    own: bool = False
    offered: Prompt | None = None
    number: int = 0
    total: int = 0


class ChatPanes(Vertical):
    """Draws a :class:`ChatState`; every part compares before it paints."""

    asked = getters.query_one("#asked", Lines)
    left = getters.query_one("#left", Answer)
    right = getters.query_one("#right", Answer)
    own = getters.query_one("#own", Answer)
    mode = getters.query_one("#mode", Lines)
    line = getters.query_one("#line", Field)

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._state = ChatState()

    def compose(self) -> ComposeResult:
        """From the question down to the line."""
        yield Lines(id="asked")
        with Horizontal(id="sides"):
            yield Answer(id="left", classes="pane pane-first")
            yield Answer(id="right", classes="pane pane-second")
        yield Answer(id="own", classes="pane")
        yield Lines(id="mode")
        yield Field(id="line", placeholder="write a question, or n for a held-out prompt")

    def on_mount(self) -> None:
        """Name the pane that is always the same."""
        set_border(self.own, "You wrote")

    @property
    def sides(self) -> dict[Position, Answer]:
        """The two panes."""
        return {"left": self.left, "right": self.right}

    def show(self, state: ChatState, *, narrow: bool) -> None:
        """Show a state.

        Args:
            state: What to show.
            narrow: Whether the terminal has little room.
        """
        self._state = state
        width = max(0, self.screen.size.width - 2)
        self.asked.display = state.round is not None
        self.asked.show(view.asked_lines(state.round, width, 2 if narrow else 3))
        self.show_sides()
        own = state.own and state.round is not None and state.round.prompt is not None
        self.own.display = own
        if own and state.round is not None and state.round.prompt is not None:
            self.own.show(state.round.prompt.answer)
        self.mode.show(
            [view.mode_line(state.choice, blind=state.blind, tally=state.tally, width=width)]
        )
        self.show_line()

    def show_sides(self) -> None:
        """Show what may be seen of the answers now; this alone is called while they stream."""
        current = self._state.round
        for position, pane in self.sides.items():
            text = current.shown(position) if current is not None else ""
            pane.show(text, note=self._note(position) if not text else None)
            title = view.side_title(current, position)
            subtitle = view.side_subtitle(current, position)
            if current is None and self._state.loading:
                subtitle = "loading"
            set_border(pane, title, subtitle)
            pane.set_class(current is not None and current.sealed, "-sealed")

    def show_line(self) -> None:
        """Say which prompt stands in the line, if it is one of the dataset's."""
        state = self._state
        prompt = state.offered
        if prompt is not None and self.line.value != one_line(prompt.text):
            prompt = None
        set_border(self.line, subtitle=view.prompt_words(prompt, state.number, state.total))

    def write(self, text: str) -> None:
        """Put a text into the line."""
        self.line.value = text
        self.line.cursor_position = 0

    def scroll_pages(self, pages: int) -> None:
        """Scroll both answers."""
        for pane in self.sides.values():
            if pages > 0:
                pane.scroll_page_down(animate=False)
            else:
                pane.scroll_page_up(animate=False)

    def _note(self, position: Position) -> Content:
        """Return what stands in an empty pane."""
        state = self._state
        if state.round is not None:
            half = state.round.halves[position]
            if half.error is not None:
                return Content.styled(half.error.message, "$text-error")
            silent = half.done and state.round.uncovered and not state.round.cancelled
            return Content.styled("it said nothing" if silent else "", "$text-muted")
        if state.failure is not None and position == "right":
            return Content("")
        if state.failure is not None:
            hint = f"\n\n{state.failure.hint}" if state.failure.hint else ""
            return Content.assemble(
                (state.failure.message, "$text-error"),
                (hint, ""),
                ("\n\nm chooses another pair.", "$text-muted"),
            )
        return Content.styled("\n".join(self._teaching(position)), "$text-muted")

    def _teaching(self, position: Position) -> list[str]:
        state = self._state
        left = position == "left"
        if state.loading and state.choice is not None:
            return [f"loading {'base' if left else 'tuned'} at {state.choice.quant} …"]
        if state.choice is not None:
            if left:
                return ["n offers a prompt that training never saw,", "enter asks both."]
            return ["b hides which side is which,", "so that you judge the words alone."]
        if state.exports is None:
            return []
        if left:
            return ["There is no exported model yet.", "", "4 then e exports a finished run."]
        return ["Here base and tuned will answer side by side,", "at the same quantisation."]
