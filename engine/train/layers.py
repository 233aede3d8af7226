"""Which layers of a model get an adapter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.errors import BaseInvalid
from engine.train.spec import ALL_LINEAR, TrainSpec

# Layers that some models keep in one piece.
_FUSED = {
    "q_proj": "qkv_proj",
    "k_proj": "qkv_proj",
    "v_proj": "qkv_proj",
    "gate_proj": "gate_up_proj",
    "up_proj": "gate_up_proj",
}


def target_layers(model: Any, spec: TrainSpec) -> list[str]:
    """Return the names of the layers that get an adapter, as this model has them.

    Raises:
        BaseInvalid: One that the spec names is not there, fused with others or alone.
    """
    return match_layers(linear_layers(model), spec.target_modules, base=spec.base)


def linear_layers(model: Any) -> list[str]:
    """Return the last parts of the names of a model's linear layers, but for its output layer."""
    head = model.get_output_embeddings()
    names = {
        name.rpartition(".")[2]
        for name, layer in model.named_modules()
        # Layers in 4 or 8 bits are of other classes, and all of them have these two fields.
        if layer is not head and hasattr(layer, "in_features") and hasattr(layer, "out_features")
    }
    return sorted(names)


def match_layers(there: Iterable[str], wanted: Iterable[str], *, base: str) -> list[str]:
    """Return which of a model's layers are meant by names of the Llama family.

    Raises:
        BaseInvalid: A name has no layer.
    """
    there, found, missing = list(there), set(), []
    for name in wanted:
        if name == ALL_LINEAR:
            found.update(there)
        elif name in there:
            found.add(name)
        elif _FUSED.get(name) in there:
            found.add(_FUSED[name])
        else:
            missing.append(name)
    if missing or not found:
        raise BaseInvalid(
            f"{base} has no layers called {', '.join(missing) or 'linear'}",
            hint=f"set target_modules to {ALL_LINEAR}, or to some of: {', '.join(there)}",
        )
    return sorted(found)
