"""Drafts: in the workspace, or in memory while it can't be written; never lost."""

from __future__ import annotations

import resource
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.curate import Drafts, answer_line, to_text
from engine.errors import FinetuiError, WorkspaceLocked
from engine.models import Turn
from engine.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return an empty store."""
    with Store.open(tmp_path / "finetui.db") as opened:
        yield opened


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the database as another process does that writes for long."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@contextmanager
def unwritable() -> Iterator[None]:
    """Let no file of this process grow, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_was_held_is_written_and_dropped(store: Store) -> None:
    drafts = Drafts(store)
    drafts.hold("b2-1", "begun")
    assert drafts.of("b2-1") == "begun"
    assert drafts.unwritten
    assert store.get_meta("draft:b2-1") is None
    drafts.write()
    assert store.get_meta("draft:b2-1") == "begun"
    assert not drafts.unwritten
    assert Drafts(store).of("b2-1") == "begun"
    drafts.hold("b2-1", "")
    assert drafts.of("b2-1") == ""
    drafts.write()
    assert Drafts(store).of("b2-1") == ""


def test_a_locked_workspace_keeps_it_in_memory_and_is_tried_again(store: Store) -> None:
    drafts = Drafts(store, busy_seconds=0.05)
    with locked(store.path):
        drafts.hold("b2-1", "begun")
        with pytest.raises(WorkspaceLocked) as caught:
            drafts.write()
        assert caught.value.hint
        assert drafts.of("b2-1") == "begun"
        assert drafts.unwritten
        drafts.hold("b2-1", "begun, and more")
    drafts.write()
    assert store.get_meta("draft:b2-1") == "begun, and more"


def test_a_disk_without_room_keeps_it_in_memory(store: Store) -> None:
    drafts = Drafts(store)
    with unwritable():
        drafts.hold("b2-1", "begun")
        with pytest.raises(FinetuiError):
            drafts.write()
    assert drafts.of("b2-1") == "begun"
    drafts.write()
    assert store.get_meta("draft:b2-1") == "begun"


def test_reading_does_not_wait_behind_a_write_that_waits(store: Store) -> None:
    """The write waits for the other process on a connection of its own."""
    from threading import Thread

    drafts = Drafts(store, busy_seconds=20.0)
    drafts.hold("b2-1", "begun")
    writer = Thread(target=drafts.write)
    with locked(store.path):
        writer.start()
        deadline = time.monotonic() + 10
        reads = 0
        while reads < 50 and time.monotonic() < deadline:
            assert drafts.of("b2-2") == ""
            assert store.counts().total == 0
            reads += 1
        assert reads == 50
        assert writer.is_alive()
    writer.join()
    assert store.get_meta("draft:b2-1") == "begun"


@pytest.mark.parametrize(
    ("turns", "line"),
    [
        ((Turn("user", "a\nb"), Turn("assistant", "c")), 4),
        ((Turn("system", "s"), Turn("assistant", ""), Turn("user", "x")), 3),
        ((Turn("user", "--- assistant ---"), Turn("assistant", "c")), 3),
        ((Turn("user", "a"),), 0),
    ],
)
def test_where_the_answer_begins(turns: tuple[Turn, ...], line: int) -> None:
    assert answer_line(to_text(turns)) == line
