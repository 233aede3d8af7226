"""Adapters and bases that are damaged, foreign, half-written or elsewhere, before an export."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from engine.bases import Base, add, resolve
from engine.bases.registry import with_template
from engine.errors import AdapterInvalid, AdapterMismatch, BaseInvalid, BaseMissing, ExportError
from engine.export.merge.bases import base_of_run, check_form, original_of
from engine.export.merge.merging import merge
from engine.export.start import check_merge
from tests.support.tiny_base import make_tiny_base, write_json

LAYER = "model.layers.0.self_attn.q_proj"
A, B = (f"base_model.model.{LAYER}.lora_{side}.weight" for side in "AB")
WEIGHTS = "adapter_model.safetensors"

Damage = Callable[[Path], object]


@pytest.fixture
def base(tmp_path: Path) -> Base:
    return add(str(make_model(tmp_path / "base")))


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    folder = tmp_path / "adapter"
    folder.mkdir()
    save(folder, {A: np.ones((2, 8), np.float32), B: np.ones((8, 2), np.float32)})
    write_json(
        folder / "adapter_config.json",
        {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"]},
    )
    return folder


def make_model(folder: Path, **config: Any) -> Path:
    """Write a base of one linear layer."""
    make_tiny_base(folder)
    weights = {
        "model.embed_tokens.weight": np.ones((8, 8), np.float16),
        f"{LAYER}.weight": np.eye(8, dtype=np.float16),
        "lm_head.weight": np.ones((8, 8), np.float16),
    }
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    told = json.loads((folder / "config.json").read_text())
    write_json(folder / "config.json", told | config)
    return folder


def save(folder: Path, tensors: dict[str, Any]) -> None:
    save_file(tensors, folder / WEIGHTS, {"format": "pt"})


def changed(**tensors: Any) -> Damage:
    """Replace tensors of an adapter by the names A and B; None takes one out, others are added."""

    def change(folder: Path) -> None:
        names = {"A": A, "B": B}
        found = dict(load_file(folder / WEIGHTS))
        for name, value in tensors.items():
            if value is None:
                del found[names[name]]
            else:
                found[names.get(name, f"base_model.model.{name}")] = value
        save(folder, found)

    return change


def told(**values: Any) -> Damage:
    def change(folder: Path) -> None:
        path = folder / "adapter_config.json"
        write_json(path, json.loads(path.read_text()) | values)

    return change


def cut(name: str, by: int) -> Damage:
    def change(folder: Path) -> None:
        path = folder / name
        path.write_bytes(path.read_bytes()[:-by])

    return change


def written(name: str, data: bytes) -> Damage:
    def write(folder: Path) -> None:
        (folder / name).write_bytes(data)

    return write


def removed(name: str) -> Damage:
    return lambda folder: (folder / name).unlink()


def number(value: float) -> Any:
    array = np.ones((8, 2), np.float32)
    array[3, 1] = value
    return array


SEEN_BEFORE: dict[str, tuple[Damage, type[Exception], str]] = {
    "truncated": (cut(WEIGHTS, 10), AdapterInvalid, "damaged or not whole"),
    "no weights": (removed(WEIGHTS), AdapterInvalid, "no adapter_model.safetensors"),
    "empty file": (written(WEIGHTS, b""), AdapterInvalid, "damaged"),
    "not safetensors": (written(WEIGHTS, b"PK" * 40), AdapterInvalid, "damaged"),
    "no config": (removed("adapter_config.json"), AdapterInvalid, "no adapter_config.json"),
    "bad JSON": (cut("adapter_config.json", 3), AdapterInvalid, "adapter_config.json is damaged"),
    "half a layer": (changed(B=None), AdapterInvalid, "lacks .*lora_B"),
    "other half": (changed(A=None), AdapterInvalid, "lacks .*lora_A"),
    "no tensors": (lambda folder: save(folder, {}), AdapterInvalid, "no tensors"),
    "IA3": (told(peft_type="IA3"), AdapterInvalid, "of the kind IA3, and only LoRA"),
    "prompts": (told(peft_type="PROMPT_TUNING"), AdapterInvalid, "no weights to merge"),
    "no kind": (told(peft_type=None), AdapterInvalid, "does not name"),
    "rank in words": (told(r="four"), AdapterInvalid, "has r 'four'"),
    "layers that are repeated": (
        told(layer_replication=[[0, 1], [0, 1]]),
        AdapterInvalid,
        "layer_replication",
    ),
    "pickled": (
        lambda folder: (folder / WEIGHTS).rename(folder / "adapter_model.bin"),
        AdapterInvalid,
        "as a pickle, which can run code",
    ),
    "alpha of nothing": (told(lora_alpha=0), AdapterInvalid, "has lora_alpha 0"),
    "wider base": (
        changed(A=np.ones((2, 16), np.float32)),
        AdapterMismatch,
        "16 inputs and 8 outputs there, 8 and 8 here",
    ),
    "more layers": (
        changed(
            **{
                "model.layers.9.self_attn.q_proj.lora_A.weight": np.ones((2, 8), np.float32),
                "model.layers.9.self_attn.q_proj.lora_B.weight": np.ones((8, 2), np.float32),
            }
        ),
        AdapterMismatch,
        "no layer model.layers.9",
    ),
}
# What only the numbers tell, or a tensor's name: the job's first step.
SEEN_IN_THE_JOB: dict[str, tuple[Damage, type[Exception], str]] = {
    "NaN": (changed(B=number(float("nan"))), AdapterInvalid, "not finite"),
    "infinity": (changed(B=number(float("inf"))), AdapterInvalid, "not finite"),
    "too large for f16": (changed(B=number(1e6)), ExportError, "not finite in F16"),
    "whole numbers": (changed(B=np.ones((8, 2), np.int32)), AdapterInvalid, "as I32"),
    "a tensor of another kind": (
        changed(**{f"{LAYER}.lora_C.weight": np.ones((2, 2), np.float32)}),
        AdapterInvalid,
        "no layer takes",
    ),
    "a saved module of another size": (
        changed(**{f"{LAYER}.weight": np.ones((4, 8), np.float32)}),
        AdapterMismatch,
        r"is \(4, 8\), and the base's is \(8, 8\)",
    ),
    "a saved module that is not there": (
        changed(**{"model.gate.weight": np.ones((4, 8), np.float32)}),
        AdapterMismatch,
        "no such layer",
    ),
    "a bias for none": (
        changed(**{f"{LAYER}.lora_B.bias": np.ones(8, np.float32)}),
        AdapterMismatch,
        "a bias for",
    ),
    "ranks apart": (
        changed(A=np.ones((3, 8), np.float32)),
        AdapterInvalid,
        "don't belong together",
    ),
    "rows without tokens": (
        changed(
            **{
                "model.embed_tokens.token_adapter.trainable_tokens_delta": np.ones(
                    (2, 8), np.float32
                )
            }
        ),
        AdapterInvalid,
        "2 rows of model.embed_tokens and names 0 tokens",
    ),
    "embeddings without a tokenizer": (
        changed(**{"model.embed_tokens.weight": np.ones((9, 8), np.float32)}),
        AdapterInvalid,
        "no tokenizer for them",
    ),
}


@pytest.mark.parametrize("name", SEEN_BEFORE)
def test_what_small_files_tell_is_named_before_a_job_begins(
    name: str, base: Base, adapter: Path
) -> None:
    damage, kind, words = SEEN_BEFORE[name]
    check_merge(adapter, base, None)
    damage(adapter)
    with pytest.raises(kind, match=words) as caught:
        check_merge(adapter, base, None)
    assert caught.value.hint  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", SEEN_IN_THE_JOB)
def test_what_numbers_tell_is_named_and_nothing_is_left(
    name: str, base: Base, adapter: Path, tmp_path: Path
) -> None:
    damage, kind, words = SEEN_IN_THE_JOB[name]
    damage(adapter)
    with pytest.raises(kind, match=words) as caught:
        merge(base.directory, tmp_path / "out" / "merged", adapter=adapter)
    assert caught.value.hint  # type: ignore[attr-defined]
    assert not list(tmp_path.glob("out/*"))


def test_an_adapter_that_changes_nothing_is_told(base: Base, adapter: Path, tmp_path: Path) -> None:
    whole = merge(base.directory, tmp_path / "one", adapter=adapter)
    assert whole.notes == []
    changed(B=np.zeros((8, 2), np.float32))(adapter)
    report = merge(base.directory, tmp_path / "two", adapter=adapter)
    assert "the merged model equals the base" in report.notes[0]
    merged = load_file(tmp_path / "two" / "model.safetensors")
    assert (merged[f"{LAYER}.weight"] == np.eye(8)).all()
    told_of = json.loads((tmp_path / "two" / "finetui-merge.json").read_text())
    assert told_of["notes"] == report.notes


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (cut("model.safetensors", 10), "damaged or not whole"),
        (removed("model.safetensors"), "no weights"),
        (written("tokenizer.json", b"{"), "tokenizer.json is damaged"),
        (written("config.json", b"{}"), "no model_type"),
        (removed("tokenizer.json"), "no tokenizer.json"),
        (
            written(
                "model.safetensors.index.json",
                b'{"weight_map": {"lm_head.weight": "model.safetensors", '
                b'"model.norm.weight": "model.safetensors"}}',
            ),
            "has no model.norm.weight, which its index names",
        ),
        (
            written(
                "model.safetensors.index.json",
                b'{"weight_map": {"lm_head.weight": "model-00002-of-00002.safetensors"}}',
            ),
            "lacks model-00002-of-00002.safetensors",
        ),
    ],
)
def test_a_damaged_base_is_named(base: Base, damage: Damage, words: str) -> None:
    damage(base.directory)
    with pytest.raises(BaseInvalid, match=words) as caught:
        base_of_run(run_on(base))
    assert caught.value.hint


def run_on(base: Base) -> dict[str, str]:
    return {
        "base": base.name,
        "base_dir": str(base.directory),
        "base_fingerprint": base.fingerprint,
    }


def test_a_base_that_was_moved_is_known_again(base: Base, tmp_path: Path) -> None:
    run = run_on(base)
    moved = tmp_path / "elsewhere" / "model"
    moved.parent.mkdir()
    base.directory.rename(moved)
    with pytest.raises(BaseMissing, match=r"not at .*base any more") as caught:
        base_of_run(run)
    assert "finetui bases add FOLDER" in caught.value.hint
    add(str(moved))
    found = base_of_run(run)
    assert (found.directory, found.fingerprint) == (moved, base.fingerprint)
    # Another model in the old place is not taken for it, while the right one is here.
    other = make_model(tmp_path / "base", eos_token_id=1)
    assert base_of_run(run).directory == moved
    shutil.rmtree(moved)
    with pytest.raises(ExportError, match="has changed"):
        base_of_run(run)
    shutil.rmtree(other)
    with pytest.raises(BaseMissing):
        base_of_run(run)


def test_a_base_with_a_template_whose_original_moved_says_where_it_was(
    base: Base, tmp_path: Path
) -> None:
    made = with_template(base, "{{ messages[0].content }}", "short")
    run = run_on(made)
    moved = tmp_path / "elsewhere" / "model"
    moved.parent.mkdir()
    base.directory.rename(moved)
    with pytest.raises(BaseMissing) as caught:
        base_of_run(run)
    assert str(base.directory) in caught.value.message
    assert "--template" in caught.value.hint
    # As the hint has it.
    with_template(add(str(moved)), "{{ messages[0].content }}", "short")
    assert base_of_run(run).fingerprint == made.fingerprint


def test_damage_of_a_runs_own_adapter_is_said_as_that(base: Base, adapter: Path) -> None:
    far = adapter.parent / ("a" * 60) / ("b" * 60) / "adapter"
    shutil.copytree(adapter, far)
    cut(WEIGHTS, 10)(far)
    with pytest.raises(AdapterInvalid) as caught:
        check_merge(far, base, None)
    assert str(far / WEIGHTS) in caught.value.message
    assert "--adapter best or --adapter last" in caught.value.hint
    told(base_model_name_or_path=str(base.directory))(adapter)
    changed(A=np.ones((2, 16), np.float32))(adapter)
    with pytest.raises(AdapterMismatch, match="does not fit base, though") as mismatch:
        check_merge(adapter, base, None)
    assert "without" not in mismatch.value.hint


def test_a_base_in_a_folder_of_any_name_has_the_name_that_the_run_knows(base: Base) -> None:
    called = base_of_run({**run_on(base), "base": "org/Model-1B"})
    assert (called.name, called.directory) == ("org--model-1b", base.directory)
    by_path = base_of_run({**run_on(base), "base": str(base.directory)})
    assert by_path.name == base.name


@pytest.mark.parametrize("method", ["gptq", "awq", "fp8", "compressed-tensors", "mxfp4"])
def test_other_ways_of_packing_are_named(method: str, tmp_path: Path) -> None:
    packed = resolve(
        str(make_model(tmp_path / "packed", quantization_config={"quant_method": method}))
    )
    with pytest.raises(BaseInvalid, match=f"stored as {method}") as caught:
        check_form(packed)
    assert "--merge-into" in caught.value.hint
    # With its original named it goes through.
    full = add(str(make_model(tmp_path / "full", eos_token_id=1)))
    assert original_of(packed, full.name) == full


def test_an_original_is_found_by_the_names_of_packed_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packing = {"quantization_config": {"load_in_4bit": True, "quant_method": "bitsandbytes"}}
    packed = add(str(make_model(tmp_path / "My-Model-bnb-4bit", **packing)))
    assert original_of(packed) is None
    full = add(str(make_model(tmp_path / "My-Model")))
    assert original_of(packed) == full
    assert original_of(packed, packed.name) is None
    with pytest.raises(ExportError, match="stored in 16 bits itself"):
        original_of(full, packed.name)
    with pytest.raises(BaseInvalid, match="packed itself"):
        original_of(packed, add(str(make_model(tmp_path / "b", eos_token_id=1, **packing))).name)
    with pytest.raises(BaseMissing):
        original_of(packed, "someone/else")
    # In the hub's cache, as huggingface_hub lays it out, by what the card says it was made from.
    dynamic = add(str(make_model(tmp_path / "Other-unsloth-bnb-4bit", eos_token_id=0, **packing)))
    (dynamic.directory / "README.md").write_text("---\nbase_model: Maker/Other-7B\n---\n")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    snapshots = tmp_path / "hf" / "hub" / "models--Maker--Other-7B"
    (snapshots / "refs").mkdir(parents=True)
    (snapshots / "refs" / "main").write_text("abc")
    make_model(snapshots / "snapshots" / "abc", eos_token_id=0)
    found = original_of(dynamic)
    assert found is not None
    assert found.hub_id == "Maker/Other-7B"
