"""One copy of the base's weights for both sides, where it is asked for or memory is short.

What a person ships is the merged file, so that is what is compared by default. The adapter over
the base is not the same: the merged weights were rounded once more, as they are stored. At
16 and 32 bits that hardly shows; below, the base's rounding errors and the merged file's are
different ones, so there it is done only when asked for.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from engine.child import quiet, run_child
from engine.errors import AdapterUnshared, ExportError
from engine.export.artifacts import ExportInfo
from engine.export.files import locked, make
from engine.export.lora import ADAPTER_CONFIG, HINT, WEIGHTS, check_shareable
from engine.export.quants import CONVERTED
from engine.memory import memory
from engine.runs.kept import ADAPTER_DIR, BEST_DIR, read_best

Weights = Literal["auto", "files", "shared"]
WEIGHTS_CHOICES: tuple[Weights, ...] = get_args(Weights)

_LOCK_POLL_S = 0.2
_FORM = b"1"
# Beside the weights: the two contexts and what llama.cpp computes in.
_OVERHEAD = 1.15


@dataclass(frozen=True, slots=True)
class Sharing:
    """How both sides are loaded.

    Attributes:
        adapter: The GGUF LoRA that is put over the base; None loads the two exported files.
        why: Why it is not as usual, or not as asked; empty where it is.
    """

    adapter: Path | None = None
    why: str = ""

    @property
    def weights(self) -> Literal["files", "shared"]:
        """``files`` or ``shared``."""
        return "shared" if self.adapter is not None else "files"

    def words(self) -> str:
        """Return how they are loaded, in one line."""
        if self.adapter is not None:
            return f"one copy of the base, with the adapter over it ({self.why})"
        return f"two files: {self.why}" if self.why else "two files"


def share(
    run_dir: Path, export: ExportInfo, weights: Weights, *, available: int | None = None
) -> Sharing:
    """Choose how both sides are loaded, and make the adapter's file where it is needed.

    Blocks for some seconds the first time that an adapter is written.

    Args:
        run_dir: The run's folder.
        export: The export.
        weights: "files" for the two exported files, "shared" for one copy of the base,
            "auto" for one copy only where memory does not suffice for both files and they are of
            16 or 32 bits.
        available: The memory that is free, in bytes; asked of the system by default.

    Raises:
        FinetuiError: The adapter's file can't be written, for one for want of room.
    """
    if weights == "files" or (weights == "auto" and not _too_large(export, available)):
        return Sharing()
    try:
        adapter = adapter_file(run_dir, export)
    except AdapterUnshared as error:
        return Sharing(None, error.message)
    why = "asked for" if weights == "shared" else "memory does not suffice for both files"
    return Sharing(adapter, why)


def _too_large(export: ExportInfo, available: int | None) -> bool:
    """Say whether memory holds one of the two files, and not both."""
    if export.quant not in CONVERTED:
        return False
    if available is None:
        available = memory().available
    both = export.base_bytes + export.tuned_bytes
    return both * _OVERHEAD > available > export.base_bytes * _OVERHEAD


def adapter_file(run_dir: Path, export: ExportInfo) -> Path:
    """Return the GGUF LoRA of the adapter that an export merged; it is written once.

    Raises:
        AdapterUnshared: There is no such file of this adapter.
        FinetuiError: It can't be written.
    """
    adapter = run_dir / (BEST_DIR if export.adapter == "best" else ADAPTER_DIR)
    check_shareable(adapter)
    _check_same(adapter, export)
    out = run_dir / f"{run_dir.name}-{export.adapter}-lora.gguf"
    with locked(run_dir / ".lora.lock", wait=lambda: time.sleep(_LOCK_POLL_S)):
        make(out, _key(adapter, export.base_dir), lambda path: _write(adapter, export, path))
    return out


def _write(adapter: Path, export: ExportInfo, out: Path) -> None:
    run_child(
        "engine.export.lora",
        [str(export.base_dir), str(adapter), str(out)],
        quiet,
        environment={"HF_HUB_OFFLINE": "1"},
        otherwise=ExportError,
    )


def _check_same(adapter: Path, export: ExportInfo) -> None:
    """Raise where the run's adapter is another one than that which was merged."""
    best = read_best(adapter) if export.adapter == "best" else None
    newer = (adapter / WEIGHTS).stat().st_mtime > export.tuned.stat().st_mtime
    if newer or (best is not None and export.step and best.step != export.step):
        raise AdapterUnshared(
            "the run's adapter is newer than this export",
            hint=f"export the run again, or {HINT}",
        )


def _key(adapter: Path, base: Path) -> str:
    digest = hashlib.blake2b(_FORM, digest_size=16)
    for path in (adapter / ADAPTER_CONFIG, adapter / WEIGHTS, base / "config.json"):
        with path.open("rb") as handle:
            digest.update(hashlib.file_digest(handle, "blake2b").digest())
    return "b2-" + digest.hexdigest()
