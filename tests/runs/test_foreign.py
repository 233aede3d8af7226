"""A job's folder that somebody else made: no link is written through, and no pipe is waited for.

What would be done to a file that a link leads to is told by its own bytes; a test that waited for
a pipe would not end.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.cli.main import main
from engine.errors import PathUnusable
from engine.paths import write_atomic
from engine.runs import EventLog, kill, launch, request_stop, state
from engine.runs.child import Job
from engine.runs.events import last_log_lines, read_events, tail_log
from engine.runs.folder import check_folder
from engine.runs.hold import is_held, take
from engine.runs.kept import read_best
from engine.runs.life import heard_at
from engine.runs.notes import read_said
from engine.runs.process import ProcessInfo, read_exit, read_process, write_process
from engine.runs.state import read_spec
from engine.runs.tickets import read_ticket
from engine.runs.waiting import may_start
from engine.train.checkpoints import MANIFEST, all_checkpoints, damage
from engine.trust import trust
from engine.workspace import Workspace
from tests.support.checkpoints import make_checkpoint
from tests.support.precious import PRECIOUS, precious_file

WRITTEN = [
    "run.lock",
    "events.jsonl",
    "stdout.log",
    "process.json",
    "exit.json",
    "queue.json",
    "control/stop",
    "control/kill",
    "control/reserve",
]
"""What a job writes of itself, whatever its recipe does."""


@pytest.fixture
def precious(tmp_path: Path) -> Iterator[Path]:
    """Return a file of the person's own, which has to stay as it is."""
    yield from precious_file(tmp_path / "home")


@pytest.fixture
def job(tmp_path: Path) -> Path:
    folder = tmp_path / "theirs" / "job"
    (folder / "control").mkdir(parents=True)
    return folder


@pytest.mark.parametrize("name", WRITTEN)
def test_nothing_is_started_where_a_link_is_in_a_files_place(
    job: Path, precious: Path, name: str
) -> None:
    (job / name).symlink_to(precious)
    with pytest.raises(PathUnusable, match=f"{name} is a link") as said:
        launch(job, "tests.support.jobs", ["steps"])
    assert str(job / name) in said.value.hint
    # A child that was started by hand looks for itself, before it writes anything.
    with pytest.raises(PathUnusable), Job(job):
        raise AssertionError("it began")
    assert sorted(path.name for path in job.rglob("*")) == sorted({"control", Path(name).name})


@pytest.mark.parametrize("name", WRITTEN)
def test_nothing_is_started_where_a_pipe_is_in_a_files_place(job: Path, name: str) -> None:
    os.mkfifo(job / name)
    with pytest.raises(PathUnusable, match=f"{name} is a pipe"):
        launch(job, "tests.support.jobs", ["steps"])
    with pytest.raises(PathUnusable), Job(job):
        raise AssertionError("it began")


def test_a_folder_of_requests_that_leads_elsewhere_is_left_alone(job: Path, precious: Path) -> None:
    (job / "control").rmdir()
    (job / "control").symlink_to(precious.parent)
    (precious.parent / "stop").write_bytes(PRECIOUS)
    for ask in (request_stop, kill):
        with pytest.raises(PathUnusable, match="control is a link"):
            ask(job)
    with pytest.raises(PathUnusable, match="control is a link"):
        launch(job, "tests.support.jobs", ["steps"])
    assert (precious.parent / "stop").read_bytes() == PRECIOUS
    assert not (precious.parent / "kill").exists()
    assert not (precious.parent / "reserve").exists()


def test_a_link_that_comes_later_is_not_followed_either(job: Path, precious: Path) -> None:
    for name in ("events.jsonl", "run.lock", "control/stop"):
        (job / name).symlink_to(precious)
    for write in (EventLog, take, request_stop):
        with pytest.raises(PathUnusable, match="is a link"):
            write(job)
    # A link to nothing makes no file.
    (job / "control" / "kill").symlink_to(precious.with_name("made"))
    with pytest.raises(PathUnusable):
        kill(job)
    assert not precious.with_name("made").exists()


def test_a_link_under_the_temporary_name_is_not_written_through(job: Path, precious: Path) -> None:
    for name in ("process.json", "person.json"):
        (job / f".{name}.{os.getpid()}.tmp").symlink_to(precious)
    write_process(job, ProcessInfo(1, 2.0, "boot", 3.0))
    write_atomic(job / "person.json", b"{}")
    assert read_process(job) == ProcessInfo(1, 2.0, "boot", 3.0)
    assert (job / "person.json").read_bytes() == b"{}"
    assert not any(path.is_symlink() for path in job.iterdir())


