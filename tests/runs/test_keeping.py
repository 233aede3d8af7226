"""Cleaning and removing runs: what goes, what stays, and that no link is followed."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from pathlib import Path

import pytest

from engine.cli.main import main
from engine.errors import FinetuiError, RunActive, RunError, WorkspaceUntrusted
from engine.export.keeping import clean, plan_cleaning, plan_removal, remove
from engine.runs import EventLog, find, kill, launch, runs, state
from engine.runs.tickets import Ticket, write_ticket
from engine.workspace import Workspace
from tests.support.checkpoints import make_checkpoint
from tests.support.waiting import wait_until

RUN = "20260101-000000-aaaa"


def make(workspace: Workspace, name: str = RUN, *, status: str = "finished") -> Path:
    """Write what a run leaves that was exported at two quantisations."""
    folder = workspace.runs_dir / name
    folder.mkdir(parents=True)
    (folder / "spec.toml").write_text('base = "tiny"\ndataset = "notes"\n')
    with EventLog(folder) as log:
        log.write("run_started", pid=1)
        log.write("run_finished", status=status, result={})
    for path, size in (
        ("adapter/adapter_model.safetensors", 30),
        ("best/adapter_model.safetensors", 30),
        ("dataset/train.jsonl", 10),
        ("merged/model.safetensors", 5000),
        (f"{name}-f16.gguf", 4000),
        (f"{name}-f16.gguf.json", 50),
        (f"exports/q4_k_m/{name}-q4_k_m.gguf", 1500),
        ("exports/q4_k_m/.x.gguf.99999999.tmp", 700),
        (".merged.99999999.x/model.safetensors", 300),
        ("checkpoints/.saving/optimizer.pt", 20),
        ("mine.gguf", 60),
        ("card.md", 5),
    ):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"x" * size)
    for step in (10, 20, 30):
        make_checkpoint(folder, step)
    return folder


def left(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


KEPT = {
    "spec.toml", "events.jsonl", "card.md", "adapter/adapter_model.safetensors",
    "best/adapter_model.safetensors", "dataset/train.jsonl", "mine.gguf",
    f"exports/q4_k_m/{RUN}-q4_k_m.gguf",
}  # fmt: skip


def test_what_can_be_made_again_goes_and_all_else_stays(workspace: Workspace) -> None:
    folder = make(workspace)
    before = left(folder)
    planned = plan_cleaning(workspace, find(workspace, RUN))
    assert left(folder) == before, "a plan removes nothing"
    names = {part.path.name for part in planned.goes}
    assert {"merged", f"{RUN}-f16.gguf", "checkpoint-10", "checkpoint-30"} <= names
    assert {part.path.name for part in planned.stays} >= {"adapter", "best", "exports", "mine.gguf"}
    size = sum((folder / name).stat().st_size for name in before - KEPT)
    assert planned.bytes == size
    done = clean(workspace, find(workspace, RUN))
    assert done == planned
    assert left(folder) - {"run.lock"} == KEPT
    assert clean(workspace, find(workspace, RUN)).goes == ()


def test_a_run_that_can_go_on_keeps_two_checkpoints(workspace: Workspace) -> None:
    folder = make(workspace, status="stopped")
    clean(workspace, find(workspace, RUN))
    kept = {path.name for path in (folder / "checkpoints").iterdir()}
    assert kept == {"checkpoint-20", "checkpoint-30"}


def test_damaged_checkpoints_stay_where_there_is_no_other(workspace: Workspace) -> None:
    folder = make(workspace, status="failed")
    for checkpoint in (folder / "checkpoints").glob("checkpoint-*"):
        (checkpoint / "optimizer.pt").write_bytes(b"")
    clean(workspace, find(workspace, RUN))
    assert len(list((folder / "checkpoints").glob("checkpoint-*"))) == 3


def test_links_are_not_followed(workspace: Workspace, tmp_path: Path) -> None:
    folder = make(workspace)
    outside = tmp_path / "outside"
    for name in ("model", "steps", "exports"):
        (outside / name).mkdir(parents=True)
        (outside / name / "precious").write_text("x")
    (outside / "steps" / "checkpoint-5").mkdir()
    (folder / "checkpoints" / "checkpoint-7").symlink_to(outside / "steps")
    shutil.rmtree(folder / "merged")
    (folder / "merged").symlink_to(outside / "model")
    (folder / f"{RUN}-q8_0.gguf").symlink_to(outside / "model" / "precious")
    (folder / "exports" / "f16").symlink_to(outside / "exports")
    clean(workspace, find(workspace, RUN))
    assert (folder / "merged").is_symlink(), "a link of that name is no merged model"
    assert not (folder / f"{RUN}-q8_0.gguf").is_symlink()
    assert (folder / "checkpoints" / "checkpoint-7").is_symlink()
    for name in ("model", "steps", "exports"):
        assert (outside / name / "precious").read_text() == "x"
    remove(workspace, find(workspace, RUN))
    for name in ("model", "steps", "exports"):
        assert (outside / name / "precious").read_text() == "x"


def test_a_run_that_is_a_link_is_left_alone(workspace: Workspace, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    make(workspace).rename(elsewhere)
    (workspace.runs_dir / RUN).symlink_to(elsewhere)
    before = left(elsewhere)
    for act in (clean, remove):
        with pytest.raises((RunError, WorkspaceUntrusted)):
            act(workspace, find(workspace, RUN))
    assert left(elsewhere) == before


def test_nothing_goes_while_something_is_under_way(workspace: Workspace) -> None:
    folder = make(workspace)
    before = left(folder)
    export = folder / "exports" / "f16"
    launch(export, "tests.support.jobs", ["wait"])
    wait_until(lambda: state(export).phase)
    try:
        for act in (clean, remove):
            with pytest.raises(RunActive, match="export f16"):
                act(workspace, find(workspace, RUN))
    finally:
        kill(export)
        wait_until(lambda: not state(export).active)
    with (folder / ".export.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(RunActive, match="an export"):
            clean(workspace, find(workspace, RUN))
    launch(folder, "tests.support.jobs", ["wait"])
    wait_until(lambda: state(folder).phase)
    for act in (clean, remove):
        with pytest.raises(RunActive, match="still going"):
            act(workspace, find(workspace, RUN))
    kill(folder)
    wait_until(lambda: not state(folder).active)
    write_ticket(folder, Ticket(1.0, 1.0, "here", offset=(folder / "events.jsonl").stat().st_size))
    with pytest.raises(RunActive, match="waits in the queue"):
        remove(workspace, find(workspace, RUN))
    assert before <= left(folder)


def test_removing_says_what_is_lost_and_who_used_it(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make(workspace)
    other = make(workspace, "20260102-000000-bbbb")
    (other / "spec.toml").write_text(
        f'base = "tiny"\ndataset = "notes"\nresume_from = "{folder.resolve()}/adapter"\n'
    )
    loss = plan_removal(workspace, find(workspace, RUN))
    assert loss.used_by == ("20260102-000000-bbbb",)
    assert {part.path.name for part in loss.parts} >= {"adapter", "exports", "merged"}
    root = ["--workspace", str(workspace.root)]
    assert main(["runs", "remove", RUN, *root]) == 2
    assert "add --yes" in capsys.readouterr().err
    assert folder.is_dir()
    assert main(["runs", "remove", "aaaa", "--yes", "--json", *root]) == 0
    assert json.loads(capsys.readouterr().out)["removed"][0]["run_id"] == RUN
    assert [run.id for run in runs(workspace)] == ["20260102-000000-bbbb"]
    assert sorted(path.name for path in workspace.runs_dir.iterdir()) == ["20260102-000000-bbbb"]


def test_what_a_killed_removal_left_is_no_run_and_goes_next_time(workspace: Workspace) -> None:
    make(workspace, "20260102-000000-bbbb")
    (workspace.runs_dir / ".removed").mkdir()
    make(workspace).rename(workspace.runs_dir / ".removed" / "x")
    assert [run.id for run in runs(workspace)] == ["20260102-000000-bbbb"]
    clean(workspace, find(workspace, "bbbb"))
    assert not (workspace.runs_dir / ".removed").exists()


def test_the_verb_looks_first_and_passes_over_what_is_busy(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = make(workspace), make(workspace, "20260102-000000-bbbb")
    root = ["--workspace", str(workspace.root)]
    assert main(["runs", "clean", *root]) == 2
    assert main(["runs", "clean", RUN, "--all", *root]) == 2
    assert "exclude each other" in capsys.readouterr().err
    capsys.readouterr()
    assert main(["runs", "clean", "--all", "--dry-run", *root]) == 0
    said = capsys.readouterr().out
    assert "the merged model; an export makes it again" in said
    assert "nothing was removed" in said
    assert "the best adapter" in said
    assert (one / "merged").is_dir()
    launch(two, "tests.support.jobs", ["wait"])
    wait_until(lambda: state(two).phase)
    try:
        assert main(["runs", "clean", "--all", "--json", *root]) == 0
    finally:
        kill(two)
        wait_until(lambda: not state(two).active)
    said_json = json.loads(capsys.readouterr().out)
    assert list(said_json["refused"]) == ["20260102-000000-bbbb"]
    assert not (one / "merged").exists()
    assert (two / "merged").is_dir()


def test_a_file_with_another_name_elsewhere_gives_nothing_back(workspace: Workspace) -> None:
    folder = make(workspace)
    alone = plan_cleaning(workspace, find(workspace, RUN)).bytes
    os.link(folder / "merged" / "model.safetensors", workspace.root / "kept")
    assert plan_cleaning(workspace, find(workspace, RUN)).bytes == alone - 5000
    with pytest.raises(FinetuiError):
        find(workspace, "nothing")


def test_a_file_with_two_names_that_both_go_gives_its_bytes_back_once(
    workspace: Workspace,
) -> None:
    folder = make(workspace)
    alone = plan_cleaning(workspace, find(workspace, RUN)).bytes
    os.link(folder / f"{RUN}-f16.gguf", folder / f"{RUN}-f32.gguf")
    assert plan_cleaning(workspace, find(workspace, RUN)).bytes == alone
    # One whose other name is a finished export's gives nothing back, until the run is removed.
    whole = plan_removal(workspace, find(workspace, RUN)).bytes
    os.link(folder / f"{RUN}-f16.gguf", folder / "exports" / "q4_k_m" / f"{RUN}-f16.gguf")
    (folder / "best" / "adapter_model.safetensors").unlink()
    os.link(
        folder / "adapter" / "adapter_model.safetensors",
        folder / "best" / "adapter_model.safetensors",
    )
    planned = plan_cleaning(workspace, find(workspace, RUN))
    assert planned.bytes == alone - 4000
    sizes = {part.path.name: part.bytes for part in planned.stays}
    assert (sizes["adapter"], sizes["best"]) == (30, 30)
    assert plan_removal(workspace, find(workspace, RUN)).bytes == whole - 30


def test_notes_and_names_by_the_verbs(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    make(workspace)
    root = ["--workspace", str(workspace.root)]
    assert main(["runs", "rename", "aaaa", "first try", *root]) == 0
    assert main(["runs", "note", "first try", "too", "many", "epochs", *root]) == 0
    capsys.readouterr()
    assert main(["runs", "list", *root]) == 0
    said = capsys.readouterr().out
    assert "first try" in said
    assert "too many epochs" in said
    assert main(["runs", "show", "first try", "--json", *root]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["id"], shown["name"], shown["note"]) == (RUN, "first try", "too many epochs")
