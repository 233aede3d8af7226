"""The parts of Curate, each in a host of its own: no screen, no workspace of the app."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

import pytest
from textual._path import CSSPathType
from textual.app import App, ComposeResult

from engine.errors import ComposeError
from engine.models import Alternative, Example, Filter, Provenance, Turn, example_id
from engine.workspace import Workspace
from tests.tui.support import text_of, wait_until
from tui.bridge.questions import Asked
from tui.parts.curate_card import CardPart
from tui.parts.curate_checks import ChecksPart
from tui.parts.curate_decisions import Decisions
from tui.parts.curate_meter import MeterPart
from tui.parts.curate_offers import refusal
from tui.parts.curate_queue import QueuePart
from tui.parts.curate_versions import pairs_of
from tui.stylesheets import stylesheet


class Host(App[None]):
    """One part."""

    CSS_PATH: ClassVar[CSSPathType | None] = [stylesheet("app")]

    def __init__(self, part: QueuePart | CardPart | MeterPart) -> None:
        super().__init__()
        self.part = part
        self.moves = 0
        self.totals: list[int] = []

    def compose(self) -> ComposeResult:
        yield self.part

    def on_queue_part_moved(self) -> None:
        self.moves += 1

    def on_meter_part_measured(self, event: MeterPart.Measured) -> None:
        self.totals.append(event.counts.total)


async def test_the_queue_moves_and_says_so(filled: Workspace) -> None:
    queue = QueuePart(filled.store)
    app = Host(queue)
    async with app.run_test(size=(60, 12)) as pilot:
        queue.reload()
        queue.go(2)
        # What it is on is known at once, before any message is handled.
        assert queue.current is not None
        assert "lead role" in queue.current.label
        await wait_until(pilot, lambda: app.moves > 0)
        assert [row.label for row in queue.upcoming(2)] == [
            "Weekly review, week 11", "Call with Ana",
        ]  # fmt: skip
        queue.go_last()
        assert queue.upcoming(2) == []
        queue.show(Filter(kinds=("decision",)))
        queue.reload()
        assert (queue.count, queue.narrowed) == (2, True)
        assert not queue.go_to(next(filled.store.cards()))
        queue.show_title(filled.store.counts())
        await pilot.pause()
        assert "lead role" in text_of(queue)


async def test_the_queue_goes_round_to_what_is_undecided(filled: Workspace) -> None:
    queue = QueuePart(filled.store)
    cards = list(filled.store.cards())
    for card in cards[1:]:
        filled.store.append("approve", card.example.id, at=1.0)
    async with Host(queue).run_test(size=(60, 12)):
        queue.reload(position=cards[4].position)
        assert queue.cursor == 4
        assert queue.go_undecided(after=cards[4].position)
        assert queue.cursor == 0
        filled.store.append("approve", cards[0].example.id, at=1.0)
        assert not queue.go_undecided()


async def test_what_comes_next_is_in_sight_while_one_decides(filled: Workspace) -> None:
    queue = QueuePart(filled.store)
    cards = list(filled.store.cards())
    async with Host(queue).run_test(size=(60, 4)) as pilot:
        queue.reload()
        for card, following in pairwise(cards):
            await pilot.pause()
            assert following.example.provenance.title in text_of(queue)
            filled.store.append("approve", card.example.id, at=1.0)
            queue.update(filled.store.card(card.example.id))
            queue.go_undecided(after=card.position)


class Three:
    """Counts three tokens a turn."""

    def counts(self, turns: Sequence[Turn]) -> tuple[int, ...]:
        return (3,) * len(turns)


async def test_the_card_has_one_line_above_its_text(filled: Workspace) -> None:
    card = CardPart(Three())
    async with Host(card).run_test(size=(60, 12)) as pilot:
        card.show(next(filled.store.cards()), draft=True)
        await wait_until(pilot, lambda: "3 tokens" in text_of(card))
        first, second, *_ = text_of(card).splitlines()
        assert first.startswith("? what-i-took-fro")
        assert "reflection · ~ draft · not checked" in first
        assert second.startswith("user")
        card.show_nothing(Filter(states=("undecided",)))
        await pilot.pause()
        assert "Nothing here is undecided." in text_of(card)
        assert card.card is None


async def test_the_meter_counts_and_forgets_the_pace_after_a_pause(filled: Workspace) -> None:
    now = time.time()
    for number, card in enumerate(list(filled.store.cards())[:6]):
        filled.store.append("approve", card.example.id, at=now - 298 + number * 8 - 40)
    meter = MeterPart(filled.store, 100, pause=0.0)
    app = Host(meter)
    async with app.run_test(size=(100, 3)) as pilot:
        meter.measure()
        await wait_until(pilot, lambda: app.totals == [8] or len(app.totals) > 1)
        await wait_until(pilot, lambda: "6 of 100 approved" in text_of(meter))
        # Nothing is decided: it counts once more by itself, and there is no pace any more.
        await wait_until(pilot, lambda: "/h" not in text_of(meter))


def test_decisions_say_what_they_did(filled: Workspace) -> None:
    decisions = Decisions(filled.store)
    first = next(filled.store.cards())
    outcome = decisions.decide("approve", first.example.id)
    assert outcome.card is not None
    assert (outcome.card.state, outcome.kind) == ("approved", "done")
    assert "What I took from the offsite" in outcome.message
    turns = (first.turns[0], Turn("assistant", "Another."))
    assert decisions.save(first, first.turns).card is None
    assert decisions.save(first, turns).checks
    assert decisions.undo().message.startswith("undid: edited")
    assert decisions.redo().checks
    assert decisions.undo(first.example.id).checks
    assert decisions.undo().message.startswith("undid: approved")
    assert decisions.undo().card is None
    missing = decisions.decide("approve", "b2-" + "0" * 32)
    assert missing.gone


async def test_checks_redact_only_what_was_checked(filled: Workspace) -> None:
    checks = ChecksPart(filled.store)
    outcome = await checks.redact(next(filled.store.cards()))
    assert outcome.card is None
    assert "not checked yet" in outcome.message
    assert checks.wording == ""
    with pytest.raises(ComposeError):
        await checks.word(next(filled.store.cards()), Asked("endpoint", "http://127.0.0.1:9/v1"))
    assert checks.wording == ""


def test_only_keys_that_can_work_are_offered(filled: Workspace) -> None:
    card = next(filled.store.cards())
    assert refusal("approve", None, narrowed=False)
    assert not refusal("undo", None, narrowed=False)
    assert not refusal("filter", None, narrowed=True)
    for action in ("approve", "edit", "near", "why", "question", "redact"):
        assert not refusal(action, card, narrowed=False)
    assert refusal("answers", card, narrowed=False)
    assert refusal("versions", card, narrowed=False)
    turns = (*card.turns, Turn("user", "And?"), Turn("assistant", "So."))
    other = filled.store.source(card.example.provenance.source_id)
    example = Example(
        example_id(turns), "chat", turns, Provenance(other.id, "c.md"),
        alternatives=(Alternative(1, "Another answer."),),
    )  # fmt: skip
    filled.store.record_scan(other.id, [example], [], 1, at=2.0)
    many = filled.store.card(example.id)
    assert not refusal("answers", many, narrowed=False)
    assert refusal("question", many, narrowed=False)
    assert pairs_of(filled.store, many) == []
