"""Which kind of engine serves a model."""

from __future__ import annotations

from engine.serve.engines.base import EngineKind, EngineName, Served
from engine.serve.engines.llama_cpp_python import LlamaCppPython
from engine.serve.engines.native import Native
from engine.serve.engines.shapes import installed
from engine.serve.engines.transformers import Transformers
from engine.serve.engines.vllm import Vllm


def choose(name: EngineName | None, model: Served) -> EngineKind:
    """Return the kind of engine that was asked for, or the best that is installed.

    Args:
        name: The kind. None takes transformers for a folder; for a GGUF llama.cpp's own server,
            or llama-cpp-python where that alone is installed.
        model: What it is to load.

    Raises:
        DependencyMissing: It is not installed.
        EngineUnfit: It can't load a model of that form.
        GgufDamaged: The file is not whole.
    """
    kinds: dict[EngineName, EngineKind] = {
        kind.name: kind for kind in (Native(), LlamaCppPython(), Transformers(), Vllm())
    }
    kind = kinds[name or _best(model)]
    kind.require(model)
    return kind


def _best(model: Served) -> EngineName:
    if model.path.is_dir():
        return "transformers"
    if not Native().installed and installed("llama_cpp"):
        return "llama-cpp-python"
    return "native"
