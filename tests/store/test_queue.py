from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ExampleAmbiguous, ExampleMissing
from engine.models import STATES, Action, Card, Counts, Example, Filter, QueueRow
from engine.store import Store
from tests.store.support import NOW, example, filled, ids, turns
from tests.support.properties import tries

NUMBER = 60
KINDS = ("reflection", "decision", "learning")
TAGS = ("work", "home", "a#b", "‮odd")
ANIMALS = ("zebra", "zebu", "lion")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Return a queue of two sources in which every state, kind and tag occurs."""
    found = [
        example(
            number,
            kind=KINDS[number % 3],
            tags=tuple(tag for index, tag in enumerate(TAGS) if number % (index + 2) == 0),
            heading=f"About a {ANIMALS[number % 3]}" if number % 2 else "",
            text=turns(f"Which animal is number {number}?", f"A {ANIMALS[number // 7 % 3]}."),
        )
        for number in range(NUMBER)
    ]
    path = tmp_path_factory.mktemp("queue") / "finetui.db"
    store = filled(path, found[: NUMBER // 2])
    other = store.add_source("conversations", "/chats")
    store.record_scan(other.id, found[NUMBER // 2 :], [], 30, at=NOW)
    actions: tuple[Action, ...] = ("approve", "reject", "skip")
    for number, example_id in enumerate(ids(store)):
        if number % 4:
            store.append(actions[number % 4 - 1], example_id, at=NOW + number)
        if number % 10 == 3:
            edited = turns("Edited?", f"A {ANIMALS[number % 2]}, edited.")
            store.append("edit", example_id, turns=edited, at=NOW + number)
    yield store
    store.close()


def _fits(card: Card, which: Filter) -> bool:
    where = card.example.provenance
    words = " ".join([where.heading, *(turn.content for turn in card.turns)]).lower()
    tokens = "".join(mark if mark.isalnum() else " " for mark in words).split()
    return (
        (not which.states or card.state in which.states)
        and (not which.kinds or card.example.kind in which.kinds)
        and (not which.source_id or where.source_id == which.source_id)
        and (not which.tag or which.tag in where.tags)
        and (which.edited is None or card.edited == which.edited)
        and all(any(t.startswith(word) for t in tokens) for word in which.text.lower().split())
    )


def _row(card: Card) -> tuple[int, str, str, bool, str]:
    return (card.position, card.example.id, card.state, card.edited, card.example.kind)


def _rows(rows: list[QueueRow]) -> list[tuple[int, str, str, bool, str]]:
    return [(row.position, row.example_id, row.state, row.edited, row.kind) for row in rows]


filters = st.builds(
    Filter,
    states=st.sets(st.sampled_from(STATES), max_size=3).map(tuple),
    kinds=st.sets(st.sampled_from((*KINDS, "nothing")), max_size=2).map(tuple),
    tag=st.sampled_from(("", "", "", *TAGS)),
    text=st.sampled_from(("", "", "", "zeb", "zebra", "LION", "animal which", "z 7", "edited")),
    edited=st.sampled_from((None, None, True, False)),
    source_id=st.sampled_from(("", "0", "1")),
)


@settings(max_examples=tries(200), deadline=None)
@given(which=filters, position=st.integers(-1, NUMBER + 2), limit=st.integers(1, 25))
def test_every_way_of_reading_agrees_with_a_plain_scan(
    store: Store, which: Filter, position: int, limit: int
) -> None:
    if which.source_id:
        source = store.sources()[int(which.source_id)]
        which = replace(which, source_id=source.id)
    expected = [_row(card) for card in store.cards() if _fits(card, which)]
    before = [row for row in expected if row[0] < position]
    after = [row for row in expected if row[0] > position]
    assert [_row(card) for card in store.cards(which)] == expected
    assert [_row(card) for card in store.cards(which, limit=limit)] == expected[:limit]
    assert _rows(store.queue_page(which, after=position, limit=limit)) == after[:limit]
    assert _rows(store.queue_before(which, before=position, limit=limit)) == before[-limit:]
    assert store.queue_size(which) == len(expected)
    assert store.queue_rank(which, position) == len(before)
    window = store.queue_window(which, max(position, 0), limit)
    assert _rows(window) == expected[max(position, 0) :][:limit]
    following = store.next_undecided(which, position)
    undecided = [row for row in after if row[2] == "undecided"]
    assert (None if following is None else following.position) == (
        undecided[0][0] if undecided else None
    )
    by_state = {state: sum(row[2] == state for row in expected) for state in STATES}
    assert store.counts(which) == Counts(
        len(expected), edited=sum(row[3] for row in expected), **by_state
    )


def test_pages_in_both_directions_meet(store: Store) -> None:
    whole = store.queue_page(limit=1000)
    forward: list[QueueRow] = []
    while page := store.queue_page(after=forward[-1].position if forward else -1, limit=7):
        forward += page
    backward: list[QueueRow] = []
    last = whole[-1].position + 1
    while page := store.queue_before(before=backward[0].position if backward else last, limit=7):
        backward = page + backward
    assert forward == backward == whole


def test_a_card_is_found_by_a_prefix(store: Store) -> None:
    whole = ids(store)[7]
    assert store.card(whole).example.id == whole
    assert store.card(whole[3:]).example.id == whole
    assert store.card(f" {whole[3:15]} ").example.id == whole
    assert store.card(whole[:15]).example.id == whole
    with pytest.raises(ExampleAmbiguous) as caught:
        store.card("b2-")
    assert "more than 8" in caught.value.message
    for missing in ("", "  ", "zz", "b2-zz", whole + "0", "%", "_", "\ud800", "\0"):
        with pytest.raises(ExampleMissing):
            store.card(missing)


def test_cards_read_while_decisions_are_made(tmp_path: Path) -> None:
    with filled(tmp_path / "x.db", 600) as store:
        seen = []
        for card in store.cards(Filter(states=("undecided",))):
            seen.append(card.example.id)
            store.append("approve", card.example.id, at=NOW)
        assert seen == ids(store)
        assert store.counts().approved == 600


def test_a_card_that_left_the_state_is_not_read(tmp_path: Path) -> None:
    with filled(tmp_path / "x.db", 600) as store:
        cards = store.cards(Filter(states=("undecided",)))
        next(cards)
        last = ids(store)[-1]
        store.append("reject", last, at=NOW)
        assert last not in {card.example.id for card in cards}


def test_new_examples_are_queued_by_what_they_are_and_known_ones_keep_their_places(
    tmp_path: Path,
) -> None:
    store = filled(tmp_path / "new.db", 0)

    def made(number: int, kind: str, score: float = 0.5, reason: str = "") -> Example:
        one = example(number, kind=kind, heading="Today" if number < 3 else f"Day {number}")
        return replace(one, score=score, reason=reason)

    vault = store.add_source("vault", "/notes")
    first = [
        made(0, "qa", 0.8, "a flashcard under 'Words'"),
        made(1, "section"),
        made(2, "reflection", 0.6),
        made(3, "qa", 0.85, "marked with Q and A"),
        made(4, "decision", 0.9),
        made(5, "learning", 0.6),
    ]
    store.record_scan(vault.id, first, [], 1, at=NOW)
    by_kind = [4, 2, 5, 3, 1, 0]
    assert ids(store) == [first[number].id for number in by_kind]
    # A heading that several have is told apart by their questions.
    labels = ["Day 4", "Question 2?", "Day 5", "Day 3", "Question 1?", "Question 0?"]
    assert [row.label for row in store.queue_page()] == labels
    store.append("edit", first[2].id, turns=turns("Edited?", "Yes."), at=NOW)
    assert store.card(first[2].id).turns[0].content == store.queue_page()[1].label == "Edited?"
    assert store.verify().differences == ()
    store.record_scan(vault.id, [*first, made(6, "reflection", 1.0)], [], 1, at=NOW)
    assert ids(store) == [*(first[number].id for number in by_kind), example(6).id]
