"""Adapters on the experts of a layer, which peft treats as parameters (its ``ParamWrapper``).

An adapter has one pair of matrices for all experts of a parameter: A is (experts x rank, inputs),
B is (outputs, rank x experts), the expert being B's inner axis. Files have the experts in one
tensor or each apart, the two that read a layer's input then as two.
"""

from __future__ import annotations

from collections.abc import MutableMapping

import numpy as np

from engine.errors import AdapterMismatch
from engine.export.merge.adapter import AdapterWeights, Layer
from engine.export.merge.names import Names
from engine.export.merge.packed import Weights
from engine.export.merge.stored import Floats
from engine.export.merge.values import Added, AddedToExperts, Values

_TOGETHER = ("gate_up_proj", "down_proj")
# How files name what is one in the model: the two halves of it, then the way back.
_APART = (("gate_proj", "up_proj", "down_proj"), ("w1", "w3", "w2"))


def plan_experts(
    changed: MutableMapping[str, Values],
    weights: Weights,
    names: Names,
    adapter: AdapterWeights,
    name: str,
    layers: list[Layer],
) -> bool:
    """Plan an adapter's changes of the experts of one layer.

    Args:
        changed: Is given what takes the place of stored tensors.
        weights: The base's weights.
        names: Their names.
        adapter: The adapter.
        name: The layer's name.
        layers: The adapter's pairs of matrices for it.

    Returns:
        Whether the base's experts are of a form that is known here.

    Raises:
        AdapterMismatch: They have other sizes.
    """
    for layer in layers:
        if layer.down is None or layer.up is None or layer.bias is not None or layer.whole:
            return False
        if layer.lengths is not None or layer.rows is not None or layer.embedding:
            return False
    together = [names.find(f"{name}.{leaf}") for leaf in _TOGETHER]
    if any(together):
        return all(
            _one_tensor(changed, weights, [there for there in together if there], adapter, layer)
            for layer in layers
        )
    for parts in _APART:
        if names.find(f"{name}.0.{parts[0]}.weight"):
            for layer in layers:
                _apart(changed, weights, names, adapter, name, layer, parts)
            return True
    return False


def _one_tensor(
    changed: MutableMapping[str, Values],
    weights: Weights,
    stored: list[str],
    adapter: AdapterWeights,
    layer: Layer,
) -> bool:
    """Plan experts that are one tensor; which parameter is meant shows in its sizes."""
    assert layer.down is not None
    assert layer.up is not None
    sizes = (layer.down.shape[1], layer.up.shape[0])
    fitting = []
    for name in stored:
        shape = weights.shape(name)
        if len(shape) == 3 and name not in changed:
            if sizes == (shape[2], shape[1]):
                fitting.append((name, False))
            if sizes == (shape[1], shape[2]):
                fitting.append((name, True))
    if len(fitting) != 1:
        return False
    name, transposed = fitting[0]
    down, up = _by_expert(layer, weights.shape(name)[0])
    left, right = (down.swapaxes(1, 2), up.swapaxes(1, 2)) if transposed else (up, down)
    scaling = adapter.scaling(layer.name, down.shape[1])
    changed[name] = AddedToExperts(
        weights.values(name), np.ascontiguousarray(left), np.ascontiguousarray(right), scaling
    )
    return True


def _apart(
    changed: MutableMapping[str, Values],
    weights: Weights,
    names: Names,
    adapter: AdapterWeights,
    name: str,
    layer: Layer,
    parts: tuple[str, str, str],
) -> None:
    """Plan experts that are stored each apart."""
    first, second, back = parts
    experts = 0
    while names.find(f"{name}.{experts}.{first}.weight"):
        experts += 1
    down, up = _by_expert(layer, experts)
    middle, width = weights.shape(names.find(f"{name}.0.{first}.weight"))
    scaling = adapter.scaling(layer.name, down.shape[1])
    if (down.shape[2], up.shape[1]) == (width, 2 * middle):
        pieces: tuple[tuple[str, slice], ...] = (
            (first, slice(0, middle)),
            (second, slice(middle, 2 * middle)),
        )
    elif (down.shape[2], up.shape[1]) == (middle, width):
        pieces = ((back, slice(0, width)),)
    else:
        raise _misfit(layer, f"{width} x {middle}")
    for expert in range(experts):
        for leaf, rows in pieces:
            stored = names.find(f"{name}.{expert}.{leaf}.weight")
            if not stored:
                raise _misfit(layer, f"without {leaf}")
            changed[stored] = Added(weights.values(stored), up[expert, rows], down[expert], scaling)


def _by_expert(layer: Layer, experts: int) -> tuple[Floats, Floats]:
    """Return A as (experts, rank, inputs) and B as (experts, outputs, rank)."""
    assert layer.down is not None
    assert layer.up is not None
    if layer.down.shape[0] % experts:
        raise _misfit(layer, f"of {experts} experts")
    down = layer.down.reshape(experts, -1, layer.down.shape[1])
    up = layer.up.reshape(layer.up.shape[0], -1, experts).transpose(2, 0, 1)
    return down, np.ascontiguousarray(up)


def _misfit(layer: Layer, base: str) -> AdapterMismatch:
    return AdapterMismatch(
        f"the adapter's experts {layer.name} have other sizes than the base's, which are {base}",
        hint="choose the base that the adapter was trained on",
    )
