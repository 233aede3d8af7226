"""Bases that bitsandbytes packed, as people find them on the hub."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

PACKED: dict[str, dict[str, Any]] = {
    "nf4": {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"},
    "nf4-nested": {
        "load_in_4bit": True,
        "bnb_4bit_quant_type": "nf4",
        "bnb_4bit_use_double_quant": True,
    },
    "fp4": {"load_in_4bit": True, "bnb_4bit_quant_type": "fp4"},
    "int8": {"load_in_8bit": True},
}


def pack(base: Path, folder: Path, form: str = "nf4-nested", dtype: str = "bfloat16") -> Path:
    """Write a base with its layers in 4 or 8 bits.

    Args:
        base: The base's directory.
        folder: Where it is written.
        form: One of :data:`PACKED`.
        dtype: The type in which its other weights are, and in which it computes.
    """
    import torch
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    kind = getattr(torch, dtype)
    options = dict(PACKED[form])
    if options.get("load_in_4bit"):
        options["bnb_4bit_compute_dtype"] = kind
    model = AutoModelForCausalLM.from_pretrained(
        base, dtype=kind, quantization_config=BitsAndBytesConfig(**options)
    )
    model.save_pretrained(folder)
    for path in base.iterdir():
        if path.name.startswith(("tokenizer", "chat_template")):
            shutil.copyfile(path, folder / path.name)
    return folder
