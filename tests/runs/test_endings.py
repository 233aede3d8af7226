"""How a run ended: what is said of it, on what evidence, and what to do.

Killed and crashing jobs are real. A restart is written as ``process.json`` documents it, since no
test restarts the machine; memory that ran short stands in a heartbeat as the log's format has it.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from engine.runs import EventLog, RunView, launch, state, status_words
from engine.runs.endings import telling_lines
from engine.runs.events import LOG_FILE
from engine.runs.hung import HUNG_S
from engine.runs.oom import oom_kills
from engine.runs.process import (
    EXIT_FILE,
    ProcessInfo,
    identify,
    pid_namespace,
    read_process,
    write_process,
)
from tests.support.waiting import wait_until

JOBS = "tests.support.jobs"
GB = 1_000_000_000


def ended(directory: Path) -> RunView:
    wait_until(lambda: not state(directory).active, what="the end")
    return state(directory)


def killed(directory: Path, kind: str = "wait", number: int = signal.SIGKILL) -> ProcessInfo:
    """Launch a job, kill it, and return which process it was."""
    info = launch(directory, JOBS, [kind])
    wait_until(lambda: state(directory).phase, what="a phase")
    os.kill(info.pid, number)
    ended(directory)
    return info


@pytest.mark.parametrize(
    ("number", "name"), [(signal.SIGKILL, "SIGKILL"), (signal.SIGSEGV, "SIGSEGV")]
)
def test_a_signal_is_named_and_what_to_do(tmp_path: Path, number: int, name: str) -> None:
    run = tmp_path / "20260101-000000-aaaa"
    killed(run, number=number)
    view = state(run)
    assert (view.status, view.code) == ("died", "run-killed-by-signal")
    assert view.message == f"killed by signal {int(number)} ({name})"
    assert view.hint == "start it again with: finetui runs start 20260101-000000-aaaa"
    if number == signal.SIGSEGV:  # faulthandler says where
        assert view.lines[0] == "Fatal Python error: Segmentation fault"


def test_who_did_not_launch_it_and_saw_no_status_says_less(tmp_path: Path) -> None:
    """The signal is known to the process that launched the job, which keeps it in the folder."""
    killed(tmp_path)
    assert state(tmp_path).code == "run-killed-by-signal"
    script = "import sys; from pathlib import Path; from engine.runs import state; "
    script += "print(state(Path(sys.argv[1])).code)"
    other = [sys.executable, "-c", script, str(tmp_path)]
    assert subprocess.run(other, capture_output=True, text=True).stdout == "run-killed-by-signal\n"
    (tmp_path / EXIT_FILE).unlink()
    view = state(tmp_path)
    assert view.code == "run-died"
    assert view.message == "its process ended without a word"


def test_a_killed_run_names_its_last_step_and_no_line_of_a_library(tmp_path: Path) -> None:
    run = tmp_path / "20260101-000000-aaaa"
    killed(run)
    view = state(run)
    with EventLog(run) as log:
        log.write("run_started", pid=view.pid, pid_start=view.pid_start)
        log.write("step", step=1234, total_steps=2000, loss=2.0)
    with (run / LOG_FILE).open("a") as log_file:
        log_file.write("The tokenizer has new special tokens\n")
    assert state(run).message == "killed by signal 9 (SIGKILL) after step 1,234"
    assert state(run).lines == ()
    (run / EXIT_FILE).unlink()
    assert state(run).message == "its process ended without a word after step 1,234"


def with_beat(directory: Path, *, used: int, kills: int | None) -> None:
    """Write the last heartbeat of a job that is gone."""
    view = state(directory)
    with EventLog(directory) as log:
        log.write("run_started", pid=view.pid, pid_start=view.pid_start)
        log.write("checkpoint", path="checkpoints/checkpoint-4", step=4)
        log.write("gpu", ram_used=used, ram_total=16 * GB, oom_kills=kills)


def test_memory_is_named_on_evidence_alone(tmp_path: Path) -> None:
    run = tmp_path / "20260101-000000-aaaa"
    killed(run)
    now = oom_kills()
    with_beat(run, used=8 * GB, kills=now)
    assert state(run).code == "run-killed-by-signal"
    with_beat(run, used=int(15.5 * GB), kills=now)
    view = state(run)
    assert view.code == "run-out-of-memory"
    assert "probably for want of memory (15.5 of 16.0 GB were in use)" in view.message
    assert "lower batch_size" in view.hint
    assert "finetui runs resume 20260101-000000-aaaa" in view.hint
    # Where nobody saw the signal, nearly full memory alone is no evidence.
    (run / EXIT_FILE).unlink()
    assert state(run).code == "run-died"
    if now is not None:
        with_beat(run, used=14 * GB, kills=now - 1)
        assert state(run).code == "run-out-of-memory"


@pytest.mark.skipif(not Path("/proc/vmstat").exists(), reason="Linux counts them there")
def test_the_count_of_the_killed_is_the_kernels() -> None:
    fields = dict(line.split() for line in Path("/proc/vmstat").read_text().splitlines())
    if "oom_kill" in fields:
        found = oom_kills()
        assert found is not None
        assert found >= int(fields["oom_kill"])


def test_a_restart_of_the_machine_is_named_with_its_time(tmp_path: Path) -> None:
    run = tmp_path / "20260101-000000-aaaa"
    before = psutil.boot_time() - 3600
    with EventLog(run) as log:
        log.write("run_started", pid=4242, pid_start=12.5)
        log.write("checkpoint", path="checkpoints/checkpoint-4", step=4)
    (run / "events.jsonl").write_text(_at(run / "events.jsonl", before))
    os.utime(run / "events.jsonl", (before, before))
    record = ProcessInfo(
        4242, 12.5, "another-boot", before, socket.gethostname(), pid_namespace(), "ofd"
    )
    write_process(run, record)
    view = state(run)
    assert (view.status, view.code) == ("died", "run-restarted")
    began = time.strftime("%Y-%m-%d %H:%M", time.localtime(psutil.boot_time()))
    assert view.message == f"the machine was restarted at {began}"
    assert view.hint == "resume it with: finetui runs resume 20260101-000000-aaaa"
    # One of the same name that was heard since this machine started is another machine.
    write_process(run, replace(record, launched_at=time.time() - 600))
    assert state(run).code == "run-died"
    write_process(run, replace(record, host="nas-client"))
    assert "it ran on nas-client" in state(run).message


def _at(path: Path, at: float) -> str:
    events = [json.loads(line) for line in path.read_text().splitlines()]
    return "".join(json.dumps({**event, "t": at}) + "\n" for event in events)


def test_an_exception_is_said_with_where_it_was_raised(tmp_path: Path) -> None:
    launch(tmp_path, JOBS, ["unexpected"])
    view = ended(tmp_path)
    assert (view.status, view.code) == ("failed", "unexpected")
    assert view.lines[-1] == "ZeroDivisionError: one over nothing"
    assert "jobs.py" in view.lines[0]


def test_a_limit_of_file_size_ends_a_job_with_its_name(tmp_path: Path) -> None:
    """A limit of the person's, met by the work and not by the log, ends with an error's name."""
    script = (
        "import resource, runpy, sys\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, {resource.RLIM_INFINITY}))\n"
        "sys.argv = ['jobs', sys.argv[1], 'large']\n"
        f"runpy.run_module({JOBS!r}, run_name='__main__')\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True)
    view = state(tmp_path)
    assert (view.status, view.code) == ("failed", "limit-reached")
    assert "file size" in view.message


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
@pytest.mark.parametrize("output", ["", "> stdout.log 2>&1"])
def test_a_full_disk_is_named_and_the_last_word_still_fits(tmp_path: Path, output: str) -> None:
    """A disk of one megabyte, in a mount namespace that ends with the test's process."""
    disk = tmp_path / "disk"
    disk.mkdir()
    script = (
        f"mount -t tmpfs -o size=1m none {disk} && mkdir {disk}/run && "
        f"{sys.executable} -m {JOBS} {disk}/run fill {output.replace('> ', f'> {disk}/run/')}; "
        f"cp {disk}/run/events.jsonl {tmp_path}"
    )
    done = subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True)
    if not (tmp_path / "events.jsonl").exists():
        pytest.skip(f"no disk could be mounted: {done.stderr.decode()[:80]}")
    view = state(tmp_path)
    assert (view.status, view.code, view.message) == ("failed", "disk-full", "the disk became full")
    assert "free some space" in view.hint


