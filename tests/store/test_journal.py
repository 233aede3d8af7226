from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from engine.errors import ExampleMissing, UsageError
from engine.models import JournalEntry
from engine.store import Store
from tests.store.support import NOW, filled, ids, turns


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with filled(tmp_path / "finetui.db", 5) as opened:
        yield opened


def states(store: Store) -> str:
    return "".join(row.state[0] for row in store.queue_page())


def test_a_decision_is_an_entry_and_a_state(store: Store) -> None:
    first, second, third = ids(store)[:3]
    entry = store.append("approve", first, at=NOW)
    assert entry.operation
    assert entry == JournalEntry(1, first, "approve", NOW, store.session, operation=entry.operation)
    store.append("reject", second, at=NOW + 1)
    store.append("skip", third, at=NOW + 2)
    assert states(store) == "arsuu"
    assert store.card(second).decided_at == NOW + 1
    assert [entry.seq for entry in store.journal()] == [3, 2, 1]
    assert store.journal(limit=1)[0].action == "skip"
    assert store.journal(example_id=first) == [entry]
    assert store.journal(limit=0) == []
    store.append("reject", first, at=NOW + 3)
    assert states(store) == "rrsuu"


def test_an_edit_keeps_state_and_original(store: Store) -> None:
    first = ids(store)[0]
    original = store.card(first).turns
    store.append("edit", first, turns=turns("One?", "1"), at=NOW)
    store.append("approve", first, at=NOW)
    store.append("edit", first, turns=turns("Two?", "2"), at=NOW)
    card = store.card(first)
    assert (card.state, card.edited, card.turns) == ("approved", True, turns("Two?", "2"))
    assert card.example.turns == original
    assert store.counts().edited == 1
    assert store.queue_page()[0].label == "Two?"
    store.undo(at=NOW)
    assert store.card(first).turns == turns("One?", "1")
    store.undo(at=NOW)
    card = store.card(first)
    assert (card.state, card.edited, card.turns) == ("undecided", True, turns("One?", "1"))
    store.undo(at=NOW)
    card = store.card(first)
    assert (card.edited, card.turns) == (False, original)
    assert store.queue_page()[0].label == "Question 0?"


def test_an_edit_back_to_the_original_leaves_nothing_edited(store: Store) -> None:
    first = ids(store)[0]
    original = store.card(first).turns
    store.append("edit", first, turns=turns("One?", "1"), at=NOW)
    store.append("edit", first, turns=original, at=NOW)
    assert not store.card(first).edited
    assert store.counts().edited == 0
    store.undo(at=NOW)
    assert store.card(first).edited


def test_undo_and_redo_have_no_limit_and_outlive_the_opening(tmp_path: Path) -> None:
    path = tmp_path / "finetui.db"
    with filled(path, 5) as store:
        for number in range(40):
            action = "reject" if number % 2 else "approve"
            store.append(action, ids(store)[number % 5], at=NOW + number)  # type: ignore[arg-type]
        decided = states(store)
    with Store.open(path) as store:
        targets = []
        while (entry := store.undo(at=NOW)) is not None:
            targets.append(entry.target)
        assert targets == list(range(40, 0, -1))
        assert states(store) == "uuuuu"
    with Store.open(path) as store:
        targets = []
        while (entry := store.redo(at=NOW)) is not None:
            targets.append(entry.target)
        assert targets == list(range(1, 41))
        assert states(store) == decided
        assert [entry.action for entry in store.journal(limit=3)] == ["redo"] * 3


def test_a_new_decision_ends_redoing(store: Store) -> None:
    first, second = ids(store)[:2]
    store.append("approve", first, at=NOW)
    store.undo(at=NOW)
    store.append("reject", second, at=NOW)
    assert store.redo(at=NOW) is None
    assert states(store) == "uruuu"
    store.undo(at=NOW)
    redone = store.redo(at=NOW)
    assert redone is not None
    assert redone.example_id == second
    assert store.redo(at=NOW) is None


