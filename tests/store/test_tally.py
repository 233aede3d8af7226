"""What is counted by block is what counting all rows gives, whatever happened to them."""

from __future__ import annotations

import random
import sqlite3
from itertools import product
from pathlib import Path

import pytest

from engine.models import Action, Filter, State
from engine.store import Store
from tests.store.schemas.dump import restore
from tests.store.support import NOW, example, filled, flag, found_in, turns
from tui.bridge.queue import PAGE, QueuePages

COUNT = 2600  # of more than two blocks
_STATES: tuple[tuple[State, ...], ...] = ((), ("undecided",), ("approved", "rejected"))
FILTERS = [
    Filter(states=states, kinds=kinds, edited=edited)
    for states, kinds, edited in product(_STATES, ((), ("rare",)), (None, True, False))
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Return a store whose rows were decided, edited, undone, moved and removed."""
    draw = random.Random(3)
    path = tmp_path_factory.mktemp("tally") / "finetui.db"
    made = [example(number, kind="rare" if number % 900 == 5 else "qa") for number in range(COUNT)]
    store = filled(path, made)
    ids = [row.example_id for row in store.queue_page(limit=COUNT)]
    actions: tuple[Action, ...] = ("approve", "reject", "skip")
    for number, one in enumerate(draw.sample(ids, 120)):
        store.append(draw.choice(actions), one, at=NOW + number)
    for number, one in enumerate(draw.sample(ids, 20)):
        store.append("edit", one, turns=turns(f"Edited {number}?", "Yes."), at=NOW + 500 + number)
    for number in range(15):
        store.undo(at=NOW + 900 + number)
    # Some vanish, some come, and one is of another kind than before.
    kept = [one for number, one in enumerate(made) if number % 7]
    again = [*kept, *(example(COUNT + number) for number in range(40))]
    store.record_scan(store.sources()[0].id, again, [], 1, at=NOW + 1000)
    return store


def plain(store: Store, which: Filter) -> list[tuple[int, str, int]]:
    """Return the rows of a filter by reading the whole table, in another connection."""
    raw = sqlite3.connect(store.path)
    rows = raw.execute("SELECT position, state, edited, kind FROM queue ORDER BY position")
    found = [
        (position, state, edited)
        for position, state, edited, kind in rows
        if (not which.states or state in which.states)
        and (not which.kinds or kind in which.kinds)
        and (which.edited is None or bool(edited) == which.edited)
    ]
    raw.close()
    return found


@pytest.mark.parametrize("which", FILTERS)
def test_sizes_ranks_and_jumps_are_those_of_all_rows(store: Store, which: Filter) -> None:
    rows = plain(store, which)
    positions = [position for position, _, _ in rows]
    assert store.is_counted(which)
    assert store.queue_size(which) == len(rows)
    counts = store.counts(which)
    states: tuple[State, ...] = ("undecided", "approved", "rejected", "skipped")
    assert [getattr(counts, state) for state in states] == [
        sum(found == state for _, found, _ in rows) for state in states
    ]
    assert counts.edited == sum(edited for _, _, edited in rows)
    draw = random.Random(5)
    for _ in range(25):
        rank = draw.randrange(len(rows) + 2)
        window = [row.position for row in store.queue_window(which, rank, 9)]
        assert window == positions[rank : rank + 9]
        place = draw.randrange(COUNT + 60)
        assert store.queue_rank(which, place) == sum(one < place for one in positions)
        after = [row.position for row in store.queue_page(which, after=place, limit=5)]
        assert after == [one for one in positions if one > place][:5]
        before = [row.position for row in store.queue_before(which, before=place, limit=5)]
        assert before == [one for one in positions if one < place][-5:]
        undecided = [one for one, state, _ in rows if state == "undecided" and one > place]
        row = store.next_undecided(which, place)
        assert (row and row.position) == (undecided[0] if undecided else None)


def test_a_queue_of_what_a_search_finds_follows_decisions(store: Store) -> None:
    which = Filter(text="question", states=("undecided",))
    pages = QueuePages(store, which)
    first = pages.row(PAGE + 3)
    assert first is not None
    size = pages.size
    store.append("approve", first.example_id, at=NOW + 2000)
    assert not pages.update(store.card(first.example_id))
    assert pages.size == size - 1
    following = pages.next_undecided(first.position)
    assert following is not None
    assert pages.row(PAGE + 3) == following
    store.undo(at=NOW + 2001)
    assert not pages.update(store.card(first.example_id))
    assert pages.size == size
    assert pages.row(PAGE + 3) == first


def test_no_second_copy_of_a_text_is_kept(tmp_path: Path) -> None:
    word = "unmistakable"
    made = [example(n, text=turns(f"{word} {n}?", f"{word} text {n}. " * 9)) for n in range(50)]
    with filled(tmp_path / "one.db", made) as store:
        store.write_flags("quality", [found_in(card, flag("quality", "echo")) for card in
                                      store.cards()])  # fmt: skip
        assert store.queue_size(Filter(text="unmist")) == 50
    data = b"".join(path.read_bytes() for path in tmp_path.glob("one.db*"))
    # Once in each question and nine times in its answer, once in its label, and in the index.
    assert 50 * 11 <= data.count(word.encode()) <= 50 * 11 + 20


def test_checks_of_schema_5_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    restore(5, path)
    raw = sqlite3.connect(path)
    raw.execute(
        "INSERT INTO checks (position, name, version, measures) "
        """VALUES (2, 'language', 'v 1', '{"language": "en", "language.confidence": 0.5}'), """
        "(2, 'secrets', 'v 2', '{}'), (3, 'duplicates', 'd', '{}')"
    )
    raw.commit()
    raw.close()
    with Store.open(path) as store:
        second, third = store.cards_at([2, 3])
        assert dict(second.measures) == {"language": "en", "language.confidence": 0.5}
        assert (second.checked, third.checked) == (True, False)
        assert store.check_versions("language") == {2: "v 1"}
        assert store.check_versions("secrets") == {2: "v 2"}
        assert store.check_versions("duplicates") == {3: "d"}
        assert store.any_unchecked()
        store.forget_flags("language", [2])
        assert store.check_versions("secrets") == {2: "v 2"}
        assert store.cards_at([2])[0].measures == {}
