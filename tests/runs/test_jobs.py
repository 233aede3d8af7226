"""Real children: launched, followed, stopped, killed, and left behind by a closed terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from engine.errors import RunActive
from engine.runs import (
    Monitor,
    RunView,
    is_alive,
    kill,
    launch,
    read_events,
    request_stop,
    state,
    stop_requested,
)
from engine.runs.locks import holder, lock_file
from engine.runs.process import PROCESS_FILE, ProcessInfo, identify, read_process, write_process
from tests.support.jobs import GO, STEPS
from tests.support.waiting import wait_until

JOBS = "tests.support.jobs"


def ended(directory: Path) -> RunView:
    """Wait until a job has ended and its process is gone."""
    wait_until(lambda: not is_alive(directory), what="the child's end")
    return state(directory)


def running(directory: Path) -> RunView:
    """Wait until a job has said what it does."""
    wait_until(lambda: state(directory).phase, what="a phase")
    return state(directory)


def test_a_job_from_launch_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Neither the folder it is started from nor the environment shows the child where engine is.
    monkeypatch.delenv("PYTHONPATH")
    monkeypatch.chdir(tmp_path)
    job = tmp_path / "job"
    assert state(job).status == "created"
    info = launch(Path("job"), JOBS, ["steps"])
    assert read_process(job) == info
    monitor = Monitor(job)
    seen: list[str] = []

    def first_step() -> bool:
        view, events = monitor.poll()
        seen.extend(event.type for event in events)
        return view.step == 1

    wait_until(first_step)
    assert state(job).status == "running"
    with pytest.raises(RunActive):
        launch(job, JOBS, ["steps"])
    (job / GO).touch()
    view = ended(job)
    assert view.status == "finished"
    assert view.result == {"steps": STEPS}
    assert len(view.losses) == STEPS
    last, events = monitor.poll()
    seen.extend(event.type for event in events)
    assert last == view
    assert seen.count("step") == STEPS
    assert psutil.pid_exists(info.pid) is False, "a child that ended was not reaped"


def test_the_child_leads_a_session_and_has_no_terminal(tmp_path: Path) -> None:
    info = launch(tmp_path, JOBS, ["wait"])
    running(tmp_path)
    assert os.getsid(info.pid) == info.pid
    assert os.readlink(f"/proc/{info.pid}/fd/0") == "/dev/null"
    assert os.readlink(f"/proc/{info.pid}/fd/1") == str(tmp_path / "stdout.log")
    (tmp_path / GO).touch()
    assert ended(tmp_path).status == "finished"


def test_heartbeats_carry_the_machine(tmp_path: Path) -> None:
    launch(tmp_path, JOBS, ["wait"])
    beat = wait_until(lambda: state(tmp_path).last_gpu, what="a heartbeat")
    assert isinstance(beat["ram_total"], int)
    assert isinstance(beat["process_rss"], int)
    assert isinstance(beat["gpus"], list)
    (tmp_path / GO).touch()
    assert ended(tmp_path).status == "finished"


def test_a_killed_child_has_died(tmp_path: Path) -> None:
    info = launch(tmp_path, JOBS, ["steps"])
    running(tmp_path)
    with (tmp_path / "stdout.log").open("a") as output:
        output.write("loading shard 3\n")
    os.kill(info.pid, signal.SIGKILL)
    view = ended(tmp_path)
    assert (view.status, view.code) == ("died", "run-killed-by-signal")
    assert view.message == f"killed by signal 9 (SIGKILL) after step {view.step}"
    assert view.lines == ()  # none of them speaks of an error
    assert view.ended > 0


def test_a_child_that_never_spoke_has_died_with_its_last_words(tmp_path: Path) -> None:
    launch(tmp_path, JOBS, ["silent"])
    view = ended(tmp_path)
    assert view.status == "died"
    said = "its process ended before it began with status 3: no such file: weights.bin"
    assert view.message == said


def test_stop_lets_a_job_end_itself(tmp_path: Path) -> None:
    launch(tmp_path, JOBS, ["steps"])
    running(tmp_path)
    assert request_stop(tmp_path)
    assert stop_requested(tmp_path)
    view = ended(tmp_path)
    assert (view.status, view.code) == ("stopped", "")
    assert not request_stop(tmp_path)


def test_sigterm_alone_stops_a_job(tmp_path: Path) -> None:
    info = launch(tmp_path, JOBS, ["wait"])
    running(tmp_path)
    os.kill(info.pid, signal.SIGTERM)
    assert ended(tmp_path).status == "stopped"


def test_kill_ends_a_job_and_says_so(tmp_path: Path) -> None:
    launch(tmp_path, JOBS, ["wait"])
    running(tmp_path)
    assert kill(tmp_path)
    view = ended(tmp_path)
    assert (view.status, view.message) == ("killed", "killed on request")
    assert not kill(tmp_path)


def test_a_job_launched_again_leaves_its_old_end_behind(tmp_path: Path) -> None:
    launch(tmp_path, JOBS, ["steps"])
    running(tmp_path)
    request_stop(tmp_path)
    assert ended(tmp_path).status == "stopped"
    (tmp_path / GO).touch()
    launch(tmp_path, JOBS, ["steps"])
    again = state(tmp_path)
    assert again.status in ("created", "running", "finished")
    if again.status == "created":  # its log still ends with what the former process said
        assert (again.phase, again.step, again.tokens_per_s) == ("", 0, None)
    view = ended(tmp_path)
    assert view.status == "finished"
    events, _ = read_events(tmp_path)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert [event.type for event in events].count("run_started") == 2


@pytest.mark.parametrize(
    ("kind", "code", "message"),
    [
        ("named", "dataset-missing", "there is no dataset x"),
        ("unexpected", "unexpected", "ZeroDivisionError: one over nothing"),
        ("full", "disk-full", "the disk became full"),
    ],
)
def test_a_failure_is_said_with_its_code(
    tmp_path: Path, kind: str, code: str, message: str
) -> None:
    launch(tmp_path, JOBS, [kind])
    view = ended(tmp_path)
    assert (view.status, view.code, view.message) == ("failed", code, message)
    assert view.hint
    traceback_there = "Traceback" in (tmp_path / "stdout.log").read_text()
    assert traceback_there == (kind != "named")
    assert not (tmp_path / "control" / "reserve").exists()


def test_a_hang_up_does_not_reach_a_job(tmp_path: Path) -> None:
    launch(tmp_path, JOBS, ["hangup"])
    assert ended(tmp_path).result == {"survived": True}


def test_a_zombie_is_not_alive(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    info = identify(child.pid)
    assert info is not None
    write_process(tmp_path, info)
    wait_until(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE)
    assert not is_alive(tmp_path)
    child.wait()


def test_a_number_that_is_used_again_is_another_process(tmp_path: Path) -> None:
    me = identify(os.getpid())
    assert me is not None
    write_process(tmp_path, me)
    assert is_alive(tmp_path)
    write_process(tmp_path, ProcessInfo(me.pid, me.start_time - 60, me.boot_id, 0.0))
    assert not is_alive(tmp_path)
    write_process(tmp_path, ProcessInfo(me.pid, me.start_time, "another boot", 0.0))
    assert not is_alive(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"pid": "x"}', '{"pid": 1}'])
def test_a_damaged_process_file_is_no_process(tmp_path: Path, text: str) -> None:
    (tmp_path / PROCESS_FILE).write_text(text)
    assert not is_alive(tmp_path)
    assert state(tmp_path).status == "created"


def test_two_jobs_never_hold_one_card(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    launch(one, JOBS, ["gpu"])
    wait_until(lambda: state(one).phase == "holds the card")
    assert holder("card").startswith(f"{one} on {socket.gethostname()}, process ")
    assert lock_file("GPU-card") == lock_file("card"), "NVML and torch write one card two ways"
    launch(two, JOBS, ["gpu"])
    wait_until(lambda: state(two).phase == "waiting for the GPU")
    (one / GO).touch()
    assert ended(one).status == "finished"
    wait_until(lambda: state(two).phase == "holds the card")
    assert kill(two)
    ended(two)
    wait_until(lambda: holder("card") == "", what="the lock's end with its holder")
    assert lock_file("GPU-1/../x").name == "gpu-1_.._x.lock"


def test_a_job_that_waits_for_a_card_can_be_stopped(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    launch(one, JOBS, ["gpu"])
    wait_until(lambda: state(one).phase == "holds the card")
    launch(two, JOBS, ["gpu"])
    wait_until(lambda: state(two).phase == "waiting for the GPU")
    request_stop(two)
    assert ended(two).status == "stopped"
    request_stop(one)
    assert ended(one).status == "stopped"


def test_a_closed_terminal_changes_nothing_for_a_job(tmp_path: Path) -> None:
    job = tmp_path / "job"
    shell, terminal = pty.fork()
    if shell == 0:  # the new process, with the pty as its terminal
        os.execv(sys.executable, [sys.executable, "-m", "tests.support.terminal", str(job)])
    said = b""

    def plain_child() -> int:
        nonlocal said
        said += os.read(terminal, 4096)
        found = re.search(rb"plain child (\d+)\r?\n", said)
        return int(found[1]) if found else 0

    plain = wait_until(plain_child)
    wait_until(lambda: state(job).step == 1)
    os.close(terminal)
    os.waitpid(shell, 0)
    # What the same terminal started in the common way is gone: it really hung up.
    wait_until(lambda: not psutil.pid_exists(plain) or zombie(plain), what="the hang-up")

    assert state(job).status == "running"
    (job / GO).touch()
    view = ended(job)
    assert view.status == "finished"
    assert [step for step, _ in view.losses] == list(range(1, STEPS + 1))
    assert json.loads((job / PROCESS_FILE).read_text())["pid"] == view.pid


def zombie(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.parametrize("lock", ["ofd", "flock", ""])
@pytest.mark.parametrize("end", [kill, request_stop])
def test_a_record_that_names_another_process_ends_nobody(
    tmp_path: Path, lock: str, end: Callable[[Path], bool]
) -> None:
    bystander = subprocess.Popen(["sleep", "299"], start_new_session=True)
    try:
        info = identify(bystander.pid)
        assert info is not None
        write_process(tmp_path, replace(info, lock=lock))
        # What a log of a run that goes on looks like, so that TERM would be sent too.
        log = {"t": time.time(), "seq": 1, "type": "run_started", "pid": info.pid}
        log |= {"pid_start": info.start_time, "boot_id": info.boot_id}
        (tmp_path / "events.jsonl").write_text(json.dumps(log) + "\n")
        assert not end(tmp_path)
        if lock:
            assert not is_alive(tmp_path)
        with pytest.raises(subprocess.TimeoutExpired):
            bystander.wait(0.2)
    finally:
        bystander.kill()
        bystander.wait()


def test_a_run_of_another_folder_is_not_ended(tmp_path: Path) -> None:
    info = launch(tmp_path / "one", JOBS, ["wait"])
    running(tmp_path / "one")
    (tmp_path / "two").mkdir()
    write_process(tmp_path / "two", replace(info, lock=""))
    assert not kill(tmp_path / "two")
    assert is_alive(tmp_path / "one")
    # One that was moved while it ran is still known.
    (tmp_path / "one").rename(tmp_path / "three")
    assert kill(tmp_path / "three")
    ended(tmp_path / "three")
