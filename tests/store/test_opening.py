from __future__ import annotations

import hashlib
import os
import random
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.errors import (
    DiskFull,
    WorkspaceDamaged,
    WorkspaceError,
    WorkspaceLocked,
    WorkspaceNewer,
)
from engine.models import Filter
from engine.store import Store
from engine.store.connection import raw_connection
from engine.store.migrations import MIGRATIONS, Migration, migrate
from engine.store.schema import SCHEMA_FILE, VERSION
from tests.store.schemas.dump import restore, schema, versions
from tests.store.support import NOW, example, filled, ids, turns
from tools.schema import script


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_every_released_schema_has_a_fixture() -> None:
    assert versions() == list(range(1, len(MIGRATIONS) + 1))


def test_a_new_database_is_what_the_migrations_result_in() -> None:
    assert len(MIGRATIONS) == VERSION
    assert SCHEMA_FILE.read_text("utf-8") == script()


def test_no_opening_loads_what_the_migrations_need(tmp_path: Path) -> None:
    restore(1, tmp_path / "old.db")
    code = (
        "import sys; from pathlib import Path; from engine.store import Store\n"
        "for name in sys.argv[1:]: Store.open(Path(name)).close()\n"
        "print({'sqlite_utils', 'pandas', 'numpy', 'pyarrow'} & sys.modules.keys())"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "new.db"), str(tmp_path / "old.db")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
    assert schema(tmp_path / "new.db") == schema(tmp_path / "old.db")


@pytest.mark.parametrize("version", versions())
def test_a_released_schema_is_brought_up_to_date(tmp_path: Path, version: int) -> None:
    path, fresh = tmp_path / "old.db", tmp_path / "fresh.db"
    restore(version, path)
    Store.open(fresh).close()
    with Store.open(path) as store:
        assert [row.state for row in store.queue_page()] == [
            "approved",
            "rejected",
            "undecided",
            "skipped",
            "undecided",
        ]
        cards = list(store.cards())
        assert [card.edited for card in cards] == [False, False, True, False, False]
        assert cards[2].turns == turns("Edited?", "It's edited.")
        assert cards[4].turns == turns("Lone \ud83d?", "nul\0 it's")
        assert cards[4].example.provenance.tags == ("x\udcff", "work")
        assert store.queue_size(Filter(text="edited")) == 1
        assert store.queue_size(Filter(tag="x\udcff")) == 1
        assert store.skips(store.sources()[0].id)[0].code == "broken-yaml"
        assert [vote.choice for vote in store.votes("run-1")] == ["tuned"]
        assert store.get_meta("colour") == "green"
        redone = store.redo(at=NOW)
        assert redone is not None
        assert store.card(redone.example_id).state == "approved"
        assert store.record_scan(store.sources()[0].id, [example(9)], [], 1, at=NOW).new == 1
        assert len(ids(store)) == 6
    assert schema(path) == schema(fresh)
    backups = list(tmp_path.glob("*.bak"))
    assert len(backups) == (0 if version == len(MIGRATIONS) else 1)


def _add_table(db: Any) -> None:
    db["badges"].create({"position": int, "flag": str})


def _fail(db: Any) -> None:
    db["half"].create({"id": int})
    raise RuntimeError("a defect in a migration")


def bring(path: Path, *more: Migration) -> None:
    """Apply migrations that come after those of this version."""
    raw = raw_connection(str(path), 1.0)
    try:
        migrate(raw, path, (*MIGRATIONS, *more))
    finally:
        raw.close()


def test_a_migration_backs_the_file_up_first(tmp_path: Path) -> None:
    path = tmp_path / "finetui.db"
    filled(path, 3).close()
    old = schema(path)
    bring(path, _add_table)
    backup = tmp_path / f"finetui.db.v{len(MIGRATIONS)}.bak"
    assert schema(backup) == old
    assert "badges" in {name for _, name, _ in schema(path)}
    with pytest.raises(WorkspaceNewer):
        Store.open(path)
    with Store.open(backup) as store:
        assert len(ids(store)) == 3


