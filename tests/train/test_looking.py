"""Real runs that are looked at: what they leave, and that looking changes nothing of them."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.dataset import Frozen, read_rows
from engine.models import Turn
from engine.runs import RunView, Samples, read_best, read_events, state, verdict_words
from engine.tokens import Tokenizer, prompt_ids
from engine.train import TrainSpec, make_spec
from engine.train.recipe import main as recipe
from engine.train.samples import choose_prompts
from engine.train.spec import write_spec
from engine.workspace import Workspace
from tests.support.datasets import freeze_examples

pytestmark = pytest.mark.slow


@pytest.fixture
def frozen(workspace: Workspace, tiny_model_dir: Path) -> Frozen:
    return freeze_examples(workspace, tiny_model_dir)


def spec_of(base: Path, **changes: object) -> TrainSpec:
    values: dict[str, Any] = {"learning_rate": 5e-3, "epochs": 1.0, "dropout": 0.1, **changes}
    return make_spec(str(base), "notes", "small-cpu", base_dir=str(base), **values)


def run_here(folder: Path, frozen: Frozen, spec: TrainSpec) -> RunView:
    """Run the recipe in this process, which has paid for the imports once."""
    folder.mkdir()
    shutil.copytree(frozen.directory, folder / "dataset")
    write_spec(folder, spec)
    recipe([str(folder)])
    return state(folder)


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(folder / "adapter_model.safetensors"))


def same(one: Path, other: Path) -> bool:
    import torch

    left, right = weights(one), weights(other)
    return left.keys() == right.keys() and all(torch.equal(left[key], right[key]) for key in left)


def by_hand(base: Path, adapter: Path | None, prompts: list[tuple[int, ...]]) -> list[str]:
    """Answer by transformers and peft alone: one prompt at a time, a token at a time, no cache."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model: Any = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    if adapter is not None:
        model = PeftModel.from_pretrained(model, str(adapter))
    tokenizer = AutoTokenizer.from_pretrained(base)
    texts = []
    for prompt in prompts:
        ids = list(prompt)
        for _ in range(12):
            with torch.no_grad():
                ids.append(int(model.eval()(torch.tensor([ids])).logits[0, -1].argmax()))
            if ids[-1] == tokenizer.eos_token_id:
                break
        texts.append(tokenizer.decode(ids[len(prompt) :], skip_special_tokens=True))
    return texts


