"""An adapter's tensors, by the layer that each belongs to.

peft saves them under ``base_model.model.LAYER.PART``; the parts are those of a LoRA layer (A, B, a
bias, DoRA's lengths), rows of embeddings, and whole tensors that were trained beside the adapter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from engine.bases.adapters import WEIGHTS
from engine.bases.locate import ADAPTER_CONFIG, shown
from engine.bases.template import read_json
from engine.errors import AdapterInvalid, BaseInvalid
from engine.export.merge.stored import FLOATS, Files, Floats
from engine.export.merge.targets import REMEDY, check_settings, names_of

_NAME = r"(?:\.[^.]+)?"  # An adapter's own name, which some versions of peft left in.
_PARTS = (
    ("down", re.compile(rf"(.+)\.lora_A{_NAME}\.weight")),
    ("up", re.compile(rf"(.+)\.lora_B{_NAME}\.weight")),
    ("bias", re.compile(rf"(.+)\.lora_B{_NAME}\.bias")),
    ("lengths", re.compile(rf"(.+)\.lora_magnitude_vector{_NAME}")),
    ("down", re.compile(rf"(.+)\.lora_embedding_A{_NAME}")),
    ("up", re.compile(rf"(.+)\.lora_embedding_B{_NAME}")),
    ("rows", re.compile(rf"(.+)\.token_adapter\.trainable_tokens_delta{_NAME}")),
)
_WHOLE = re.compile(rf"(.+?)(?:\.base_layer|\.modules_to_save{_NAME})?\.(weight|bias)")
_PREFIX = "base_model.model."

# Settings of peft 0.21 under which a merge is the plain sum, whatever they are set to.
_PLAIN = {
    *("auto_mapping", "base_model_name_or_path", "bias", "ensure_weight_tying", "exclude_modules"),
    *("fan_in_fan_out", "inference_mode", "layers_pattern", "layers_to_transform", "lora_alpha"),
    *("lora_bias", "lora_dropout", "megatron_core", "modules_to_save", "peft_type", "peft_version"),
    *("qalora_group_size", "r", "rank_pattern", "alpha_pattern", "revision", "target_modules"),
    *("target_parameters", "task_type", "trainable_token_indices", "use_dora", "use_rslora"),
    *("runtime_config", "corda_config", "eva_config", "lora_ga_config", "loftq_config"),
}
# Ways to begin that leave the base's weights as they are.
_BEGINNINGS = (True, False, None, "gaussian", "orthogonal", "eva")


@dataclass(slots=True)
class Layer:
    """What an adapter has for one layer.

    Attributes:
        name: The layer's name in the model.
        down: A, (rank, inputs).
        up: B, (outputs, rank).
        bias: What the layer's bias gains, (outputs,).
        lengths: DoRA's.
        rows: Rows of an embedding that were trained, (tokens, width).
        whole: Tensors that take the place of the base's, by "weight" or "bias".
        embedding: Whether ``down`` and ``up`` are an embedding's.
    """

    name: str
    down: Floats | None = None
    up: Floats | None = None
    bias: Floats | None = None
    lengths: Floats | None = None
    rows: Floats | None = None
    whole: dict[str, Floats] = field(default_factory=dict)
    embedding: bool = False


@dataclass(frozen=True, slots=True)
class AdapterWeights:
    """An adapter that was read.

    Attributes:
        directory: Its folder.
        config: Its ``adapter_config.json``.
        layers: Its layers by name.
        alphas: The alpha of each.
    """

    directory: Path
    config: Mapping[str, Any]
    layers: dict[str, Layer]
    alphas: Mapping[str, float]

    def scaling(self, layer: str, rank: int) -> float:
        """Return what a layer's product is multiplied by."""
        # rsLoRA: arXiv:2312.03732.
        return self.alphas[layer] / (rank**0.5 if self.config.get("use_rslora") else rank)

    def beyond(self) -> str:
        """Return the settings that are no plain sum, which peft itself must merge; or nothing."""
        odd = [
            name
            for name, value in self.config.items()
            if value and name not in _PLAIN and name != "init_lora_weights"
        ]
        begun = self.config.get("init_lora_weights", True)
        if begun not in _BEGINNINGS:
            odd.append(f"init_lora_weights {begun}")
        if self.config.get("target_parameters") and self.config.get("alpha_pattern"):
            odd.append("alpha_pattern on experts")
        return ", ".join(odd)