def test_a_backup_never_replaces_another(tmp_path: Path) -> None:
    path = tmp_path / "finetui.db"
    filled(path, 3).close()
    version = len(MIGRATIONS)
    first = tmp_path / f"finetui.db.v{version}.bak"
    first.write_text("kept")
    bring(path, _add_table)
    assert first.read_text() == "kept"
    assert (tmp_path / f"finetui.db.v{version}.2.bak").stat().st_size > 0


def test_a_migration_that_fails_leaves_the_old_schema(tmp_path: Path) -> None:
    path = tmp_path / "finetui.db"
    filled(path, 3).close()
    old = schema(path)
    with pytest.raises(RuntimeError, match="defect"):
        bring(path, _fail)
    assert schema(path) == old
    with Store.open(path) as store:
        assert len(ids(store)) == 3


def test_an_old_database_that_is_locked_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "finetui.db"
    restore(1, path)
    old = schema(path)
    other = raw_connection(str(path), 0)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(WorkspaceLocked) as caught:
        Store.open(path, busy_seconds=0.05)
    assert caught.value.hint
    other.execute("ROLLBACK")
    other.close()
    assert schema(path) == old
    with Store.open(path) as store:
        assert len(ids(store)) == 5


def test_an_old_database_that_is_damaged_is_named(tmp_path: Path) -> None:
    path = tmp_path / "finetui.db"
    restore(1, path)
    raw = sqlite3.connect(path)
    raw.execute("DROP TABLE sources")
    raw.close()
    old = schema(path)
    with pytest.raises(WorkspaceError, match="sources") as caught:
        Store.open(path)
    assert caught.value.hint
    assert schema(path) == old


def test_a_newer_workspace_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "finetui.db"
    filled(path, 3).close()
    raw = sqlite3.connect(path)
    raw.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    raw.close()
    before = digest(path)
    with pytest.raises(WorkspaceNewer) as caught:
        Store.open(path)
    assert "upgrade" in caught.value.hint
    assert digest(path) == before
    assert os.listdir(tmp_path / "home") == []
    assert [file.name for file in tmp_path.glob("finetui.db*")] == ["finetui.db"]


def test_another_programs_database_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "finetui.db"
    raw = sqlite3.connect(path)
    raw.execute("CREATE TABLE bookmarks (id)")
    raw.close()
    before = digest(path)
    with pytest.raises(WorkspaceDamaged, match="another program"):
        Store.open(path)
    assert digest(path) == before


@pytest.mark.parametrize("size", [1, 100, 5000, 200_000])
def test_what_is_no_database_is_refused_untouched(tmp_path: Path, size: int) -> None:
    path = tmp_path / "finetui.db"
    path.write_bytes(random.Random(size).randbytes(size))
    before = digest(path)
    with pytest.raises(WorkspaceDamaged) as caught:
        Store.open(path)
    assert caught.value.hint
    assert digest(path) == before


def _use(path: Path) -> None:
    with Store.open(path) as store:
        for card in store.cards():
            store.card(card.example.id)
        store.counts()
        store.queue_size(Filter(text="answer"))
        store.append("approve", ids(store)[0], at=NOW)
        store.journal()
        store.record_scan(store.sources()[0].id, [example(9)], [], 1, at=NOW)


