"""The best adapter: when it is saved, and what is left of it after a resume or on a full disk."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

from engine.runs import read_best, read_events
from engine.runs.child import Job
from engine.train.best import IN_CHECKPOINT, BestAdapter, restore_best
from engine.train.checkpoints import Checkpoint


def saving(text: str) -> Callable[[Path, Callable[[Path], None]], None]:
    """Return what saves an adapter of one file, aside and then by its name."""

    def save(folder: Path, finish: Callable[[Path], None]) -> None:
        temporary = folder.with_name(".saving")
        temporary.mkdir(parents=True)
        (temporary / "adapter_config.json").write_text(text)
        finish(temporary)
        if folder.exists():
            folder.rename(folder.with_name(f".former-{text}"))
        temporary.rename(folder)

    return save


def make_best(run: Path, step: int, loss: float) -> None:
    with Job(run) as job:
        assert BestAdapter(job, saving(f"step {step}")).offer(step, loss)


def content(folder: Path) -> str:
    return (folder / "adapter_config.json").read_text()


def test_the_lowest_loss_is_kept_and_of_equals_the_earlier(tmp_path: Path) -> None:
    with Job(tmp_path) as job:
        best = BestAdapter(job, lambda *where: saving(text)(*where))
        kept = []
        losses = {4: float("nan"), 8: 3.0, 12: 3.0, 16: 2.5, 20: 2.75, 24: float("inf")}
        for step, loss in losses.items():
            text = f"step {step}"
            if best.offer(step, loss):
                kept.append(step)
    assert kept == [8, 16]
    found = read_best(tmp_path / "best")
    assert found is not None
    assert (found.step, found.loss, content(tmp_path / "best")) == (16, 2.5, "step 16")


def test_a_full_disk_costs_the_new_best_and_not_the_old_one(tmp_path: Path) -> None:
    make_best(tmp_path, 8, 3.0)

    def full(folder: Path, finish: Callable[[Path], None]) -> None:
        folder.with_name(".best.tmp").mkdir()
        raise OSError(errno.ENOSPC, "No space left on device")

    with Job(tmp_path) as job:
        best = BestAdapter(job, full)
        assert not best.offer(12, 2.0)
        assert best.best is not None
        assert best.best.step == 8
    (warning,) = [event.data for event in read_events(tmp_path)[0] if event.type == "warning"]
    assert warning["code"] == "best-not-saved"
    assert "of step 12, was not saved; that of step 8 is kept" in str(warning["message"])
    assert content(tmp_path / "best") == "step 8"
    assert not (tmp_path / ".best.tmp").exists()


def checkpoint_of(run: Path, step: int) -> Checkpoint:
    """Return a checkpoint with the best adapter of its time."""
    folder = run / "checkpoints" / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    with Job(run) as job:
        BestAdapter(job, saving("")).link_into(folder)
    return Checkpoint(path=folder, step=step)


def test_the_best_of_a_future_that_is_left_does_not_count(tmp_path: Path) -> None:
    make_best(tmp_path, 8, 3.0)
    early, bare = checkpoint_of(tmp_path, 10), Checkpoint(path=tmp_path, step=5)
    make_best(tmp_path, 20, 2.0)
    late = checkpoint_of(tmp_path, 30)
    # From a later one the best stays what it is.
    restore_best(tmp_path, late)
    assert content(tmp_path / "best") == "step 20"
    # From an earlier one it is what it was then, and can be beaten by less.
    restore_best(tmp_path, early)
    assert content(tmp_path / "best") == "step 8"
    make_best(tmp_path, 12, 2.5)
    assert content(early.path / IN_CHECKPOINT) == "step 8"
    # From one before any evaluation there is none, and none where a run begins again.
    restore_best(tmp_path, bare)
    assert not (tmp_path / "best").exists()
    make_best(tmp_path, 20, 2.0)
    restore_best(tmp_path, None)
    assert not (tmp_path / "best").exists()
    assert [path.name for path in tmp_path.iterdir() if "leaving" in path.name] == []


def test_a_best_that_says_nothing_of_itself_is_none(tmp_path: Path) -> None:
    make_best(tmp_path, 8, 3.0)
    (tmp_path / "best" / "best.json").write_text("{")
    with Job(tmp_path) as job:
        assert BestAdapter(job, saving("")).best is None
    restore_best(tmp_path, Checkpoint(path=tmp_path, step=30))
    assert not (tmp_path / "best").exists()


def test_an_evaluation_that_is_made_again_is_the_same_best(tmp_path: Path) -> None:
    make_best(tmp_path, 8, 3.0)
    with Job(tmp_path) as job:
        assert BestAdapter(job, saving("anew")).offer(8, 3.0)
    assert content(tmp_path / "best") == "step 8"
