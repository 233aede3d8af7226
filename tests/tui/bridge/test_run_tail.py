"""Following the job directories: what is new is told once, what is over costs nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.runs import EventLog
from engine.workspace import Workspace
from tests.tui.run_dirs import NOON, Clock, events, make_export, make_run
from tui.bridge.run_tail import JobLog, RunsMoved, RunTail, short_run


def look(tail: RunTail) -> RunsMoved | None:
    message = tail.look()
    assert message is None or isinstance(message, RunsMoved)
    return message


def test_runs_come_newest_first_with_their_exports_below(workspace: Workspace) -> None:
    older = make_run(workspace, "20250614-100000-aaaa")
    make_export(older, "q4_k_m")
    make_export(older, "f16")
    make_run(workspace, "20250615-100000-bbbb")
    found = look(RunTail(workspace.runs_dir))
    assert found is not None
    assert [job.name for job in found.jobs] == [
        "run bbbb", "run aaaa", "export f16 of aaaa", "export q4_k_m of aaaa",
    ]  # fmt: skip
    assert found.jobs[0].base == "smollm2-135m-instruct"
    assert found.jobs[0].dataset == "notes-1"


def test_no_news_are_no_message(workspace: Workspace) -> None:
    run = make_run(workspace)
    tail = RunTail(workspace.runs_dir)
    tail.choose(run)
    assert look(tail) is not None
    assert look(tail) is None
    assert look(tail) is None


def test_no_runs_folder_is_an_empty_list(workspace: Workspace) -> None:
    tail = RunTail(workspace.runs_dir)
    first = look(tail)
    assert first is not None
    assert first.jobs == ()
    assert look(tail) is None


def test_a_run_that_is_over_is_not_read_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_run(workspace)
    tail = RunTail(workspace.runs_dir)
    look(tail)

    def refused(self: object) -> None:
        raise AssertionError("a finished run was read again")

    monkeypatch.setattr("engine.runs.Monitor.poll", refused)
    assert look(tail) is None


def test_a_run_that_is_launched_again_is_read_again(workspace: Workspace) -> None:
    run = make_run(workspace, status="stopped", steps=10)
    tail = RunTail(workspace.runs_dir)
    look(tail)
    with EventLog(run) as log:
        log.write("run_started", pid=os.getpid(), resumed_step=8)
        log.write("step", step=9, total_steps=96, loss=2.5)
        log.write("run_finished", status="finished", result={})
    moved = look(tail)
    assert moved is not None
    assert moved.jobs[0].view.status == "finished"
    assert moved.jobs[0].view.step == 9


def test_new_lines_come_once(workspace: Workspace) -> None:
    run = make_run(workspace, status="running", steps=3)
    tail = RunTail(workspace.runs_dir)
    tail.choose(run)
    first = look(tail)
    assert first is not None
    assert first.log is not None
    assert first.log.fresh
    assert first.log.lines[0].endswith("started")
    assert "step 3/96" in first.log.lines[-1]
    with (run / "stdout.log").open("a", encoding="utf-8") as output:
        output.write("step 4/96  loss 2.9\nhalf a li")
    second = look(tail)
    assert second is not None
    assert second.log is not None
    assert not second.log.fresh
    assert second.log.lines == ("step 4/96  loss 2.9",)


def test_choosing_another_job_begins_its_log_anew(workspace: Workspace) -> None:
    one, other = make_run(workspace, "20250615-1-aaaa"), make_run(workspace, "20250615-2-bbbb")
    tail = RunTail(workspace.runs_dir)
    tail.choose(one)
    look(tail)
    tail.choose(other)
    moved = look(tail)
    assert moved is not None
    assert moved.log is not None
    assert moved.log.dir == other
    assert moved.log.fresh


def test_of_a_long_output_the_end_is_shown_from_a_whole_line_on(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.bridge.run_tail.LOG_BYTES", 100)
    run = make_run(workspace)
    (run / "stdout.log").write_text("".join(f"line {n}\n" for n in range(1000)), "utf-8")
    lines = JobLog(run).poll()
    assert lines[1].startswith("line 9")
    assert lines[-2] == "line 999"
    assert len(lines) < 20


def test_the_phases_of_an_export_have_their_times(workspace: Workspace) -> None:
    log = JobLog(make_export(make_run(workspace)))
    log.poll()
    names = [name for name, _ in log.phases]
    assert names[:2] == ["merge the adapter", "convert to f16"]
    assert len(names) == 5
    assert log.phases[1][1] - log.phases[0][1] == pytest.approx(2.4)


@pytest.mark.usefixtures("utc")
def test_warnings_and_ends_stand_in_the_log(tmp_path: Path) -> None:
    with events(tmp_path / "job", Clock(NOON)) as writer:
        writer.write("run_started", pid=1)
        writer.write("warning", message="2 examples are cut off")
        writer.write("heartbeat")
        writer.write("gpu", cpu_percent=3)
        writer.write("run_finished", status="failed", message="the disk became full")
    assert JobLog(tmp_path / "job").poll() == (
        "15:06:40  started",
        "15:06:40  ! 2 examples are cut off",
        "15:06:40  failed: the disk became full",
    )


def test_a_run_is_told_by_the_end_of_its_id() -> None:
    assert short_run("20250615-110000-3f2a") == "3f2a"
    assert short_run("mine") == "mine"
