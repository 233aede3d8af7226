"""The other answers of an example."""

from __future__ import annotations

from collections.abc import Sequence

from textual import getters, on
from textual.app import ComposeResult

from engine.models import Alternative, Card, short_id
from tui.actions import bindings
from tui.screens.modals.pick import PickDialog
from tui.widgets.card import LONGEST
from tui.widgets.rows import FixedRows, Part, RowList
from tui.widgets.textpane import Block, TextPane
from tui.widgets.words import counted, one_line, plain


class AnswersDialog(PickDialog):
    """Lists answers, the one under the cursor in full; returns the number of one to take.

    Args:
        card: The example.
        answers: What could stand in it instead.
    """

    GROUP = "answers"
    OK = "take it instead"
    BINDINGS = bindings("answers")

    MOST_ROWS = 6

    pane = getters.query_one("#answer-text", TextPane)

    def __init__(self, card: Card, answers: Sequence[Alternative]) -> None:
        self._card = card
        self._answers = list(answers)
        super().__init__([self._row(answer) for answer in self._answers])

    def compose_box(self) -> ComposeResult:
        """The list and the text."""
        yield FixedRows(id="pick-rows")
        yield TextPane(id="answer-text")

    def on_mount(self) -> None:
        """Show the first answer."""
        count = counted(len(self._answers), "other answer")
        self.title_box(f"{short_id(self._card.example.id)} · {count}")
        self._show()
        self.say("taking one is an edit: u undoes it")

    def _row(self, answer: Alternative) -> list[Part]:
        several = len({one.turn for one in self._answers}) > 1
        where = f"turn {answer.turn + 1}  " if several else ""
        if self._card.example.turns[answer.turn].content == answer.content:
            where += "as extracted  "
        return [(where, "muted"), (one_line(answer.content[:400]), "row")]

    def _show(self) -> None:
        answer = self._answers[self.rows.cursor]
        self.pane.show([Block(plain(answer.content[:LONGEST]))])

    @on(RowList.Moved)
    def _moved(self) -> None:
        self._show()

    def action_scroll_down(self) -> None:
        """Scroll the text down."""
        self.pane.pages_down(1)

    def action_scroll_up(self) -> None:
        """Scroll the text up."""
        self.pane.pages_down(-1)
