"""Merging an adapter into its base, from safetensors to safetensors.

Run as a child, ``python -m engine.export.merge BASE OUT [--adapter DIR]``, so that its memory is
gone when it ends. It computes with numpy, on the processor: neither torch nor a GPU is touched,
unless the adapter has something that peft itself has to merge.
"""

from __future__ import annotations

from pathlib import Path

from engine.bases.template import read_json


def is_packed(base: Path) -> bool:
    """Say whether a base's weights are stored in a form that only its own loader reads."""
    return bool(read_json(base / "config.json").get("quantization_config"))
