from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest

from engine.curate import Curator, Pace, check_turns, pace, progress
from engine.errors import ExampleAmbiguous, ExampleInvalid, ExampleMissing
from engine.models import Role, Turn
from engine.store import Store
from tests.store.support import filled, ids, turns

NOON = datetime(2025, 10, 9, 12).timestamp()


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with filled(tmp_path / "finetui.db", 40) as opened:
        yield opened


def say(*roles: str) -> tuple[Turn, ...]:
    return tuple(Turn(cast(Role, role), f"{role} says") for role in roles)


def test_decisions_come_back_as_cards(store: Store) -> None:
    curator = Curator(store, clock=lambda: NOON)
    first, second, third = ids(store)[:3]
    card = curator.approve(first[3:15])
    assert (card.example.id, card.state, card.decided_at) == (first, "approved", NOON)
    assert curator.reject(second).state == "rejected"
    assert curator.skip(third).state == "skipped"
    assert curator.decide("approve", third).state == "approved"
    assert progress(store, 30) == (2, 30)
    with pytest.raises(ExampleMissing):
        curator.approve("nothing")
    with pytest.raises(ExampleAmbiguous):
        curator.approve("b2-")
    with pytest.raises(ValueError):
        curator.decide("edit", first)


def test_what_changes_nothing_is_not_written(store: Store) -> None:
    curator = Curator(store)
    first, second = ids(store)[:2]
    curator.approve(first)
    curator.reject(second)
    assert curator.approve(first).state == "approved"
    curator.edit(first, store.card(first).turns)
    assert len(store.journal()) == 2
    undone = curator.undo()
    assert undone is not None
    assert undone.example_id == second


def test_undo_and_redo(store: Store) -> None:
    curator = Curator(store)
    first, second = ids(store)[:2]
    assert curator.undo() is None
    curator.approve(first)
    curator.reject(second)
    entry = curator.undo(first[3:12])
    assert entry is not None
    assert entry.example_id == first
    assert curator.undo(first) is None
    redone = curator.redo()
    assert redone is not None
    assert redone.example_id == first
    assert curator.redo() is None


def test_an_edit_keeps_the_state(store: Store) -> None:
    curator = Curator(store)
    first = ids(store)[0]
    curator.approve(first)
    card = curator.edit(first, turns("Why?", "I was tired."))
    assert (card.state, card.edited, card.turns) == (
        "approved",
        True,
        turns("Why?", "I was tired."),
    )
    assert curator.undo() is not None
    assert store.card(first).turns == card.example.turns


@pytest.mark.parametrize(
    "bad",
    [
        (),
        turns("Q", " \n"),
        turns("", "A"),
        turns("  ", "A"),
        (Turn("user", "Q"),),
        say("user", "user", "assistant"),
        say("user", "assistant", "assistant"),
        say("user", "assistant", "user"),
        say("user", "system", "assistant"),
        say("system", "system", "user", "assistant"),
        say("tool", "assistant"),
        say("user", "tool", "assistant"),
        say("user", "assistant", "tool"),
        say("system"),
        say("user", "narrator", "assistant"),
    ],
)
def test_an_edit_that_is_no_example_is_refused(store: Store, bad: tuple[Turn, ...]) -> None:
    first = ids(store)[0]
    with pytest.raises(ExampleInvalid) as caught:
        Curator(store).edit(first, bad)
    assert caught.value.hint
    assert store.journal() == []


@pytest.mark.parametrize(
    "good",
    [
        say("user", "assistant"),
        say("assistant"),
        say("assistant", "user", "assistant"),
        say("system", "user", "assistant", "user", "assistant"),
        say("user", "assistant", "tool", "tool", "assistant"),
        (*say("user"), Turn("assistant", ""), *say("tool", "assistant")),
    ],
)
def test_what_can_be_an_example_is_taken(store: Store, good: tuple[Turn, ...]) -> None:
    assert Curator(store).edit(ids(store)[0], good).turns == good


def test_an_order_that_was_there_before_is_not_judged() -> None:
    odd = say("user", "user", "assistant")
    better = tuple(dataclasses.replace(turn, content="better") for turn in odd)
    check_turns(better, before=odd)
    with pytest.raises(ExampleInvalid):
        check_turns(better)


