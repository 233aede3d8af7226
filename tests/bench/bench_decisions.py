"""Decisions of several processes on one workspace, and processes that are killed while deciding.

Usage: python -m tests.bench.bench_decisions [--processes 6] [--decisions 1000] [--examples 40]
       [--kills 40] [--bulk 2000]

What must be is computed here from the rows of the journal alone, without the code that folds
it: which decisions missed what others had done, and which operations are whole. "silent" counts
decisions that overrode something of another session without telling their process; it is 0.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.models import Filter
from engine.store import Store
from tests.store.support import filled

REPOSITORY = Path(__file__).resolve().parents[2]

WORKER = """
import json, random, sys, time
from pathlib import Path
from engine.curate import Curator
from engine.models import Turn
from engine.store import Store

path, number, decisions = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
rng = random.Random(number)
with Store.open(path) as store:
    curator = Curator(store)
    ids = [row.example_id for row in store.queue_page(limit=100_000)]
    print("ready", flush=True)
    sys.stdin.readline()
    shown_before = []
    for count in range(decisions):
        # A person decides on a card that was shown a while ago.
        shown_before.append(store.card(rng.choice(ids)))
        card = shown_before.pop(rng.randrange(len(shown_before))) if count % 8 else (
            shown_before[0]
        )
        one = card.example.id
        action = rng.choice(("approve", "reject", "skip", "edit"))
        if action == "edit":
            turns = (Turn("user", f"Q {number} {count}"), Turn("assistant", "A"))
            after = curator.edit(one, turns, card.seen)
        else:
            after = curator.decide(action, one, card.seen)
        conflict = after.conflict
        if conflict and conflict.session != store.session:
            conflict = None  # an older one, of others
        shown = [each.seq for each in conflict.missed] if conflict else []
        print(json.dumps([one, card.seen, conflict.seq if conflict else 0, shown]), flush=True)
"""

BULK = """
import sys
from pathlib import Path
from engine.curate import Curator
from engine.models import Filter
from engine.store import Store

with Store.open(Path(sys.argv[1])) as store:
    curator = Curator(store)
    ids = [row.example_id for row in store.queue_page(limit=100_000)]
    while True:
        for action in ("approve", "reject"):
            done = curator.decide_many(action, [(one, None) for one in ids])
            if done.decided:
                print(done.operation, len(done.decided), flush=True)
        undone = curator.undo()
        print(undone.entries[0].operation, undone.examples, flush=True)
"""


@contextmanager
def started(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run code in another process, which is killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@dataclass(frozen=True, slots=True)
class Concurrent:
    """What several processes did: ``missed`` by construction, ``shown`` to their process."""

    decisions: int
    entries: int
    missed: int
    shown: int
    silent: int
    unresolved: int
    differences: int
    seconds: float


def concurrent(path: Path, processes: int, decisions: int) -> Concurrent:
    """Let processes decide on one workspace at once, and compare what they were told."""
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(path), str(number), str(decisions)],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(processes)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    began = time.perf_counter()
    outputs = []
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    for worker in workers:
        out, _ = worker.communicate()
        assert worker.returncode == 0
        outputs.append([json.loads(line) for line in out.splitlines()])
    seconds = time.perf_counter() - began
    told = {seq: set(shown) for output in outputs for _, _, seq, shown in output if seq}
    rows = journal_of(path)
    missed = {seq: found for seq, found in missed_by(rows).items() if found}
    silent = [seq for seq, found in missed.items() if told.get(seq, set()) < found]
    with Store.open(path) as store:
        unresolved = store.queue_size(Filter(conflict=True))
        differences = len(store.verify().differences)
    return Concurrent(
        sum(map(len, outputs)),
        len(rows),
        len(missed),
        sum(seq in told for seq in missed),
        len(silent),
        unresolved,
        differences,
        seconds,
    )


Row = tuple[int, str, str, str, str, int | None]


def journal_of(path: Path) -> list[Row]:
    """Return sequence number, example, action, session, operation and what was seen."""
    raw = sqlite3.connect(path)
    rows = raw.execute(
        "SELECT seq, example_id, action, session, operation, seen FROM journal ORDER BY seq"
    ).fetchall()
    raw.close()
    return rows


def missed_by(rows: list[Row]) -> dict[int, set[int]]:
    """Return what of other sessions each entry's person had not seen; nothing was undone."""
    return {
        seq: {
            other
            for other, about, _, by, _, _ in rows
            if about == example_id and seen < other < seq and by != session
        }
        for seq, example_id, _, session, _, seen in rows
        if seen is not None
    }


@dataclass(frozen=True, slots=True)
class Killed:
    """What killed processes left behind; ``half`` and ``lost`` operations must not be."""

    kills: int
    operations: int
    lost: int
    half: int
    differences: int
    unsound: int


def killed(path: Path, kills: int, seed: int = 0) -> Killed:
    """Kill processes that decide thousands at once, at any moment, and look what is there."""
    rng = random.Random(seed)
    printed: dict[str, int] = {}
    differences = unsound = half = 0
    for _ in range(kills):
        with started(BULK, path) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline()]
            time.sleep(rng.random() * 0.4)
            os.kill(process.pid, signal.SIGKILL)
            lines += process.stdout.readlines()
        for line in lines:
            if line.endswith("\n"):
                operation, number = line.split()
                printed[operation] = int(number)
        with Store.open(path) as store:
            differences += len(store.verify().differences)
            unsound += store._db.value("PRAGMA integrity_check") != "ok"
            total = store.queue_size()
        stored: dict[str, int] = {}
        for row in journal_of(path):
            stored[row[4]] = stored.get(row[4], 0) + 1
        half += sum(number != total for number in stored.values())
    lost = sum(stored.get(operation) != number for operation, number in printed.items())
    return Killed(kills, len(stored), lost, half, differences, unsound)


def main() -> None:
    """Print both sets of figures."""
    parser = argparse.ArgumentParser()
    for name, number in (
        ("processes", 6),
        ("decisions", 1000),
        ("examples", 40),
        ("kills", 40),
        ("bulk", 2000),
    ):
        parser.add_argument(f"--{name}", type=int, default=number)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "together.db"
        filled(path, given.examples).close()
        print(concurrent(path, given.processes, given.decisions))
        path = Path(folder) / "killed.db"
        filled(path, given.bulk).close()
        print(killed(path, given.kills))


if __name__ == "__main__":
    main()
