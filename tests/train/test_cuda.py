"""What a run on a GPU is told, as far as a machine without one can check it."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest

from engine.errors import SettingsError
from engine.train import TrainSpec, make_spec
from engine.train.arguments import data_collator
from engine.train.backends import Backend, backend_name
from engine.train.data import TokenRow, as_features, collate
from engine.train.devices import Device, choose_precision, device_of, environment
from engine.train.loss import nll_of_model
from engine.train.setup import Setup

# NVIDIA's table of compute capabilities, https://developer.nvidia.com/cuda-gpus; bfloat16 came
# with 8.0 (CUDA C++ Programming Guide, "Compute Capabilities").
VOLTA, TURING, AMPERE, ADA, HOPPER, BLACKWELL = (
    *((7, 0), (7, 5), (8, 0)),
    *((8, 9), (9, 0), (12, 0)),
)


def gpu(capability: tuple[int, int]) -> Device:
    return Device("some GPU", card="0a", capability=capability)


def spec_of(**changes: Any) -> TrainSpec:
    return make_spec("base", "notes", **changes)


@pytest.mark.parametrize(
    ("capability", "expected"),
    [
        (VOLTA, "fp16"),
        (TURING, "fp16"),
        (AMPERE, "bf16"),
        (ADA, "bf16"),
        (HOPPER, "bf16"),
        (BLACKWELL, "bf16"),
    ],
)
def test_a_gpu_computes_in_what_it_really_has(capability: tuple[int, int], expected: str) -> None:
    assert choose_precision(spec_of(), gpu(capability)) == expected
    for asked in ("fp16", "fp32"):
        assert choose_precision(spec_of(precision=asked), gpu(capability)) == asked
    if expected == "fp16":
        with pytest.raises(SettingsError, match="has no bf16") as caught:
            choose_precision(spec_of(precision="bf16"), gpu(capability))
        assert "auto" in caught.value.hint


def test_the_cpu_computes_in_32_bits_alone() -> None:
    cpu = Device("processor, 2 threads")
    assert choose_precision(spec_of(), cpu) == "fp32"
    assert choose_precision(spec_of(precision="fp32"), cpu) == "fp32"
    for asked in ("bf16", "fp16"):
        with pytest.raises(SettingsError, match="the CPU trains in fp32"):
            choose_precision(spec_of(precision=asked), cpu)


def test_cuda_and_nvml_count_gpus_alike_in_a_run() -> None:
    told = environment({"GOMP_SPINCOUNT": "7", "CUDA_DEVICE_ORDER": "FASTEST_FIRST"})
    assert told["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    assert told["GOMP_SPINCOUNT"] == "7"
    assert environment({})["GOMP_SPINCOUNT"] == "1000"


@pytest.mark.parametrize(
    ("visible", "card"),
    [
        (None, "0b0b-1"),
        ("1", "0b0b-1"),
        ("GPU-0b0b-1", "0b0b-1"),
        ("MIG-GPU-0c0c-2/7/0", "MIG-GPU-0c0c-2/7/0"),
    ],
)
def test_a_run_names_its_gpu_by_uuid(visible: str | None, card: str) -> None:
    told = SimpleNamespace(name="RTX 2080", uuid="0b0b-1", major=7, minor=5)
    assert device_of(told, visible) == Device("RTX 2080", card, visible, (7, 5))


def test_auto_takes_unsloth_on_a_gpu_and_trl_on_a_cpu() -> None:
    assert backend_name(spec_of(), cuda=True) == ("unsloth", "faster on a GPU")
    assert backend_name(spec_of(), cuda=False)[0] == "trl"
    assert backend_name(spec_of(backend="trl"), cuda=True) == ("trl", "as set")
    assert backend_name(spec_of(backend="unsloth"), cuda=False) == ("unsloth", "as set")


ROWS = (
    TokenRow("a", ids=(5, 6, 7), labels=(-100, 6, 7)),
    TokenRow("b", ids=(8, 9, 10, 11, 12), labels=(-100, -100, 10, 11, 12)),
    TokenRow("c", ids=(13, 14), labels=(13, 14)),
)


@pytest.mark.parametrize(
    ("name", "device", "trls"),
    [
        ("unsloth", gpu(AMPERE), True),
        ("trl", gpu(AMPERE), False),
        ("unsloth", Device("processor"), False),
    ],
)
def test_unsloth_on_a_gpu_is_left_its_batches_without_padding(
    name: str, device: Device, trls: bool
) -> None:
    backend = Backend(name, nll_of_model, 0, "bf16")
    setup = cast("Setup", SimpleNamespace(backend=backend, device=device))
    own = partial(collate, pad_id=0)
    assert data_collator(setup, own) is (None if trls else own)


@pytest.mark.slow
def test_trls_batches_have_the_same_ids_and_labels() -> None:
    """Padded they are equal; without padding they are the rows end to end."""
    import torch
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    features = [as_features(row) for row in ROWS]
    ours = collate(features, pad_id=0)
    theirs = DataCollatorForLanguageModeling(pad_token_id=0)(features)
    for field in ("input_ids", "labels", "attention_mask"):
        assert torch.equal(ours[field], theirs[field])
    flat = DataCollatorForLanguageModeling(pad_token_id=0, padding_free=True)(features)
    assert flat["input_ids"].tolist() == [[one for row in ROWS for one in row.ids]]
    # A row's first token is predicted from nothing; it must not be from the row before it.
    expected = [label for row in ROWS for label in (-100, *row.labels[1:])]
    assert flat["labels"].tolist() == [expected]
    assert flat["position_ids"].tolist() == [[0, 1, 2, 0, 1, 2, 3, 4, 0, 1]]
    trained = sum(row.trained for row in ROWS)
    assert int((flat["labels"][:, 1:] != -100).sum()) == trained
