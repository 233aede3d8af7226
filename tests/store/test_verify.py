"""That states are what the journal says, and that it is noticed where they are not."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from engine.store import Store
from tests.store.schemas.dump import restore, versions
from tests.store.support import NOW, filled, ids, turns


def busy(path: Path) -> Store:
    """Return a workspace in which two sessions did a bit of everything."""
    store = filled(path, 8)
    first, second, third, fourth, fifth, *_ = ids(store)
    with store.again(session="other") as other:
        store.append("approve", first, seen=0, at=NOW + 1)
        other.append("edit", first, turns=turns("Lone \ud83d?", "nul\0"), seen=0, at=NOW + 2)
        store.append("edit", second, turns=turns("Edited?", "Yes."), seen=0, at=NOW + 3)
        store.append("reject", third, at=NOW + 4)
        other.undo(at=NOW + 5)
        other.redo(at=NOW + 6)
        store.decide_many("skip", [(fourth, 0), (fifth, 0)], at=NOW + 7)
        store.undo(at=NOW + 8)
    return store


def test_what_the_store_does_is_what_the_journal_says(tmp_path: Path) -> None:
    with busy(tmp_path / "finetui.db") as store:
        found = store.verify()
        assert (found.examples, found.entries, found.differences) == (8, 10, ())
        assert store.verify(repair=True).repaired == 0


@pytest.mark.parametrize("version", versions())
def test_an_old_workspace_is_what_its_journal_says(tmp_path: Path, version: int) -> None:
    path = tmp_path / "old.db"
    restore(version, path)
    with Store.open(path) as store:
        assert store.verify().differences == ()
        # Each of its entries is an operation by itself, whoever undoes it.
        targets = []
        while (undone := store.undo(at=NOW)) is not None:
            assert undone.examples == 1
            assert undone.foreign
            targets.append(undone.target)
        assert targets == sorted(targets, reverse=True)
        assert len(targets) == 4
        assert store.verify().differences == ()


CHANGES = {
    "state": "UPDATE queue SET state = 'approved' WHERE position = 3",
    "decided_at": "UPDATE queue SET decided_at = 1 WHERE position = 7",
    "conflict": "UPDATE queue SET conflict = 0 WHERE position = 1",
    "edited": "UPDATE queue SET edited = 0 WHERE position = 2",
    "text": 'UPDATE examples SET edited_turns = \'[["user","x"]]\' WHERE position = 2',
    "label": "UPDATE queue SET label = 'x' WHERE position = 2",
    "search": "INSERT INTO search (rowid, text) VALUES (2, 'question 1')",
    "undone": "DELETE FROM undone",
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_difference_is_named_and_repaired(tmp_path: Path, what: str) -> None:
    path = tmp_path / "finetui.db"
    with busy(path) as store:
        before = [store.card(one) for one in ids(store)]
        raw = sqlite3.connect(path, isolation_level=None)
        assert raw.execute(CHANGES[what]).rowcount > 0
        raw.close()
        assert {one.what for one in store.verify().differences} == {what}
        assert {one.what for one in store.verify(repair=True).differences} == {what}
        assert store.verify().differences == ()
        assert [store.card(one) for one in ids(store)] == before


def test_an_original_text_that_was_altered_is_named_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "finetui.db"
    with busy(path) as store:
        raw = sqlite3.connect(path, isolation_level=None)
        raw.execute(
            "UPDATE examples SET turns = replace(turns, 'Answer', 'POISONED') WHERE position > 6"
        )
        raw.close()
        for repair in (False, True, False):
            found = store.verify(repair=repair)
            assert [(one.what, one.example_id) for one in found.differences] == [
                ("original", one) for one in ids(store)[6:]
            ]


def test_a_text_that_nobody_wrote_is_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "finetui.db"
    with busy(path) as store:
        last = ids(store)[-1]
        raw = sqlite3.connect(path, isolation_level=None)
        raw.execute('UPDATE examples SET edited_turns = \'[["user","x"]]\' WHERE position = 8')
        raw.close()
        assert [one.example_id for one in store.verify().differences] == [last]
        store.verify(repair=True)
        assert store.card(last).turns == store.card(last).example.turns


def test_what_refers_to_nothing_is_named_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "finetui.db"
    with busy(path) as store:
        first = ids(store)[0]
        raw = sqlite3.connect(path, isolation_level=None)
        insert = "INSERT INTO journal (example_id, action, at, session, target) VALUES "
        raw.execute(f"{insert} ('b2-nothing', 'approve', 1, 's', 0)")
        raw.execute(f"{insert} (?, 'undo', 1, 's', 99)", [first])
        raw.close()
        assert {one.what for one in store.verify().differences} >= {"example", "entry"}
        store.verify(repair=True)
        assert {one.what for one in store.verify().differences} == {"example", "entry"}