def read_weights(directory: Path) -> AdapterWeights:
    """Read an adapter, all of it; the numbers are looked at.

    Args:
        directory: Its folder.

    Raises:
        AdapterInvalid: A file is damaged, half of a layer is missing, or a number is none.
    """
    config = read_json(directory / ADAPTER_CONFIG)
    check_settings(directory, config)
    try:
        files = Files([directory / WEIGHTS])
    except (BaseInvalid, OSError) as error:
        raise AdapterInvalid(
            f"the adapter in {shown(directory)} can't be read: {error}",
            hint=REMEDY,
        ) from error
    layers: dict[str, Layer] = {}
    for name, values in _numbers(files, directory):
        _place(layers, name, values, directory)
    for layer in layers.values():
        _check_pair(layer, directory)
    alphas = names_of(directory, config, [], list(layers)).alphas
    return AdapterWeights(directory, config, layers, alphas)


def _numbers(files: Files, directory: Path) -> Iterator[tuple[str, Floats]]:
    for name, stored in files.tensors.items():
        if stored.kind not in FLOATS:
            raise AdapterInvalid(
                f"the adapter in {shown(directory)} stores {name} as {stored.kind}",
                hint="save it with peft in float32 or 16 bits",
            )
        values = files.floats(name)
        if not bool(np.isfinite(values).all()):
            raise AdapterInvalid(
                f"the adapter in {shown(directory)} is broken: {name} has values that are not "
                "finite (NaN or infinity)",
                hint="the run's loss diverged; take an earlier checkpoint or its best adapter, or "
                "train again with a lower learning rate",
            )
        yield name, values


def _place(layers: dict[str, Layer], name: str, values: Floats, directory: Path) -> None:
    short = name.removeprefix(_PREFIX)
    for part, pattern in _PARTS:
        match = pattern.fullmatch(short)
        if match is None:
            continue
        layer = layers.setdefault(match[1], Layer(match[1]))
        if ".lora_embedding_" in short:
            layer.embedding = True
        if getattr(layer, part) is not None:
            break
        setattr(layer, part, values)
        return
    else:
        match = _WHOLE.fullmatch(short)
        if match is not None and "lora_" not in short:
            layers.setdefault(match[1], Layer(match[1])).whole[match[2]] = values
            return
    raise AdapterInvalid(
        f"the adapter in {shown(directory)} has a tensor that no layer takes: {name}",
        hint="save it with peft's save_pretrained, or merge it with the program that made it",
    )


def _check_pair(layer: Layer, directory: Path) -> None:
    where = f"the adapter in {shown(directory)}"
    if (layer.down is None) != (layer.up is None):
        lacks = "lora_B" if layer.up is None else "lora_A"
        raise AdapterInvalid(f"{where} has no {lacks} for {layer.name}", hint=REMEDY)
    if layer.down is None or layer.up is None:
        if layer.bias is not None or layer.lengths is not None:
            raise AdapterInvalid(f"{where} has half of the layer {layer.name}", hint=REMEDY)
        return
    if (
        layer.down.ndim != 2
        or layer.up.ndim != 2
        or layer.down.shape[0] != layer.up.shape[1]
        or not layer.down.size
    ):
        raise AdapterInvalid(
            f"{where} has matrices of {layer.name} that don't belong together: "
            f"{layer.down.shape} and {layer.up.shape}",
            hint=REMEDY,
        )
