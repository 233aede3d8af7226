"""A database that is removed, replaced or cut short while a store has it open."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import FinetuiError, JournalInvalid, WorkspaceReplaced
from engine.store import Store
from tests.store.support import NOW, filled, ids, turns
from tests.store.test_processes import REPOSITORY


def elsewhere(code: str, *arguments: Path) -> None:
    """Run a step in another process, as whoever replaces a file does."""
    command = [sys.executable, "-c", "import os, sys, shutil\n" + code, *map(str, arguments)]
    subprocess.run(command, check=True, cwd=REPOSITORY)


def removed(path: Path, _: Path) -> None:
    elsewhere("os.unlink(sys.argv[1])", path)


def restored(path: Path, backup: Path) -> None:
    elsewhere("os.replace(sys.argv[2], sys.argv[1])", path, backup)


def copied_over(path: Path, backup: Path) -> None:
    elsewhere("shutil.copyfile(sys.argv[2], sys.argv[1])", path, backup)


def copied_over_at(path: Path, backup: Path) -> None:
    elsewhere(
        "p, b, at = sys.argv[1:]; data = open(b, 'rb').read(); size = os.stat(p).st_size\n"
        "open(p, 'r+b').write(data.ljust(size, bytes(1))); os.utime(p, (0, float(at)))",
        path,
        backup,
        Path(str(path.stat().st_mtime + 3600)),
    )


def copied_over_with_its_time(path: Path, backup: Path) -> None:
    elsewhere("p, b = sys.argv[1:]; shutil.copyfile(b, p); os.utime(p, (0, 1e9))", path, backup)


def emptied(path: Path, _: Path) -> None:
    elsewhere("os.truncate(sys.argv[1], 0)", path)


def folder_moved(path: Path, _: Path) -> None:
    folder = path.parent
    elsewhere("os.rename(sys.argv[1], sys.argv[2])", folder, folder.with_name("elsewhere"))


def log_removed(path: Path, _: Path) -> None:
    elsewhere("os.unlink(sys.argv[1] + '-wal')", path)


def log_replaced(path: Path, _: Path) -> None:
    elsewhere("p = sys.argv[1] + '-wal'; os.unlink(p); open(p, 'w').close()", path)


EVENTS = [
    removed,
    restored,
    copied_over,
    copied_over_at,
    copied_over_with_its_time,
    emptied,
    folder_moved,
    log_removed,
    log_replaced,
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "space"
    folder.mkdir()
    return folder / "finetui.db"


def backed_up(store: Store, path: Path) -> Path:
    """Return a copy of a store's database as it is now."""
    backup = path.parent.with_name("backup.db")
    copy = sqlite3.connect(backup)
    raw = sqlite3.connect(path)
    raw.backup(copy)
    copy.execute("PRAGMA journal_mode = DELETE")
    raw.close()
    copy.close()
    return backup


@pytest.mark.parametrize("event", EVENTS)
def test_nothing_counts_as_stored_that_the_path_does_not_name(
    path: Path, tmp_path: Path, event: Callable[[Path, Path], None]
) -> None:
    store = filled(path, 6)
    first, second, third = ids(store)[:3]
    store.append("approve", first, at=NOW)
    backup = backed_up(store, path)
    if event is copied_over:
        # What was written since is in the database and not in its log alone.
        store.append("edit", third, turns=turns("Long?", "word " * 40_000), at=NOW)
        store._db._raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        store.append("approve", third, at=NOW)
    event(path, backup)
    for attempt in range(2):
        with pytest.raises(WorkspaceReplaced) as caught:
            store.decide("approve", second, seen=0, at=NOW + attempt)
        assert caught.value.code == "workspace-replaced"
        assert "journal import" in caught.value.hint
    for write in (
        lambda: store.set_meta("a", "b"),
        lambda: store.undo(at=NOW),
        lambda: store.add_source("vault", "/x"),
        store.again,
        store.require_in_place,
    ):
        with pytest.raises(WorkspaceReplaced):
            write()
    saved = store.rescue(tmp_path / "saved" / "decisions.jsonl")
    assert saved.count >= 3
    assert saved.decisions.is_file()
    store.close()


