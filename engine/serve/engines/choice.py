"""Which kind of engine serves a model."""

from __future__ import annotations

from engine.errors import EngineUnfit
from engine.serve.engines.base import EngineKind, EngineName, Served
from engine.serve.engines.native import Native


def choose(name: EngineName | None, model: Served) -> EngineKind:
    """Return the kind of engine that was asked for, or the best that is installed.

    Args:
        name: The kind; None takes llama.cpp's own server for a GGUF.
        model: What it is to load.

    Raises:
        DependencyMissing: It is not installed.
        EngineUnfit: It can't load a model of that form.
        GgufDamaged: The file is not whole.
    """
    kind = Native()
    if name not in (None, "native"):
        raise EngineUnfit(f"the engine {name} can't be started", hint="choose --engine native")
    kind.require(model)
    return kind
