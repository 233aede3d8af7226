"""Fit through real runs: refusal, the probe, and predicted against measured. Slow: it trains."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import main
from engine.errors import RunTooLarge
from engine.runs import read_events, state
from engine.telemetry import Gpu
from engine.train import PRESETS, make_spec, start
from engine.train.devices import environment
from engine.workspace import Workspace
from tests.bench.bench_fit import SETTINGS, Setting, measure
from tests.support.datasets import freeze_examples
from tests.support.embedded import lend_embedded
from tests.support.trainings import make_run

SMALL_GPU = Gpu(index=0, name="GPU", vram_used=0, vram_total=300 * 10**6)
"""Less than the libraries alone take."""

# One process for all of them: a run, the same without its probe, and the first one again from
# the checkpoint in its middle.
_RUNS = """
import shutil, sys
from pathlib import Path
from engine.train.fit.memory import Memory
from engine.train.recipe import main

probed, plain, resumed = sys.argv[1:]
main([probed])
shutil.copytree(probed, resumed)
shutil.rmtree(Path(resumed) / "checkpoints" / "checkpoint-4")
main([resumed, "resume"])
Memory.probe = lambda self, trainer: None
main([plain])
"""


@pytest.fixture
def too_small(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Give the machine a GPU of 300 MB, and return the folders of runs that would begin."""
    begun: list[Path] = []
    module = sys.modules["engine.train.start"]
    monkeypatch.setattr(module, "check_machine", lambda *_, **__: (SMALL_GPU,))
    monkeypatch.setattr(module, "begin", lambda folder, *_, **__: begun.append(folder))
    return begun


def test_a_run_that_the_gpu_cannot_hold_is_refused_unless_forced(
    workspace: Workspace, tiny_model_dir: Path, too_small: list[Path]
) -> None:
    freeze_examples(workspace, tiny_model_dir)
    spec = make_spec(str(tiny_model_dir), "notes", "small-cpu")
    with pytest.raises(RunTooLarge) as refused:
        start(workspace, spec)
    assert refused.value.code == "run-too-large"
    assert "and GPU has 300 MB; the largest part is" in refused.value.message
    assert "--force" in (refused.value.hint or "")
    assert not workspace.runs_dir.exists()
    assert too_small == []
    forced = start(workspace, spec, force=True)
    assert too_small == [forced.dir]


def test_the_verb_refuses_and_forces(
    workspace: Workspace,
    tiny_model_dir: Path,
    too_small: list[Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    freeze_examples(workspace, tiny_model_dir)
    command = ["train", "--base", str(tiny_model_dir), "--workspace", str(workspace.root), "--json"]
    assert main(command) != 0
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "run-too-large"
    assert too_small == []
    assert main([*command, "--force"]) == 0
    assert len(too_small) == 1


@pytest.mark.nightly
def test_a_probe_changes_nothing_and_is_not_repeated(
    workspace: Workspace, tiny_model_dir: Path, tmp_path: Path
) -> None:
    frozen = freeze_examples(workspace, tiny_model_dir)
    changes = {"max_steps": 4, "save_steps": 2, "sample_tokens": 0, "dropout": 0.1}
    probed, plain = (
        make_run(tmp_path / name, frozen.directory, tiny_model_dir, **changes)
        for name in ("probed", "plain")
    )
    resumed = tmp_path / "resumed"
    done = subprocess.run(
        [sys.executable, "-c", _RUNS, *map(str, (probed, plain, resumed))],
        env={**os.environ, **environment(os.environ), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    views = [state(folder) for folder in (probed, plain, resumed)]
    assert [view.status for view in views] == ["finished"] * 3, done.stderr[-3000:]
    assert [fits(folder) for folder in (probed, plain, resumed)] == [1, 0, 1]
    assert [view.result["steps"] for view in views] == [4, 4, 4]
    assert views[0].losses == views[1].losses
    assert views[0].evals == views[1].evals
    adapters = [(one / "adapter" / "adapter_model.safetensors") for one in (probed, plain)]
    assert adapters[0].read_bytes() == adapters[1].read_bytes()


def fits(folder: Path) -> int:
    """Return how many ``fit`` events a run has written."""
    return sum(event.type == "fit" for event in read_events(folder)[0])


@pytest.mark.nightly
@pytest.mark.slow
def test_fit_probes_by_verb_and_leaves_nothing_behind(
    workspace: Workspace,
    tiny_model_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    freeze_examples(workspace, tiny_model_dir)
    elsewhere = tmp_path / "tmp"
    elsewhere.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(elsewhere))
    command = ["fit", "--probe", "--base", str(tiny_model_dir), "--preset", "small-cpu"]
    assert main([*command, "--workspace", str(workspace.root), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    probe = answer["probe"]
    assert probe["rows"] == PRESETS["small-cpu"].values["batch_size"] == answer["rows"]
    assert probe["predicted"] == {part: answer[part] for part in probe["predicted"]}
    assert probe["measured"]["total"] > 10**6
    assert list(elsewhere.iterdir()) == []
    assert not workspace.runs_dir.exists()


def off_by(setting: Setting, folder: Path) -> float:
    """Return by which share of what was measured a prediction is off."""
    found: dict[str, Any] = measure(setting, folder)
    return float(found["predicted"]["total"] / found["measured"]["total"] - 1)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_a_small_run_takes_what_was_predicted(tmp_path: Path) -> None:
    assert abs(off_by(SETTINGS[0], tmp_path / "one")) < 0.1


@pytest.mark.nightly
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize("setting", SETTINGS[1:], ids=lambda setting: setting.name)
def test_runs_take_what_was_predicted(
    setting: Setting, tmp_path: Path, embedded_cache: Path
) -> None:
    lend_embedded(embedded_cache)
    assert abs(off_by(setting, tmp_path / "one")) < 0.1