@pytest.mark.parametrize("event", [removed, restored, folder_moved, log_removed])
def test_decisions_made_since_are_saved_and_taken_over(
    path: Path, tmp_path: Path, event: Callable[[Path, Path], None]
) -> None:
    store = filled(path, 6)
    one, two, three, four, *_ = ids(store)
    store.append("approve", one, seen=0, at=NOW)
    backup = backed_up(store, path)
    spare = shutil.copy(backup, tmp_path / "spare.db")
    store.append("reject", two, seen=0, at=NOW + 1)
    store.append("edit", three, turns=turns("Lone \ud83d?", "nul\0"), seen=0, at=NOW + 2)
    store.append("approve", four, seen=0, at=NOW + 3)
    store.undo(at=NOW + 4)
    event(path, backup)
    with pytest.raises(WorkspaceReplaced):
        store.decide("skip", one, seen=1, at=NOW + 5)
    saved = store.rescue(tmp_path / "saved.jsonl")
    assert saved.count == 6
    assert saved.database is not None
    store.close()

    with Store.open(Path(spare)) as other:
        other.append("reject", two, seen=0, at=NOW + 9)
        done = other.take_over_decisions(saved.decisions)
        assert (done.taken, done.known, done.gone) == (5, 1, 0)
        states = {row.example_id: row.state[0] for row in other.queue_page()}
        assert "".join(states[example_id] for example_id in (one, two, three, four)) == "sruu"
        assert other.card(three).turns == turns("Lone \ud83d?", "nul\0")
        # Both rejected the second: nobody is overridden. The first was seen.
        assert done.conflicts == ()
        again = other.take_over_decisions(saved.decisions)
        assert (again.taken, again.known) == (0, 6)
    # The copy of the database gives the same, and more where there was more.
    with Store.open(backup if backup.exists() else saved.database) as other:
        other.take_over_decisions(saved.database)
        assert other.card(two).state == "rejected"


def test_what_was_done_here_meanwhile_is_never_overridden_unseen(
    path: Path, tmp_path: Path
) -> None:
    store = filled(path, 3)
    first = ids(store)[0]
    backup = backed_up(store, path)
    store.append("approve", first, seen=0, at=NOW)
    restored(path, backup)
    saved = store.rescue(tmp_path / "saved.jsonl")
    store.close()
    with Store.open(path) as other:
        other.append("edit", first, turns=turns("Other?", "Other."), seen=0, at=NOW + 1)
        assert other.take_over_decisions(saved.decisions).conflicts == (first,)
        card = other.card(first)
        assert card.state == "undecided"
        assert card.conflict is not None
        assert card.conflict.withdrawn


@pytest.mark.parametrize("event", [restored, removed])
@pytest.mark.parametrize("killed", [False, True])
def test_the_next_opening_is_sound_whatever_log_was_left(
    path: Path, killed: bool, event: Callable[[Path, Path], None]
) -> None:
    code = (
        "import sys; from pathlib import Path; from engine.store import Store\n"
        "from tests.store.support import NOW, ids, turns\n"
        "store = Store.open(Path(sys.argv[1]))\n"
        "for example_id in ids(store):\n"
        "    store.append('edit', example_id, turns=turns('Q', 'word ' * 3000), at=NOW)\n"
        "print('ready', flush=True); sys.stdin.readline(); store.close()"
    )
    with filled(path, 30) as store:
        backup = backed_up(store, path)
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        if killed:
            process.send_signal(signal.SIGKILL)
            process.wait()
        event(path, backup)
        with filled(path, 30) as store:
            assert store.journal() == []
            store.append("approve", ids(store)[0], at=NOW)
            if not killed:
                process.communicate("go\n", timeout=60)
                assert process.returncode == 0
            # The other's end removed no file of this one.
            store.append("approve", ids(store)[1], at=NOW)
            assert store._db.value("PRAGMA integrity_check") == "ok"
    with Store.open(path) as store:
        assert [entry.action for entry in store.journal()] == ["approve", "approve"]
        assert store.counts().edited == 0


def test_a_folder_that_was_copied_whole_keeps_its_log(path: Path) -> None:
    with filled(path, 3) as store:
        store.append("approve", ids(store)[0], at=NOW)
        copy = shutil.copytree(path.parent, path.parent.with_name("copy"))
        with Store.open(copy / path.name) as other:
            assert other.counts().approved == 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not json\n",
        b'{"finetui": "decisions", "version": 1}\n[1]\n',
        b'{"finetui": "decisions", "version": 1}\n{"example": "a"}\n',
        b'{"finetui": "decisions", "version": 1}\n'
        b'{"example": "a", "action": "delete", "session": "s", "at": 1, "operation": "o"}\n',
        b'{"finetui": "decisions", "version": 1}\n'
        b'{"example": "a", "action": "edit", "session": "s", "at": 1, "operation": "o"}\n',
        b"SQLite format 3\0" + bytes(600),
    ],
)
def test_a_file_that_holds_no_decisions_is_refused(path: Path, tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "saved.jsonl"
    file.write_bytes(data)
    with filled(path, 2) as store:
        with pytest.raises(FinetuiError) as caught:
            store.take_over_decisions(file)
        assert caught.value.hint
        with pytest.raises(JournalInvalid):
            store.take_over_decisions(tmp_path / "absent")
        assert store.journal() == []
    assert os.listdir(path.parent) == ["finetui.db"]
