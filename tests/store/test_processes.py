"""Several processes on one file, and processes that are killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.store import Store
from tests.bench.bench_decisions import concurrent, killed
from tests.store.support import NOW, filled, ids

REPOSITORY = Path(__file__).resolve().parents[2]

# Decides for ever and prints each decision after it was returned.
DECIDER = """
import itertools, sys, time
from pathlib import Path
from engine.models import Filter, Turn
from engine.store import Store

store = Store.open(Path(sys.argv[1]))
ids = [row.example_id for row in store.queue_page(limit=1000)]
number = int(sys.argv[2]) if len(sys.argv) > 2 else None
if number is not None:
    print("ready", flush=True)
    sys.stdin.readline()
for count in itertools.count() if number is None else range(number):
    example_id = ids[(count * 7) % len(ids)]
    if count % 5 == 4:
        entry = store.undo(at=time.time())
    elif count % 5 == 3:
        turns = (Turn("user", f"Q {count}"), Turn("assistant", "A " * 2000))
        entry = store.append("edit", example_id, turns=turns, at=time.time())
    else:
        action = ("approve", "reject", "skip")[count % 3]
        entry = store.append(action, example_id, at=time.time())
    if entry is not None:
        print(entry.seq, entry.action, entry.example_id, entry.target, flush=True)
"""

OPENER = """
import sys
from pathlib import Path
from engine.store import Store

sys.stdin.readline()
with Store.open(Path(sys.argv[1])) as store:
    store.set_meta(store.session, "here")
"""


def child(code: str, *arguments: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=REPOSITORY,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_every_printed_decision_outlives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "finetui.db"
    filled(path, 20).close()
    rng = random.Random(1)
    printed: list[str] = []
    for _ in range(6):
        process = child(DECIDER, str(path))
        assert process.stdout is not None
        wanted = rng.randrange(1, 120)
        for line in process.stdout:
            printed.append(line)
            wanted -= 1
            if not wanted:
                break
        os.kill(process.pid, signal.SIGKILL)
        # What it printed between the last line read and its end counts as well.
        printed += [line for line in process.stdout if line.endswith("\n")]
        process.wait()
        process.stdout.close()
        assert process.stderr is not None
        process.stderr.close()
        with Store.open(path) as store:
            stored = {
                f"{entry.seq} {entry.action} {entry.example_id} {entry.target}\n"
                for entry in store.journal()
            }
            assert set(printed) <= stored
            # A decision may have been stored and not yet printed, one in each round.
            assert len(stored) <= len(printed) + 6
            assert store._db.value("PRAGMA integrity_check") == "ok"
            assert len(list(store.cards())) == 20
            store.undo(at=NOW)
            redone = store.redo(at=NOW)
            assert redone is not None
            printed += [
                f"{entry.seq} {entry.action} {entry.example_id} {entry.target}\n"
                for entry in store.journal(limit=2)
            ]


def test_two_processes_decide_on_one_file(tmp_path: Path) -> None:
    path = tmp_path / "finetui.db"
    filled(path, 20).close()
    children = [child(DECIDER, str(path), "300", stdin=subprocess.PIPE) for _ in range(2)]
    lines: list[str] = []
    for process in children:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in children:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in children:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        lines += out.splitlines()
    with Store.open(path) as store:
        journal = store.journal()
        assert sorted(int(line.split()[0]) for line in lines) == [
            entry.seq for entry in reversed(journal)
        ]
        assert len({entry.session for entry in journal}) == 2
        undone = [entry.target for entry in journal if entry.action == "undo"]
        assert len(undone) == len(set(undone))
        decisions = [entry for entry in journal if entry.action not in ("undo", "redo")]
        count = 0
        while store.undo(at=NOW) is not None:
            count += 1
        assert count == len(decisions) - len(undone)
        assert store.counts().undecided == 20
        assert store.counts().edited == 0


@pytest.mark.parametrize("existing", [False, True])
def test_several_processes_open_at_once(tmp_path: Path, existing: bool) -> None:
    path = tmp_path / "finetui.db"
    if existing:
        Store.open(path).close()
    children = [child(OPENER, str(path), stdin=subprocess.PIPE) for _ in range(6)]
    for process in children:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in children:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    with Store.open(path) as store:
        assert store._db.value("SELECT count(*) FROM meta") == 6
        assert ids(store) == []


def test_a_process_killed_in_a_bulk_decision_leaves_all_of_it_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "finetui.db"
    filled(path, 400).close()
    found = killed(path, 3, seed=7)
    assert (found.lost, found.half, found.differences, found.unsound) == (0, 0, 0, 0)
    assert found.operations > 3


def test_no_process_overrides_another_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "finetui.db"
    filled(path, 8).close()
    found = concurrent(path, 3, 60)
    assert found.missed > 10
    assert (found.shown, found.silent, found.differences) == (found.missed, 0, 0)