READERS: list[Callable[[Path], object]] = [
    state,
    read_process,
    lambda job: read_exit(job, ProcessInfo(1, 0.0, "", 0.0)),
    read_ticket,
    read_said,
    read_best,
    read_spec,
    read_events,
    tail_log,
    last_log_lines,
    heard_at,
    lambda job: is_held(job, "ofd"),
]


def test_no_pipe_is_waited_for_where_a_job_is_looked_at(job: Path) -> None:
    for name in (*WRITTEN[:6], "person.json", "best.json", "spec.toml"):
        os.mkfifo(job / name)
    for read in READERS:
        read(job)
    assert state(job).status == "created"


def test_no_endless_file_is_read_whole(job: Path) -> None:
    for name in ("process.json", "queue.json", "person.json", "spec.toml", "events.jsonl"):
        (job / name).symlink_to("/dev/zero")
    for read in READERS:
        read(job)
    (job / "process.json").unlink()
    with (job / "process.json").open("wb") as large:
        large.truncate(1 << 40)  # a file with a hole, which takes no room
    assert read_process(job) is None


def test_a_checkpoints_list_that_is_a_pipe_is_damage(job: Path) -> None:
    folder = make_checkpoint(job, 10)
    assert [damage(one, thorough=False) for one in all_checkpoints(job)] == [""]
    (folder / MANIFEST).unlink(missing_ok=True)
    os.mkfifo(folder / MANIFEST)
    assert "it is no file" in damage(all_checkpoints(job)[0], thorough=False)


def prepared(workspace: Workspace) -> Path:
    folder = workspace.runs_dir / "20260101-000000-aaaa"
    folder.mkdir(parents=True)
    (folder / "spec.toml").write_text('base = "tiny"\ndataset = "notes"\n')
    return folder


@pytest.mark.parametrize(
    "place",
    [
        "adapter",
        ".adapter.tmp",
        "best/adapter_model.safetensors",
        "checkpoints/step-10",
        "exports/q4_k_m/.staged.tmp",
        ".export.lock",
    ],
)
@pytest.mark.parametrize("verb", [["runs", "resume"], ["runs", "start"], ["export"]])
def test_a_run_writes_through_no_link_of_its_folder(
    workspace: Workspace,
    precious: Path,
    capsys: pytest.CaptureFixture[str],
    place: str,
    verb: list[str],
) -> None:
    run = prepared(workspace)
    assert may_start(run)
    (run / place).parent.mkdir(parents=True, exist_ok=True)
    (run / place).symlink_to(precious.parent)
    assert main([*verb, run.name, "--workspace", str(workspace.root)]) == 1
    said = capsys.readouterr().err
    assert place in said
    assert ("finetui trust" in said) is (place.count("/") == 0)  # as far as trust reaches
    assert not may_start(run), "a queue would start it by itself"
    assert list(precious.parent.iterdir()) == [precious]


def test_a_pipe_in_a_runs_folder_is_named_and_not_waited_for(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    run = prepared(workspace)
    (run / "dataset").mkdir()
    os.mkfifo(run / "dataset" / "train.jsonl")
    for verb in (["runs", "resume"], ["runs", "start"], ["export"]):
        assert main([*verb, run.name, "--workspace", str(workspace.root)]) == 1
        assert "train.jsonl is a pipe" in capsys.readouterr().err
    # Whoever opens the workspace reads what its runs would load.
    (run / "spec.toml").unlink()
    os.mkfifo(run / "spec.toml")
    assert main(["trust", "--show", str(workspace.root)]) == 0


def test_what_an_export_leaves_and_what_was_agreed_to_is_no_hindrance(
    workspace: Workspace, precious: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = prepared(workspace)
    left = run / ".unpacked.99999999.abcdefgh" / "hf"
    left.mkdir(parents=True)
    (left / "config.json").symlink_to(precious)
    (run / "inner").symlink_to("dataset")  # stays in the workspace
    assert may_start(run)
    (run / "checkpoints").symlink_to(precious.parent)
    assert not may_start(run)
    assert main(["trust", str(workspace.root)]) == 0
    assert may_start(run)
    trust(workspace.root, [])


def test_a_folder_of_ones_own_is_sound(tmp_path: Path) -> None:
    check_folder(tmp_path)
    with Job(tmp_path) as job:
        assert (tmp_path / "control" / "reserve").stat().st_size == 32 * 1024
        check_folder(tmp_path)
    assert job.exit_status == 0
    check_folder(tmp_path)
