"""Quantise a GGUF: ``python -m engine.export.quantise SOURCE OUT QUANT [IMATRIX]``.

Runs as a child, since llama.cpp ends its process on some files.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from engine.export.quants import QUANTS


def main(source: Path, out: Path, quant: str, imatrix: Path | None = None) -> int:
    """Quantise, and return the exit status; llama.cpp tells its progress on stderr."""
    import ctypes

    import llama_cpp

    # The binding's default prints warnings alone; a line a tensor is the progress.
    callback = llama_cpp.llama_log_callback(_print)
    llama_cpp.llama_log_set(callback, ctypes.c_void_p(0))
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = QUANTS[quant].ftype
    parameters.nthread = os.cpu_count() or 1
    if imatrix is not None:
        entries, _alive = _entries(imatrix)
        parameters.imatrix = ctypes.cast(entries, type(parameters.imatrix))
    status: int = llama_cpp.llama_model_quantize(
        os.fsencode(source), os.fsencode(out), ctypes.byref(parameters)
    )
    return 1 if status else 0


def _entries(imatrix: Path) -> tuple[Any, list[Any]]:
    """Return an importance matrix as llama.cpp takes it, and what must live as long.

    The array ends with an entry without a name, as ``llama_model_quantize_params`` asks for.
    """
    import ctypes

    import llama_cpp

    from engine.export.imatrix import means

    kind = llama_cpp.llama_model_imatrix_data
    found = means(imatrix)
    array = (kind * (len(found) + 1))()
    alive: list[Any] = []
    for entry, (name, values) in zip(array, sorted(found.items()), strict=False):
        text = ctypes.c_char_p(name.encode())
        alive += [text, values]
        entry.name = text
        entry.data = values.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        entry.size = values.size
    return array, alive


def _print(level: int, text: bytes, data: object) -> None:
    sys.stderr.write(text.decode("utf-8", "replace"))
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], *map(Path, sys.argv[4:])))
