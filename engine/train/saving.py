"""Saving checkpoints: written aside, on the disk, then named; an older one goes only after that."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from engine.bases.files import replace_folder, settle
from engine.errors import CheckpointDamaged
from engine.runs.child import Job, is_disk_full
from engine.train.checkpoints import (
    CHECKPOINTS_DIR,
    KEEP_AT_LEAST,
    Checkpoint,
    damage,
    folder_of,
    newest_first,
    write_manifest,
)
from engine.train.meter import Meter

_SAVING = ".saving"
_LEAVING = ".leaving-"


class Saver:
    """Saves a run's checkpoints and removes the oldest.

    Args:
        job: The run's job, which hears of each checkpoint.
        meter: What is kept with each checkpoint.
        keep: How many are kept; at least two.
        superseded: Paths of those that the run left behind; see
            :func:`engine.train.checkpoints.newest_first`.
        finish: Called with a checkpoint's folder before its manifest is written.
    """

    def __init__(
        self,
        job: Job,
        meter: Meter,
        *,
        keep: int,
        superseded: tuple[str, ...],
        finish: Callable[[Path], None] = lambda _: None,
    ) -> None:
        self._job = job
        self._meter = meter
        self._finish = finish
        self._keep = max(KEEP_AT_LEAST, keep)
        self._superseded = {Path(path).name for path in superseded}
        self._root = job.directory / CHECKPOINTS_DIR
        self._active = False
        self.tidy()

    @property
    def folder(self) -> Path | None:
        """The folder in which a checkpoint's folder is to be written; None while none is saved."""
        return self._root / _SAVING if self._active else None

    def tidy(self) -> None:
        """Remove what a process left that was killed while it saved."""
        for left in [self._root / _SAVING, *self._root.glob(f"{_LEAVING}*")]:
            shutil.rmtree(left, ignore_errors=True)
        settle(self._root)
        settle(self._job.directory)  # the adapter's folder is replaced like a checkpoint's

    def save(self, step: int, write: Callable[[], None]) -> None:
        """Save a checkpoint. Without room on the disk the older ones stay, and a warning is said.

        Args:
            step: The step that has just ended.
            write: Writes ``checkpoint-STEP`` into :attr:`folder`.
        """
        final = folder_of(self._job.directory, step)
        temporary = self._root / _SAVING / final.name
        shutil.rmtree(temporary.parent, ignore_errors=True)
        self._active = True
        try:
            write()
            self._finish(temporary)
            self._meter.save(temporary)
            write_manifest(temporary, step)
            replace_folder(temporary, final)
        except Exception as error:
            if not is_disk_full(error, self._job.directory):
                raise
            shutil.rmtree(temporary.parent, ignore_errors=True)
            self._not_saved(step)
            return
        finally:
            self._active = False
        shutil.rmtree(temporary.parent, ignore_errors=True)
        name = f"{CHECKPOINTS_DIR}/{final.name}"
        self._superseded.discard(final.name)
        self._job.write("checkpoint", path=name, step=step)
        print(f"saved {name}", flush=True)
        self._rotate()

    def _not_saved(self, step: int) -> None:
        whole = [found for found in self._found() if not damage(found, thorough=False)]
        left = f"step-{whole[0].step} is kept" if whole else "none has been saved yet"
        message = f"the disk is full: checkpoint step-{step} was not saved; {left}"
        print(message, flush=True)
        self._job.warn(
            message, code="checkpoint-not-saved", hint="free some space before the next checkpoint"
        )

    def _found(self) -> list[Checkpoint]:
        return newest_first(self._job.directory, self._superseded)

    def _rotate(self) -> None:
        """Remove all but the newest whole checkpoints, once enough of those are there."""
        whole: list[Checkpoint] = []
        rest: list[Checkpoint] = []
        for found in self._found():
            keep = len(whole) < self._keep and not damage(found, thorough=False)
            (whole if keep else rest).append(found)
        if len(whole) < self._keep:
            return
        for found in rest:
            # Renamed first, so that no half of it is ever taken for a checkpoint.
            leaving = self._root / f"{_LEAVING}{found.path.name}"
            shutil.rmtree(leaving, ignore_errors=True)
            found.path.rename(leaving)
            shutil.rmtree(leaving, ignore_errors=True)


@contextlib.contextmanager
def damage_named(checkpoint: str | None) -> Iterator[None]:
    """Turn any failure to load a checkpoint into a named one.

    Raises:
        CheckpointDamaged: It could not be loaded.
    """
    try:
        yield
    except Exception as error:
        name = Path(checkpoint or "").name.replace("checkpoint-", "step-")
        raise CheckpointDamaged(
            f"checkpoint {name} can't be loaded: {type(error).__name__}: {error}",
            hint="resume from an earlier one with: finetui runs resume RUN --from CHECKPOINT",
        ) from error


def with_saver(base: type[Any], saver: Saver) -> type[Any]:
    """Return a class of trainers that save through a saver, and name damage when they load.

    Args:
        base: transformers' Trainer, or a class below it.
        saver: What saves.
    """

    class SavingTrainer(base):  # type: ignore[misc]
        def _get_output_dir(self, trial: Any) -> str:
            # Where checkpoint folders are written: aside, while one is being saved.
            folder = saver.folder
            return str(folder) if folder else str(super()._get_output_dir(trial))

        def _save_checkpoint(self, model: Any, trial: Any) -> None:
            save = super()._save_checkpoint
            saver.save(self.state.global_step, lambda: save(model, trial))

        def _load_from_checkpoint(self, checkpoint: str, *rest: Any, **named: Any) -> None:
            with damage_named(checkpoint):
                super()._load_from_checkpoint(checkpoint, *rest, **named)

        def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
            with damage_named(checkpoint):
                super()._load_optimizer_and_scheduler(checkpoint)

        def _load_rng_state(self, checkpoint: str | None) -> None:
            with damage_named(checkpoint):
                super()._load_rng_state(checkpoint)

    return SavingTrainer
