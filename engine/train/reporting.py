"""Reporting a run elsewhere too: to TensorBoard's files, to Weights & Biases, or to Trackio.

Reported is what the run's own log says: loss, learning rate, gradient norm and tokens/s of steps,
the loss on the validation split, and the hyperparameters. Texts, samples and paths of this machine
are not. A report that fails is a warning; the run goes on.

transformers' own callbacks are not used: they never see the held-out loss, and send the folders
of this machine with the trainer's arguments.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from engine.errors import DependencyMissing
from engine.runs.child import Job
from engine.train.published import public_name
from engine.train.spec import TrainSpec

PACKAGES = {"tensorboard": "tensorboardX", "wandb": "wandb", "trackio": "trackio"}
TENSORBOARD_DIR = "tensorboard"
PROJECT = "finetui"

_SCALARS = {
    "step": {
        "loss": "train/loss",
        "lr": "train/learning_rate",
        "grad_norm": "train/grad_norm",
        "tokens_per_s": "train/tokens_per_s",
    },
    "eval": {"loss": "eval/loss"},
}
"""Which fields of which events are reported, and under which names."""

_PRIVATE = ("base_dir", "dataset_dir", "resume_from", "sample_prompts", "report_to")


class Reporter(Protocol):
    """Where a run is reported."""

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Report figures of a step."""

    def close(self) -> None:
        """Have all of it written."""


def check_reporting(report_to: str) -> None:
    """Check that what a run is reported with is installed, without importing it.

    Raises:
        DependencyMissing: It is not, with the extra to install.
    """
    package = PACKAGES.get(report_to)
    if package and importlib.util.find_spec(package) is None:
        raise DependencyMissing(
            f"reporting to {report_to} needs the package {package}, which is not installed",
            hint=f"install it with: pip install 'finetui[{report_to}]', or set report_to to none",
        )


@contextlib.contextmanager
def reporting(job: Job, spec: TrainSpec, *, resumed_step: int | None = None) -> Iterator[None]:
    """Report what a job writes for as long as it trains.

    Args:
        job: The run's job.
        spec: Its specification; one that is reported nowhere changes nothing.
        resumed_step: The step that a resumed run goes on from.

    Raises:
        DependencyMissing: What it is reported with is not installed.
    """
    if spec.report_to == "none":
        yield
        return
    check_reporting(spec.report_to)
    guard = _Guard(job, spec.report_to)
    with guard.watched():
        guard.reporter = _OPEN[spec.report_to](job.directory, hyperparameters(spec), resumed_step)
        job.on_write(guard.take)
    try:
        yield
    finally:
        with guard.watched():
            if guard.reporter is not None:
                guard.reporter.close()


def hyperparameters(spec: TrainSpec) -> dict[str, Any]:
    """Return what is told of a spec: no folder of this machine, and no prompt."""
    told = {name: value for name, value in spec.model_dump().items() if name not in _PRIVATE}
    return {**told, "base": public_name(spec), "target_modules": ",".join(spec.target_modules)}


class _Guard:
    """Hands a run's figures on until a report fails, which is said once."""

    def __init__(self, job: Job, name: str) -> None:
        self._job = job
        self._name = name
        self.reporter: Reporter | None = None

    def take(self, kind: str, fields: Mapping[str, object]) -> None:
        """Report an event's figures, if it has any."""
        named = {new: fields.get(old) for old, new in _SCALARS.get(kind, {}).items()}
        values = {name: float(value) for name, value in named.items() if isinstance(value, float)}
        step = fields.get("step")
        if self.reporter is not None and values and isinstance(step, int):
            with self.watched():
                self.reporter.scalars(values, step)

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Turn whatever another's package raises into a warning, and report no more."""
        try:
            yield
        except Exception as error:
            self.reporter = None
            self._job.warn(
                f"reporting to {self._name} failed, and the run goes on without: {error}",
                code="report-failed",
            )


class _TensorBoard:
    def __init__(self, directory: Path, told: Mapping[str, Any], resumed: int | None) -> None:
        from tensorboardX import SummaryWriter

        # What a run had logged after the checkpoint that it goes on from is not shown.
        purge = None if resumed is None else resumed + 1
        self._writer = SummaryWriter(logdir=str(directory / TENSORBOARD_DIR), purge_step=purge)
        lines = (f"| {name} | {value} |" for name, value in told.items())
        self._writer.add_text("hyperparameters", "\n".join(["| name | value |", "|-|-|", *lines]))

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


class _Wandb:
    def __init__(self, directory: Path, told: Mapping[str, Any], resumed: int | None) -> None:
        import wandb

        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            id=directory.name,
            name=directory.name,
            dir=str(directory),
            config=dict(told),
            resume="allow",
            save_code=False,
            # Not this machine's name, folders and packages, nor the log.
            settings=wandb.Settings(
                console="off", disable_git=True, x_disable_meta=True, x_save_requirements=False
            ),
        )

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        self._run.log(dict(values), step=step)

    def close(self) -> None:
        self._run.finish()


class _Trackio:
    def __init__(self, directory: Path, told: Mapping[str, Any], resumed: int | None) -> None:
        import trackio

        self._trackio = trackio
        trackio.init(
            project=os.environ.get("TRACKIO_PROJECT", PROJECT),
            name=directory.name,
            config=dict(told),
            resume="allow",
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
        )

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        self._trackio.log(dict(values), step=step)

    def close(self) -> None:
        self._trackio.finish()


_OPEN: Mapping[str, Callable[[Path, Mapping[str, Any], int | None], Reporter]] = {
    "tensorboard": _TensorBoard,
    "wandb": _Wandb,
    "trackio": _Trackio,
}
