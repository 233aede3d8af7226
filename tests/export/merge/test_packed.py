"""Bases stored in 4 and 8 bits: read without bitsandbytes as bitsandbytes reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.errors import ExportError
from engine.export.merge.by_peft import merge_by_peft
from engine.export.merge.merging import merge
from engine.export.merge.original import check_original
from tests.export.merge.models import load, logits, make_adapter, make_base, tensors
from tests.export.merge.packing import PACKED, pack

pytestmark = pytest.mark.slow

# Widths that blocks of 64 divide: at others bitsandbytes 0.50 on a CPU reads other numbers than it
# stored, off by twice as much as the rounding.
SIZES: dict[str, Any] = {"hidden_size": 64, "head_dim": 16, "intermediate_size": 128}


def dequantised(packed: Path) -> dict[str, Any]:
    """Return the numbers of a packed base's layers as bitsandbytes computes them."""
    from bitsandbytes.functional import dequantize_4bit, int8_vectorwise_dequant
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(packed)
    found = {}
    for name, layer in model.named_modules():
        weight: Any = getattr(layer, "weight", None)
        if type(layer).__name__ == "Linear4bit":
            found[f"{name}.weight"] = dequantize_4bit(weight.data, weight.quant_state)
        elif type(layer).__name__ == "Linear8bitLt":
            found[f"{name}.weight"] = int8_vectorwise_dequant(weight.data, weight.SCB)
    return found


@pytest.mark.parametrize("form", PACKED)
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_packed_weights_are_read_as_bitsandbytes_reads_them(
    tmp_path: Path, form: str, dtype: str
) -> None:
    import torch

    base = make_base(tmp_path / "base", dtype=dtype, **SIZES)
    packed = pack(base, tmp_path / "packed", form, dtype)
    report = merge(packed, tmp_path / "plain")
    assert report.unpacked == {"nf4-nested": "NF4", "int8": "LLM.int8"}.get(form, form.upper())
    expected, found = dequantised(packed), tensors(tmp_path / "plain")
    assert len(expected) == 14
    assert found.keys() == tensors(base).keys()
    for name, value in expected.items():
        assert found[name].dtype == getattr(torch, dtype)
        assert torch.equal(found[name], value.to(found[name].dtype)), name
    again = load(tmp_path / "plain")
    assert getattr(again.config, "quantization_config", None) is None


@pytest.mark.parametrize("form", ["nf4-nested", "int8"])
def test_an_adapter_goes_into_packed_weights(tmp_path: Path, form: str) -> None:
    import torch

    base = make_base(tmp_path / "base", dtype="bfloat16", **SIZES)
    packed = pack(base, tmp_path / "packed", form)
    merge(packed, tmp_path / "plain")
    adapted = make_adapter(
        tmp_path / "plain", tmp_path / "adapter", target_modules=["q_proj", "up_proj"]
    )
    report = merge(packed, tmp_path / "merged", adapter=tmp_path / "adapter")
    assert (report.way, report.changed) == ("direct", 4)
    torch.testing.assert_close(
        logits(load(tmp_path / "merged")), logits(adapted), rtol=0.05, atol=0.05
    )
    merged, plain = tensors(tmp_path / "merged"), tensors(tmp_path / "plain")
    changed = {name for name in plain if not torch.equal(plain[name], merged[name])}
    assert len(changed) == 4
    # And by peft, as where an adapter has what is not known here.
    report = merge_by_peft(
        packed, tmp_path / "peft", tmp_path / "adapter", tokenizer=packed, template=None
    )
    assert report.way == "peft"
    by_peft = tensors(tmp_path / "peft")
    for name, value in merged.items():
        torch.testing.assert_close(by_peft[name], value, rtol=2**-6, atol=2**-9)


def test_the_original_is_known_by_its_numbers(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    base = make_base(tmp_path / "base", dtype="bfloat16", **SIZES)
    for form in PACKED:
        packed = pack(base, tmp_path / form, form)
        check_original(base, packed)
    other = make_base(tmp_path / "other", dtype="bfloat16", **SIZES)
    for path in other.glob("*.safetensors"):
        moved = {
            name: value + 0.02 * torch.randn_like(value) if value.ndim == 2 else value
            for name, value in tensors(other).items()
            if name in _names(path)
        }
        save_file(moved, path, {"format": "pt"})
    for form in PACKED:
        with pytest.raises(ExportError, match="is not the original"):
            check_original(other, tmp_path / form)
    with pytest.raises(ExportError, match="packed itself"):
        check_original(tmp_path / "nf4", tmp_path / "fp4")
    wider = make_base(tmp_path / "wider", dtype="bfloat16")
    with pytest.raises(ExportError, match="another shape"):
        check_original(wider, tmp_path / "nf4")


def _names(path: Path) -> set[str]:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as opened:
        return set(opened.keys())