def steps(directory: Path, *, quiet_s: float, gap_s: float = 2.0) -> RunView:
    """Write the log of a job that ended a step, and then only lived.

    Args:
        directory: The job's folder.
        quiet_s: For how long.
        gap_s: Seconds between two heartbeats.
    """
    me = identify(os.getpid())
    assert me is not None
    write_process(directory, me)
    events: list[dict[str, object]] = [
        {"type": "run_started", "pid": me.pid, "pid_start": me.start_time},
        {"type": "phase", "phase": "training"},
    ]
    for step in (1, 2, 3):
        events.append({"type": "step", "step": step, "total_steps": 13, "loss": 2.0, "step_s": 2.0})
    at, lines = time.time() - quiet_s, []
    for seq, event in enumerate(events):
        lines.append({"v": 1, "seq": seq, "t": at, **event})
    beat = 0.0
    while beat <= quiet_s:
        lines.append({"v": 1, "seq": len(lines), "t": at + beat, "type": "gpu"})
        beat += gap_s
    (directory / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return state(directory)


def test_a_step_that_hangs_is_named_while_the_process_lives(tmp_path: Path) -> None:
    run = tmp_path / "20260101-000000-aaaa"
    run.mkdir()
    assert not steps(run, quiet_s=HUNG_S - 10).hung
    view = steps(run, quiet_s=HUNG_S + 60)
    assert (view.status, view.code, view.active) == ("running", "run-hung", True)
    assert view.message.startswith("no step for 6 min; those before took 2 s")
    assert "finetui runs stop --kill 20260101-000000-aaaa" in view.hint
    assert status_words(view, time.time()) == "running, no step for 6 min"
    # A machine that slept for an hour gave no heartbeats: its step does not hang.
    assert not steps(run, quiet_s=3600, gap_s=1790).hung


NOISE = """Loading weights:  40%|████      | 3/7 [00:01<00:02,  1.9it/s]
step 12/80  loss 2.1400  lr 2.00e-04  grad 1.20  310 tokens/s
{'loss': 2.14, 'epoch': 0.2}
saved checkpoints/checkpoint-10
"""


@pytest.mark.parametrize(
    ("log", "lines"),
    [
        (NOISE + "loading shard 3\n", ("loading shard 3",)),
        (NOISE + "RuntimeError: CUDA error: device-side assert\n" + NOISE,
         ("RuntimeError: CUDA error: device-side assert",)),
        ("Traceback (most recent call last):\n"
         '  File "/a/b.py", line 3, in f\n    g()\n'
         '  File "/a/c.py", line 9, in g\n    raise ValueError("x")\n'
         "ValueError: x\nits second line\n" + NOISE,
         ('File "/a/c.py", line 9, in g', "ValueError: x", "its second line")),
        ("Fatal Python error: Aborted\n\nCurrent thread 0x1 (most recent call first):\n"
         '  File "/a/b.py", line 3 in f\n',
         ("Fatal Python error: Aborted", "Current thread 0x1 (most recent call first):",
          '  File "/a/b.py", line 3 in f')),
        ("", ()),
        ("Failed to load CPU gemm_4bit_forward from kernels-community: No module named 'kernels'. "
         "Please make sure you already `pip install kernels`\n"
         "/site-packages/transformers/utils/generic.py:441: FutureWarning: "
         "`torch.utils._pytree._register_pytree_node` is deprecated.\n"
         "  _torch_pytree._register_pytree_node(\n"
         "W1129 10:20:00.000000 4242 torch/_dynamo/utils.py:1] failed to find CUDA\n"
         "[WARNING] cannot load a fast path\n" + NOISE, ()),
    ],
)  # fmt: skip
def test_the_lines_that_tell_are_found_among_the_noise(
    tmp_path: Path, log: str, lines: tuple[str, ...]
) -> None:
    (tmp_path / LOG_FILE).write_text(log)
    assert telling_lines(tmp_path) == lines


def test_the_record_of_an_exit_is_of_that_process_alone(tmp_path: Path) -> None:
    killed(tmp_path)
    again = launch(tmp_path, JOBS, ["silent"])
    wait_until(lambda: not state(tmp_path).active)
    assert read_process(tmp_path) == again
    assert "with status 3" in state(tmp_path).message
