"""The queue's window on SQLite agrees with the whole queue, however it is moved."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from engine.models import Example, Filter, Provenance, Turn, example_id
from engine.store import Store
from tui.bridge.queue import KEPT_PAGES, PAGE, QueuePages

COUNT = PAGE * 3 + 7


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return a store with a few pages of examples, every third approved."""
    store = Store.open(tmp_path / "finetui.db")
    source = store.add_source("vault", "/notes")
    examples = []
    for number in range(COUNT):
        turns = (Turn("user", f"question {number}"), Turn("assistant", f"answer {number}"))
        where = Provenance(source.id, f"{number}.md", title=f"note {number}")
        examples.append(Example(example_id(turns), "qa", turns, where))
    store.record_scan(source.id, examples, [], COUNT, at=1.0)
    for number, example in enumerate(examples):
        if number % 3 == 0 and number < 60:
            store.append("approve", example.id, at=2.0)
    return store


@pytest.mark.parametrize(
    "which", [Filter(), Filter(states=("undecided",)), Filter(text="question")]
)
def test_rows_in_any_order_are_those_of_the_queue(store: Store, which: Filter) -> None:
    everything = [card.example.id for card in store.cards(which)]
    pages = QueuePages(store, which)
    assert pages.size == len(everything)
    ranks = list(range(pages.size))
    random.Random(7).shuffle(ranks)
    for rank in ranks:
        row = pages.row(rank)
        assert row is not None
        assert row.example_id == everything[rank]
        assert pages.rank_of(row.position, near=rank) == rank
        assert pages.rank_of(row.position, near=0) == rank
    assert pages.row(-1) is None
    assert pages.row(pages.size) is None


def test_going_on_reads_by_position(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = QueuePages(store)
    pages.row(0)
    jumps: list[int] = []
    window = store.queue_window

    def counting(which: Filter, start_rank: int, limit: int) -> object:
        jumps.append(start_rank)
        return window(which, start_rank, limit)

    monkeypatch.setattr(store, "queue_window", counting)
    for rank in range(COUNT):
        assert pages.row(rank) is not None
    assert jumps == []


def test_an_update_changes_one_row_in_place(store: Store) -> None:
    pages = QueuePages(store)
    row = pages.row(1)
    assert row is not None
    store.append("reject", row.example_id, at=3.0)
    assert pages.update(store.card(row.example_id))
    changed = pages.row(1)
    assert changed is not None
    assert changed.state == "rejected"


def test_an_update_under_a_filter_of_states_reads_anew(store: Store) -> None:
    pages = QueuePages(store, Filter(states=("undecided",)))
    size, row = pages.size, pages.row(0)
    assert row is not None
    store.append("reject", row.example_id, at=3.0)
    assert not pages.update(store.card(row.example_id))
    assert pages.size == size - 1
    after = pages.row(0)
    assert after is not None
    assert after.example_id != row.example_id


def test_only_so_many_pages_are_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.bridge.queue.KEPT_PAGES", 2)
    pages = QueuePages(store)
    for rank in range(COUNT):
        pages.row(rank)
    assert len(pages._pages) == 2
    assert KEPT_PAGES > 2
