"""The same runs by both trainers, made once for all tests that compare them.

``python -m tests.support.trainings FOLDER...`` trains in a child: unsloth changes the libraries
that it trains with when it is imported, so its runs stay out of the process that runs the tests.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from engine.runs import RunView, state
from engine.train import make_spec
from engine.train.devices import environment
from engine.train.spec import changed, load_spec, write_spec
from engine.workspace import init_workspace, open_workspace
from tests.support.datasets import freeze_examples
from tests.support.tiny_export import make_convertible_model

KINDS: Mapping[str, Mapping[str, object]] = {
    "fp32": {},
    "nf4": {"load_in_4bit": True},
    "int8": {"load_in_8bit": True},
}
TINY = {
    "learning_rate": 5e-3, "epochs": 1.0, "save_steps": 12, "eval_steps": 12, "sample_tokens": 8
}  # fmt: skip
"""24 steps over 48 rows, with a checkpoint in the middle."""
EMBEDDED = {
    "warmup_ratio": 0.0, "learning_rate": 5e-4, "eval_steps": 3, "sample_tokens": 0,
    "max_length": 96,
}  # fmt: skip
"""Three steps of the 135M model over six rows, cut off, since each token takes its time."""


def make_trainings(folder: Path, embedded_dir: Path, embedded: Collection[str] = KINDS) -> None:
    """Train a tiny model in every kind by both trainers, and the embedded base in some.

    Runs are called BASE-KIND-TRAINER, such as ``tiny-nf4-unsloth``; ``tiny-fp32-continued`` is
    trl's run from its middle on by unsloth. The tiny model is in ``base``.
    """
    tiny = make_convertible_model(folder / "base")
    datasets = {}
    for name, base, count in (("tiny", tiny, 60), ("embedded", embedded_dir, 8)):
        with open_workspace(init_workspace(folder / f"workspace-{name}")) as workspace:
            datasets[name] = freeze_examples(workspace, base, count).directory
    for backend in ("trl", "unsloth"):
        runs = []
        for kind, fields in KINDS.items():
            for name, base, values in (("tiny", tiny, TINY), ("embedded", embedded_dir, EMBEDDED)):
                if name == "embedded" and kind not in embedded:
                    continue
                run = folder / f"{name}-{kind}-{backend}"
                changes = {**values, **fields, "backend": backend}
                runs.append(make_run(run, datasets[name], base, **changes))
        if backend == "unsloth":
            runs.append(
                continue_as(folder / "tiny-fp32-trl", folder / "tiny-fp32-continued", "unsloth")
            )
        run_apart(runs)


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


def continue_as(run: Path, folder: Path, backend: str) -> Path:
    """Copy a run as it was at step 12, for another trainer to go on with."""
    shutil.copytree(run, folder)
    shutil.rmtree(folder / "checkpoints" / "checkpoint-24")
    write_spec(folder, changed(load_spec(run), backend=backend))
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
    """Train the runs of these folders; those that have checkpoints go on from the newest."""
    from engine.train.recipe import main as recipe

    for folder in folders:
        recipe([folder, "resume"] if (Path(folder) / "checkpoints").exists() else [folder])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
