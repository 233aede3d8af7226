"""Runs that start from the adapter of another, for real on a tiny model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import main
from engine.dataset import Frozen
from engine.errors import AdapterInvalid, AdapterMismatch
from engine.runs import RunView, state
from engine.train import make_spec, plan
from engine.train.recipe import main as recipe
from engine.train.spec import TrainSpec, write_spec
from engine.train.warm_start import adopted
from engine.workspace import Workspace
from tests.support.datasets import freeze_examples
from tests.support.tiny_model import make_tiny_model

KINDS: dict[str, dict[str, Any]] = {
    "lora": {"adapter": "lora", "r": 4, "alpha": 12, "target_modules": ("q_proj", "v_proj")},
    "rslora": {"adapter": "rslora", "r": 8, "alpha": 16},
    "dora": {"adapter": "dora", "r": 2, "alpha": 4, "target_modules": ("down_proj", "o_proj")},
}


@pytest.fixture
def frozen(workspace: Workspace, tiny_model_dir: Path) -> Frozen:
    return freeze_examples(workspace, tiny_model_dir)


def run_here(folder: Path, frozen: Frozen, spec: TrainSpec) -> RunView:
    """Run the recipe in this process, which has paid for the imports once."""
    folder.mkdir()
    shutil.copytree(frozen.directory, folder / "dataset")
    write_spec(folder, spec)
    recipe([str(folder)])
    view = state(folder)
    assert view.status == "finished", view.message
    return view


def spec_of(base: Path, **changes: object) -> TrainSpec:
    own = {"learning_rate": 5e-3, "base_dir": str(base), "sample_tokens": 0}
    values: dict[str, Any] = {**own, **changes}
    return make_spec(str(base), "notes", "small-cpu", **values)


def test_the_first_loss_is_the_last_of_the_run_that_it_starts_from(
    frozen: Frozen, tiny_model_dir: Path, tmp_path: Path
) -> None:
    for kind, values in KINDS.items():
        first = run_here(
            tmp_path / kind,
            frozen,
            spec_of(tiny_model_dir, **values, max_steps=6, save_steps=3),
        )
        assert (first.step, first.total_steps) == (6, 6)
        last = dict(first.evals)[6]
        assert last < first.evals[0][1] - 1e-2, "a run that learnt nothing would prove nothing"
        checkpoint = tmp_path / kind / first.checkpoints[-1]
        for number, start in enumerate((tmp_path / kind / "adapter", checkpoint)):
            spec = adopted(spec_of(tiny_model_dir, resume_from=str(start), max_steps=2))
            assert {name: getattr(spec, name) for name in values} == values
            second = run_here(tmp_path / f"{kind}-{number}", frozen, spec)
            assert dict(second.evals)[0] == pytest.approx(last, abs=1e-4)
            # The optimiser and the schedule are those of a new run.
            assert [step for step, _ in second.losses] == [1, 2]
            assert second.lrs[0][1] == 0.0


def test_steps_end_a_run_and_its_schedule(
    frozen: Frozen, tiny_model_dir: Path, tmp_path: Path
) -> None:
    spec = spec_of(tiny_model_dir, max_steps=5, epochs=40.0, warmup_ratio=0.4)
    view = run_here(tmp_path / "run", frozen, spec)
    assert (view.step, view.total_steps) == (5, 5)
    # Two steps up to the highest rate, then down to nothing: a line of three parts.
    parts = [0.0, 1 / 2, 1.0, 2 / 3, 1 / 3]
    assert [rate for _, rate in view.lrs] == pytest.approx([5e-3 * part for part in parts])


def _saved(folder: Path, base: Path, **config: object) -> Path:
    """Save a fresh adapter of a base with peft, and change its configuration."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base)
    made = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj"]))
    made.save_pretrained(str(folder))
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **config}))
    return folder


def test_what_does_not_fit_is_named_before_anything_heavy_loads(
    workspace: Workspace, frozen: Frozen, tiny_model_dir: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    fine = _saved(tmp_path / "fine", tiny_model_dir)
    outline = plan(workspace, spec_of(tiny_model_dir, resume_from=str(fine)))
    assert any("rank 4, alpha 8" in note for note in outline.notes)
    words = ["train", "--workspace", str(workspace.root), "--base", str(tiny_model_dir)]
    words += ["--plan", "--json", "--resume-from"]
    assert main([*words, str(fine), "--r", "4", "--target-modules", "all-linear"]) == 0
    # q_proj of 64 to 64 in each of two layers.
    assert json.loads(capsys.readouterr().out)["trainable"] == 2 * 4 * (64 + 64)
    assert main([*words, str(fine), "--r", "16"]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "adapter-mismatch"
    assert "has r 4, not 16" in error["message"]
    assert error["hint"].startswith("leave out --r")

    wider = make_tiny_model(tmp_path / "wider", hidden=128)
    with pytest.raises(AdapterMismatch, match="64 inputs"):
        adopted(spec_of(wider, resume_from=str(fine)))
    for config, said in (
        ({"peft_type": "IA3"}, "IA3"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"rank_pattern": {"q_proj": 8}}, "rank_pattern"),
        ({"lora_alpha": 2.5}, r"lora_alpha 2\.5"),
    ):
        odd = _saved(tmp_path / said.replace("\\", ""), tiny_model_dir, **config)
        with pytest.raises(AdapterInvalid, match=said):
            adopted(spec_of(tiny_model_dir, resume_from=str(odd)))
