"""Checkpoints: what is found damaged, which one is taken, and that one is always left."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.bases.files import settle
from engine.errors import CheckpointDamaged, RunError, SettingsError
from engine.runs import EventLog, find, fold, read_events, state
from engine.runs.endings import what_to_do
from engine.train import check_resume, make_spec
from engine.train.checkpoints import (
    MANIFEST,
    Checkpoint,
    Choice,
    all_checkpoints,
    checkpoints,
    choose,
    damage,
    write_manifest,
)
from engine.train.preparing import check_startable
from engine.train.spec import load_spec, write_spec
from engine.workspace import Workspace
from tests.support.checkpoints import make_checkpoint
from tests.support.waiting import wait_until

FILES = (
    "adapter_model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth",
    "trainer_state.json", "tokenizer.json", "progress.json",
)  # fmt: skip
SAVING = "tests.support.saving"


def cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def cut_by_a_byte(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def zero(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def flip_in_the_header(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[3] ^= 0x10
    path.write_bytes(data)


def flip_at_the_end(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-min(30, len(data) // 2)] ^= 1
    path.write_bytes(data)


def remove(path: Path) -> None:
    path.unlink()


KINDS = (cut, cut_by_a_byte, empty, zero, flip_in_the_header, flip_at_the_end, remove)


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
@pytest.mark.parametrize("harm", KINDS)
def test_any_harm_is_found_and_the_one_before_is_taken(
    tmp_path: Path, name: str, harm: Callable[[Path], None]
) -> None:
    for step in (20, 40):
        write_manifest(make_checkpoint(tmp_path, step), step)
    whole = choose(tmp_path)
    assert whole is not None
    assert (whole.checkpoint.name, whole.refused) == ("step-40", ())
    harm(tmp_path / "checkpoints" / "checkpoint-40" / name)
    choice = choose(tmp_path)
    assert choice is not None
    if name == MANIFEST and choice.checkpoint.step == 40:
        # Without a manifest it is judged by its form; one flipped byte of it may say nothing.
        assert harm is remove
        return
    assert choice.checkpoint.name == "step-20"
    (refused,) = choice.refused
    assert refused.checkpoint.name == "step-40"
    # The manifest is believed before a file that it does not fit.
    assert name in refused.reason or name == MANIFEST


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("harm", [cut, empty, zero, flip_in_the_header, remove])
def test_a_checkpoint_of_an_earlier_version_is_judged_by_its_form(
    tmp_path: Path, name: str, harm: Callable[[Path], None]
) -> None:
    one = Checkpoint(make_checkpoint(tmp_path, 30), 30)
    assert damage(one) == ""
    harm(one.path / name)
    # Nothing needs the tokenizer, and one letter of a JSON text may stand for another.
    harmless = name == "tokenizer.json" and harm in (remove, flip_in_the_header)
    assert bool(damage(one)) != harmless


def test_a_zip_with_altered_bytes_inside_is_found(tmp_path: Path) -> None:
    one = Checkpoint(make_checkpoint(tmp_path, 30), 30)
    file = one.path / "optimizer.pt"
    data = bytearray(file.read_bytes())
    data[data.index(bytes(range(100))) + 50] ^= 1
    file.write_bytes(data)
    assert damage(one, thorough=False) == ""
    assert damage(one) == "optimizer.pt is damaged"


def test_folders_that_are_no_checkpoints_are_passed_over(tmp_path: Path) -> None:
    make_checkpoint(tmp_path, 20)
    folder = tmp_path / "checkpoints"
    (folder / "checkpoint-30").mkdir()
    (folder / "checkpoint-x").mkdir()
    (folder / ".saving" / "checkpoint-40").mkdir(parents=True)
    (folder / "README.md").write_text("a model card")
    assert [one.step for one in all_checkpoints(tmp_path)] == [20, 30]
    assert [one.step for one in checkpoints(tmp_path)] == [20]
    choice = choose(tmp_path)
    assert choice is not None
    assert choice.refused[0].reason == "its folder is empty"
    assert choose(tmp_path / "none") is None


def test_a_checkpoint_is_chosen_by_name(tmp_path: Path) -> None:
    for step in (20, 40, 60):
        write_manifest(make_checkpoint(tmp_path, step), step)
    for wanted in ("step-20", "checkpoint-20", "20", "checkpoints/checkpoint-20/"):
        choice = choose(tmp_path, wanted=wanted)
        assert choice is not None
        assert choice.checkpoint.step == 20
    with pytest.raises(CheckpointDamaged, match="no checkpoint step-30") as caught:
        choose(tmp_path, wanted="step-30")
    assert caught.value.hint == "there are: step-20, step-40, step-60"
    cut(tmp_path / "checkpoints" / "checkpoint-60" / "optimizer.pt")
    with pytest.raises(CheckpointDamaged, match=r"step-60 is damaged: optimizer.pt has") as caught:
        choose(tmp_path, wanted="step-60")
    assert caught.value.hint.endswith(": step-40, step-20")
    empty(tmp_path / "checkpoints" / "checkpoint-40" / "scheduler.pt")
    with pytest.raises(CheckpointDamaged) as caught:
        choose(tmp_path, wanted="step-60")
    assert caught.value.hint.endswith(": step-20")
    with pytest.raises(CheckpointDamaged) as caught:
        choose(tmp_path, wanted="step-30")
    assert caught.value.hint == "there are: step-20, step-40 (damaged), step-60 (damaged)"
    for step in (20, 40):
        empty(tmp_path / "checkpoints" / f"checkpoint-{step}" / "scheduler.pt")
    with pytest.raises(CheckpointDamaged, match=r"step-60: .*; step-40: .*; step-20: "):
        choose(tmp_path)


def test_what_a_run_left_behind_comes_last(tmp_path: Path) -> None:
    with EventLog(tmp_path) as log:
        log.write("run_started", pid=1)
        for step in (20, 40, 60):
            make_checkpoint(tmp_path, step)
            log.write("checkpoint", path=f"checkpoints/checkpoint-{step}", step=step)
        log.write("run_started", pid=2, resumed_step=20)
        make_checkpoint(tmp_path, 30)
        log.write("checkpoint", path="checkpoints/checkpoint-30", step=30)
    view = fold(read_events(tmp_path)[0])
    assert view.checkpoints == ("checkpoints/checkpoint-20", "checkpoints/checkpoint-30")
    assert view.superseded == ("checkpoints/checkpoint-40", "checkpoints/checkpoint-60")
    choice = choose(tmp_path, superseded=view.superseded)
    assert choice is not None
    assert choice.checkpoint.step == 30
    with EventLog(tmp_path) as log:
        log.write("checkpoint", path="checkpoints/checkpoint-40", step=40)
    view = fold(read_events(tmp_path)[0])
    assert view.checkpoints[-1] == "checkpoints/checkpoint-40"
    assert view.superseded == ("checkpoints/checkpoint-60",)


def test_at_least_two_are_kept(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="keep_checkpoints"):
        make_spec("base", "notes", "small-cpu", keep_checkpoints=1)
    # A run of an earlier version that kept one goes on, and keeps two from then on.
    write_spec(tmp_path, make_spec("base", "notes", "small-cpu"))
    file = tmp_path / "spec.toml"
    file.chmod(0o644)
    file.write_text(file.read_text().replace("keep_checkpoints = 2", "keep_checkpoints = 1"))
    assert load_spec(tmp_path).keep_checkpoints == 2
    run = tmp_path / "run"
    saved = subprocess.run([sys.executable, "-m", SAVING, str(run), "4", "10"])
    assert saved.returncode == 0
    assert [one.step for one in checkpoints(run)] == [3, 4]
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == [
        "checkpoint-3",
        "checkpoint-4",
    ]


def kill_while_saving(
    run: Path, after: int, size: int, moment: Callable[[], None] = lambda: None
) -> Choice:
    """Let a process save checkpoints, kill it, and return what a resume would choose.

    Args:
        run: The run's folder.
        after: The step whose checkpoint is waited for; what happens at the kill is left to chance.
        size: Bytes of a checkpoint.
        moment: Called before the kill.
    """
    command = [sys.executable, "-m", SAVING, str(run), "100000", str(size)]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def newest() -> int:
        return max((one.step for one in all_checkpoints(run)), default=0)

    wait_until(lambda: newest() >= after, what=f"checkpoint {after}")
    moment()
    child.send_signal(signal.SIGKILL)
    child.wait()
    choice = choose(run)
    assert choice is not None
    told = fold(read_events(run)[0]).checkpoints
    assert choice.checkpoint.step >= (int(told[-1].rpartition("-")[2]) if told else 1)
    return choice


def test_a_kill_at_any_moment_leaves_a_checkpoint(tmp_path: Path) -> None:
    for after in (1, 2, 5):
        assert kill_while_saving(tmp_path / str(after), after, 300_000).refused == ()


def small_disk(folder: Path, megabytes: int, command: list[str]) -> list[str]:
    """Return a command that runs another one with a small disk of its own at a folder."""
    mount = f'mount -t tmpfs -o size={megabytes}m none "$0" && cd / && "$@"'
    return ["unshare", "--mount", "sh", "-c", f"{mount}; cp -a $0/run $0.after", str(folder),
            *command]  # fmt: skip


def can_mount(folder: Path) -> bool:
    if shutil.which("unshare") is None:
        return False
    folder.mkdir()
    (folder / "run").mkdir()
    done = subprocess.run(small_disk(folder, 1, ["mkdir", str(folder / "run")]))
    shutil.rmtree(f"{folder}.after", ignore_errors=True)
    return done.returncode == 0


def test_a_full_disk_costs_the_new_checkpoint_never_the_old_ones(tmp_path: Path) -> None:
    if not can_mount(tmp_path / "try"):
        pytest.skip("needs to mount a small disk (root)")
    disk = tmp_path / "disk"
    disk.mkdir()
    # Two fit with 1.2 MB each, a third beside them does not.
    command = [sys.executable, "-m", SAVING, str(disk / "run"), "4", str(1_200_000)]
    assert subprocess.run(small_disk(disk, 3, command)).returncode == 0
    run = Path(f"{disk}.after")
    assert [one.step for one in checkpoints(run)] == [1, 2]
    choice = choose(run)
    assert choice is not None
    assert (choice.checkpoint.step, choice.refused) == (2, ())
    warnings = [event.data for event in read_events(run)[0] if event.type == "warning"]
    assert [event["code"] for event in warnings] == ["checkpoint-not-saved"] * 2
    assert "step-3 was not saved; step-2 is kept" in str(warnings[0]["message"])
    assert state(run).status == "finished"


def test_a_run_without_a_whole_checkpoint_says_what_is_wrong(workspace: Workspace) -> None:
    directory = workspace.runs_dir / "20260101-000000-aaaa"
    directory.mkdir(parents=True)
    write_spec(directory, make_spec("base", "notes", "small-cpu"))
    with EventLog(directory) as log:
        log.write("run_started", pid=1)
        log.write("run_finished", status="stopped", result={})
    run = find(workspace, "last")
    with pytest.raises(RunError, match="no checkpoint to resume from") as caught:
        check_resume(run)
    # What the hint names works, and is what the run itself says.
    assert f"finetui runs start {run.id}" in caught.value.hint
    assert caught.value.hint == what_to_do(directory, run.view)
    check_startable(run)
    folder = make_checkpoint(directory, 30)
    assert check_resume(find(workspace, "last")).name == "step-30"
    (folder / "progress.json").unlink()
    with pytest.raises(CheckpointDamaged, match=r"step-30: progress.json is missing"):
        check_resume(find(workspace, "last"))
    assert json.loads((folder / "trainer_state.json").read_text())["global_step"] == 30


def test_a_kill_between_two_renames_loses_no_folder(tmp_path: Path) -> None:
    run = tmp_path / "run"
    for name in (".adapter.123.old", ".checkpoint-40.123.old", "checkpoint-40"):
        (run / name).mkdir(parents=True)
        (run / name / "from").write_text(name)
    settle(run)
    assert sorted(path.name for path in run.iterdir()) == ["adapter", "checkpoint-40"]
    assert (run / "checkpoint-40" / "from").read_text() == "checkpoint-40"
