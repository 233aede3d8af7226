"""The near-duplicates of an example."""

from __future__ import annotations

from dataclasses import dataclass

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Horizontal

from engine.models import Card, LinkWhat, short_id
from tui.actions import bindings
from tui.bridge.near import Near, Neighbours, best_of
from tui.screens.modals.dialog import Dialog
from tui.widgets.borders import set_border
from tui.widgets.card import card_label
from tui.widgets.compare import compared
from tui.widgets.queue import STATE_STYLE
from tui.widgets.rows import FixedRows, Part, RowList
from tui.widgets.textpane import Block, TextPane, text
from tui.widgets.words import EDITED, SIGNS, counted, fit, one_line

STEP = 0.01
BEST = "★"

_WHAT_WORDS: dict[LinkWhat, str] = {"both": "both", "prompt": "question", "answer": "answer"}


@dataclass(frozen=True, slots=True)
class NearAnswer:
    """What the person chose.

    Attributes:
        go: The id of the example to go to.
        keep: The id of the one that is kept.
        reject: The ids of its duplicates.
    """

    go: str = ""
    keep: str = ""
    reject: tuple[str, ...] = ()


class NearDialog(Dialog[NearAnswer]):
    """Lists what a card is near to, with both texts side by side.

    Args:
        card: The card.
        near: What it is near to.
        threshold: The similarity that is asked for at first.
        floor: The least that can be asked for.
    """

    GROUP = "near"
    OK = "go there"
    BINDINGS = bindings("near")

    MOST_ROWS = 7

    rows = getters.query_one("#near-rows", FixedRows)
    left = getters.query_one("#near-this", TextPane)
    right = getters.query_one("#near-other", TextPane)

    def __init__(self, card: Card, near: Neighbours, *, threshold: float, floor: float) -> None:
        super().__init__()
        self._card = card
        self._near = near
        self._threshold = threshold
        self._floor = floor
        self._shown: list[Near] = []

    def compose_box(self) -> ComposeResult:
        """The list, and two texts."""
        yield FixedRows(id="near-rows")
        with Horizontal(id="near-texts"):
            yield TextPane(id="near-this", classes="version")
            yield TextPane(id="near-other", classes="version")

    def on_mount(self) -> None:
        """Show what the threshold lets through."""
        self._list()

    # -- showing --------------------------------------------------------------------

    @property
    def _same(self) -> list[Card]:
        """The card and those that are like it in question and answer."""
        both = [near.card for near in self._shown if near.what(self._threshold) == "both"]
        return [self._card, *both]

    def _list(self) -> None:
        self._shown = self._near.at(self._threshold)
        count = f"{counted(len(self._shown), 'example')} at {self._threshold:.2f} and more"
        self.title_box(f"Near {short_id(self._card.example.id)} · {count}")
        best = best_of(self._same)
        self.rows.styles.height = max(1, min(len(self._shown), self.MOST_ROWS))
        self.rows.show([self._row(near, near.card is best) for near in self._shown])
        self._show()
        if self._near.left_out:
            self.say(f"{self._near.left_out:,} more are less near", hint="they are not listed")
        elif len(self._same) > 1:
            kept = "this one" if best is self._card else short_id(best.example.id)
            self.say(f"{BEST} the best is {kept}", hint="b keeps it and rejects its duplicates")
        elif self._shown:
            self.say("none of these is like it in question and answer both")
        else:
            self.say("nothing is as near as that", hint="← asks for less")

    def _row(self, near: Near, best: bool) -> list[Part]:
        what = near.what(self._threshold)
        assert what is not None
        reach = near.reach[what]
        edited = EDITED if near.card.edited else " "
        sign = " " if reach.direct else "≥"
        return [
            (f"{SIGNS[near.card.state]}{edited}", STATE_STYLE[near.card.state]),
            (f"{BEST if best else ' '} ", "accent"),
            (f"{sign}{reach.similarity:.2f}  ", "strong"),
            (fit(_WHAT_WORDS[what], 9), "muted"),
            (fit(one_line(near.source), 14) + " ", "muted"),
            (card_label(near.card), "row"),
        ]

    def _show(self) -> None:
        same = self._same
        mark = f"{BEST} " if len(same) > 1 and best_of(same) is self._card else ""
        set_border(self.left, f"{mark}this one · {_state(self._card)}")
        if not self._shown:
            set_border(self.right, "")
            self.left.show(compared(self._card.turns, self._card.turns)[0])
            self.right.show([Block(text("nothing", "$text-muted"))])
            return
        other = self._shown[self.rows.cursor].card
        set_border(self.right, _state(other))
        left, right = compared(self._card.turns, other.turns)
        self.left.show(left)
        self.right.show(right)

    @on(RowList.Moved)
    def _moved(self) -> None:
        self._show()

    @on(RowList.Chosen)
    def _clicked(self) -> None:
        self.action_accept()

    # -- doing ----------------------------------------------------------------------

    def _ask(self, threshold: float) -> None:
        threshold = round(max(self._floor, min(1.0, threshold)), 2)
        if threshold != self._threshold:
            self._threshold = threshold
            self._list()

    def action_farther(self) -> None:
        """Ask for less."""
        self._ask(self._threshold - STEP)

    def action_nearer(self) -> None:
        """Ask for more."""
        self._ask(self._threshold + STEP)

    def action_best(self) -> None:
        """Keep the best of those that are alike, and reject the others."""
        same = self._same
        best = best_of(same)
        others = [card for card in same if card is not best]
        reject = [card for card in others if card.state in ("undecided", "approved")]
        if not reject:
            self.say("there is no duplicate here to reject")
            return
        ids = tuple(card.example.id for card in reject)
        self.dismiss(NearAnswer(keep=best.example.id, reject=ids))

    def action_accept(self) -> None:
        """Go to the example under the cursor."""
        if self._shown:
            self.dismiss(NearAnswer(go=self._shown[self.rows.cursor].card.example.id))

    def action_down(self) -> None:
        """Next example."""
        self.rows.move(1)

    def action_up(self) -> None:
        """Example before."""
        self.rows.move(-1)

    def action_scroll_down(self) -> None:
        """Scroll both texts down."""
        self._scroll(1)

    def action_scroll_up(self) -> None:
        """Scroll both texts up."""
        self._scroll(-1)

    def _scroll(self, pages: int) -> None:
        for pane in (self.left, self.right):
            pane.pages_down(pages)


def _state(card: Card) -> str:
    edited = f" {EDITED} edited" if card.edited else ""
    return f"{short_id(card.example.id)} · {SIGNS[card.state]} {card.state}{edited}"
