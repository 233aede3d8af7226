"""Workspaces that can be looked at and not written: by rights, by the disk, by a limit."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cli.main import main
from engine.errors import DiskFull, WorkspaceReadOnly
from engine.models import Filter
from engine.store import Store
from engine.workspace import init_workspace
from tests.store.schemas.dump import restore
from tests.store.support import NOW, filled, ids, turns
from tests.store.test_processes import REPOSITORY
from tests.support.privileges import without_privileges


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "space"
    folder.mkdir()
    return folder / "finetui.db"


@contextlib.contextmanager
def looked_at(path: Path) -> Iterator[None]:
    """Take the right to write away for a while; everybody may read."""
    for file in path.parent.iterdir():
        file.chmod(0o444)
    path.parent.chmod(0o555)
    try:
        with without_privileges(path.parent):
            yield
    finally:
        path.parent.chmod(0o755)
        for file in path.parent.iterdir():
            file.chmod(0o644)


def look(store: Store) -> None:
    """See that everything can be looked at, and that nothing can be changed."""
    first = ids(store)[0]
    assert store.card(first).turns == turns("Question 0?", "Answer 0.")
    assert store.queue_size(Filter(text="answer")) == len(ids(store))
    assert store.counts().total == len(ids(store))
    assert store.journal()
    assert store.verify().differences == ()
    assert store.sources()
    version = store.data_version()
    assert store.data_version() == version
    for write in (
        lambda: store.append("approve", first, at=NOW),
        lambda: store.undo(at=NOW),
        lambda: store.set_meta("a", "b"),
        lambda: store.add_source("vault", "/x"),
        lambda: store.decide_many("approve", [(first, 0)], at=NOW),
        lambda: store.verify(repair=True),
        store.again,
    ):
        with pytest.raises((WorkspaceReadOnly, DiskFull)) as caught:
            write()
        assert caught.value.hint
        assert caught.value.message == store.read_only
    with pytest.raises((WorkspaceReadOnly, DiskFull)), store.stage():
        pass


def test_what_may_not_be_written_is_looked_at(path: Path) -> None:
    with filled(path, 4) as store:
        assert store.read_only == ""
        store.append("approve", ids(store)[0], at=NOW)
    with looked_at(path):
        before = {file.name: file.stat().st_mtime_ns for file in path.parent.iterdir()}
        with Store.open(path) as store:
            assert "may not write" in store.read_only
            assert store.counts().approved == 1
            look(store)
        assert {file.name: file.stat().st_mtime_ns for file in path.parent.iterdir()} == before


def test_what_its_owner_decides_meanwhile_is_seen(path: Path) -> None:
    with filled(path, 4) as owner:
        first, second, *_ = ids(owner)
        owner.append("approve", first, at=NOW)
        with looked_at(path):
            store = Store.open(path)
            assert store.counts().approved == 1  # it is in the log alone
            look(store)
        version = store.data_version()
        owner.append("approve", second, at=NOW)
        assert store.data_version() != version
        assert store.counts().approved == 2
        store.close()


def test_what_is_written_after_an_opening_without_a_log_is_seen(path: Path) -> None:
    filled(path, 4).close()
    with looked_at(path):
        store = Store.open(path)
    version = store.data_version()
    with Store.open(path) as owner:
        owner.append("approve", ids(owner)[0], at=NOW)
    assert store.data_version() != version
    assert store.counts().approved == 1
    store.close()


def test_a_log_that_a_killed_process_left_is_read(path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from engine.store import Store\n"
        "from tests.store.support import NOW, filled, ids\n"
        "store = filled(Path(sys.argv[1]), 4); store.append('approve', ids(store)[0], at=NOW)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    command = [sys.executable, "-c", code, str(path)]
    assert subprocess.run(command, cwd=REPOSITORY).returncode == -signal.SIGKILL
    path.with_name("finetui.db-shm").unlink()
    with looked_at(path), Store.open(path) as store:
        assert store.counts().approved == 1
        look(store)


LOOK = """
import resource, sys
from pathlib import Path
from engine.store import Store
from tests.store.test_read_only import look

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
with Store.open(Path(sys.argv[1])) as store:
    assert "ulimit" in store._db.read_only.hint
    look(store)
"""


@pytest.mark.parametrize("limit", [0])
def test_a_shell_that_limits_files_can_look(path: Path, limit: int) -> None:
    with filled(path, 4) as store:
        store.append("approve", ids(store)[0], at=NOW)
    command = [sys.executable, "-B", "-c", LOOK, str(path), str(limit)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def rows(file: Path, number: int) -> Path:
    """Write rows that make an example each."""
    words = "I took it because it was calm and simple, and I learned from it. " * 16
    file.write_text(
        "".join(
            json.dumps({"instruction": f"Why way {each}?", "output": f"{each}: {words}"}) + "\n"
            for each in range(number)
        )
    )
    return file


def finetui(root: Path, *words: str, limit: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a verb on a workspace, with a limit of the size of files, in bytes."""

    def set_limit() -> None:
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.run(
        [sys.executable, "-B", "-m", "tui", *words, "--workspace", str(root)],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        preexec_fn=set_limit,
    )


def test_a_scan_that_fills_the_disk_says_what_it_stored(tmp_path: Path) -> None:
    root = init_workspace(tmp_path / "space")
    file = rows(tmp_path / "rows.jsonl", 1100)
    cut = finetui(root, "sources", "add", str(file), "--json", limit=1_700_000)
    assert cut.returncode == 1, cut.stderr
    error = json.loads(cut.stdout)["error"]
    assert error["code"] == "disk-full"
    stored, left = error["counts"]["stored"], error["counts"]["left"]
    assert stored > 0
    assert left > 0
    assert f"{stored:,} of {stored + left:,}" in error["message"]
    with Store.open(root / "finetui.db") as store:
        assert store._db.value("PRAGMA integrity_check") == "ok"
        assert store.queue_size() == stored
        store.append("approve", ids(store)[0], at=NOW)
        assert store.verify().differences == ()
    assert main(["sources", "scan", "--json", "--workspace", str(root)]) == 0
    with Store.open(root / "finetui.db") as store:
        assert store.queue_size() == stored + left
        assert store.counts().approved == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a disk of 2 MB, where this machine lets one be made."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_and_a_read_only_disk_can_be_looked_at(small_disk: Path) -> None:
    path = small_disk / "finetui.db"
    with filled(path, 4) as store:
        store.append("approve", ids(store)[0], at=NOW)
    with contextlib.suppress(OSError), (small_disk / "filler").open("wb", 0) as filler:
        while True:
            filler.write(bytes(4096))
    assert shutil.disk_usage(small_disk).free == 0
    with Store.open(path) as store:
        assert "no room" in store.read_only
        look(store)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with Store.open(path) as store:
        assert "mounted read-only" in store.read_only
        look(store)


@pytest.mark.parametrize("version", [4])
def test_an_old_workspace_is_looked_at_in_a_copy(small_disk: Path, version: int) -> None:
    path = small_disk / "finetui.db"
    restore(version, path)
    data = path.read_bytes()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with Store.open(path) as store:
        assert store.counts().total == 5
        assert store.verify().differences == ()
        with pytest.raises(WorkspaceReadOnly):
            store.undo(at=NOW)
    assert [file.name for file in small_disk.iterdir()] == ["finetui.db"]
    assert path.read_bytes() == data