def test_an_undo_takes_ones_own_decisions_first(tmp_path: Path) -> None:
    path = tmp_path / "finetui.db"
    with filled(path, 5) as mine, Store.open(path) as theirs:
        first, second, third = ids(mine)[:3]
        assert mine.session != theirs.session
        mine.append("approve", first, at=NOW)
        theirs.append("reject", second, at=NOW)
        theirs.append("skip", third, at=NOW)
        own = mine.undo(at=NOW)
        assert own is not None
        assert (own.example_id, own.session, own.foreign) == (first, mine.session, False)
        assert states(theirs) == "ursuu"
        redone = mine.redo(at=NOW)  # that others decided meanwhile is no reason against it
        assert redone is not None
        assert states(mine) == "arsuu"
        mine.undo(at=NOW)
        # Nothing of one's own is left: the latest of whoever, and it says so.
        other = mine.undo(at=NOW)
        assert other is not None
        assert (other.example_id, other.foreign) == (third, True)
        assert other.targets[0].session == theirs.session
        assert states(theirs) == "uruuu"
        theirs.append("skip", first, at=NOW)
        assert states(mine) == "sruuu"


def test_one_examples_latest_decision_can_be_undone(store: Store) -> None:
    first, second = ids(store)[:2]
    store.append("approve", first, at=NOW)
    store.append("reject", second, at=NOW)
    entry = store.undo(at=NOW, example_id=first)
    assert entry is not None
    assert entry.target == 1
    assert states(store) == "uruuu"
    assert store.undo(at=NOW, example_id=first) is None
    redone = store.redo(at=NOW)
    assert redone is not None
    assert redone.target == 1
    assert states(store) == "aruuu"


def test_undo_and_redo_may_be_appended_with_their_target(store: Store) -> None:
    first, second = ids(store)[:2]
    store.append("approve", first, at=NOW)
    store.append("reject", second, at=NOW)
    assert store.append("undo", first, target=1, at=NOW).target == 1
    with pytest.raises(UsageError):
        store.append("undo", first, target=1, at=NOW)
    with pytest.raises(UsageError):
        store.append("undo", second, target=1, at=NOW)
    assert store.append("redo", first, target=1, at=NOW).target == 1
    assert store.append("undo", "", at=NOW).target == 2
    with pytest.raises(UsageError):
        store.append("redo", "", target=1, at=NOW)
    assert store.append("redo", "", at=NOW).target == 2


def test_entries_that_mean_nothing_are_refused(store: Store) -> None:
    first = ids(store)[0]
    with pytest.raises(ExampleMissing):
        store.append("approve", "b2-nothing", at=NOW)
    with pytest.raises(ExampleMissing):
        store.append("approve", first[:9], at=NOW)
    with pytest.raises(UsageError):
        store.append("edit", first, at=NOW)
    with pytest.raises(UsageError):
        store.append("approve", first, turns=turns("Q", "A"), at=NOW)
    with pytest.raises(UsageError):
        store.append(cast(Any, "delete"), first, at=NOW)
    with pytest.raises(UsageError):
        store.append("undo", "", at=NOW)
    assert store.undo(at=NOW) is None
    assert store.redo(at=NOW) is None
    assert store.journal() == []
    assert states(store) == "uuuuu"


def test_the_journal_is_only_appended_to(store: Store) -> None:
    store.append("approve", ids(store)[0], at=NOW)
    raw = sqlite3.connect(store.path)
    for statement in ("UPDATE journal SET action = 'reject'", "DELETE FROM journal"):
        with pytest.raises(sqlite3.DatabaseError, match="only appended"):
            raw.execute(statement)
    raw.close()
    assert len(store.journal()) == 1


def test_decision_times_are_of_decisions_in_effect(store: Store) -> None:
    first, second = ids(store)[:2]
    store.append("approve", first, at=NOW)
    store.append("edit", first, turns=turns("Q", "A"), at=NOW + 1)
    store.append("reject", second, at=NOW + 2)
    store.append("skip", second, at=NOW + 3)
    store.undo(at=NOW + 4)
    assert store.decision_times(0) == [NOW, NOW + 2]
    assert store.decision_times(NOW + 1) == [NOW + 2]


def test_decisions_are_committed_in_full_and_readers_go_on(store: Store) -> None:
    assert store._db.value("PRAGMA synchronous") == 2  # FULL
    assert store._db.value("PRAGMA journal_mode") == "wal"


def test_threads_share_a_store(tmp_path: Path) -> None:
    with filled(tmp_path / "finetui.db", 120) as store:
        everything = ids(store)
        errors: list[BaseException] = []

        def work(share: int) -> None:
            try:
                for example_id in everything[share::4]:
                    store.append("approve", example_id, at=NOW)
                    assert store.card(example_id).state == "approved"
                    store.counts()
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=work, args=(share,)) for share in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert store.counts().approved == 120
        assert len(store.journal()) == 120
