"""unsloth trains for real, and as trl does: the same rows and losses, adapters for both."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.bases import resolve
from engine.dataset import read_rows
from engine.export.start import start as start_export
from engine.runs import last_log_lines, read_events, state
from engine.tokens import Tokenizer
from engine.train.data import render_rows
from engine.train.devices import environment
from engine.train.loss import evaluation_loss, nll_of_model
from engine.train.recipe import main as recipe
from engine.train.spec import load_spec
from engine.workspace import init_workspace, open_workspace
from tests.support.trainings import KINDS, continue_as
from tests.support.trusting import trusted
from tests.support.waiting import wait_until

# Before the first test, a tiny model in three kinds and the embedded base are trained by both
# trainers.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

RUN = "20260101-000000-abcd"


def steps(run: Path) -> list[dict[str, Any]]:
    return [dict(event.data) for event in read_events(run)[0] if event.type == "step"]


@pytest.mark.parametrize(
    ("base", "kind"),
    [
        *(("tiny", kind) for kind in KINDS),
        ("embedded", "nf4"),
        pytest.param("embedded", "fp32", marks=pytest.mark.nightly),
        pytest.param("embedded", "int8", marks=pytest.mark.nightly),
    ],
)
def test_both_trainers_make_the_same_steps(trainings: Path, base: str, kind: str) -> None:
    one, other = (trainings / f"{base}-{kind}-{name}" for name in ("trl", "unsloth"))
    for run, name in ((one, "trl"), (other, "unsloth")):
        view = state(run)
        assert view.status == "finished", (view.message, view.hint)
        assert view.result["backend"] == name
    count = {"tiny": 24, "embedded": 3}[base]
    pairs = list(zip(steps(one), steps(other), strict=True))
    assert len(pairs) == count
    for left, right in pairs:
        # The schedule, and how many tokens carried loss: the same rows with the same labels.
        assert left["lr"] == pytest.approx(right["lr"], rel=1e-12)
        assert left["trained_tokens"] == right["trained_tokens"]
    allowed = 1e-4 if kind == "fp32" else 1e-2
    if (base, kind) == ("tiny", "fp32"):
        assert [found.step for found in state(one).samples] == [0, 12, 24]
        assert state(one).samples == state(other).samples
    left_losses, right_losses = dict(state(one).losses), dict(state(other).losses)
    assert left_losses == pytest.approx(right_losses, rel=allowed)
    assert dict(state(one).evals) == pytest.approx(dict(state(other).evals), rel=allowed)
    assert left_losses[count] < left_losses[1]


def test_each_trainer_goes_on_with_a_run_of_the_other(trainings: Path, tmp_path: Path) -> None:
    """Adapter, optimiser, schedule and order are taken over: the end is that of the whole run."""
    whole = state(trainings / "tiny-fp32-trl")
    by_unsloth = state(trainings / "tiny-fp32-continued")
    assert by_unsloth.result["backend"] == "unsloth"
    folder = continue_as(trainings / "tiny-fp32-unsloth", tmp_path / "run", "trl")
    recipe([str(folder), "resume"])
    by_trl = state(folder)
    assert by_trl.result["backend"] == "trl"
    for run in (by_unsloth, by_trl):
        assert run.status == "finished", run.message
        assert dict(run.losses) == pytest.approx(dict(whole.losses), rel=1e-4)
        assert dict(run.evals) == pytest.approx(dict(whole.evals), rel=1e-4)


@pytest.mark.parametrize("kind", ["fp32", "nf4"])
def test_its_adapter_is_one_for_plain_peft(trainings: Path, kind: str) -> None:
    """Loaded by peft alone on the base in 32 bits, it has the loss of the run's last eval."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    run = trainings / f"tiny-{kind}-unsloth"
    model = AutoModelForCausalLM.from_pretrained(trainings / "base", dtype=torch.float32)
    tuned = PeftModel.from_pretrained(model, run / "adapter")
    tokenizer = Tokenizer.load(trainings / "base")
    rows = render_rows(tokenizer, read_rows(run / "dataset" / "validation.jsonl"), 512).rows
    loss = evaluation_loss(tuned, rows, nll_of_model, batch_size=3, pad_id=0)
    # A base in 4 bits is another by a thousandth of its loss.
    allowed = 1e-5 if kind == "fp32" else 5e-3
    assert loss == pytest.approx(dict(state(run).evals)[24], rel=allowed)
    assert loss < 0.95 * dict(state(run).evals)[0]


@pytest.mark.nightly
@pytest.mark.usefixtures("quick_gates")
def test_its_adapter_goes_through_the_whole_export(
    trainings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trainings / "tiny-nf4-unsloth"
    root = init_workspace(tmp_path / "workspace")
    shutil.copytree(run, root / "runs" / RUN)
    trusted(root)
    with open_workspace(root) as workspace:
        job = start_export(workspace, RUN, "f16")
    wait_until(lambda: not state(job).active, timeout=300, what="the export")
    view: Any = state(job)
    assert view.status == "finished", (view.message, *last_log_lines(job, 20))
    for side in ("base", "tuned"):
        told = view.result[side]
        assert Path(told["path"]).stat().st_size == told["bytes"]
        assert told["answer"].strip()
    assert resolve(load_spec(run).base_dir).directory.samefile(trainings / "base")


def test_it_is_imported_by_the_child_that_trains_with_it_alone() -> None:
    """It changes libraries when it is imported, takes seconds, and parts of it are AGPL."""
    code = "import sys, engine.train.recipe, engine.cli.main; print('unsloth' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment(os.environ)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "False"
