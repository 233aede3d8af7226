"""Reports of a run elsewhere: TensorBoard's files are read back, by the format's own definition."""

from __future__ import annotations

import importlib.util
import shutil
import struct
import sys
from collections.abc import Iterator, Mapping
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest

from engine.dataset import Frozen
from engine.errors import DependencyMissing
from engine.runs import state
from engine.runs.child import Job
from engine.train import make_spec, start
from engine.train.recipe import main as recipe
from engine.train.reporting import PACKAGES, hyperparameters, reporting
from engine.train.spec import TrainSpec, write_spec
from engine.workspace import Workspace
from tests.support.datasets import freeze_examples


@pytest.fixture
def frozen(workspace: Workspace, tiny_model_dir: Path) -> Frozen:
    return freeze_examples(workspace, tiny_model_dir)


def spec_of(base: Path, **changes: object) -> TrainSpec:
    values: dict[str, Any] = {"base_dir": str(base), "max_steps": 4, "eval_steps": 2, **changes}
    return make_spec(str(base), "notes", "small-cpu", **values)


def run_here(folder: Path, frozen: Frozen, spec: TrainSpec) -> None:
    folder.mkdir()
    shutil.copytree(frozen.directory, folder / "dataset")
    write_spec(folder, spec)
    recipe([str(folder)])
    assert state(folder).status == "finished", state(folder).message


def records(path: Path) -> Iterator[bytes]:
    """Read a TFRecord file: length (8 bytes), its checksum (4), the record, its checksum (4).

    The format: https://www.tensorflow.org/tutorials/load_data/tfrecord
    """
    data, at = path.read_bytes(), 0
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        yield data[at + 12 : at + 12 + length]
        at += 16 + length


def scalars(folder: Path) -> dict[str, dict[int, float]]:
    """Return what TensorBoard would plot: for each tag its values by step."""
    from tensorboardX.proto.event_pb2 import Event

    found: dict[str, dict[int, float]] = {}
    for path in sorted(folder.iterdir()):
        for record in records(path):
            event = Event.FromString(record)
            for value in event.summary.value:
                if value.HasField("simple_value"):
                    found.setdefault(value.tag, {})[event.step] = value.simple_value
    return found


def test_tensorboard_gets_the_losses_of_both_splits(
    frozen: Frozen, tiny_model_dir: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    run_here(folder, frozen, spec_of(tiny_model_dir, report_to="tensorboard"))
    view, told = state(folder), scalars(folder / "tensorboard")
    assert [step for step, _ in view.evals] == [0, 2, 4]
    assert told["eval/loss"] == pytest.approx(dict(view.evals))
    assert told["train/loss"] == pytest.approx(dict(view.losses))
    assert told["train/learning_rate"] == pytest.approx(dict(view.lrs))
    assert told["train/grad_norm"] == pytest.approx(dict(view.grad_norms))
    for path in (folder / "tensorboard").iterdir():  # it may be shown to others
        assert bytes(tmp_path) not in path.read_bytes()
        assert bytes(tiny_model_dir.parent) not in path.read_bytes()


@pytest.mark.parametrize(("report_to", "package"), PACKAGES.items())
def test_a_missing_package_is_named_with_its_extra_before_a_run_is_made(
    workspace: Workspace,
    frozen: Frozen,
    tiny_model_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    report_to: str,
    package: str,
) -> None:
    find = importlib.util.find_spec

    def without(name: str, parent: str | None = None) -> ModuleSpec | None:
        return None if name == package else find(name, parent)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    with pytest.raises(DependencyMissing, match=package) as caught:
        start(workspace, spec_of(tiny_model_dir, report_to=report_to))
    assert f"pip install 'finetui[{report_to}]'" in caught.value.hint
    assert not list(workspace.runs_dir.glob("*"))


FAKE = """
calls = []
class Settings:
    def __init__(self, **values): pass
def init(**values):
    calls.append(("init", values))
    return __import__(__name__)
def log(values, step):
    calls.append((step, values))
    if step == FAIL_AT:
        raise OSError("the network is gone")
def finish():
    calls.append(("finish", {}))
"""


@pytest.mark.parametrize("report_to", ["wandb", "trackio"])
@pytest.mark.parametrize("fail_at", [None, 2])
def test_a_service_is_told_figures_and_no_path_and_may_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, report_to: str, fail_at: int | None
) -> None:
    """A stand-in with the documented calls, since the packages are large and the network off."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / f"{report_to}.py").write_text(f"FAIL_AT = {fail_at}\n{FAKE}")
    monkeypatch.syspath_prepend(str(tmp_path / "lib"))
    folder = tmp_path / "run-7"
    folder.mkdir()
    spec = spec_of(tmp_path / "base", report_to=report_to)
    with Job(folder) as job, reporting(job, spec):
        job.write("eval", step=0, loss=3.5, rows=4)
        for step in (1, 2, 3):
            job.write("step", step=step, loss=3.0 - step, lr=1e-3, grad_norm=None, epoch=0.1)
        job.write("eval", step=3, loss=2.5)
    (_, config), *rest = importlib.import_module(report_to).calls
    del sys.modules[report_to]
    assert (config["name"], config["project"]) == ("run-7", "finetui")
    assert config["config"]["learning_rate"] == 2e-3
    assert str(tmp_path) not in str(config["config"])
    steps: list[tuple[object, dict[str, float]]] = [
        (0, {"eval/loss": 3.5}),
        *((at, {"train/loss": 3.0 - at, "train/learning_rate": 1e-3}) for at in (1, 2, 3)),
        (3, {"eval/loss": 2.5}),
        ("finish", {}),
    ]
    warnings = state(folder).warnings
    if fail_at is None:
        assert (rest, warnings) == (steps, ())
    else:  # said once, and the run goes on
        assert rest == steps[:3]
        (said,) = warnings
        assert "the network is gone" in said
        assert state(folder).status == "finished"


def test_what_is_told_of_a_spec_names_no_folder_and_no_prompt(tiny_model_dir: Path) -> None:
    spec = spec_of(tiny_model_dir, sample_prompts=("What of my mother?",), resume_from="/home/x")
    told: Mapping[str, object] = hyperparameters(spec)
    assert told["base"] == tiny_model_dir.name
    assert not any(word in str(told) for word in ("mother", "/home/x", str(tiny_model_dir)))
