"""The near-duplicates of an example, decided where they are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

from textual import getters, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal

from engine.models import Action, Card, LinkWhat, short_id
from engine.similarity import FLOOR
from engine.similarity.near import Near, Neighbours, best_of
from tui.actions import bindings
from tui.bridge.scans import short_name
from tui.bridge.threads import off_loop
from tui.bridge.writer import Withdrawn, Write, Writer
from tui.parts.curate_decisions import Decisions, Outcome
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


class NearDialog(Dialog[str]):
    """Lists a card and what it is near to, with both texts side by side.

    The card itself is the first row. Each decision is on the disk before the next one; the
    dialog returns the id of the example to go to.

    Args:
        card: The card.
        load: Returns what it is near to; called in a thread.
        decisions: Makes the decisions.
        writer: Makes them off the event loop, in the order of the keys.
        threshold: The similarity that is asked for at first.
        floor: The least that can be asked for.
    """

    GROUP = "near"
    OK = "go"
    BINDINGS = bindings("near")

    MOST_ROWS = 8

    rows = getters.query_one("#near-rows", FixedRows)
    left = getters.query_one("#near-this", TextPane)
    right = getters.query_one("#near-other", TextPane)

    def __init__(
        self,
        card: Card,
        load: Callable[[], Neighbours],
        decisions: Decisions,
        writer: Writer,
        *,
        threshold: float,
        floor: float = FLOOR,
    ) -> None:
        super().__init__()
        self._card = card
        self._load = load
        self._decisions = decisions
        self._writer = writer
        self._write: Write[Sequence[Outcome]] | None = None
        self._waits = False
        self._near = Neighbours(known=True)
        self._threshold = threshold
        self._floor = floor
        self._shown: list[Near] = []
        self._decided: list[tuple[str, ...]] = []

    def compose_box(self) -> ComposeResult:
        """The list, and two texts."""
        yield FixedRows(id="near-rows")
        with Horizontal(id="near-texts"):
            yield TextPane(id="near-this", classes="version")
            yield TextPane(id="near-other", classes="version")

    def on_mount(self) -> None:
        """Show what the threshold lets through, when it is known."""
        self.title_box(f"Near {short_id(self._card.example.id)}")
        self._read()

    @work(group="load", exclusive=True, exit_on_error=False)
    async def _read(self) -> None:
        with self.holding_keys():
            self._near = await off_loop(self._load)
            if self._near.members and not self._near.at(self._threshold):
                # Better the nearest than an empty list: the threshold says how near that is.
                nearest = max(one.similarity for one in self._near.members[0].reach.values())
                self._threshold = max(self._floor, int(nearest * 100) / 100)
            self._list()
            self.rows.move_to(1)
            self._say_found()

    # -- showing --------------------------------------------------------------------

    @property
    def _cards(self) -> list[Card]:
        """The rows' cards, the card itself first."""
        return [self._card, *(near.card for near in self._shown)]

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
        self.rows.styles.height = max(1, min(len(self._shown) + 1, self.MOST_ROWS))
        rows = [self._own_row(self._card is best)]
        self.rows.show([*rows, *(self._row(near, near.card is best) for near in self._shown)])
        self._show()

    def _say_found(self) -> None:
        best = best_of(self._same)
        if not self._near.known:
            self.say("it was not compared with the others yet", hint="C on Curate compares")
        elif not self._near.members:
            self.say(f"no other example is near it (at {self._floor:.2f} and more)")
        elif self._near.left_out:
            self.say(f"{self._near.left_out:,} more are less near", hint="they are not listed")
        elif len(self._same) > 1:
            kept = "this one" if best is self._card else short_id(best.example.id)
            self.say(f"{BEST} the best is {kept}", hint="b keeps it and rejects its duplicates")
        elif self._shown:
            self.say("none of these is like it in question and answer both")
        else:
            self.say("nothing is as near as that", hint="← lowers the similarity")

    def _own_row(self, best: bool) -> list[Part]:
        several = best and len(self._same) > 1
        card = self._card
        return [*_signs(card, several), (fit("this one", 30), "strong"), (card_label(card), "row")]

    def _row(self, near: Near, best: bool) -> list[Part]:
        what = near.what(self._threshold)
        assert what is not None
        reach = near.reach[what]
        sign = " " if reach.direct else "≥"
        return [
            *_signs(near.card, best),
            (f"{sign}{reach.similarity:.2f}  ", "strong"),
            (fit(_WHAT_WORDS[what], 9), "muted"),
            (fit(one_line(short_name(near.source)), 13) + " ", "muted"),
            (card_label(near.card), "row"),
        ]

    def _show(self) -> None:
        same = self._same
        mark = f"{BEST} " if len(same) > 1 and best_of(same) is self._card else ""
        set_border(self.left, f"{mark}this one · {_state(self._card)}")
        if not self._shown:
            set_border(self.right, "")
            self.left.show(compared(self._card.turns, self._card.turns)[0])
            self.right.show([Block(text("nothing near it", "$text-muted"))])
            return
        other = self._cards[max(1, self.rows.cursor)]
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

    # -- deciding -------------------------------------------------------------------

    def _put(self, cards: Iterable[Card]) -> None:
        """Show cards as they are now."""
        now = {card.example.id: card for card in cards}
        self._card = now.get(self._card.example.id, self._card)
        members = tuple(
            replace(near, card=now.get(near.card.example.id, near.card))
            for near in self._near.members
        )
        self._near = replace(self._near, members=members)
        self._list()

    @property
    def holds_keys(self) -> bool:
        """Whether keys wait: for what is loading, or a moment for what is being stored."""
        return super().holds_keys or (self._write is not None and not self._waits)

    def _change(
        self,
        call: Callable[[], Sequence[Outcome]],
        words: str,
        then: Callable[[Sequence[Outcome]], None],
    ) -> None:
        """Have decisions written, and go on when they are on the disk."""
        if self._write is not None:
            self.say("the one before is not stored yet", hint="esc gives up waiting", kind="busy")
        else:
            self._write = self._writer.submit(call, words)
            self._await_change(self._write, then)

    @work(group="change", exclusive=False, exit_on_error=False)
    async def _await_change(
        self, write: Write[Sequence[Outcome]], then: Callable[[Sequence[Outcome]], None]
    ) -> None:
        try:
            outcomes = await write.result(self._say_waiting)
        except Withdrawn:
            self.app.drop_keys()
            self.say(f"not stored: {write.words}", kind="error")
        except Exception:
            self.app.drop_keys()
            raise
        else:
            self._put(outcome.card for outcome in outcomes if outcome.card is not None)
            then(outcomes)
        finally:
            self._write, self._waits = None, False
            self.app.release_keys()

    def _say_waiting(self) -> None:
        self._waits = True
        self.app.drop_keys()  # they were meant for the row that follows
        words = self._write.waits_for if self._write is not None else ""
        self.say(f"{words}: not stored yet", hint="esc gives up", kind="busy")
        self.app.release_keys()

    def action_cancel(self) -> None:
        """Give up what waits to be stored; else close."""
        if self._write is not None:
            self._write.withdraw()
        else:
            self.dismiss(None)

    def _decide(self, action: Action) -> None:
        """Decide the example under the cursor, and go to the next one."""
        at, card = self.rows.cursor, self._cards[self.rows.cursor]

        def decided(outcomes: Sequence[Outcome]) -> None:
            (outcome,) = outcomes
            if outcome.card is not None and outcome.card.state != card.state:
                self._decided.append((card.example.id,))
            self.say(outcome.message, hint=outcome.hint, kind=outcome.kind)
            if self.rows.cursor == at:
                self.rows.move(1)

        decide = partial(self._decisions.decide, action, card.example.id, card.seen)
        self._change(lambda: [decide()], f"{action} {short_id(card.example.id)}", decided)

    def action_approve(self) -> None:
        """Approve the example under the cursor."""
        self._decide("approve")

    def action_reject(self) -> None:
        """Reject the example under the cursor."""
        self._decide("reject")

    def action_skip(self) -> None:
        """Leave the example under the cursor for later."""
        self._decide("skip")

    def action_undo(self) -> None:
        """Undo the last decision that was made here."""
        if not self._decided:
            self.say("nothing was decided here", hint="u on Curate undoes what was before")
            return
        last = self._decided[-1]

        def undone(outcomes: Sequence[Outcome]) -> None:
            self._decided.pop()
            outcome = outcomes[-1]
            words = f"undid {counted(len(last), 'decision')}" if len(last) > 1 else outcome.message
            self.say(words, hint=outcome.hint, kind=outcome.kind)
            ids = [card.example.id for card in self._cards]
            if last[-1] in ids:
                self.rows.move_to(ids.index(last[-1]))

        self._change(lambda: self._decisions.undo_all(last), "the undo", undone)

    def action_best(self) -> None:
        """Keep the best of those that are alike, and reject the others."""
        same = self._same
        best = best_of(same)
        reject = [
            card for card in same if card is not best and card.state in ("undecided", "approved")
        ]
        if not reject:
            self.say("there is no duplicate here to reject")
            return

        def rejected(outcomes: Sequence[Outcome]) -> None:
            ids = [one.card.example.id for one in outcomes if one.card is not None]
            if ids:
                self._decided.append(tuple(ids))
            duplicates = counted(len(ids), "duplicate")
            self.say(
                f"kept {short_id(best.example.id)}, rejected {duplicates} of it",
                hint="u undoes it",
                kind="done",
            )

        self._change(
            partial(self._decisions.decide_all, "reject", reject),
            f"reject {counted(len(reject), 'duplicate')}",
            rejected,
        )

    # -- moving ---------------------------------------------------------------------

    def _ask(self, threshold: float) -> None:
        threshold = round(max(self._floor, min(1.0, threshold)), 2)
        if threshold != self._threshold:
            self._threshold = threshold
            self._list()
            self._say_found()

    def action_farther(self) -> None:
        """Ask for less."""
        self._ask(self._threshold - STEP)

    def action_nearer(self) -> None:
        """Ask for more."""
        self._ask(self._threshold + STEP)

    def action_accept(self) -> None:
        """Go to the example under the cursor."""
        self.dismiss(self._cards[self.rows.cursor].example.id)

    def action_down(self) -> None:
        """Next example."""
        self.rows.move(1)

    def action_up(self) -> None:
        """Previous example."""
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


def _signs(card: Card, best: bool) -> list[Part]:
    edited = EDITED if card.edited else " "
    return [
        (f"{SIGNS[card.state]}{edited}", STATE_STYLE[card.state]),
        (f"{BEST if best else ' '} ", "accent"),
    ]


def _state(card: Card) -> str:
    edited = f" {EDITED} edited" if card.edited else ""
    return f"{short_id(card.example.id)} · {SIGNS[card.state]} {card.state}{edited}"
