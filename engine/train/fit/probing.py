"""One real step on the longest batch, in a run of its own that leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.bases import resolve
from engine.child import child_environment, environment_without_secrets
from engine.dataset import Row, load
from engine.dataset.frozen import TRAIN
from engine.errors import DatasetRefused, RunFailed
from engine.runs import state
from engine.setup import require
from engine.sizes import size_words
from engine.tether import tethered
from engine.tokens import Tokenizer
from engine.train.data import render_rows
from engine.train.devices import environment
from engine.train.spec import TrainSpec, changed, write_spec
from engine.workspace import Workspace

RECIPE = "engine.train.recipe"
DATASET_DIR = "dataset"


@dataclass(frozen=True, slots=True)
class Probe:
    """What a probe found.

    Attributes:
        predicted: Predicted bytes by part, and ``total``.
        measured: Measured bytes; ``total``, and on a GPU torch's own figures.
        device: What it ran on.
        limit: Bytes that a run may take there.
        rows: Examples at once that fit: those of the spec, or less.
        seconds: What the step took.
    """

    predicted: Mapping[str, int]
    measured: Mapping[str, int]
    device: str
    limit: int
    rows: int
    seconds: float

    @property
    def words(self) -> str:
        """What came out, in a line."""
        predicted, measured = self.predicted["total"], self.measured["total"]
        return (
            f"probe on {self.device}: predicted {size_words(predicted)}, measured "
            f"{size_words(measured)} ({predicted / measured - 1:+.0%}), in {self.seconds:.1f} s; "
            f"{self.rows} at once fit"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        return {
            "predicted": dict(self.predicted),
            "measured": dict(self.measured),
            "device": self.device,
            "limit": self.limit,
            "rows": self.rows,
            "seconds": self.seconds,
        }


def probe(workspace: Workspace, spec: TrainSpec) -> Probe:
    """Train one step on a dataset's longest examples in a child, and say what it took.

    Args:
        workspace: Where the dataset is.
        spec: The run that is asked about.

    Raises:
        BaseMissing: The base is not on this machine.
        DatasetMissing: The workspace has no such dataset.
        DatasetRefused: The dataset has no example to train on.
        DependencyMissing: What trains is not installed.
        RunFailed: The step failed; where memory did not suffice, with what takes most.
    """
    base, dataset = resolve(spec.base), load(workspace, spec.dataset)
    require("training")
    folder = Path(tempfile.mkdtemp(prefix="finetui-probe-"))
    try:
        (folder / DATASET_DIR).mkdir()
        lines = _longest(dataset.directory / TRAIN, dataset.train_rows(), spec, base.directory)
        (folder / DATASET_DIR / TRAIN).write_text("".join(lines), "utf-8")
        one_step = changed(
            spec,
            base_dir=str(base.directory.resolve()),
            base_fingerprint=base.fingerprint,
            accumulation=1,
            max_steps=1,
            report_to="none",
            resume_from="",
        )
        write_spec(folder, one_step)
        return _run(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _longest(path: Path, rows: list[Row], spec: TrainSpec, base_dir: Path) -> list[str]:
    """Return the lines of the examples that make the longest batch."""
    lines = path.read_text("utf-8").splitlines(keepends=True)
    rendered = render_rows(Tokenizer.load(base_dir), rows, spec.max_length).rows
    if not rendered or len(lines) != len(rows):
        raise DatasetRefused(
            f"the dataset {spec.dataset} has no example to train on",
            hint="approve more examples and freeze again",
        )
    longest = sorted(rendered, key=lambda row: (len(row.ids), row.trained), reverse=True)
    wanted = {row.id for row in longest[: spec.batch_size]}
    return [line for line, row in zip(lines, rows, strict=True) if row.id in wanted]


def _run(folder: Path) -> Probe:
    variables = {**environment_without_secrets(), **child_environment()}
    done = subprocess.run(
        [sys.executable, "-P", "-m", RECIPE, str(folder)],
        env={**variables, **environment(os.environ)},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        preexec_fn=tethered(),
    )
    view = state(folder)
    found = view.fit
    measured = found.get("measured")
    if view.status != "finished" or not isinstance(measured, Mapping):
        last = (done.stderr.strip().splitlines() or ["the process ended without a word"])[-1]
        raise RunFailed(
            f"the probe did not get through a step: {view.message or last}",
            hint=view.hint or "finetui fit says what a run takes, and which settings fit",
        )
    return Probe(
        predicted=found["predicted"],  # type: ignore[arg-type]
        measured=measured,
        device=str(found.get("device", "")),
        limit=int(str(found.get("limit", 0))),
        rows=int(str(found.get("rows", 0))),
        seconds=float(str(found.get("seconds", 0))),
    )
