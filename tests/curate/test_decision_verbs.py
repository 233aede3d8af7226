"""Conflicts, steps, the journal's proof and saved decisions, as the command line has them."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

from engine.paths import state_dir
from tests.curate.test_verbs import Run, document, states, store_of
from tests.store.support import NOW, ids, turns
from tests.store.test_place import backed_up
from tests.store.test_processes import REPOSITORY


def test_one_call_is_one_step(folder: Path, run: Run) -> None:
    decided = document(run, "decide", "--all", "approve")
    assert (len(decided["decided"]), decided["approved"]) == (6, 6)
    undone = document(run, "decide", "undo")
    assert (undone["examples"], undone["foreign"], undone["approved"]) == (6, True, 0)
    assert states(folder) == "uuuuuu"
    _, out, _ = run("decide", "redo")
    assert "and 5 more" in out
    with store_of(folder) as store:
        first, second = ids(store)[:2]
    run("decide", first, second, "reject")
    assert document(run, "decide", "undo")["examples"] == 2
    run("decide", first, second, "undo")
    assert document(run, "decide", "redo")["examples"] == 2
    assert states(folder) == "aaaaaa"
    operations = [entry["operation"] for entry in document(run, "journal", "--limit", "0")]
    assert len(set(operations)) == 7


def test_a_conflict_is_shown_wherever_the_example_is(folder: Path, run: Run) -> None:
    with store_of(folder) as store:
        first = ids(store)[0]
        store.append("edit", first, turns=turns("Other?", "Other."), seen=0, at=NOW)
        session = store.session
    assert document(run, "examples", "show", first)["seen"] == 1
    decided = document(run, "decide", first, "approve", "--seen", "0")
    row = decided["decided"][0]
    assert (row["state"], row["in_conflict"], decided["conflicts"]) == ("undecided", True, 1)
    assert row["conflict"]["withdrawn"]
    assert [(one["session"], one["changed_text"]) for one in row["conflict"]["missed"]] == [
        (session, True)
    ]
    assert document(run, "examples", "show", first)["conflict"] == row["conflict"]
    listed = document(run, "examples", "list", "--conflict")
    assert [(one["id"], one["in_conflict"]) for one in listed["examples"]] == [(first, True)]
    assert document(run, "examples", "list", "--no-conflict")["total"] == 5
    assert document(run, "examples", "stats")["conflicts"] == 1
    assert document(run, "journal", "--limit", "1")[0]["seen"] == 0
    for words in (["show", first], ["list"], ["stats"]):
        assert re.search("⇄|conflict", run("examples", *words)[1])
    # A decision on all of a kind is no decision on what is in conflict.
    rest = document(run, "decide", "--all", "approve")
    assert (len(rest["decided"]), rest["left_out_in_conflict"]) == (5, 1)
    _, out, _ = run("decide", first, "approve")
    assert "conflict" not in out
    assert states(folder) == "aaaaaa"
    assert document(run, "examples", "list", "--conflict")["total"] == 0


def test_what_another_session_decided_is_replaced_in_sight(folder: Path, run: Run) -> None:
    with store_of(folder) as store:
        first = ids(store)[0]
        store.append("approve", first, at=NOW)
        session = store.session
    replaced = document(run, "decide", first, "reject")["decided"][0]["replaced"]
    assert (replaced["action"], replaced["session"]) == ("approve", session)
    _, out, _ = run("decide", first, "skip")
    assert "was rejected by session" in out


def test_the_loop_shows_a_conflict_and_asks_again(folder: Path) -> None:
    with store_of(folder) as store:
        first = ids(store)[0]
        process = subprocess.Popen(
            [sys.executable, "-m", "tui", "curate"],
            env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        while "a approve" not in process.stdout.readline():
            pass
        store.append("edit", first, turns=turns("Other?", "Other."), seen=0, at=NOW)
        out, _ = process.communicate("a\na\nq\n", timeout=60)
        assert out.index("conflict") < out.index("Other?")
        assert store.card(first).state == "approved"
        assert [entry.seen for entry in store.journal()] == [2, 0, 0]


def test_the_journal_is_verified_and_repaired(folder: Path, run: Run) -> None:
    run("decide", "--all", "approve")
    found = document(run, "journal", "verify")
    assert (found["examples"], found["entries"], found["differences"]) == (6, 6, [])
    raw = sqlite3.connect(folder / "finetui.db", isolation_level=None)
    raw.execute("UPDATE queue SET state = 'rejected' WHERE position = 2")
    raw.close()
    status, out, err = run("journal", "verify")
    assert status == 1
    assert "journal-mismatch" in err
    assert "journal verify --repair" in err
    assert "rejected" in out
    found = document(run, "journal", "verify", status=1)
    assert [one["what"] for one in found["differences"]] == ["state"]
    assert found["error"]["code"] == "journal-mismatch"
    assert document(run, "journal", "verify", "--repair")["repaired"] == 1
    assert run("journal", "--workspace", str(folder), "verify")[0] == 0
    assert states(folder) == "aaaaaa"


def test_decisions_on_a_replaced_database_are_saved_and_taken_over(folder: Path, run: Run) -> None:
    path = folder / "finetui.db"
    with store_of(folder) as store:
        backup = backed_up(store, path)
        first, second = ids(store)[:2]
    process = subprocess.Popen(
        [sys.executable, "-m", "tui", "curate"],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("a\n")
    process.stdin.flush()
    while "is approved" not in process.stdout.readline():
        pass
    os.replace(backup, path)
    out, err = process.communicate("r\nq\n", timeout=60)
    assert process.returncode == 1
    assert "workspace-replaced" in err
    assert "rejected" not in out
    assert "2 decisions are saved" in err
    assert states(folder) == "uuuuuu"
    [saved] = (state_dir() / "saved").glob("*.jsonl")
    assert f"finetui journal import ~/{saved.relative_to(Path.home())}" in err
    done = document(run, "journal", "import", str(saved))
    assert (done["taken"], done["known"], done["gone"], done["conflicts"]) == (2, 0, 0, [])
    assert states(folder) == "aruuuu"
    _, out, _ = run("journal", "import", str(saved))
    assert "2 were here already" in out
    assert run("journal", "import", str(folder / "finetui.toml"))[0] == 1
    assert {first, second} == {entry["id"] for entry in document(run, "journal")}
