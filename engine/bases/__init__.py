"""Base models: presets, hub ids, local directories, and the embedded one.

Nothing here loads torch or transformers; the import of the embedded model and a
download run as child processes.
"""

from engine.bases.base import Base, BasePreset
from engine.bases.check import inspect
from engine.bases.early import bring_tokenizer, tokenizer_dir
from engine.bases.presets import EMBEDDED, PRESETS, preset_for
from engine.bases.registry import add, can_be_brought, installed, presets, resolve, with_template
from engine.bases.shape import ModelShape, shape_of

__all__ = [
    "EMBEDDED",
    "PRESETS",
    "Base",
    "BasePreset",
    "ModelShape",
    "add",
    "bring_tokenizer",
    "can_be_brought",
    "inspect",
    "installed",
    "preset_for",
    "presets",
    "resolve",
    "shape_of",
    "tokenizer_dir",
    "with_template",
]
