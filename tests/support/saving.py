"""Saves checkpoints until it is killed or the disk is full: ``python -m tests.support.saving DIR``.

With a second argument it saves that many and ends.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from engine.runs.child import Job
from engine.train.meter import Meter
from engine.train.saving import Saver
from tests.support.checkpoints import make_checkpoint

MEGABYTE = 1 << 20


def main(directory: Path, count: int, size: int) -> int:
    """Save ``count`` checkpoints whose optimiser takes ``size`` bytes."""
    with Job(directory) as job:
        saver = Saver(job, Meter(), keep=1, superseded=())
        for step in range(1, count + 1):
            saver.save(step, lambda step=step: _write(saver, step, size))  # type: ignore[misc]
    return job.exit_status


def _write(saver: Saver, step: int, size: int) -> None:
    assert saver.folder is not None
    made = make_checkpoint(saver.folder.parent.parent / "made", step)
    saver.folder.mkdir(parents=True, exist_ok=True)
    made.rename(saver.folder / made.name)
    with (saver.folder / made.name / "more.bin").open("wb") as handle:
        handle.write(os.urandom(size))


if __name__ == "__main__":
    directory, count, size = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    sys.exit(main(directory, count, size))
