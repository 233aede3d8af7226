"""The files of an export that gates look at, each once."""

from __future__ import annotations

from pathlib import Path

from engine.export.gates.model import GateInput


def distinct(given: GateInput) -> dict[str, Path]:
    """Return the files by what a person calls them; a file with two names comes once.

    The first is the merged model's unquantised file, and "base f16" is the base's.
    """
    named = {
        "merged f16": given.f16,
        **{f"tuned {quant}": path for quant, path in given.tuned.items()},
        "base f16": given.base_f16,
        **{f"base {quant}": path for quant, path in given.base.items()},
    }
    found: dict[str, Path] = {}
    seen = set()
    for name, path in named.items():
        status = path.stat()
        if (status.st_dev, status.st_ino) not in seen:
            seen.add((status.st_dev, status.st_ino))
            found[name] = path
    return found
