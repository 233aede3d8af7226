"""The recipe on a real model that is made for the test. Slow: it loads the training stack."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.bases import resolve
from engine.dataset import Frozen
from engine.runs import RunView, is_alive, read_events, request_stop, runs, state
from engine.tokens import Tokenizer
from engine.train import TrainSpec, make_spec, plan, resume, start
from engine.train.checkpoints import checkpoints, damage
from engine.train.data import as_features, collate, render_rows
from engine.train.loss import evaluation_loss, nll_at_trained, nll_of_model
from engine.train.recipe import main as recipe
from engine.train.spec import write_spec
from engine.workspace import Workspace, open_workspace
from tests.support.datasets import freeze_examples
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def frozen(workspace: Workspace, tiny_model_dir: Path) -> Frozen:
    return freeze_examples(workspace, tiny_model_dir)


def spec_of(base: Path, **changes: object) -> TrainSpec:
    values: dict[str, Any] = {"learning_rate": 5e-3, "epochs": 2.0, **changes}
    return make_spec(str(base), "notes", "small-cpu", **values)


def run_here(folder: Path, frozen: Frozen, base: Path, **changes: object) -> RunView:
    """Run the recipe in this process, which has paid for the imports once."""
    folder.mkdir()
    shutil.copytree(frozen.directory, folder / "dataset")
    write_spec(folder, spec_of(base, base_dir=str(base), **changes))
    recipe([str(folder)])
    return state(folder)


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(folder / "adapter" / "adapter_model.safetensors"))


def ended(folder: Path) -> RunView:
    wait_until(lambda: not is_alive(folder), timeout=300, what="the run's end")
    return state(folder)


def test_a_run_learns_and_is_found_again_with_its_whole_history(
    workspace: Workspace, frozen: Frozen, tiny_model_dir: Path
) -> None:
    """A real child: it is left alone, and a workspace that is opened later tells all of it."""
    outline = plan(workspace, spec_of(tiny_model_dir))
    run = start(workspace, spec_of(tiny_model_dir))
    workspace.close()
    spec_text = (run.dir / "spec.toml").read_bytes()
    view = ended(run.dir)
    with open_workspace(workspace.root) as reopened:
        (found,) = runs(reopened)
    assert (found.id, found.view) == (run.id, view)
    assert view.status == "finished", view.message
    assert (run.dir / "spec.toml").read_bytes() == spec_text

    result = view.result
    steps = outline.steps
    assert [step for step, _ in view.losses] == list(range(1, steps + 1))
    looked = [step for step, _ in view.evals]
    assert (looked[0], looked[-1]) == (0, steps)
    assert len(looked) >= 5  # the base, three or more, and the end
    assert [found.step for found in view.samples] == looked
    assert view.kept == result["best_step"]
    assert view.losses[-1][1] < 0.9 * view.losses[0][1]
    assert view.evals[-1][1] < 0.9 * view.evals[0][1]
    assert (result["base_eval_loss"], result["eval_loss"]) == (view.evals[0][1], view.evals[-1][1])
    assert result["trained_tokens"] == 2 * outline.trained_tokens
    assert result["tokens"] == 2 * outline.tokens
    assert sum(tensor.numel() for tensor in weights(run.dir).values()) == outline.trainable
    assert view.checkpoints[-1] == f"checkpoints/checkpoint-{steps}"
    (fallback,) = [event for event in read_events(run.dir)[0] if event.type == "warning"]
    assert fallback.data["code"] == "cpu-fallback"
    assert view.warnings == (fallback.data["message"],)
    log = (run.dir / "stdout.log").read_text()
    assert f"step {steps}/{steps}" in log
    assert "Traceback" not in log
    for folder in (run.dir / "adapter", run.dir / "best", run.dir / view.checkpoints[-1]):
        config = json.loads((folder / "adapter_config.json").read_text())
        assert config["base_model_name_or_path"] == tiny_model_dir.name
        assert f"base_model: {tiny_model_dir.name}" in (folder / "README.md").read_text()
    for path in (run.dir / "adapter").iterdir():  # what is published names nobody's folders
        for place in (tiny_model_dir.parent, workspace.root, Path.home()):
            assert bytes(place) not in path.read_bytes(), path
    types = {event.type for event in read_events(run.dir)[0]}
    assert {"run_started", "phase", "step", "eval", "checkpoint", "run_finished"} <= types


def test_a_stopped_run_goes_on_to_the_same_end(
    workspace: Workspace, frozen: Frozen, tiny_model_dir: Path, tmp_path: Path
) -> None:
    # Dropout draws random numbers at every step, so equal ends need the generator's state too.
    changes = {"epochs": 6.0, "batch_size": 2, "dropout": 0.1, "save_steps": 1000, "eval_steps": 24}
    run = start(workspace, spec_of(tiny_model_dir, **changes))
    wait_until(lambda: state(run.dir).step >= 5, timeout=300, what="the fifth step")
    assert request_stop(run.dir)
    stopped = ended(run.dir)
    assert stopped.status == "stopped", stopped.message
    assert 5 <= stopped.step < stopped.total_steps
    assert stopped.checkpoints == (f"checkpoints/checkpoint-{stopped.step}",)
    assert (run.dir / "adapter" / "adapter_model.safetensors").is_file()
    assert [checkpoint.step for checkpoint in checkpoints(run.dir)] == [stopped.step]

    resume(workspace, run.id)
    resumed = ended(run.dir)
    whole = run_here(tmp_path / "whole", frozen, tiny_model_dir, **changes)
    assert (resumed.status, whole.status) == ("finished", "finished")
    assert dict(resumed.losses) == pytest.approx(dict(whole.losses), rel=1e-4)
    assert dict(resumed.evals) == pytest.approx(dict(whole.evals), rel=1e-4)
    assert resumed.result["trained_tokens"] == whole.result["trained_tokens"]
    one, other = weights(run.dir), weights(tmp_path / "whole")
    assert one.keys() == other.keys()
    assert all(bool((one[name] - other[name]).abs().max() < 1e-4) for name in one)


def test_a_batch_of_eight_equals_eight_batches_of_one(
    frozen: Frozen, tiny_model_dir: Path, tmp_path: Path
) -> None:
    one = run_here(
        tmp_path / "a", frozen, tiny_model_dir, batch_size=8, accumulation=1, eval_steps=6
    )
    other = run_here(
        tmp_path / "b", frozen, tiny_model_dir, batch_size=1, accumulation=8, eval_steps=6
    )
    assert one.losses
    assert dict(one.losses) == pytest.approx(dict(other.losses), rel=1e-4)
    assert dict(one.evals) == pytest.approx(dict(other.evals), rel=1e-4)


def test_the_loss_is_the_mean_over_trained_tokens(frozen: Frozen, tiny_model_dir: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    tokenizer = Tokenizer.load(tiny_model_dir)
    rows = render_rows(tokenizer, frozen.validation_rows(), 512).rows
    model = AutoModelForCausalLM.from_pretrained(tiny_model_dir, dtype=torch.float32)
    # By hand: every trained token's probability after the tokens before it, one row at a time.
    terms = []
    for row in rows:
        with torch.no_grad():
            chances = model(torch.tensor([row.ids])).logits[0].log_softmax(-1)
        terms += [
            -float(chances[at - 1, label])
            for at, label in enumerate(row.labels)
            if at and label != -100
        ]
    expected = sum(terms) / len(terms)
    assert len({len(row.ids) for row in rows}) > 1, "rows of one length would prove nothing"
    for likelihood in (nll_at_trained, nll_of_model):
        for batch_size in (1, 5):
            measured = evaluation_loss(model, rows, likelihood, batch_size=batch_size, pad_id=0)
            assert measured == pytest.approx(expected, rel=1e-5)
    batch = collate([as_features(row) for row in rows], pad_id=0)
    loss, count = nll_at_trained(model, batch)
    assert count == len(terms)
    parameters = list(model.parameters())
    own = torch.autograd.grad(loss, parameters)
    theirs = torch.autograd.grad(nll_of_model(model, batch)[0], parameters)
    for one, other in zip(own, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)


def test_what_goes_wrong_is_said_with_a_code(
    frozen: Frozen, tiny_model_dir: Path, tmp_path: Path
) -> None:
    cut = run_here(tmp_path / "cut", frozen, tiny_model_dir, max_length=16)
    assert (cut.status, cut.code) == ("failed", "dataset-refused")
    names = run_here(tmp_path / "names", frozen, tiny_model_dir, target_modules=("c_attn",))
    assert (names.status, names.code) == ("failed", "base-invalid")
    assert "q_proj" in names.hint
    some = run_here(tmp_path / "some", frozen, tiny_model_dir, max_length=60, epochs=1.0)
    assert some.status == "finished", some.message
    assert any("cut off" in warning for warning in some.warnings)


def test_the_base_is_not_touched(frozen: Frozen, tiny_model_dir: Path, tmp_path: Path) -> None:
    before = resolve(str(tiny_model_dir)).fingerprint
    run_here(tmp_path / "run", frozen, tiny_model_dir, epochs=0.5, eval_steps=2)
    view = state(tmp_path / "run")
    assert view.status == "finished"
    assert [step for step, _ in view.evals] == [0, 2, 4, 6, 8, 10, 12]
    assert resolve(str(tiny_model_dir)).fingerprint == before


def test_a_damaged_checkpoint_costs_its_steps_and_not_the_run(
    frozen: Frozen, tiny_model_dir: Path, tmp_path: Path
) -> None:
    """Real checkpoints, harmed and resumed: the one before is taken, and the end is the same."""
    folder = tmp_path / "run"
    first = run_here(folder, frozen, tiny_model_dir, save_steps=20)
    total = first.total_steps
    assert [one.step for one in checkpoints(folder)] == [40, total]
    newest = folder / "checkpoints" / f"checkpoint-{total}" / "adapter_model.safetensors"
    newest.write_bytes(newest.read_bytes()[:200])
    recipe([str(folder), "resume"])
    again = state(folder)
    assert again.status == "finished", again.message
    (warning,) = [
        event.data
        for event in read_events(folder)[0]
        if event.type == "warning" and event.data.get("code") == "checkpoint-damaged"
    ]
    assert str(warning["message"]).startswith(f"checkpoint step-{total} is damaged: adapter_model")
    assert str(warning["message"]).endswith("resumed from step-40")
    begun = [event.data for event in read_events(folder)[0] if event.type == "run_started"]
    assert (begun[-1]["resumed_step"], begun[-1]["checkpoint"]) == (40, "step-40")
    assert dict(again.losses) == pytest.approx(dict(first.losses), rel=1e-4)
    assert damage(checkpoints(folder)[-1]) == ""

    # One that is asked for is taken, and refused by name where it is damaged.
    (folder / "checkpoints" / "checkpoint-40" / "scheduler.pt").write_bytes(b"")
    recipe([str(folder), "resume", "--from=step-40"])
    refused = state(folder)
    assert (refused.status, refused.code) == ("failed", "checkpoint-damaged")
    assert "scheduler.pt" in refused.message


def test_a_checkpoint_that_cannot_be_loaded_is_named(
    frozen: Frozen, tiny_model_dir: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    run_here(folder, frozen, tiny_model_dir, save_steps=20, epochs=1.0)
    newest = checkpoints(folder)[-1]
    # As an earlier version left it, with zeros where its form can't tell: at the file's end.
    (newest.path / "checkpoint.json").unlink()
    shutil.copy(newest.path / "rng_state.pth", newest.path / "optimizer.pt")
    recipe([str(folder), "resume"])
    view = state(folder)
    assert (view.status, view.code) == ("failed", "checkpoint-damaged")
    assert f"checkpoint {newest.name} can't be loaded" in view.message
    assert "--from" in view.hint
