"""Quantise a GGUF: ``python -m engine.export.quantise SOURCE OUT QUANT``.

Runs as a child, since llama.cpp ends its process on some files.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from engine.export.quants import QUANTS


def main(source: Path, out: Path, quant: str) -> int:
    """Quantise, and return the exit status; llama.cpp tells its progress on stderr."""
    import ctypes

    import llama_cpp

    # The binding's default prints warnings alone; a line a tensor is the progress.
    callback = llama_cpp.llama_log_callback(_print)
    llama_cpp.llama_log_set(callback, ctypes.c_void_p(0))
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = QUANTS[quant].ftype
    parameters.nthread = os.cpu_count() or 1
    status: int = llama_cpp.llama_model_quantize(
        os.fsencode(source), os.fsencode(out), ctypes.byref(parameters)
    )
    return 1 if status else 0


def _print(level: int, text: bytes, data: object) -> None:
    sys.stderr.write(text.decode("utf-8", "replace"))
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
