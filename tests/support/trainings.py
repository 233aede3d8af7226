"""Runs of the recipe one after another, in this process or in a child of their own.

``python -m tests.support.trainings FOLDER...`` is the child: unsloth changes the libraries that it
trains with when it is imported, so its runs stay out of the process that runs the tests.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from engine.runs import RunView, state
from engine.train import make_spec
from engine.train.devices import environment
from engine.train.spec import write_spec


def make_run(folder: Path, dataset: Path, base: Path, **changes: object) -> Path:
    """Write the folder of a run that has not begun.

    Args:
        folder: The run's folder; it is made.
        dataset: The folder of a frozen dataset.
        base: The folder of its base.
        changes: Fields of the specification, on those of the preset ``small-cpu``.
    """
    folder.mkdir(parents=True)
    shutil.copytree(dataset, folder / "dataset")
    spec = make_spec(str(base), "notes", "small-cpu", **{"base_dir": str(base), **changes})
    write_spec(folder, spec)
    return folder


def run_apart(folders: Sequence[Path]) -> list[RunView]:
    """Train runs in one child process, one after another, and return what their logs say."""
    command = [sys.executable, "-m", "tests.support.trainings", *map(str, folders)]
    done = subprocess.run(
        command, env={**os.environ, **environment(os.environ)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return [state(folder) for folder in folders]


def main(folders: Sequence[str]) -> int:
    """Train the runs of these folders."""
    from engine.train.recipe import main as recipe

    for folder in folders:
        recipe([folder])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
