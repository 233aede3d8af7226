"""Bases in 4 and 8 bits, trained for real on the processor."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from engine.dataset import read_rows
from engine.errors import DependencyMissing, SettingsError
from engine.runs import state
from engine.tokens import Tokenizer
from engine.train import make_spec
from engine.train.backends import Backend, check_quantised, choose, load
from engine.train.data import as_features, collate, render_rows
from engine.train.devices import Device
from engine.train.loss import evaluation_loss, nll_at_trained
from engine.train.spec import TrainSpec, changed, load_spec

# Before the first test, a tiny model in three kinds and the embedded base are trained by both
# trainers.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

CPU = Device("processor, 1 thread")

# The 16 values of NF4, from the appendix of QLoRA (arXiv:2305.14314, appendix E).
NF4 = (
    *(-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453),
    *(-0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0),
    *(0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224),
    *(0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0),
)


def spec_of(base: Path, **changes: object) -> TrainSpec:
    return make_spec(str(base), "notes", "small-cpu", base_dir=str(base), **changes)


def loaded(base: Path, **changes: object) -> tuple[Backend, Any]:
    spec = spec_of(base, **changes)
    backend = choose(spec, CPU)
    return backend, load(spec, backend, CPU).model


@pytest.mark.parametrize(("kind", "bits"), [("nf4", 4), ("int8", 8)])
def test_a_quantised_base_is_trained_and_its_adapter_is_in_32_bits(
    trainings: Path, kind: str, bits: int
) -> None:
    import torch
    from safetensors.torch import load_file

    for name in ("trl", "unsloth"):
        run = trainings / f"tiny-{kind}-{name}"
        view, whole = state(run), state(trainings / f"tiny-fp32-{name}")
        assert view.result["bits"] == bits
        assert whole.result["bits"] == 0
        # The base is another by little, so it was quantised, and it learns as well.
        assert view.evals[0][1] != whole.evals[0][1]
        assert view.evals[0][1] == pytest.approx(whole.evals[0][1], rel=0.01)
        assert view.evals[-1][1] == pytest.approx(whole.evals[-1][1], rel=0.01)
        assert view.evals[-1][1] < 0.95 * view.evals[0][1]
        weights = load_file(run / "adapter" / "adapter_model.safetensors").values()
        assert {weight.dtype for weight in weights} == {torch.float32}
        # trl would have rounded the first weights, and all steps after them, to bfloat16.
        assert any(bool((weight != weight.bfloat16().float()).any()) for weight in weights)


def test_four_bits_are_nf4_with_its_scales_quantised_too(trainings: Path) -> None:
    """Against NF4 by hand: blocks of 64, each over its largest weight, to the nearest value."""
    import torch
    from bitsandbytes.functional import dequantize_4bit
    from safetensors.torch import load_file

    base = trainings / "base"
    backend, model = loaded(base, load_in_4bit=True)
    assert (backend.bits, backend.precision) == (4, "fp32")
    name = "model.layers.0.mlp.up_proj"
    layer = model.get_base_model().get_submodule(name).base_layer
    assert layer.weight.quant_state.nested
    plain = load_file(base / "model.safetensors")[f"{name}.weight"].float()
    blocks = plain.reshape(-1, 64)
    scales = blocks.abs().amax(1, keepdim=True)
    values = torch.tensor(NF4)
    nearest = values[(blocks[:, :, None] / scales[:, :, None] - values).abs().argmin(-1)]
    expected = (nearest * scales).reshape(plain.shape)
    got = dequantize_4bit(layer.weight.data, layer.weight.quant_state).reshape(plain.shape)
    # The scales are kept in 8 bits, so they are off by up to a hundredth of the largest.
    assert bool((got.float() - expected).abs().max() < 0.01 * scales.max())
    assert float((got.float() - plain).abs().mean()) > 0


def test_eight_bits_are_rows_over_their_largest_weight(trainings: Path) -> None:
    """LLM.int8 (arXiv:2208.07339): vector-wise absmax over the rows of a weight."""
    import torch
    from safetensors.torch import load_file

    base = trainings / "base"
    _, model = loaded(base, load_in_8bit=True)
    name = "model.layers.1.self_attn.q_proj"
    layer = model.get_base_model().get_submodule(name).base_layer
    plain = load_file(base / "model.safetensors")[f"{name}.weight"].float()
    scales = plain.abs().amax(1, keepdim=True) / 127
    expected = torch.round(plain / scales)
    got = layer.weight.data.float()
    assert layer.weight.dtype == torch.int8
    assert bool((got - expected).abs().max() <= 1)  # ties fall to either side
    assert float((got == expected).float().mean()) > 0.99


@pytest.mark.parametrize("bits", [4, 8])
def test_embeddings_and_head_stay_as_they_are_and_the_adapter_alone_learns(
    trainings: Path, bits: int
) -> None:
    import torch

    _, model = loaded(trainings / "base", **{f"load_in_{bits}bit": True})
    bare = model.get_base_model()
    assert type(bare.get_output_embeddings()) is torch.nn.Linear
    assert type(bare.get_input_embeddings()) is torch.nn.Embedding
    trained = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert trained
    assert all("lora_" in name for name in trained)
    assert len(trained) == 2 * 7 * 2  # two matrices on each of seven layers of two blocks


def test_an_evaluation_leaves_the_gradients_of_a_base_in_4_bits_alone(trainings: Path) -> None:
    """On a CPU with AVX512-BF16 bitsandbytes repacks weights at it, and learning would stop."""
    import torch

    run = trainings / "tiny-nf4-trl"
    _, model = loaded(trainings / "base", load_in_4bit=True)
    tokenizer = Tokenizer.load(trainings / "base")
    rows = render_rows(tokenizer, read_rows(run / "dataset" / "train.jsonl"), 512).rows[:4]
    batch = collate([as_features(row) for row in rows], pad_id=0)
    weights = [weight for name, weight in model.named_parameters() if "lora_B" in name]

    def gradients() -> list[torch.Tensor]:
        model.train()
        return list(torch.autograd.grad(nll_at_trained(model, batch)[0], weights))

    before = gradients()
    evaluation_loss(model, rows, nll_at_trained, batch_size=2, pad_id=0)
    for one, other in zip(before, gradients(), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("adapter", ["rslora", "dora"])
def test_other_adapters_are_trained_by_the_scales_of_their_papers(
    trainings: Path, adapter: str
) -> None:
    _, model = loaded(trainings / "base", adapter=adapter, r=16, alpha=32)
    layer = model.get_base_model().get_submodule("model.layers.0.self_attn.q_proj")
    # alpha / sqrt(r) (arXiv:2312.03732); DoRA learns a magnitude for each output (2402.09353).
    assert layer.scaling["default"] == (8 if adapter == "rslora" else 2)
    magnitudes = [name for name, _ in model.named_parameters() if "magnitude" in name]
    assert len(magnitudes) == (14 if adapter == "dora" else 0)


def test_a_width_is_asked_for_once(tiny_model_dir: Path) -> None:
    both = {"load_in_4bit": True, "load_in_8bit": True}
    with pytest.raises(SettingsError, match="load_in_4bit and load_in_8bit are both on"):
        spec_of(tiny_model_dir, **both)
    with pytest.raises(SettingsError, match="both on"):
        changed(spec_of(tiny_model_dir), **both)
    # 4 bits are a default and a preset's; asking for 8 is enough to have 8.
    eight = make_spec("base", "notes", "seed-7b", load_in_8bit=True)
    assert (eight.load_in_4bit, eight.load_in_8bit) == (False, True)
    four = changed(eight, load_in_4bit=True)
    assert (four.load_in_4bit, four.load_in_8bit) == (True, False)


def test_what_is_not_installed_is_named_with_its_command(
    tiny_model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)  # as if it were not there
    for bits in (4, 8):
        with pytest.raises(DependencyMissing, match=f"in {bits} bits needs bitsandbytes") as found:
            choose(spec_of(tiny_model_dir, **{f"load_in_{bits}bit": True}), CPU)
        assert "pip install 'finetui[train]'" in found.value.hint
    monkeypatch.setitem(sys.modules, "unsloth", None)
    with pytest.raises(DependencyMissing, match="unsloth is not installed"):
        choose(spec_of(tiny_model_dir, backend="unsloth"), CPU)


def test_a_base_that_was_not_quantised_after_all_is_refused(tiny_model_dir: Path) -> None:
    """unsloth loads 16 bits, with a line in the log, where bitsandbytes does not work."""
    import torch

    spec = spec_of(tiny_model_dir, load_in_4bit=True)
    with pytest.raises(SettingsError, match="can't be kept in 4 bits here"):
        check_quantised(torch.nn.Linear(4, 4), spec, choose(spec, CPU))


def test_runs_keep_what_was_asked_for(trainings: Path) -> None:
    assert load_spec(trainings / "tiny-int8-unsloth").load_in_8bit
    assert not load_spec(trainings / "tiny-int8-unsloth").load_in_4bit