@pytest.mark.parametrize("seed", range(20))
def test_damage_is_named_whatever_is_done_then(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "finetui.db"
    filled(path, 400).close()
    rng = random.Random(seed)
    data = bytearray(path.read_bytes())
    if seed % 4 == 0:
        del data[rng.randrange(4096, len(data)) :]
    else:
        for _ in range(60):
            start = rng.randrange(100, len(data) - 64)
            data[start : start + 64] = rng.randbytes(64)
    path.write_bytes(bytes(data))
    with pytest.raises(WorkspaceDamaged) as caught:
        _use(path)
    assert caught.value.hint


def test_a_folder_that_cant_hold_a_database(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError) as caught:
        Store.open(tmp_path)
    assert caught.value.hint
    with pytest.raises(WorkspaceError):
        Store.open(tmp_path / "not" / "there" / "finetui.db")


def test_a_lock_that_is_held_too_long_is_named(tmp_path: Path) -> None:
    path = tmp_path / "finetui.db"
    filled(path, 2).close()
    other = raw_connection(str(path), 0)
    other.execute("BEGIN IMMEDIATE")
    with Store.open(path, busy_seconds=0.05) as store:
        assert len(store.queue_page()) == 2  # reading goes on
        with pytest.raises(WorkspaceLocked) as caught:
            store.append("approve", ids(store)[0], at=NOW)
        assert caught.value.hint
        with pytest.raises(WorkspaceLocked):
            store.record_scan(store.sources()[0].id, [example(9)], [], 1, at=NOW)
        other.execute("ROLLBACK")
        store.append("approve", ids(store)[0], at=NOW)
        assert store.counts().approved == 1
    other.close()


def test_a_full_disk_is_named_and_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "finetui.db"
    with filled(path, 3) as store:
        store.append("approve", ids(store)[0], at=NOW)
        pages = store._db.value("PRAGMA page_count")
        store._db.execute(f"PRAGMA max_page_count = {pages}")
        long = turns("Long?", "word " * 50_000)
        with pytest.raises(DiskFull) as caught:
            store.append("edit", ids(store)[1], turns=long, at=NOW)
        assert caught.value.hint
        assert not store.card(ids(store)[1]).edited
        assert len(store.journal()) == 1
        store._db.execute("PRAGMA max_page_count = 1000000")
        store.append("edit", ids(store)[1], turns=long, at=NOW)
    with Store.open(path) as store:
        assert [entry.action for entry in store.journal()] == ["edit", "approve"]


def test_votes_and_values_come_back(tmp_path: Path) -> None:
    path = tmp_path / "finetui.db"
    with Store.open(path) as store:
        given = [
            store.add_vote(
                run_id=run_id,
                quant="f16",
                prompt="Why \ud83d?",
                base_text="",
                tuned_text="nul\0",
                left="base",
                choice="both-bad",
                blind=blind,
                at=NOW,
                metadata={"temperature": "0.7"},
            )
            for run_id, blind in (("one", True), ("two", False), ("one", False))
        ]
        assert store.get_meta("absent") is None
        store.set_meta("last-run", "one")
        store.set_meta("last-run", "two")
    with Store.open(path) as store:
        assert store.votes() == given
        assert store.votes("one") == [given[0], given[2]]
        assert store.votes("none") == []
        assert store.get_meta("last-run") == "two"


def test_a_vote_taken_back_counts_no_more_and_stays_in_the_history(tmp_path: Path) -> None:
    path = tmp_path / "finetui.db"
    with Store.open(path) as store:
        first, other, last = (
            store.add_vote(
                run_id=run_id,
                quant="f16",
                prompt="Why?",
                base_text="b",
                tuned_text="t",
                left="base",
                choice="tuned",
                blind=True,
                at=NOW,
            )
            for run_id in ("one", "two", "one")
        )
        assert store.take_back_vote("one", at=NOW + 1) == last
        assert store.votes("one") == [first]
    with Store.open(path) as store:
        assert store.votes() == [first, other]
        assert store.take_back_vote("one", at=NOW + 2) == first
        assert store.take_back_vote("one", at=NOW + 3) is None
        assert store.votes() == [other]
        assert store.take_back_vote(at=NOW + 4) == other
        assert store.votes() == []
    raw = sqlite3.connect(path)
    assert raw.execute("SELECT count(*) FROM votes").fetchone() == (3,)
    for table in ("votes", "votes_taken_back"):
        for change in (f"DELETE FROM {table}", f"UPDATE {table} SET rowid = rowid + 1"):
            with pytest.raises(sqlite3.IntegrityError, match="only appended to"):
                raw.execute(change)
    raw.close()
