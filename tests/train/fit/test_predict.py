"""Predicted memory against published sizes and independent counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.bases import ModelShape
from engine.bases.presets import PRESETS
from engine.cli.main import main
from engine.errors import UsageError
from engine.telemetry import Gpu
from engine.train import TrainSpec, make_spec
from engine.train.fit import Fit, Model, fit, longest_batch, of_gpu, parse_target
from engine.train.fit.nearest import smaller_batches
from engine.train.fit.parts import Parts
from engine.train.fit.predict import setting_of, weight_bytes
from engine.train.fit.sizes import adapter_size, model_size
from engine.train.fit.target import Target
from engine.workspace import Workspace
from tests.support.properties import tries

LLAMA = PRESETS["llama-3.1-8b"]
CPU = Target("processor", cuda=False, total=24 * 10**9, free=20 * 10**9)
GPU = Target("GPU", cuda=True, total=24 * 10**9)


def spec_of(preset: str = "llama3-8b", **changes: object) -> TrainSpec:
    return make_spec("llama-3.1-8b", "notes", preset, **changes)


def fit_of(spec: TrainSpec, target: Target, *, unsloth: bool = False) -> Fit:
    return fit(Model(LLAMA.shape, LLAMA.parameters), spec, target, unsloth=unsloth)


# Sizes of the safetensors files on the hub, which hold these weights and little else:
# unsloth/Meta-Llama-3.1-8B-Instruct-bnb-4bit (NF4, double quantisation) has 5.70 GB,
# meta-llama/Llama-3.1-8B-Instruct 16.06 GB, unsloth/mistral-7b-instruct-v0.3-bnb-4bit 4.14 GB,
# unsloth/Qwen2.5-7B-Instruct-bnb-4bit 5.55 GB.
@pytest.mark.parametrize(
    ("base", "four_bit", "published"),
    [
        ("llama-3.1-8b", True, 5.70e9),
        ("llama-3.1-8b", False, 16.06e9),
        ("mistral-7b", True, 4.14e9),
        ("qwen2.5-7b", True, 5.55e9),
    ],
)
def test_weights_take_what_published_files_take(
    base: str, four_bit: bool, published: float
) -> None:
    spec = spec_of(load_in_4bit=four_bit)
    found = weight_bytes(PRESETS[base].shape, setting_of(spec, GPU, unsloth=False))
    assert found == pytest.approx(published, rel=0.01)


@pytest.mark.parametrize("base", sorted(PRESETS))
def test_a_known_base_has_its_published_number_of_weights(base: str) -> None:
    known = PRESETS[base]
    # A vision tower is no part of the shape; gemma-3's has 0.42 billion weights.
    towers = 0.45e9 if "gemma-3-" in base and known.parameters > 3e9 else 0
    assert model_size(known.shape) == pytest.approx(known.parameters - towers, rel=0.02)


def test_adapters_have_the_sizes_that_peft_prints() -> None:
    # "trainable params: 41,943,040" and "6,815,744": peft's print_trainable_parameters for
    # Llama 3 8B with r 16 on all linear layers, and with r 8 on the attention's four with r 8.
    assert adapter_size(LLAMA.shape, spec_of(r=16)) == 41_943_040
    attention = spec_of(r=8, target_modules=("q_proj", "k_proj", "v_proj", "o_proj"))
    assert adapter_size(LLAMA.shape, attention) == 6_815_744


def test_the_optimiser_is_adamws_two_moments_in_32_bits() -> None:
    parts = fit_of(spec_of(), GPU).parts
    assert (parts.adapter, parts.gradients, parts.optimizer) == (
        4 * 41_943_040, 4 * 41_943_040, 8 * 41_943_040
    )  # fmt: skip


def test_parts_add_up_and_are_named_as_in_the_json() -> None:
    parts = fit_of(spec_of(), GPU).parts.as_dict()
    assert list(parts) == [
        "weights", "adapter", "gradients", "optimizer", "activations", "logits", "context", "total"
    ]  # fmt: skip
    assert parts["total"] == sum(size for name, size in parts.items() if name != "total")


@pytest.mark.parametrize("unsloth", [False, True])
@pytest.mark.parametrize("target", [GPU, CPU], ids=["gpu", "cpu"])
@given(size=st.sampled_from([1, 2, 4, 8]), length=st.sampled_from([256, 512, 2048]))
@settings(max_examples=tries(10))
def test_less_of_anything_never_takes_more(
    unsloth: bool, target: Target, size: int, length: int
) -> None:
    def parts(**changes: object) -> Parts:
        whole: dict[str, Any] = {"batch_size": size, "max_length": length}
        spec = spec_of(**{**whole, "gradient_checkpointing": False, **changes})
        return fit_of(spec, target, unsloth=unsloth).parts

    def total(**changes: object) -> int:
        return parts(**changes).total

    whole = total()
    assert total(batch_size=max(1, size // 2)) <= whole
    assert total(max_length=length // 2) <= whole
    assert total(gradient_checkpointing=True) <= whole
    assert total(r=8) < whole
    assert whole < total(load_in_4bit=False, load_in_8bit=True)
    eight, sixteen = parts(load_in_4bit=False, load_in_8bit=True), parts(load_in_4bit=False)
    assert eight.weights < sixteen.weights
    # bitsandbytes keeps the input of every layer in 8 bits, which a plain frozen layer does not.
    assert eight.activations >= sixteen.activations
    assert whole <= total(adapter="dora")
    assert total(adapter="rslora") == whole


def test_the_longest_batch_is_the_longest_examples_together() -> None:
    rows = [(10, 4), (90, 40), (50, 49), (300, 20)]
    batch = longest_batch(spec_of(batch_size=2, max_length=200), rows)
    assert (batch.rows, batch.length, batch.total, batch.trained) == (2, 200, 290, 60)
    without = longest_batch(spec_of(batch_size=2, max_length=200))
    assert (without.total, without.trained) == (400, 398)


@pytest.mark.parametrize(
    ("text", "total"),
    [
        ("12GB", 12_000_000_000),
        ("12 gib", 12_884_901_888),
        ("24", 24_000_000_000),
        # memory.total of nvidia-smi
        ("RTX 5070", 12227 * 1024**2),
        ("NVIDIA GeForce RTX 5070 Ti", 16303 * 1024**2),
        ("rtx-4090", 24564 * 1024**2),
        ("3060", 12288 * 1024**2),
        ("Tesla T4", 15360 * 1024**2),
        ("NVIDIA A100-SXM4-80GB", 81920 * 1024**2),
    ],
)
def test_a_gpu_is_named_by_size_or_name(text: str, total: int) -> None:
    found = parse_target(text)
    assert (found.total, found.cuda) == (total, True)


@pytest.mark.parametrize("text", ["", "12x", "0GB", "-3GB", "RTX", "a fast one", "4090 x2",
                                  "2x 4090", "RTX 4070 Ti Ultra", "RTX 2080 laptop"])  # fmt: skip
def test_what_is_no_gpu_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a known GPU"):
        parse_target(text)


@pytest.mark.parametrize(
    ("text", "name", "gib"),
    [
        # By the maker's tables of laptop GPUs and of the H100.
        ("RTX 5070 laptop", "RTX 5070 Laptop GPU", 8),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", "RTX 4090 Laptop GPU", 16),
        ("rtx4050 mobile", "RTX 4050 Laptop GPU", 6),
        ("3080 Ti notebook", "RTX 3080 Ti Laptop GPU", 16),
        ("RTX 4070 Ti SUPER", "RTX 4070 Ti Super", 16),
        ("4060ti 16gb", "RTX 4060 Ti 16 GB", 16),
        ("H100 NVL", "H100 NVL", 94),
        ("NVIDIA H100 PCIe", "H100", 80),
    ],
)
def test_the_gpu_that_is_meant_is_shown_with_its_memory(text: str, name: str, gib: int) -> None:
    found = parse_target(text)
    assert found.name == name
    assert found.total / 1024**3 == pytest.approx(gib, rel=0.01)


def test_a_gpu_before_ampere_has_no_bf16() -> None:
    assert parse_target("T4").sixteen == parse_target("RTX 2080 Ti").sixteen == "fp16"
    assert parse_target("RTX 3090").sixteen == parse_target("A10").sixteen == "bf16"


def test_a_gpu_that_is_here_has_what_nvml_says() -> None:
    card = Gpu(index=0, name="NVIDIA GeForce RTX 5070", vram_used=10**9, vram_total=12 * 10**9)
    found = of_gpu(card)
    assert (found.total, found.free, found.limit) == (12 * 10**9, 11 * 10**9, 12 * 10**9)


def test_a_gpu_that_shares_the_machine_s_memory_is_sized_by_it() -> None:
    """NVML says "not supported" where it is asked for the memory of such a one."""
    found = of_gpu(Gpu(index=0, name="NVIDIA GB10", uuid="GPU-1"))
    assert (found.cuda, found.total, found.free) == (True, psutil.virtual_memory().total, None)


def test_no_setting_is_offered_that_a_spec_can_not_have() -> None:
    most = spec_of(batch_size=16, accumulation=2048)
    assert [one["accumulation"] for one in smaller_batches(most)] == [4096]


def test_smaller_batches_at_the_same_examples_a_step_are_offered_first() -> None:
    limit = Target("GPU", cuda=True, total=round(7.7e9))
    found = fit_of(spec_of(batch_size=8, accumulation=2), limit, unsloth=True)
    assert not found.fits
    first = found.nearest[0]
    changed = first.changes
    assert set(changed) == {"batch_size", "accumulation"}
    assert changed["batch_size"] * changed["accumulation"] == 16
    assert first.same
    size, accumulation = changed["batch_size"], changed["accumulation"]
    assert first.flags == f"--batch-size {size} --accumulation {accumulation}"


@pytest.mark.parametrize("gigabytes", [5, 6, 7, 8, 10, 12, 16, 20])
def test_every_offer_fits_and_each_step_sees_the_same_examples(gigabytes: int) -> None:
    target = Target("GPU", cuda=True, total=gigabytes * 10**9)
    spec = spec_of(
        batch_size=6, accumulation=2, load_in_4bit=False, gradient_checkpointing=False,
        max_length=2048,
    )  # fmt: skip
    offers = fit_of(spec, target, unsloth=True).nearest
    for offer in offers:
        taken = spec.model_copy(update=dict(offer.changes))
        again = fit_of(taken, target, unsloth=True)
        assert again.fits
        assert again.parts.total == offer.total
        assert taken.batch_size * taken.accumulation == 12
        assert TrainSpec.model_validate(taken.model_dump()) == taken
    assert (not offers) == (gigabytes <= 7)


def test_a_base_too_large_for_anything_gets_no_offer() -> None:
    target = Target("GPU", cuda=True, total=4 * 10**9)
    assert fit_of(spec_of(), target).nearest == ()


def test_a_mixture_has_the_weights_of_all_its_experts() -> None:
    # Mixtral 8x7B: 46.7 billion weights (arXiv:2401.04088).
    mixtral = ModelShape(4096, 32, 32, 8, 128, 14336, 32000, experts=8, experts_per_token=2)
    assert model_size(mixtral) == pytest.approx(46.7e9, rel=0.005)


def test_fit_needs_neither_hub_nor_weights_nor_dataset(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", "--preset", "llama3-8b", "--gpu", "12GB", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert {"weights", "adapter", "gradients", "optimizer", "activations", "logits"} < set(answer)
    assert answer["total"] < answer["limit"] == 12_000_000_000
    assert answer["fits"] is True
    assert main(["fit", "--preset", "llama3-8b", "--gpu", "7.5GB"]) == 0
    said = capsys.readouterr().out
    assert "does not fit" in said
    assert "--batch-size" in said
    assert main(["fit", "--preset", "llama3-8b", "--gpu", "huge"]) == 2
    assert "is not a known GPU" in capsys.readouterr().err


def test_fit_names_what_there_is_not(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    here = ["--workspace", str(workspace.root), "--json"]

    def error(*words: str) -> dict[str, str]:
        assert main([*words, *here]) != 0
        found: dict[str, str] = json.loads(capsys.readouterr().out)["error"]
        return found

    known = ["fit", "--base", "llama-3.1-8b", "--gpu", "12GB"]
    assert "no layers called c_attn" in error(*known, "--target-modules", "c_attn")["message"]
    assert main([*known, *here, "--target-modules", "q_proj,gate_proj"]) == 0
    assert json.loads(capsys.readouterr().out)["adapter"] > 0
    # A dataset is named where neither it nor a base is there.
    for verb in ("fit", "train"):
        for base in ("llama-3.1-8b", "nobody/nothing"):
            missing = error(verb, "--base", base, "--dataset", "d9")
            assert (missing["code"], "d9" in missing["message"]) == ("dataset-missing", True)
    for asked, near in (("10gb", "8gb or 12gb"), ("10 GiB", "8gb or 12gb"), ("200gb", "80gb")):
        assert error("fit", "--preset", asked)["hint"].startswith(f"did you mean {near}?")
