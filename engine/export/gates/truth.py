"""What base and adapter give for trained tokens, before anything was merged or rounded.

``python -m engine.export.gates.truth BASE ADAPTER ROWS TRUTH OUT`` runs as a child, since it needs
torch and as much memory as the model. TRUTH becomes a matrix of log-probabilities in float32, of
shape (trained tokens, vocabulary), as NumPy stores it.
"""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.bases.check import weight_files
from engine.bases.template import read_json
from engine.errors import ExportError, FinetuiError
from engine.export.gates.probe import read_rows
from engine.export.steps import say_failure
from engine.memory import memory
from engine.sizes import size_words

if TYPE_CHECKING:
    import torch

_ROOM = 1.25


class TooLarge(ExportError):
    """The base does not fit into memory beside what runs now."""

    code = "gate-memory"


def main(base: Path, adapter: Path, rows: Path, truth: Path, out: Path) -> int:
    """Compute, and return the exit status."""
    try:
        _compute(base, adapter, rows, truth, out)
    except TooLarge as error:
        # Nothing is wrong with the export, so this is no failure of the child's.
        out.write_text(json.dumps({"too_large": error.message, "hint": error.hint}), "utf-8")
    except FinetuiError as error:
        say_failure(error)
        return 1
    return 0


def _compute(base: Path, adapter: Path, rows: Path, truth: Path, out: Path) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    kind, device = _place(base)
    print(f"load the base and the adapter in {kind} on {device}", flush=True)
    loaded: Any = AutoModelForCausalLM.from_pretrained(
        base,
        dtype=kind,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        low_cpu_mem_usage=True,
    )
    model: Any = PeftModel.from_pretrained(loaded, str(adapter), is_trainable=False)
    model.eval()
    if not read_json(base / "config.json").get("quantization_config"):
        model.to(device)
    knows = "logits_to_keep" in inspect.signature(loaded.forward).parameters
    told = read_rows(rows)
    count = sum(len(row.positions) for row in told)
    matrix: Any = None
    nll: list[float] = []
    for done, row in enumerate(told):
        print(f"row {done}/{len(told)}", flush=True)
        after = torch.tensor([position - 1 for position in row.positions], device=model.device)
        ids = torch.tensor([row.ids], device=model.device)
        with torch.inference_mode():
            wanted = {"logits_to_keep": after} if knows else {}
            logits = model(input_ids=ids, use_cache=False, **wanted).logits[0]
            if not knows:
                logits = logits[after]
            values = torch.log_softmax(logits.float(), dim=-1).cpu()
        if matrix is None:
            shape = (count, values.shape[1])
            matrix = np.lib.format.open_memmap(truth, "w+", dtype=np.float32, shape=shape)
        matrix[len(nll) : len(nll) + len(values)] = values.numpy()
        nll += [-float(values[i, row.ids[p]]) for i, p in enumerate(row.positions)]
    matrix.flush()
    out.write_text(
        json.dumps({"nll": nll, "computed_in": str(kind).removeprefix("torch.")}), "utf-8"
    )


def _place(base: Path) -> tuple[torch.dtype, str]:
    """Return the type to compute in, and the device.

    Raises:
        TooLarge: There is room for it nowhere.
    """
    import torch

    config = read_json(base / "config.json")
    size = sum(path.stat().st_size for path in weight_files(base))
    stored = str(config.get("dtype") or config.get("torch_dtype") or "float32")
    packed = bool(config.get("quantization_config"))
    full = size if packed or stored == "float32" else 2 * size
    half = size if packed else full // 2
    if torch.cuda.is_available():
        free = torch.cuda.mem_get_info()[0]
        if half * _ROOM < free:
            fits = full * _ROOM < free
            return (torch.float32 if fits else torch.bfloat16), "cuda"
    free = memory().available
    if full * _ROOM < free:
        return torch.float32, "cpu"
    if half * _ROOM < free:
        return torch.bfloat16, "cpu"
    raise TooLarge(
        f"base and adapter take {size_words(half * _ROOM)} to compute, and {size_words(free)} "
        "are free",
        hint="close other programs and export again",
    )


if __name__ == "__main__":
    sys.exit(main(*(Path(argument) for argument in sys.argv[1:6])))
