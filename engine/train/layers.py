"""Which layers of a model get an adapter.

In a model that also sees or hears, only the layers of its language model do: the rows are text,
and nothing in them could teach a tower or a projector. The output layer and the routers of a
mixture of experts stay as they are too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import BaseInvalid, SettingsError
from engine.train.spec import ALL_LINEAR, TrainSpec

# Layers that some models keep in one piece.
_FUSED = {
    "q_proj": "qkv_proj",
    "k_proj": "qkv_proj",
    "v_proj": "qkv_proj",
    "gate_proj": "gate_up_proj",
    "up_proj": "gate_up_proj",
}
_EXPERTS = "experts"


@dataclass(frozen=True, slots=True)
class Targets:
    """What gets an adapter.

    Attributes:
        modules: Last parts of the names of linear layers.
        parameters: Ends of the names of parameters that hold the weights of all experts of a
            layer, each (experts, in, out) or (experts, out, in).
        outside: A regular expression that the names of modules match which have such a layer
            and get no adapter; empty where there is none.
    """

    modules: tuple[str, ...]
    parameters: tuple[str, ...] = ()
    outside: str = ""

    def options(self) -> dict[str, Any]:
        """Return them as peft's LoraConfig takes them."""
        chosen: dict[str, Any] = {"target_modules": list(self.modules)}
        if self.parameters:
            chosen["target_parameters"] = list(self.parameters)
        if self.outside:
            chosen["exclude_modules"] = self.outside
        return chosen


def target_layers(model: Any, spec: TrainSpec) -> Targets:
    """Return what gets an adapter, by the names that this model has.

    Raises:
        BaseInvalid: A name that the spec has is not there, fused with others or alone.
        SettingsError: The spec asks for what an adapter on experts can't have.
    """
    inside, outside = linear_layers(model)
    experts = expert_parameters(model)
    leaves = {_leaf(name) for name in inside}
    there = sorted(leaves | {_leaf(name) for name in experts})
    found = match_layers(there, spec.target_modules, base=spec.base)
    parameters = tuple(f"{_EXPERTS}.{name}" for name in found if name in map(_leaf, experts))
    if parameters:
        _check_experts(spec)
    modules = tuple(name for name in found if name in leaves)
    left_out = [name for name in outside if _leaf(name) in modules]
    return Targets(modules, parameters, _pattern(left_out, inside))


def linear_layers(model: Any) -> tuple[list[str], list[str]]:
    """Return the names of a model's linear layers: those that an adapter may go on, and the others.

    Linear are torch's, those in 4 or 8 bits, and GPT-2's ``Conv1D``, which is one by another name.
    """
    head, text = model.get_output_embeddings(), _language_model(model)
    inner = {id(module) for module in text.modules()}
    modules = dict(model.named_modules())
    inside: list[str] = []
    outside: list[str] = []
    for name, layer in modules.items():
        if layer is head or not _is_linear(layer):
            continue
        own = id(layer) in inner and not _is_router(name, modules)
        (inside if own else outside).append(name)
    return inside, outside


def expert_parameters(model: Any) -> list[str]:
    """Return the names of the parameters of a language model that hold all experts of a layer."""
    inner = {id(parameter) for parameter in _language_model(model).parameters()}
    return [
        name
        for name, parameter in model.named_parameters()
        if parameter.ndim == 3
        and id(parameter) in inner
        and _leaf(name.rpartition(".")[0]) == _EXPERTS
    ]


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


def _leaf(name: str) -> str:
    return name.rpartition(".")[2]


def _language_model(model: Any) -> Any:
    """Return the part of a model that reads and writes text; the whole where it has no other."""
    config = getattr(model, "config", None)
    if config is None or config.get_text_config() is config:
        return model
    decoder = model.get_decoder()
    return model if decoder is None else decoder


def _is_linear(layer: Any) -> bool:
    # Layers in 4 or 8 bits are of other classes, and all of them have these two fields.
    if hasattr(layer, "in_features") and hasattr(layer, "out_features"):
        return True
    return type(layer).__name__ == "Conv1D" and hasattr(layer, "nf")


def _is_router(name: str, modules: Mapping[str, Any]) -> bool:
    """Say whether a layer chooses among experts."""
    parent, _, leaf = name.rpartition(".")
    return leaf == "router" or (leaf == "gate" and hasattr(modules.get(parent), _EXPERTS))


def _pattern(outside: Iterable[str], inside: Iterable[str]) -> str:
    """Return a regular expression of the largest modules that hold nothing but what is outside."""
    inhabited = {"", *(".".join(parts) for name in inside for parts in _prefixes(name))}
    tops = {
        next(
            prefix
            for prefix in (".".join(parts) for parts in _prefixes(name))
            if prefix not in inhabited
        )
        for name in outside
    }
    return "|".join(rf"{re.escape(top)}(\..*)?" for top in sorted(tops))


def _prefixes(name: str) -> Iterable[list[str]]:
    parts = name.split(".")
    return (parts[:length] for length in range(1, len(parts) + 1))


def _check_experts(spec: TrainSpec) -> None:
    if spec.dropout:
        raise SettingsError(
            f"{spec.base} keeps its experts in one piece, and an adapter on them has no dropout",
            hint="set dropout to 0, or target_modules to the attention layers",
        )
    if spec.adapter == "dora":
        raise SettingsError(
            f"{spec.base} keeps its experts in one piece, which DoRA can't adapt",
            hint="set adapter to lora, or target_modules to the attention layers",
        )