def decide(store: Store, clock: Clock, gaps: list[float], act: Callable[[str], Any]) -> None:
    undecided = [row.example_id for row in store.queue_page() if row.state == "undecided"]
    for gap, example_id in zip(gaps, undecided, strict=False):
        clock.now += gap
        act(example_id)


def test_there_is_no_pace_after_one_decision(store: Store) -> None:
    clock = Clock()
    curator = Curator(store, clock=clock)
    assert pace(store, NOON) == Pace(0, 0, None)
    curator.approve(ids(store)[0])
    assert pace(store, NOON + 5) == Pace(0, 1, None)


def test_a_few_quick_keys_are_no_pace(store: Store) -> None:
    clock = Clock()
    decide(store, clock, [0.2] * 20, Curator(store, clock=clock).approve)
    assert pace(store, clock.now) == Pace(0, 20, None)


def test_pace_leaves_pauses_out(store: Store) -> None:
    clock = Clock()
    curator = Curator(store, clock=clock)
    decide(store, clock, [0, 10, 10, 240, 10], curator.approve)
    now = pace(store, clock.now + 10, target=15)
    # Five decisions in 10 + 10 + 60 + 10 + 10 active seconds.
    assert now.per_hour == pytest.approx(5 * 3600 / 100)
    assert now.decided_today == 5
    assert now.minutes_to_target == pytest.approx(10 * 100 / 5 / 60)


def test_a_long_pause_ends_the_pace(store: Store) -> None:
    """Forty quick decisions and ten idle minutes were 1,970 an hour."""
    clock = Clock()
    curator = Curator(store, clock=clock)
    decide(store, clock, [1.0] * 20, curator.approve)
    assert pace(store, clock.now).per_hour == pytest.approx(3600 * 20 / 19, rel=0.01)
    assert pace(store, clock.now + 299, target=100).per_hour > 0
    idle = pace(store, clock.now + 600, target=100)
    assert (idle.per_hour, idle.minutes_to_target) == (0, None)
    assert idle.decided_today == 20
    # Coming back, the old stretch counts for nothing; the new one has a pace of its own.
    decide(store, clock, [600.0, 30.0, 30.0], curator.approve)
    assert pace(store, clock.now).per_hour == 0
    decide(store, clock, [30.0, 30.0], curator.approve)
    assert pace(store, clock.now).per_hour == pytest.approx(3600 * 5 / 120)


def test_pace_is_that_of_the_last_ten_minutes(store: Store) -> None:
    clock = Clock()
    curator = Curator(store, clock=clock)
    decide(store, clock, [50.0] * 20, curator.approve)
    decide(store, clock, [30.0] * 20, curator.approve)
    assert pace(store, clock.now).per_hour == pytest.approx(3600 / 30, rel=0.06)


def test_the_way_to_the_target_counts_approvals_alone(store: Store) -> None:
    clock = Clock()
    curator = Curator(store, clock=clock)
    decide(store, clock, [10.0] * 10, curator.approve)
    decide(store, clock, [10.0] * 10, curator.reject)
    now = pace(store, clock.now, target=20)
    assert now.minutes_to_target == pytest.approx(60 * 10 / (now.per_hour / 2))
    assert pace(store, clock.now, target=10).minutes_to_target == 0


def test_examples_decided_by_one_act_count_as_one(store: Store) -> None:
    clock = Clock()
    curator = Curator(store, clock=clock)
    decide(store, clock, [10.0, 10.0, 10.0], curator.approve)
    before = pace(store, clock.now).per_hour
    decide(store, clock, [10.0] + [0.001] * 30, curator.approve)
    assert pace(store, clock.now).per_hour == pytest.approx(before, rel=0.2)


def test_today_begins_at_midnight_and_undone_decisions_dont_count(store: Store) -> None:
    clock = Clock()
    curator = Curator(store, clock=clock)
    clock.now = NOON - 13 * 3600
    curator.approve(ids(store)[0])
    clock.now = NOON
    curator.approve(ids(store)[1])
    curator.approve(ids(store)[2])
    curator.undo()
    assert pace(store, NOON).decided_today == 1
