"""Checkpoints with the files of real ones, written without torch."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file


def make_checkpoint(run: Path, step: int) -> Path:
    """Write a checkpoint of a run as an earlier version left it: whole, without a manifest.

    Returns:
        Its folder.
    """
    folder = run / "checkpoints" / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    weights = np.arange(64, dtype=np.float32).reshape(8, 8) + step
    save_file({"lora_A.weight": weights}, folder / "adapter_model.safetensors")
    for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth"):
        with zipfile.ZipFile(folder / name, "w") as archive:
            archive.writestr("archive/data.pkl", bytes(range(256)))
            archive.writestr("archive/data/0", weights.tobytes())
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": step}), "utf-8")
    (folder / "tokenizer.json").write_text(json.dumps({"model": {"vocab": {}}}), "utf-8")
    counts = {"tokens": 10 * step, "trained_tokens": 5 * step, "seconds": 1.5 * step}
    (folder / "progress.json").write_text(json.dumps(counts), "utf-8")
    return folder
