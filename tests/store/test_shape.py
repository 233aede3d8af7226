"""That a database which somebody else changed by its definitions is refused, untouched."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

import pytest

from engine.errors import WorkspaceDamaged
from engine.store import Store
from engine.store.opening import look_at
from tests.store.schemas.dump import restore, versions
from tests.store.support import filled, ids

POISON = (
    "CREATE TRIGGER evil AFTER INSERT ON journal BEGIN "
    "UPDATE examples SET turns = replace(turns, 'Answer', 'POISONED'); END"
)
ALTERED = "UPDATE sqlite_master SET sql = {} WHERE name = '{}'"
CHANGES = {
    "a trigger": (POISON, "trigger that finetui did not make: evil"),
    "a trigger of a name that hides": (POISON.replace("evil", '"e\x1b[2Jvil"'), "did not make"),
    "a trigger on what is seldom written": (
        "CREATE TRIGGER evil AFTER UPDATE ON meta BEGIN DELETE FROM flags; END",
        "evil",
    ),
    "a view": ("CREATE VIEW evil AS SELECT 1", "view that finetui did not make: evil"),
    "a table that calls functions": (
        "CREATE VIRTUAL TABLE evil USING fts5(text)",
        "table that finetui did not make: evil",
    ),
    "an index with an expression": ("CREATE INDEX evil ON queue (abs(edited))", "index that"),
    "a trigger that was put in the place of ours": (
        "DROP TRIGGER tally_of_gone; CREATE TRIGGER tally_of_gone AFTER DELETE ON queue "
        "BEGIN DELETE FROM flags; END",
        "trigger tally_of_gone is not as finetui made it",
    ),
    "a trigger that was taken away": (
        "DROP TRIGGER journal_no_update",
        "trigger journal_no_update is missing",
    ),
    "a view in the place of a table": (
        "ALTER TABLE flags RENAME TO kept; CREATE VIEW flags AS SELECT * FROM kept",
        "finetui",
    ),
    "a table that was taken away": ("DROP TABLE flags", "flags is missing"),
    "a default": (
        "PRAGMA writable_schema = ON; "
        + ALTERED.format("replace(sql, \"DEFAULT 'undecided'\", \"DEFAULT 'approved'\")", "queue"),
        "table queue is not as finetui made it",
    ),
    "a check": (
        "PRAGMA writable_schema = ON; "
        + ALTERED.format("replace(sql, 'turns TEXT', 'turns TEXT CHECK (seq < 9)')", "journal"),
        "table journal is not as finetui made it",
    ),
    "a computed column": (
        "ALTER TABLE examples ADD COLUMN more TEXT AS (upper(turns))",
        "table examples is not as finetui made it",
    ),
    "a trigger that calls itself a table": (
        POISON + "; PRAGMA writable_schema = ON; "
        "UPDATE sqlite_master SET type = 'table' WHERE name = 'evil'",
        "evil",
    ),
    "a trigger with the name of SQLite's own": (
        POISON + "; PRAGMA writable_schema = ON; "
        "UPDATE sqlite_master SET name = 'sqlite_evil' WHERE name = 'evil'",
        "sqlite_evil",
    ),
}


def change(path: Path, script: str) -> str:
    raw = sqlite3.connect(path)
    raw.executescript(script)
    raw.close()
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("what", CHANGES)
def test_what_acts_by_itself_is_refused_untouched(tmp_path: Path, what: str) -> None:
    path = tmp_path / "finetui.db"
    filled(path, 3).close()
    script, said = CHANGES[what]
    before = change(path, script)
    with pytest.raises(WorkspaceDamaged, match=said) as caught:
        Store.open(path)
    assert caught.value.hint
    assert "\x1b" not in f"{caught.value}{caught.value.hint}"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    assert [file.name for file in tmp_path.glob("finetui.db*")] == ["finetui.db"]
    with pytest.raises(WorkspaceDamaged):
        look_at(path, 0.1, caught.value)


@pytest.mark.parametrize("version", versions())
def test_an_old_database_is_refused_before_it_is_backed_up(tmp_path: Path, version: int) -> None:
    path = tmp_path / "finetui.db"
    restore(version, path)
    before = change(path, POISON)
    with pytest.raises(WorkspaceDamaged, match="trigger that finetui did not make: evil"):
        Store.open(path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    assert list(tmp_path.glob("*.bak")) == []


def test_the_hint_removes_the_trigger(tmp_path: Path) -> None:
    path = tmp_path / "finetui.db"
    filled(path, 3).close()
    change(path, POISON)
    with pytest.raises(WorkspaceDamaged) as caught:
        Store.open(path)
    assert """'DROP TRIGGER "evil"'""" in caught.value.hint
    change(path, 'DROP TRIGGER "evil"')
    with Store.open(path) as store:
        assert len(ids(store)) == 3


def test_what_does_nothing_may_be_there(tmp_path: Path) -> None:
    path = tmp_path / "finetui.db"
    filled(path, 3).close()
    # What a sync tool and SQLite's own ANALYZE leave, and another way to write the same.
    change(
        path,
        "CREATE TABLE synced (id INTEGER PRIMARY KEY, at TEXT UNIQUE); ANALYZE; "
        "DROP INDEX idx_journal_at; "
        'CREATE INDEX [idx_journal_at]   ON "journal" ( "at" );',
    )
    with Store.open(path) as store:
        assert len(ids(store)) == 3
        assert store.verify().differences == ()
