"""The watcher of jobs: what it tells, when, and what it reads no more."""

from __future__ import annotations

import time

import pytest

from engine.runs import EventLog
from engine.workspace import Workspace
from tests.tui.run_dirs import make_export, make_run
from tui.bridge.jobs import JobWatch
from tui.messages import JobChanged


def told(watch: JobWatch) -> JobChanged | None:
    """Return what a look tells."""
    message = watch.look()
    assert message is None or isinstance(message, JobChanged)
    return message


def test_no_runs_no_message(workspace: Workspace) -> None:
    assert told(JobWatch(workspace.runs_dir)) is None


def test_a_run_is_told_when_it_moves_and_when_it_ends(workspace: Workspace) -> None:
    run = make_run(workspace, "r1", steps=7, total=18, status="running", began=time.time() - 60)
    watch = JobWatch(workspace.runs_dir)
    first = told(watch)
    assert first is not None
    assert first.job is not None
    assert (first.job.name, first.job.done, first.job.total) == ("train r1", 7, 18)
    assert first.job.active
    assert told(watch) is None
    with EventLog(run) as log:
        log.write("step", step=8, total_steps=18, loss=1.0)
        moved = told(watch)
        assert moved is not None
        assert moved.job is not None
        assert moved.job.done == 8
        log.write("run_finished", status="finished", result={})
    ended = told(watch)
    assert ended is not None
    assert ended.job is not None
    assert ended.job.status == "finished"
    assert told(watch) is None


def test_history_is_read_once(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        make_run(workspace, f"r{number}", steps=4, total=4, status="finished")
    import engine.runs

    reads: list[object] = []
    state = engine.runs.state

    def counting(directory: object) -> object:
        reads.append(directory)
        return state(directory)  # type: ignore[arg-type]

    monkeypatch.setattr(engine.runs, "state", counting)
    watch = JobWatch(workspace.runs_dir)
    assert told(watch) is None
    assert len(reads) == 5
    assert told(watch) is None
    assert len(reads) == 5


def test_an_export_is_a_job_too(workspace: Workspace) -> None:
    run = make_run(workspace, "r1", steps=4, total=4, status="finished")
    make_export(run, "q4_k_m", status="running", began=time.time() - 5)
    seen = told(JobWatch(workspace.runs_dir))
    assert seen is not None
    assert seen.job is not None
    assert seen.job.name == "export q4_k_m of r1"
    assert seen.job.active


def test_each_job_that_ends_while_it_is_watched_is_counted(workspace: Workspace) -> None:
    make_run(workspace, "r0", status="finished")
    runs = [
        make_run(workspace, name, status="running", began=time.time() - 60) for name in ("r1", "r2")
    ]
    watch = JobWatch(workspace.runs_dir)
    first = told(watch)
    assert first is not None
    assert first.ended == 0
    for count, run in enumerate(reversed(runs), start=1):
        with EventLog(run) as log:
            log.write("run_finished", status="finished", result={})
        message = told(watch)
        # The later run ends while the title line shows the earlier one, and counts all the same.
        assert message is not None
        assert message.ended == count
    assert told(watch) is None
