"""The best adapter of a run: saved by the evaluation that found it, and kept through a resume.

Each checkpoint carries the best adapter of its time (as links to the same files). A run that goes
on from an earlier checkpoint gets that one back: what was best in the steps that are done again
no longer counts.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.bases.files import replace_folder
from engine.paths import write_atomic
from engine.runs.child import Job, is_disk_full
from engine.runs.kept import BEST_DIR, BEST_FILE, Best, read_best
from engine.train.checkpoints import Checkpoint
from engine.train.published import name_base, public_name
from engine.train.spec import TrainSpec

# One folder more than is needed: peft takes a folder of an adapter that it finds right in a
# checkpoint for a second adapter of the model.
IN_CHECKPOINT = Path("kept") / BEST_DIR


class BestAdapter:
    """The best adapter so far.

    Args:
        job: The run's job.
        save: Saves the adapter as it is now at a path, whole or not at all; its second argument is
            called with the folder before that gets its name.
    """

    def __init__(self, job: Job, save: Callable[[Path, Callable[[Path], None]], None]) -> None:
        self._job = job
        self._save = save
        self._folder = job.directory / BEST_DIR
        self.best: Best | None = read_best(self._folder)

    def offer(self, step: int, loss: float) -> bool:
        """Save the adapter where its loss is the lowest so far; of equals the earlier stays.

        On a full disk the former best stays, and a warning is written.

        Args:
            step: The step that has just ended.
            loss: Its loss on the validation split; one that is not a number is no best.

        Returns:
            Whether ``best/`` holds the adapter of this step now.
        """
        if self.best is not None and self.best.step == step:
            return True  # evaluated again after a kill
        if not loss < (float("inf") if self.best is None else self.best.loss):
            return False
        value = json.dumps({"v": 1, "step": step, "loss": loss}).encode()
        try:
            self._save(self._folder, lambda folder: write_atomic(folder / BEST_FILE, value))
        except Exception as error:
            if not is_disk_full(error, self._job.directory):
                raise
            self._not_saved(step)
            return False
        self.best = Best(step=step, loss=loss)
        return True

    def link_into(self, checkpoint: Path) -> None:
        """Put the best adapter into a checkpoint's folder."""
        if self.best is not None:
            _link_tree(self._folder, checkpoint / IN_CHECKPOINT)

    def _not_saved(self, step: int) -> None:
        shutil.rmtree(temporary_of(self._folder), ignore_errors=True)
        left = f"that of step {self.best.step} is kept" if self.best else "none is kept yet"
        message = f"the disk is full: the best adapter, of step {step}, was not saved; {left}"
        print(message, flush=True)
        self._job.warn(message, code="best-not-saved", hint="free some space")


def restore_best(run_dir: Path, checkpoint: Checkpoint | None) -> None:
    """Bring ``best/`` back to what it was at a checkpoint that a run goes on from.

    Args:
        run_dir: The run's folder.
        checkpoint: The checkpoint; None for a run that begins again.

    Raises:
        OSError: The folder could not be replaced.
    """
    folder = run_dir / BEST_DIR
    best = read_best(folder)
    if best is not None and checkpoint is not None and best.step <= checkpoint.step:
        return
    former = None if checkpoint is None else checkpoint.path / IN_CHECKPOINT
    if former is not None and read_best(former) is not None:
        temporary = temporary_of(folder)
        shutil.rmtree(temporary, ignore_errors=True)
        _link_tree(former, temporary)
        replace_folder(temporary, folder)
    elif folder.exists():
        leaving = folder.with_name(f".{folder.name}.leaving")
        shutil.rmtree(leaving, ignore_errors=True)
        folder.rename(leaving)  # so that no half of it is ever taken for the best
        shutil.rmtree(leaving, ignore_errors=True)


def save_adapter(
    model: Any, spec: TrainSpec, directory: Path, finish: Callable[[Path], None] = lambda _: None
) -> None:
    """Save the adapter so that its folder is there whole or not at all, an older one until then.

    Args:
        model: A peft model.
        spec: The run's specification.
        directory: Where it is saved.
        finish: Called with the folder before it gets its name.
    """
    temporary = temporary_of(directory)
    shutil.rmtree(temporary, ignore_errors=True)
    model.save_pretrained(str(temporary), save_embedding_layers=False)
    name_base(temporary, spec, public_name(spec))
    finish(temporary)
    replace_folder(temporary, directory)


def temporary_of(directory: Path) -> Path:
    """Return the name under which a folder is written."""
    return directory.with_name(f".{directory.name}.tmp")


def _link_tree(source: Path, target: Path) -> None:
    """Make a folder of links to another one's files, or of copies where links can't be made."""
    target.mkdir(parents=True)
    for path in source.iterdir():
        try:
            os.link(path, target / path.name)
        except OSError:
            shutil.copy2(path, target / path.name)
