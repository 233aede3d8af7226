"""Runs that this machine's process table does not show: in a container, on another host."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.cli.main import main
from engine.errors import RunActive, RunElsewhere
from engine.runs import (
    RunView,
    is_alive,
    kill,
    launch,
    read_events,
    request_stop,
    state,
    status_words,
)
from engine.runs.hold import LOCK_FILE, Held, is_held, take
from engine.runs.life import PATIENCE_S, look
from engine.runs.process import PROCESS_FILE, ProcessInfo, read_process, write_process
from engine.workspace import Workspace
from tests.support.jobs import GO
from tests.support.waiting import wait_until

JOBS = "tests.support.jobs"
LAUNCH = f"""
import sys, time
from pathlib import Path
from engine.runs import launch, is_alive
folder = Path(sys.argv[1])
launch(folder, {JOBS!r}, [sys.argv[2]])
while is_alive(folder):
    time.sleep(0.05)
"""
IN_A_CONTAINER = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "--uts"]


def can_unshare() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*IN_A_CONTAINER, "true"], capture_output=True).returncode == 0


containers = pytest.mark.skipif(not can_unshare(), reason="needs a PID namespace (root)")


@contextmanager
def in_a_container(folder: Path, kind: str) -> Iterator[subprocess.Popen[bytes]]:
    """Launch a job as PID 2 or so of a namespace of its own, on a host called ``box``."""
    script = ["sh", "-c", 'hostname box && exec "$@"', "sh", sys.executable, "-c", LAUNCH]
    container = subprocess.Popen([*IN_A_CONTAINER, *script, str(folder), kind])
    try:
        wait_until(lambda: state(folder).phase, what="a phase")
        yield container
    finally:
        container.kill()
        container.wait()


def count_starts(folder: Path) -> int:
    return [event.type for event in read_events(folder)[0]].count("run_started")


@containers
def test_a_run_in_a_container_is_running_there(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = workspace.runs_dir / "20260101-000000-aaaa"
    folder.mkdir(parents=True)
    (folder / "spec.toml").write_text('base = "tiny"\ndataset = "notes"\n')
    where = ["--workspace", str(workspace.root)]
    with in_a_container(folder, "wait"):
        view = state(folder)
        assert (view.status, view.elsewhere, view.host) == ("running", True, "box")
        assert status_words(view, view.heard_at + 3).startswith("running on box, last heard 3 s")
        for force in (False, True):
            with pytest.raises(RunElsewhere, match="may be running elsewhere: box, last heard"):
                launch(folder, JOBS, ["wait"], force=force)
        assert main(["runs", "list", *where]) == 0
        assert "running on box, last heard" in capsys.readouterr().out
        for more in ([], ["--force"]):
            assert main(["runs", "resume", "aaaa", *more, *where]) == 1
            assert "it may be running elsewhere: box, last heard" in capsys.readouterr().err
        by_hand = [sys.executable, "-m", JOBS, str(folder), "wait"]
        second = subprocess.run(by_hand, capture_output=True, text=True)
        assert second.returncode == 1
        assert "[run-elsewhere]" in second.stderr
        assert count_starts(folder) == 1
        assert main(["runs", "stop", "aaaa", *where]) == 0
        said = capsys.readouterr().out
        assert "no signal reaches it from here" in said
        assert "20260101-000000-aaaa stopped" in said
    assert state(folder).status == "stopped"


@containers
def test_a_run_in_a_container_ends_itself_when_it_is_killed(tmp_path: Path) -> None:
    with in_a_container(tmp_path, "wait"):
        assert kill(tmp_path)
        view = wait_until(lambda: not (seen := state(tmp_path)).active and seen, what="the end")
        assert isinstance(view, RunView)
        assert (view.status, view.message) == ("killed", "killed on request")
        wait_until(lambda: not is_alive(tmp_path), what="the lock's end")


@containers
def test_a_container_that_ends_leaves_a_dead_run_at_once(tmp_path: Path) -> None:
    with in_a_container(tmp_path, "wait") as container:
        container.kill()
        container.wait()
        # The lock is of this machine, so nobody waits for another sign of life.
        wait_until(lambda: state(tmp_path).status == "died", what="the death", timeout=20)
        assert state(tmp_path).host == "box"
    (tmp_path / GO).touch()
    launch(tmp_path, JOBS, ["steps"])
    wait_until(lambda: not is_alive(tmp_path))
    assert state(tmp_path).status == "finished"


def on_another_host(folder: Path) -> ProcessInfo:
    """Let a job that ran here look as if it had run on another host of a shared folder."""
    launch(folder, JOBS, ["steps"])
    wait_until(lambda: state(folder).step == 1)
    info = read_process(folder)
    assert info is not None
    os.kill(info.pid, 9)
    wait_until(lambda: not is_alive(folder))
    other = replace(info, host="nas-client", boot_id="another boot")
    write_process(folder, other)
    for name in ("events.jsonl", LOCK_FILE):
        os.utime(folder / name)
    return other


def test_where_no_lock_reaches_the_heartbeat_tells(tmp_path: Path) -> None:
    on_another_host(tmp_path)
    view = state(tmp_path)
    assert (view.status, view.elsewhere, view.host) == ("running", True, "nas-client")
    assert request_stop(tmp_path), "a job elsewhere reads its folder"
    with pytest.raises(RunElsewhere, match="may be running elsewhere: nas-client") as caught:
        launch(tmp_path, JOBS, ["steps"])
    assert "--force" in caught.value.hint
    (tmp_path / GO).touch()
    launch(tmp_path, JOBS, ["steps"], force=True)
    wait_until(lambda: not is_alive(tmp_path))
    assert state(tmp_path).status == "finished"


def test_a_run_that_is_silent_for_long_counts_as_gone(tmp_path: Path) -> None:
    on_another_host(tmp_path)
    long_ago = time.time() - PATIENCE_S - 5
    for name in ("events.jsonl", LOCK_FILE):
        os.utime(tmp_path / name, (long_ago, long_ago))
    view = state(tmp_path)
    assert (view.status, view.elsewhere) == ("died", False)
    assert view.message.startswith("it ran on nas-client and was last heard at ")
    # A sign of life brings it back.
    os.utime(tmp_path / LOCK_FILE)
    assert state(tmp_path).status == "running"


@pytest.mark.parametrize("ahead_s", [3600.0, -3600.0])
def test_ages_are_told_by_the_file_systems_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead_s: float
) -> None:
    on_another_host(tmp_path)
    clock = SimpleNamespace(time=lambda: time.time() + ahead_s, monotonic=time.monotonic)
    monkeypatch.setattr("engine.runs.life.time", clock)
    monkeypatch.setattr("engine.runs.life._skews", {})
    life = look(tmp_path)
    assert life.where == "elsewhere"
    assert abs(clock.time() - life.heard_at) < 30
    assert not list(tmp_path.glob(".clock*"))


def test_a_second_process_cannot_enter_a_folder(tmp_path: Path) -> None:
    launch(tmp_path, JOBS, ["wait"])
    wait_until(lambda: state(tmp_path).phase)
    (tmp_path / PROCESS_FILE).unlink()  # as if process.json had been lost
    assert state(tmp_path).status == "running"
    with pytest.raises(RunActive):
        launch(tmp_path, JOBS, ["wait"], force=True)
    by_hand = [sys.executable, "-m", JOBS, str(tmp_path), "wait"]
    assert subprocess.run(by_hand, capture_output=True).returncode == 1
    assert count_starts(tmp_path) == 1
    (tmp_path / GO).touch()
    wait_until(lambda: not is_alive(tmp_path))


def test_a_process_that_was_replaced_by_force_writes_nothing_more(tmp_path: Path) -> None:
    info = launch(tmp_path, JOBS, ["wait"])
    wait_until(lambda: state(tmp_path).phase)
    write_process(tmp_path, replace(info, pid=info.pid + 1, host="box"))
    before = (tmp_path / "events.jsonl").stat().st_size
    wait_until(lambda: "has taken over" in (tmp_path / "stdout.log").read_text(), timeout=20)
    wait_until(lambda: not is_alive(tmp_path))
    events, _ = read_events(tmp_path)
    assert events[-1].type in ("phase", "gpu")
    assert before <= (tmp_path / "events.jsonl").stat().st_size
    assert [event.seq for event in events] == list(range(1, len(events) + 1))


def test_records_of_earlier_versions_read_as_before(tmp_path: Path) -> None:
    info = launch(tmp_path, JOBS, ["steps"])
    wait_until(lambda: state(tmp_path).step == 1)
    old = {"pid": info.pid, "start_time": info.start_time, "boot_id": info.boot_id}
    (tmp_path / PROCESS_FILE).write_text(json.dumps(old))
    assert state(tmp_path).status == "running"
    os.kill(info.pid, 9)
    wait_until(lambda: not is_alive(tmp_path))
    (tmp_path / LOCK_FILE).unlink()
    assert state(tmp_path).status == "died"


def test_a_lock_file_that_was_removed_is_locked_anew(tmp_path: Path) -> None:
    launch(tmp_path, JOBS, ["wait"])
    wait_until(lambda: state(tmp_path).phase)
    (tmp_path / LOCK_FILE).unlink()  # as a tool may that synchronises folders
    wait_until(lambda: is_held(tmp_path, "ofd"), what="a new lock", timeout=20)
    (tmp_path / GO).touch()
    wait_until(lambda: not is_alive(tmp_path))
    assert not is_held(tmp_path, "ofd")


def test_without_locks_of_open_files_flock_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("F_OFD_SETLK", "F_OFD_GETLK"):
        monkeypatch.delattr("engine.runs.hold.fcntl." + name)
    hold = take(tmp_path)
    assert hold.kind == "flock"
    assert is_held(tmp_path, "flock")
    with pytest.raises(Held):
        take(tmp_path)
    hold.close()
    assert not is_held(tmp_path, "flock")


def test_a_gpu_is_used_also_where_its_lock_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/none")
    launch(tmp_path, JOBS, ["gpu"])
    wait_until(lambda: state(tmp_path).phase == "holds the card")
    assert "keeps other runs off the GPU" in state(tmp_path).warnings[0]
    (tmp_path / GO).touch()
    wait_until(lambda: not is_alive(tmp_path))
    assert state(tmp_path).status == "finished"
