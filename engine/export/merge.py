"""Merge an adapter into its base: ``python -m engine.export.merge BASE OUT [--adapter DIR]``.

Runs as a child, since it needs torch and as much memory as the model. Without an adapter it
writes the base with plain weights, which one stored in 4 bits has not.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.bases.check import weight_files
from engine.bases.files import publish, sync_tree
from engine.bases.template import own_template, read_json
from engine.errors import DependencyMissing, ExportError, FinetuiError
from engine.export.steps import say_failure
from engine.paths import shorten

if TYPE_CHECKING:
    import torch

# What makes a tokenizer; copied byte for byte, since saving through a library rewrites it.
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
    "chat_template.json",
    "generation_config.json",
)
_STORED = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}
_SHARD = "4GB"


def main(arguments: list[str] | None = None) -> int:
    """Merge, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--adapter", type=Path, default=None)
    parser.add_argument("--template", type=Path, default=None, help="for a base without its own")
    options = parser.parse_args(arguments)
    try:
        merge(options.base, options.out, adapter=options.adapter, template=options.template)
    except FinetuiError as error:
        say_failure(error)
        return 1
    return 0


def merge(
    base: Path, out: Path, *, adapter: Path | None = None, template: Path | None = None
) -> None:
    """Write the merged model as a Hugging Face directory, which appears whole or not at all.

    The sum is computed in float32 and stored as the base is stored, so that it is rounded
    once. Where memory does not suffice for float32, it is computed as the base is stored.

    Args:
        base: The base model's directory.
        out: The new directory; it must not be there.
        adapter: The adapter's directory.
        template: A chat template for a base that has none of its own.

    Raises:
        ExportError: The adapter does not fit the base, or makes numbers that are none.
        DependencyMissing: The base is stored in 4 bits, and bitsandbytes is not installed.
    """
    import torch

    stored: torch.dtype = getattr(torch, _stored_as(base))
    print("load the base model", flush=True)
    model = _load(base, _compute_type(base, stored))
    if adapter is not None:
        print("merge the adapter", flush=True)
        model = _merged(model, adapter)
    model.to(stored)
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}.{os.getpid()}.", dir=out.parent))
    try:
        print("write the merged model", flush=True)
        model.save_pretrained(temporary, max_shard_size=_SHARD)
        _copy_tokenizer(base, temporary, template)
        sync_tree(temporary)
        publish(temporary, out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def is_packed(base: Path) -> bool:
    """Say whether a base's weights are stored in a form that only its own loader reads."""
    return bool(read_json(base / "config.json").get("quantization_config"))


def _stored_as(base: Path) -> str:
    """Return the type in which most of a base's numbers are stored, by the files themselves.

    ``config.json`` says in which type to compute, which may be another.
    """
    from safetensors import safe_open

    counts: dict[str, int] = {}
    for path in weight_files(base):
        with safe_open(path, framework="pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118 - it is no mapping
                part = tensors.get_slice(name)
                size = 1
                for dimension in part.get_shape():
                    size *= dimension
                counts[part.get_dtype()] = counts.get(part.get_dtype(), 0) + size
    plain = {kind: count for kind, count in counts.items() if kind in _STORED}
    return _STORED[max(plain, key=plain.__getitem__)] if plain else "float32"


def _compute_type(base: Path, stored: torch.dtype) -> torch.dtype:
    import psutil
    import torch

    size = sum(path.stat().st_size for path in weight_files(base))
    # Four bytes a weight, against the two of a stored one or the half of a packed one, and the
    # adapter's sum for one layer at a time.
    grown = size * (8 if is_packed(base) else 4 / max(stored.itemsize, 1))
    if grown * 1.2 < psutil.virtual_memory().available:
        return torch.float32
    print(f"merging in {stored}: memory does not suffice for float32", flush=True)
    return stored


def _load(base: Path, kind: torch.dtype) -> Any:
    from transformers import AutoModelForCausalLM

    packed = is_packed(base)
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
            f"{shorten(base)} is stored in 4 bits, which needs bitsandbytes: {error}",
            hint="pip install 'finetui[train]'",
        ) from error
    if packed:
        model = model.dequantize()
        model.to("cpu", dtype=kind)
        # transformers remembers that the model was packed and would store it so again.
        model.config.__dict__.pop("quantization_config", None)
        model.hf_quantizer = None
        model.is_quantized = False
    return model


def _merged(model: Any, adapter: Path) -> Any:
    from peft import PeftModel
    from safetensors import SafetensorError

    try:
        adapted = PeftModel.from_pretrained(model, str(adapter), is_trainable=False)
        # "Safe" looks for numbers that are none, which a run with exploding loss leaves.
        return adapted.merge_and_unload(safe_merge=True)
    except (ValueError, RuntimeError, KeyError, OSError, SafetensorError) as error:
        raise ExportError(
            f"the adapter in {shorten(adapter)} can't be merged: {error}",
            hint="see whether the run's loss was finite and its files are whole, or train again",
        ) from error


def _copy_tokenizer(base: Path, out: Path, template: Path | None) -> None:
    for name in TOKENIZER_FILES:
        (out / name).unlink(missing_ok=True)
        if (base / name).is_file():
            shutil.copyfile(base / name, out / name)
    if template is not None and not own_template(base):
        shutil.copyfile(template, out / "chat_template.jinja")


if __name__ == "__main__":
    sys.exit(main())