def test_looking_at_a_run_changes_nothing_of_it(
    frozen: Frozen, tiny_model_dir: Path, tmp_path: Path
) -> None:
    """With dropout, which draws a random number for every weight, and with checkpointing."""
    asked = ("What did you take from the garden on day 3?", "Why?", "What did you take?")
    changes: dict[str, Any] = {"sample_tokens": 12, "eval_steps": 6, "sample_prompts": asked}
    one = spec_of(tiny_model_dir, **changes, gradient_checkpointing=True)
    view = run_here(tmp_path / "a", frozen, one)
    unseen = spec_of(tiny_model_dir, sample_tokens=0, eval_steps=24)
    bare = run_here(tmp_path / "b", frozen, unseen)
    assert (view.status, bare.status) == ("finished", "finished"), view.message + bare.message
    assert same(tmp_path / "a" / "adapter", tmp_path / "b" / "adapter")
    assert view.losses == bare.losses
    assert bare.samples == ()

    # What is told of the run.
    assert [step for step, _ in view.evals] == [0, 6, 12, 18, 24]
    assert [step for step, _ in bare.evals] == [0, 24]
    evals = [event.data for event in read_events(tmp_path / "a")[0] if event.type == "eval"]
    assert {(data["rows"], data["of"]) for data in evals} == {(12, 12)}
    assert [data["best"] for data in evals] == [False, True, True, True, True]
    assert view.best == view.evals[-1]
    result = view.result
    assert (result["best_step"], result["best_eval_loss"]) == view.best
    assert (result["verdict"], result["early_stopped"]) == ("better", False)
    assert verdict_words(view).endswith("below its base, best at step 24")
    # The last is the best here: both folders hold the same weights, and each says which it is.
    assert same(tmp_path / "a" / "best", tmp_path / "a" / "adapter")
    told = json.loads((tmp_path / "a" / "best" / "best.json").read_text())
    assert told == {"v": 1, "step": 24, "loss": view.evals[-1][1]}
    config = json.loads((tmp_path / "a" / "best" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == tiny_model_dir.name

    check_times(tmp_path / "a")

    # The answers are those of the base, and of the adapter that was saved then.
    tokenizer = Tokenizer.load(tiny_model_dir)
    assert [found.step for found in view.samples] == [0, 6, 12, 18, 24]
    assert tuple(sample.prompt for sample in view.samples[0].answers) == asked
    ids = [prompt_ids(tokenizer, (Turn("user", prompt),)) for prompt in asked]
    assert len({len(one) for one in ids}) > 1, "prompts of one length would prove nothing"
    assert texts(view.samples[0]) == by_hand(tiny_model_dir, None, ids)
    assert texts(view.samples[-1]) == by_hand(tiny_model_dir, tmp_path / "a" / "adapter", ids)
    assert texts(view.samples[0]) != texts(view.samples[-1])


def check_times(run: Path) -> None:
    """Compute by hand what is left: steps at their mean, evaluations at that of the last three."""
    events = read_events(run)[0]
    costs: dict[int, float] = {}
    steps: list[float] = []
    for event in events:
        data: dict[str, Any] = dict(event.data)
        if event.type in ("eval", "sample"):
            costs[data["step"]] = costs.get(data["step"], 0.0) + data["seconds"]
        elif event.type == "step":
            steps.append(data["step_s"])
            done, recent = data["step"], steps[-20:]
            last = [costs[step] for step in sorted(costs)[-3:]]
            coming = sum(step > done for step in (6, 12, 18, 24)) * sum(last) / len(last)
            by_hand = (24 - done) * sum(recent) / len(recent) + coming
            assert data["eta_s"] == pytest.approx(by_hand, abs=0.1)
    assert len(steps) == 24


def texts(samples: Samples) -> list[str]:
    return [answer.text for answer in samples.answers]


def test_a_run_that_gets_worse_keeps_its_best_and_stops_early(
    frozen: Frozen, tiny_model_dir: Path, tmp_path: Path
) -> None:
    changes: dict[str, Any] = {"epochs": 4.0, "eval_steps": 6, "save_steps": 6, "sample_tokens": 0}
    worse = {**changes, "learning_rate": 0.2, "scheduler": "constant_with_warmup",
             "warmup_ratio": 0.9, "dropout": 0.0, "patience": 2}  # fmt: skip
    folder = tmp_path / "run"
    view = run_here(folder, frozen, spec_of(tiny_model_dir, **worse))
    assert view.status == "finished", view.message
    losses = dict(view.evals)
    best = min((step for step in losses if step), key=lambda step: losses[step])
    last = view.evals[-1][0]
    assert last == best + 12 < view.total_steps
    assert view.result["early_stopped"] is True
    assert (view.result["best_step"], view.kept) == (best, best)
    assert verdict_words(view) == f"stopped early: got worse after step {best}: the best is kept"
    found = read_best(folder / "best")
    assert found is not None
    assert (found.step, found.loss) == (best, losses[best])
    # The checkpoint of that step holds the same weights; the last adapter is another.
    assert not same(folder / "best", folder / "adapter")

    # Resumed from the checkpoint after the best, the run comes to the same end and best.
    before = weights(folder / "best")
    recipe([str(folder), "resume", f"--from=step-{last - 6}"])
    again = state(folder)
    assert again.status == "finished", again.message
    assert dict(again.evals) == pytest.approx(losses, rel=1e-4)
    assert again.result["best_step"] == best
    assert all(
        bool((before[key] == value).all()) for key, value in weights(folder / "best").items()
    )


def test_a_loss_that_is_no_number_ends_the_run_and_leaves_the_best(
    frozen: Frozen, tiny_model_dir: Path, tmp_path: Path
) -> None:
    # Weights are multiplied by 1 - rate x decay at each step, so they soon overflow.
    changes: dict[str, Any] = {"learning_rate": 0.1, "weight_decay": 1e12, "eval_steps": 1}
    changes |= {"warmup_ratio": 0.5, "sample_tokens": 0, "save_steps": 1}
    view = run_here(tmp_path / "run", frozen, spec_of(tiny_model_dir, **changes))
    assert (view.status, view.code) == ("failed", "run-diverged")
    assert re.match("the loss is (nan|inf) at step", view.message)
    assert "half the learning rate" in view.hint
    assert read_best(tmp_path / "run" / "best") is not None
    assert f"the best adapter, of step {view.kept}, is kept" in view.message
    # No checkpoint holds weights that are no numbers.
    step = view.checkpoints[-1].rpartition("-")[2]
    saved = weights(tmp_path / "run" / "checkpoints" / f"checkpoint-{step}")
    assert all(bool(tensor.isfinite().all()) for tensor in saved.values())


def test_prompts_are_a_persons_own_or_short_ones_by_the_seed(
    frozen: Frozen, tiny_model_dir: Path
) -> None:
    tokenizer = Tokenizer.load(tiny_model_dir)
    rows = list(read_rows(frozen.directory / "validation.jsonl"))
    chosen = [
        choose_prompts(spec_of(tiny_model_dir, seed=seed), tokenizer, rows) for seed in (0, 0, 7)
    ]
    assert chosen[0] == chosen[1] == choose_prompts(spec_of(tiny_model_dir), tokenizer, rows[::-1])
    assert {prompt.text for prompt in chosen[2]} <= {row.turns[0].content for row in rows}
    assert len(chosen[2]) == 3
    lengths = sorted(len(prompt_ids(tokenizer, row.turns[:1])) for row in rows)
    assert all(len(prompt.ids) <= lengths[2] for prompt in chosen[2])
    own = spec_of(tiny_model_dir, sample_prompts=("What now?", "x" * 2000))
    (asked,) = choose_prompts(own, tokenizer, rows, system="Be brief.")
    turns = (Turn("system", "Be brief."), Turn("user", "What now?"))
    assert (asked.text, asked.ids) == ("What now?", prompt_ids(tokenizer, turns))
    assert choose_prompts(spec_of(tiny_model_dir), tokenizer, []) == ()
    silent = spec_of(tiny_model_dir, sample_tokens=0)
    assert choose_prompts(silent, tokenizer, rows) == ()
