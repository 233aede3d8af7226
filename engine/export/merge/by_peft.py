"""A merge by peft, of the whole model in memory: for what the direct merge does not know.

The sum is computed in float32 and stored as the base is stored, so that it is rounded once. Where
memory does not suffice for float32, it is computed as the base is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.bases.adapters import WEIGHTS
from engine.bases.check import weight_files
from engine.bases.locate import shown
from engine.bases.template import read_json
from engine.errors import AdapterMismatch, DependencyMissing, ExportError
from engine.export.merge.adapter import read_weights
from engine.export.merge.packed import Packed
from engine.export.merge.stored import FLOATS, Files, torch_kind
from engine.export.merge.whole import (
    Report,
    copy_tokenizer,
    notes_of,
    whole_directory,
    write_report,
)
from engine.memory import memory

if TYPE_CHECKING:
    import torch

_SHARD = "4GB"


def merge_by_peft(
    base: Path, out: Path, adapter: Path, *, tokenizer: Path, template: Path | None
) -> Report:
    """Write a merged model as a Hugging Face directory.

    Args:
        base: The base model's directory.
        out: The new directory; it must not be there.
        adapter: The adapter's directory.
        tokenizer: The directory whose tokenizer it gets.
        template: A chat template where there is none.

    Raises:
        AdapterMismatch: A tensor of the adapter finds no place.
        ExportError: peft can't merge it.
        DependencyMissing: The base is packed, and bitsandbytes is not installed.
    """
    import torch

    files = Files.of_model(base)
    packed = Packed(files, "BF16")
    stored: torch.dtype = getattr(torch, _stored_as(files))
    model = _load(base, _compute_type(base, stored, packed=bool(packed)), packed=bool(packed))
    model = _merged(model, adapter)
    model.to(stored)
    report = Report(
        way="peft",
        unpacked=packed.form,
        changed=len(read_weights(adapter).layers),
        notes=["merged by peft, since the adapter has what the direct merge does not know"],
    )
    report.notes += notes_of(read_weights(adapter))
    with whole_directory(out) as temporary:
        model.save_pretrained(temporary, max_shard_size=_SHARD)
        copy_tokenizer(tokenizer, temporary, template)
        write_report(temporary, report)
    return report


def _stored_as(files: Files) -> str:
    """Return the type in which most of a base's numbers are stored, by the files themselves.

    ``config.json`` says in which type to compute, which may be another.
    """
    counts: dict[str, int] = {}
    for stored in files.tensors.values():
        if stored.kind in FLOATS:
            counts[stored.kind] = counts.get(stored.kind, 0) + stored.size
    return torch_kind(max(counts, key=counts.__getitem__)) if counts else "float32"


def _compute_type(base: Path, stored: torch.dtype, *, packed: bool) -> torch.dtype:
    import torch

    size = sum(path.stat().st_size for path in weight_files(base))
    # Four bytes a weight, against the two of a stored one or the half of a packed one, and the
    # adapter's sum for one layer at a time.
    grown = size * (8 if packed else 4 / max(stored.itemsize, 1))
    if grown * 1.2 < memory().available:
        return torch.float32
    print(f"merging in {stored}: memory does not suffice for float32", flush=True)
    return stored


def _load(base: Path, kind: torch.dtype, *, packed: bool) -> Any:
    from transformers import AutoModelForCausalLM

    try:
        model = AutoModelForCausalLM.from_pretrained(
            base,
            dtype=kind,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            low_cpu_mem_usage=True,
        )
    except ImportError as error:
        if not packed:
            raise
        raise DependencyMissing(
            f"{shown(base)} is stored in 4 bits, which needs bitsandbytes: {error}",
            hint="pip install 'finetui[train]'",
        ) from error
    if packed:
        model = model.dequantize()
        model.to("cpu", dtype=kind)
        # transformers remembers that the model was packed and would store it so again.
        model.config.__dict__.pop("quantization_config", None)
        model.hf_quantizer = None
        model.is_quantized = False
        model._weight_conversions = None
    return model


def _merged(model: Any, adapter: Path) -> Any:
    from peft import PeftModel, get_peft_model_state_dict
    from safetensors import SafetensorError

    try:
        adapted = PeftModel.from_pretrained(model, str(adapter), is_trainable=False)
        _check_places(get_peft_model_state_dict(adapted, save_embedding_layers=False), adapter)
        # "Safe" looks for numbers that are none, which a run with exploding loss leaves.
        return adapted.merge_and_unload(safe_merge=True)
    except (ValueError, RuntimeError, KeyError, OSError, SafetensorError) as error:
        raise ExportError(
            f"the adapter in {shown(adapter)} can't be merged: {error}",
            hint="see whether the run's loss was finite and its files are whole, or train again",
        ) from error


def _check_places(taken: Mapping[str, Any], adapter: Path) -> None:
    """Raise where peft left a tensor of an adapter out, as it does without a word."""
    there = {name for name in Files([adapter / WEIGHTS]).tensors if ".base_layer." not in name}
    left = sorted(there - taken.keys())
    if left and read_json(adapter / "adapter_config.json").get("peft_type") == "LORA":
        raise AdapterMismatch(
            f"{len(left)} tensors of the adapter in {shown(adapter)} found no place in the base, "
            f"the first {left[0]}",
            hint="choose the base that the adapter was trained on",
        )
