"""What finetui writes is its user's alone, or its group's; exports follow the person's umask."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.modes import begin, fit, fit_tree, hand_over, keep_private, persons
from engine.paths import DATABASE_FILE
from engine.store import Store
from engine.workspace import init_workspace, open_workspace

PROGRAM = """
import sys
from engine.cli.main import main
for words in {verbs!r}:
    status = main(words)
    assert status == 0, (words, status)
"""

DEMO = Path(__file__).resolve().parents[2] / "engine" / "demo" / "data"


def modes_in(folder: Path) -> Iterator[tuple[Path, int, bool]]:
    """Yield all in a folder with its mode and whether it is a folder; no links are followed."""
    for above, folders, files in os.walk(folder):
        for name in (*folders, *files):
            found = Path(above, name).lstat()
            if not stat.S_ISLNK(found.st_mode):
                yield Path(above, name), stat.S_IMODE(found.st_mode), name in folders


def run(tmp_path: Path, umask: int, *verbs: list[str]) -> None:
    """Run verbs in one process that begins with a umask."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(verbs=verbs)],
        cwd=tmp_path,
        umask=umask,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def flow(space: Path, out: Path, *, shared: bool) -> list[list[str]]:
    at = ["--workspace", str(space)]
    return [
        ["init", *(["--shared"] if shared else []), str(space)],
        ["sources", "add", str(DEMO / "vault"), *at],
        ["sources", "add", "synthetic", "identity", *at],
        ["decide", "--all", "approve", *at],
        ["check", "--only", "secrets", *at],
        ["dataset", "freeze", "--no-near", *at],
        ["dataset", "export", "d1", "--format", "alpaca", *at],
        ["dataset", "export", "d1", "--format", "alpaca", "--out", str(out / "a.jsonl"), *at],
        ["dataset", "export", "d1", "--format", "alpaca", "--out", str(out / "new" / "b"), *at],
    ]


@pytest.mark.parametrize("umask", [0o022, 0o002], ids=oct)
def test_everything_is_its_users_alone(tmp_path: Path, isolated_home: Path, umask: int) -> None:
    space, out = tmp_path / "space", tmp_path / "out"
    out.mkdir()
    run(tmp_path, umask, *flow(space, out, shared=False))
    assert stat.S_IMODE(space.stat().st_mode) == 0o700
    walked = [*modes_in(space), *modes_in(isolated_home)]
    assert {"finetui.db", "manifest.json", "exports"} <= {path.name for path, _, _ in walked}
    open_to_others = [(str(path), oct(mode)) for path, mode, _ in walked if mode & 0o077]
    # The isolated home itself and its empty parents were made by the test.
    assert [one for one in open_to_others if "finetui" in one[0]] == []
    # What was written outside is as the person's own umask has it.
    for path, mode, is_folder in modes_in(out):
        assert mode == (0o777 if is_folder else 0o666) & ~umask, path


def test_a_group_shares_what_is_meant_for_it(tmp_path: Path) -> None:
    space, out = tmp_path / "space", tmp_path / "out"
    out.mkdir()
    run(tmp_path, 0o022, *flow(space, out, shared=True))
    assert stat.S_IMODE(space.stat().st_mode) == 0o2770
    for path, mode, is_folder in modes_in(space):
        assert mode == (0o2770 if is_folder else 0o660), path
    # Later processes know that it is shared, whatever their umask.
    run(tmp_path, 0o077, ["dataset", "freeze", "--no-near", "--name", "x", "--seed", "5",
                          "--workspace", str(space)])  # fmt: skip
    assert stat.S_IMODE((space / "datasets" / "x" / "train.jsonl").stat().st_mode) == 0o660


def old_workspace(root: Path) -> Path:
    """Return a workspace as it was made before modes were kept."""
    init_workspace(root)
    with Store.open(root / DATABASE_FILE) as store:
        store.set_meta("x", "y")
    (root / "runs" / "r1").mkdir(parents=True)
    (root / "runs" / "r1" / "events.jsonl").write_text("")
    for path, _, is_folder in [*modes_in(root)]:
        path.chmod(0o755 if is_folder else 0o644)
    root.chmod(0o755)
    return root


def test_an_old_workspace_is_closed_to_others_once(tmp_path: Path) -> None:
    root = old_workspace(tmp_path / "old")
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o755)
    (root / "runs" / "link").symlink_to(outside)
    with open_workspace(root) as space:
        assert "yours alone now" in space.notice
    assert not any(mode & 0o077 for _, mode, _ in modes_in(root))
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    assert stat.S_IMODE(outside.stat().st_mode) == 0o755  # links are not followed
    with open_workspace(root) as space:
        assert space.notice == ""


def test_other_files_of_the_folder_are_left_alone(tmp_path: Path) -> None:
    root = old_workspace(tmp_path / "project")
    script = root / "run.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    with open_workspace(root):
        pass
    assert stat.S_IMODE(script.stat().st_mode) == 0o755
    assert stat.S_IMODE(root.stat().st_mode) == 0o755
    assert stat.S_IMODE((root / DATABASE_FILE).stat().st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_files_of_other_users_are_left_alone(tmp_path: Path) -> None:
    root = old_workspace(tmp_path / "old")
    theirs = root / "runs" / "r1" / "events.jsonl"
    os.chown(theirs, 12345, 12345)
    with open_workspace(root):
        pass
    assert stat.S_IMODE(theirs.stat().st_mode) == 0o644


def test_an_executable_stays_one_and_a_read_only_file_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINETUI_UMASK", "022")
    begin()
    assert persons() == 0o022
    for name, before, private, handed in (
        ("tool", 0o700, 0o700, 0o755),
        ("spec", 0o400, 0o400, 0o444),
        ("note", 0o644, 0o600, 0o644),
    ):
        path = tmp_path / name
        path.write_text("")
        path.chmod(before)
        fit(path)
        assert stat.S_IMODE(path.stat().st_mode) == private, name
        hand_over(path)
        assert stat.S_IMODE(path.stat().st_mode) == handed, name
    keep_private(tmp_path)
    hand_over(tmp_path / "note")
    assert stat.S_IMODE((tmp_path / "note").stat().st_mode) == 0o600
    fit_tree(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


@pytest.mark.parametrize("umask", [0o000, 0o022], ids=oct)
def test_templates_in_a_workspace_are_its_users_alone(tmp_path: Path, umask: int) -> None:
    space = tmp_path / "space"
    run(
        tmp_path,
        umask,
        ["init", str(space)],
        ["synthetic", "init", str(space / "t.toml")],
    )
    assert stat.S_IMODE((space / "t.toml").stat().st_mode) == 0o600
    run(tmp_path, umask, ["synthetic", "init", str(tmp_path / "t.toml")])
    assert stat.S_IMODE((tmp_path / "t.toml").stat().st_mode) == 0o666 & ~umask
