"""The embedded base's tokenizer before its weights.

Weights are de-quantised with torch, which is installed minutes after the app has opened. To count
tokens takes the tokenizer alone, and that comes out of the same file without it.
"""

from __future__ import annotations

from pathlib import Path

from engine.bases.embedded import embedded_gguf
from engine.bases.presets import preset_for
from engine.bases.registry import resolve
from engine.child import quiet, run_child
from engine.errors import BaseError, BaseMissing
from engine.paths import bases_dir


def tokenizer_dir(name_or_path: str) -> Path:
    """Return the folder with a base's tokenizer and template.

    It is the base's own, or where the embedded base is not imported yet what
    :func:`bring_tokenizer` made of it.

    Raises:
        BaseMissing: Neither is here.
        BaseInvalid: The base is damaged.
    """
    try:
        return resolve(name_or_path).directory
    except BaseMissing:
        preset = preset_for(name_or_path.strip())
        if preset is not None and preset.embedded and _folder(preset.name).is_dir():
            return _folder(preset.name)
        raise


def bring_tokenizer(name: str) -> Path:
    """Make the embedded base's tokenizer, once, in a process of its own.

    Raises:
        DependencyMissing: The package with the model is not installed.
        BaseInvalid: Its file is damaged.
    """
    folder = _folder(name)
    if not folder.is_dir():
        arguments = [str(embedded_gguf()), str(folder), "tokenizer"]
        run_child("engine.bases.import_gguf", arguments, quiet, otherwise=BaseError)
    return folder


def _folder(name: str) -> Path:
    return bases_dir() / name / "tokenizer"
