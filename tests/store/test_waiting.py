"""Waiting for another process: it keeps no other thread waiting, and can be given up."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import WorkspaceLocked
from engine.store import Store
from engine.store.holder import holder

HOLD = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
db.execute("ROLLBACK")
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return an empty store."""
    with Store.open(tmp_path / "space.db") as one:
        yield one


@pytest.fixture
def other(store: Store) -> Iterator[subprocess.Popen[bytes]]:
    """Return another process that holds the write lock until its input ends."""
    command = [sys.executable, "-c", HOLD, str(store.path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
        if process.stdin is not None:
            process.stdin.close()


class Enough(Exception):
    """Somebody waits no longer."""


def test_who_reads_does_not_wait_for_who_waits_to_write(
    store: Store, other: subprocess.Popen[bytes]
) -> None:
    waits, enough = threading.Event(), threading.Event()
    ended: list[BaseException] = []

    def told(_: float) -> None:
        waits.set()
        if enough.is_set():
            raise Enough

    def write() -> None:
        try:
            with store.waiting(told):
                store.update_meta("key", lambda _: "value")
        except Enough as error:
            ended.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    assert waits.wait(60)
    assert store.get_meta("key") is None
    assert store.counts().total == 0
    enough.set()
    thread.join(60)
    assert len(ended) == 1
    assert store.get_meta("key") is None


def test_a_thread_waits_as_long_as_it_says(store: Store, other: subprocess.Popen[bytes]) -> None:
    store.wait_at_most(0.0)
    with pytest.raises(WorkspaceLocked):
        store.set_meta("key", "value")
    assert other.stdin is not None
    other.stdin.close()
    other.wait(60)
    store.set_meta("key", "value")
    assert store.get_meta("key") == "value"


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="only Linux tells")
@pytest.mark.parametrize("wal", [True, False])
def test_the_process_that_holds_it_is_named(tmp_path: Path, wal: bool) -> None:
    path = tmp_path / "space.db"
    Store.open(path).close()
    if not wal:
        import sqlite3

        sqlite3.connect(path).execute("PRAGMA journal_mode = DELETE").close()
    assert holder(path) == ""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", HOLD, path], stdin=pipe, stdout=pipe) as one:
        assert one.stdout is not None
        assert one.stdout.readline() == b"held\n"
        assert str(one.pid) in holder(path)
        assert one.stdin is not None
        one.stdin.close()
    assert holder(path) == ""
