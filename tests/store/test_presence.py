"""A workspace whose database was removed or emptied is never an empty workspace."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.cli.main import main
from engine.errors import DatabaseGone
from engine.workspace import init_workspace, open_workspace
from tests.store.support import NOW, example
from tests.store.test_processes import REPOSITORY


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = init_workspace(tmp_path / "space")
    with open_workspace(folder) as space:
        source = space.store.add_source("vault", "/notes")
        space.store.record_scan(source.id, map(example, range(3)), [], 1, at=NOW)
    return folder


def call(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, object]]:
    status = main([*words, "--json"])
    return status, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("what", ["removed", "emptied"])
def test_a_database_that_is_gone_is_said_and_never_made_anew(
    root: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    database = root / "finetui.db"
    shutil.copyfile(database, root / "finetui.db.v3.bak")
    backup = database.read_bytes()
    if what == "removed":
        database.unlink()
    else:
        os.truncate(database, 0)
    for _ in range(2):
        status, said = call(capsys, "journal", "verify", "--workspace", str(root))
        error = said["error"]
        assert isinstance(error, dict)
        assert (status, error["code"]) == (1, "database-gone")
        assert "finetui.db.v3.bak" in error["hint"]
        assert "finetui init" in error["hint"]
    assert not database.exists() or not database.stat().st_size
    # A backup in its place is the workspace again; and so is an empty one that was asked for.
    database.write_bytes(backup)
    with open_workspace(root) as space:
        assert space.store.counts().total == 3
    database.unlink()
    status, said = call(capsys, "init", str(root))
    assert (status, said["made"], said["new_database"]) == (0, False, True)
    status, said = call(capsys, "journal", "verify", "--workspace", str(root))
    assert (status, said["examples"]) == (0, 0)


@pytest.mark.parametrize("trace", ["runs/one/state.json", "datasets/one/x", "finetui.db-pair"])
def test_a_workspace_of_before_is_known_by_what_it_has(root: Path, trace: str) -> None:
    (root / "finetui.db-made").unlink()
    (root / "finetui.db").unlink()
    file = root / trace
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("{}")
    with pytest.raises(DatabaseGone):
        open_workspace(root)


def test_a_folder_that_never_had_a_database_gets_one(tmp_path: Path) -> None:
    folder = init_workspace(tmp_path / "space")
    for name in ("runs", "datasets"):
        (folder / name).mkdir()
    (folder / "finetui.db").touch()  # a first opening that was killed
    with open_workspace(folder) as space:
        assert space.store.counts().total == 0
        assert not space.notice
    with open_workspace(folder) as space:
        assert not space.notice


def _killed_with_a_log(root: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from engine.workspace import open_workspace\n"
        "space = open_workspace(Path(sys.argv[1])); space.store.set_meta('a', 'b'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, str(root)], cwd=REPOSITORY, check=True)
    assert (root / "finetui.db-wal").stat().st_size


def test_a_log_that_is_left_over_is_put_aside_and_named(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = root / "finetui.db"
    backup = shutil.copyfile(database, tmp_path / "backup.db")
    _killed_with_a_log(root)
    database.unlink()
    shutil.copyfile(backup, database.with_name("new"))
    os.replace(database.with_name("new"), database)
    with open_workspace(root) as space:
        assert "finetui.db.stray-wal" in space.notice
    with open_workspace(root) as space:
        assert not space.notice
    _killed_with_a_log(root)
    database.unlink()
    status, said = call(capsys, "init", str(root))
    assert (status, said["put_aside"]) == (0, "finetui.db.stray-wal.2")
    assert (root / "finetui.db.stray-wal.2").stat().st_size
