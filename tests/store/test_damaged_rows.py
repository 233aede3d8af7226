"""That one row that can't be read is named, and keeps nobody from the others."""

from __future__ import annotations

import shlex
import sqlite3
from pathlib import Path

import pytest

from engine.cli.main import main
from engine.errors import WorkspaceDamaged
from engine.store import Store
from engine.workspace import init_workspace
from tests.store.support import filled, flag, found_in, ids

VALUES = {
    "turns": ("'[1,2]'", "'{bad'", "'7'", "'[[\"user\",1]]'", "NULL", "x'ff'", '\'{"a":"b"}\''),
    "edited_turns": ("'{bad'", "'[[]]'"),
    "metadata": ("'[]'", "'{bad'", "'{\"a\":1}'", "NULL", "'\"x\"'"),
    "score": ("'x'", "NULL"),
    "alternatives": ("'{\"a\":1}'", '\'[["a","b"]]\''),
    "tags": ("'7'", "'{\"a\":1}'", "'[1]'"),
    "path": ("x'ff'", "NULL"),
    "start_line": ("'x'",),
    "heading": ("NULL",),
}
ALL = [(column, value) for column, values in VALUES.items() for value in values]


def change(path: Path, script: str) -> None:
    raw = sqlite3.connect(path)
    raw.executescript(script)
    raw.close()


@pytest.mark.parametrize(("column", "value"), ALL)
def test_a_damaged_example_is_named_and_the_others_are_read(
    tmp_path: Path, column: str, value: str
) -> None:
    path = tmp_path / "finetui.db"
    with filled(path, 5) as store:
        named = ids(store)[2]
        change(path, f"UPDATE examples SET {column} = {value} WHERE position = 3")
        for read in (lambda: list(store.cards()), lambda: store.card(named)):
            with pytest.raises(WorkspaceDamaged, match=rf"position 3\b|{named}") as caught:
                read()
            assert "journal verify" in caught.value.hint
        assert [store.card(one).position for one in ids(store) if one != named] == [1, 2, 4, 5]
        change(path, "UPDATE queue SET state = 'approved' WHERE position = 5")
        found = [(one.what, one.example_id) for one in store.verify().differences]
        assert ("row", named) in found
        assert ("state", ids(store)[4]) in found
        # What is no part of it can still be written anew.
        store.verify(repair=True)
        left = {one.what for one in store.verify().differences}
        assert left == (set() if column == "edited_turns" else {"row"})


def test_the_hint_lets_the_others_be_worked_with(tmp_path: Path) -> None:
    path = tmp_path / "finetui.db"
    with filled(path, 5) as store:
        change(path, "UPDATE examples SET turns = '[1,2]' WHERE position = 3")
        with pytest.raises(WorkspaceDamaged) as caught:
            list(store.cards())
        file, sql = shlex.split(caught.value.hint.partition("sqlite3 ")[2])
        assert Path(file) == path
        change(path, sql)
        assert [card.position for card in store.cards()] == [1, 2, 4, 5]
        assert store.counts().total == 4
        assert store.verify().differences == ()


def test_what_checks_found_is_named(tmp_path: Path) -> None:
    path = tmp_path / "finetui.db"
    with filled(path, 5) as store:
        cards = list(store.cards())
        store.write_flags("safety", [found_in(one, flag("safety", "x"), n=1.5) for one in cards])
        change(path, "UPDATE checked SET measures = '{bad' WHERE position = 4")
        with pytest.raises(WorkspaceDamaged, match="position 4"):
            list(store.cards())
        assert [one.example_id for one in store.verify().differences] == [cards[3].example.id]


def test_a_damaged_journal_entry_is_named(tmp_path: Path) -> None:
    path = tmp_path / "finetui.db"
    with filled(path, 5) as store:
        named = ids(store)[1]
        change(
            path,
            "INSERT INTO journal (example_id, action, at, session, turns) "
            f"VALUES ('{named}', 'edit', 1, 's', '[1]')",
        )
        assert [(one.what, one.example_id) for one in store.verify().differences] == [
            ("row", named)
        ]


@pytest.mark.parametrize(
    "script",
    [
        "UPDATE sources SET options = '{bad'",
        "UPDATE sources SET options = '[]', id = 'b2-' || char(27) || '[2J'",
        "UPDATE sources SET documents = 'x'",
    ],
)
def test_a_damaged_source_is_named(
    tmp_path: Path, script: str, capsys: pytest.CaptureFixture[str]
) -> None:
    init_workspace(tmp_path)
    filled(tmp_path / "finetui.db", 2, root="/the/notes").close()
    change(tmp_path / "finetui.db", script)
    for words in (["sources", "list"], ["sources", "scan"]):
        assert main([*words, "--workspace", str(tmp_path)]) in (1, 2)
        said = capsys.readouterr()
        assert "unexpected" not in said.err
        assert "\x1b" not in said.err + said.out
    assert main(["journal", "verify", "--workspace", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert "row" in said.out
    assert "/the/notes" in said.out


def test_a_table_that_goes_while_it_is_open_is_named(tmp_path: Path) -> None:
    path = tmp_path / "finetui.db"
    with filled(path, 2) as store:
        change(path, "DROP TABLE flags")
        with pytest.raises(WorkspaceDamaged, match="flags"):
            list(store.cards())
    with pytest.raises(WorkspaceDamaged, match="flags is missing"):
        Store.open(path)
