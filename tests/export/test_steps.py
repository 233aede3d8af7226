"""A job's children: what they say, how they fail, and that a stop ends them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from engine.errors import DependencyMissing, DiskFull, ExportError, FinetuiError, LimitReached
from engine.export.steps import ChildFailed, runner
from engine.runs import read_events, state
from engine.runs.child import Job
from tests.support.waiting import wait_until

FAILURE = (
    "from engine.errors import {0}; from engine.export.steps import say_failure; "
    "say_failure({0}('no such thing', hint='get it')); raise SystemExit(1)"
)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_lines_and_progress_bars_are_heard(tmp_path: Path) -> None:
    heard: list[str] = []
    with Job(tmp_path) as job:
        runner(job)(python("print('one\\rtwo\\rthree\\nfour', end='')"), heard.append)
        job.finish({})
    assert heard == ["one", "two", "three", "four"]


def fail(tmp_path: Path, code: str) -> BaseException:
    caught: list[BaseException] = []
    with Job(tmp_path) as job:
        try:
            runner(job)(python(code), lambda _: None)
        except Exception as error:
            caught.append(error)
    return caught[0]


def test_a_failure_keeps_its_name(tmp_path: Path) -> None:
    missing = fail(tmp_path / "a", FAILURE.format("DependencyMissing"))
    assert isinstance(missing, DependencyMissing)
    assert (missing.message, missing.hint) == ("no such thing", "get it")
    assert isinstance(fail(tmp_path / "b", FAILURE.format("ExportError")), ExportError)


@pytest.mark.parametrize(
    ("name", "kind", "remedy"),
    [
        ("ENOSPC", DiskFull, "free some space"),
        ("EDQUOT", DiskFull, "free some space"),
        ("EFBIG", LimitReached, "ulimit -f unlimited"),
    ],
)
def test_a_full_disk_in_a_child_is_named(
    tmp_path: Path, name: str, kind: type[FinetuiError], remedy: str
) -> None:
    code = f"import errno, os; raise OSError(errno.{name}, os.strerror(errno.{name}))"
    error = fail(tmp_path, code)
    assert isinstance(error, kind)
    assert remedy in error.hint
    assert ("free some space" in error.hint) is (kind is DiskFull)


def test_a_child_that_is_killed_is_said_to_lack_memory(tmp_path: Path) -> None:
    error = fail(tmp_path, "import os; os.kill(os.getpid(), 9)")
    assert isinstance(error, ExportError)
    assert "memory" in error.message


def test_any_other_end_has_the_last_line(tmp_path: Path) -> None:
    error = fail(tmp_path, "print('first'); raise SystemExit('the tensor is missing')")
    assert isinstance(error, ChildFailed)
    assert error.last == "the tensor is missing"


def test_a_stop_request_ends_the_child(tmp_path: Path) -> None:
    with Job(tmp_path) as job:
        listen = _stopper(tmp_path)
        runner(job)(python("print('here', flush=True); import time; time.sleep(600)"), listen)
        pytest.fail("the child was not ended")
    assert state(tmp_path).status == "stopped"
    assert read_events(tmp_path)[0][-1].type == "run_finished"


def _stopper(job_dir: Path) -> Callable[[str], None]:
    def listen(_: str) -> None:
        (job_dir / "control").mkdir(exist_ok=True)
        (job_dir / "control" / "stop").touch()

    return listen


JOB = """
import sys
from pathlib import Path
from engine.export.steps import runner
from engine.runs.child import Job
with Job(Path(sys.argv[1])) as job:
    code = "import os, time; print('child', os.getpid(), flush=True); time.sleep(600)"
    runner(job)([sys.executable, "-c", code], lambda _: None)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends them")
def test_a_job_that_is_killed_takes_its_child_along(tmp_path: Path) -> None:
    command = [sys.executable, "-c", JOB, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as job:
        assert job.stdout is not None
        child = int(next(line for line in job.stdout if line.startswith("child")).split()[1])
        assert psutil.pid_exists(child)
        job.kill()
    wait_until(lambda: not _runs(child), timeout=30, what="the child's end")


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
