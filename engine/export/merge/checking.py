"""What an adapter's small files and its header tell, before an export begins."""

from __future__ import annotations

import re
from pathlib import Path

from engine.bases.adapters import WEIGHTS
from engine.bases.check import tensor_entries
from engine.bases.locate import ADAPTER_CONFIG, shown
from engine.bases.template import read_json
from engine.errors import AdapterInvalid
from engine.export.merge.targets import REMEDY, check_settings

_PROMPTS = {"PROMPT_TUNING", "PREFIX_TUNING", "P_TUNING", "MULTITASK_PROMPT_TUNING", "CPT"}
_HALF = re.compile(r"\.lora_(embedding_|)([AB])(?=\.|$)")


def check_adapter(directory: Path) -> None:
    """Raise where an adapter is of another kind than LoRA, or half of it is missing.

    Args:
        directory: An adapter's folder, with its two files.

    Raises:
        AdapterInvalid: It can't be merged.
        BaseInvalid: Its file of weights is damaged.
    """
    config = read_json(directory / ADAPTER_CONFIG)
    where = f"the adapter in {shown(directory)}"
    kind = str(config.get("peft_type") or "").upper()
    if kind in _PROMPTS:
        raise AdapterInvalid(
            f"{where} is of the kind {kind}: it adds to the prompt, and has no weights to merge",
            hint="train a LoRA adapter; or use this one with peft",
        )
    if kind != "LORA":
        raise AdapterInvalid(
            f"{where} is of the kind {kind or 'that its file does not name'}, and only LoRA is "
            "merged here",
            hint="merge it with peft's merge_and_unload, and add the result as a base",
        )
    check_settings(directory, config)
    if config.get("layer_replication"):
        raise AdapterInvalid(
            f"{where} repeats layers of its base (layer_replication), which makes another model",
            hint="merge it with peft's merge_and_unload, and add the result as a base",
        )
    names = set(tensor_entries(directory / WEIGHTS))
    if not names:
        raise AdapterInvalid(f"{where} holds no tensors", hint=REMEDY)
    for name in sorted(names):
        other = _HALF.sub(lambda half: f".lora_{half[1]}{'AB'[half[2] == 'A']}", name)
        if other not in names and not name.endswith(".bias"):
            raise AdapterInvalid(f"{where} lacks {other}", hint=REMEDY)
