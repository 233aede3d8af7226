"""Which tensors of a base an adapter changes, and to what.

The result is what the adapted model computes, not what a library's merge leaves: an adapter on one
of two tied matrices changes that one alone, so they are tied no more. (peft 0.21 adds it to both.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.errors import AdapterInvalid, AdapterMismatch, ExportError
from engine.export.merge.adapter import AdapterWeights, Layer
from engine.export.merge.experts import plan_experts
from engine.export.merge.names import HEAD, Names, is_embedding, is_head
from engine.export.merge.packed import Weights
from engine.export.merge.values import Added, Given, Scaled, Values, WithRows, matrix

# Models whose layers store weights as (inputs, outputs): transformers' Conv1D.
TRANSPOSED = ("gpt2", "openai-gpt", "imagegpt", "decision_transformer")
# Models of which llama.cpp's converter leaves an output matrix of their own out.
_NO_HEAD = ("gemma", "gemma2")


class NotKnown(Exception):
    """The adapter has something that is merged by peft itself; the text says what."""


@dataclass(slots=True)
class Plan:
    """What a merge changes.

    Attributes:
        changed: For a stored tensor what takes its place.
        added: Tensors that the base has not, by name.
        left_out: Stored tensors that the merged model has not.
        untied: Whether embeddings and output matrix become two.
        vocabulary: How many rows the embeddings have now; 0 where they stay.
    """

    changed: dict[str, Values] = field(default_factory=dict)
    added: dict[str, Values] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)
    untied: bool = False
    vocabulary: int = 0


def plan_merge(weights: Weights, adapter: AdapterWeights, config: Mapping[str, Any]) -> Plan:
    """Find a place for each tensor of an adapter.

    Args:
        weights: The base's weights.
        adapter: The adapter.
        config: The base's ``config.json``.

    Raises:
        NotKnown: peft itself has to merge it.
        AdapterMismatch: The base has not a layer of the adapter, or one of another size.
        AdapterInvalid: A setting of the adapter does not fit its tensors.
        ExportError: The merged model could not be converted.
    """
    odd = adapter.beyond()
    if odd:
        raise NotKnown(odd)
    work = _Work(weights, adapter, config, Names(weights.names()), Plan())
    vocabulary: dict[str, Layer] = {}
    experts: dict[str, list[Layer]] = {}
    for layer in adapter.layers.values():
        bare = layer.name.replace(".base_layer", "")
        if is_head(bare) or is_embedding(bare):
            vocabulary["head" if is_head(bare) else "embedding"] = layer
        elif bare.endswith(".experts") and not work.names.find(f"{bare}.weight"):
            experts.setdefault(bare, []).append(layer)
        else:
            work.layer(layer)
    for name, parts in experts.items():
        if not plan_experts(work.plan.changed, weights, work.names, adapter, name, parts):
            raise NotKnown(f"the experts {name}")
    if vocabulary:
        work.vocabulary(vocabulary.get("embedding"), vocabulary.get("head"))
    return work.plan


@dataclass(frozen=True, slots=True)
class _Work:
    weights: Weights
    adapter: AdapterWeights
    config: Mapping[str, Any]
    names: Names
    plan: Plan

    def layer(self, layer: Layer) -> None:
        """Plan a layer other than embeddings and output matrix."""
        if layer.rows is not None or layer.embedding:
            raise NotKnown(f"trained rows of {layer.name}")
        if layer.down is not None or "weight" in layer.whole:
            name = self._named(layer.name, "weight")
            base = self.weights.values(name)
            if "weight" in layer.whole:
                base = self._whole(name, layer.whole["weight"])
            self.plan.changed[name] = base if layer.down is None else self._changed(layer, base)
        self.bias(layer)

    def bias(self, layer: Layer) -> None:
        """Plan a layer's bias: one of the adapter's own, and what is added to it."""
        if "bias" in layer.whole:
            name = self._named(layer.name, "bias")
            self.plan.changed[name] = self._whole(name, layer.whole["bias"])
        if layer.bias is not None:
            name = self._named(layer.name, "bias")
            given = self.plan.changed.get(name, self.weights.values(name))
            scaling = self.adapter.scaling(layer.name, self._rank(layer))
            one = np.ones((1, 1), np.float32)
            self._fits(layer.name, matrix(given.shape)[1], layer.bias.size)
            self.plan.changed[name] = Added(given, one, layer.bias.reshape(1, -1), scaling)

    def vocabulary(self, embedding: Layer | None, head: Layer | None) -> None:
        """Plan embeddings and output matrix, which may be one tensor."""
        name, head_name = self.names.embedding(), self.names.head()
        if not name:
            raise NotKnown("embeddings of this model")
        stored = self.weights.values(name)
        tied = not head_name
        if tied and head is not None and head.rows is not None:
            raise NotKnown("trained rows of an output matrix that is the embeddings")
        for layer in (embedding, head):
            if layer is not None:
                self.bias(layer)
        start = self._start(stored, embedding)
        if tied:
            head_start = self._start(stored, head) if head and head.whole else None
            if embedding is not None and embedding.rows is not None and head_start is None:
                head_start = start  # peft ties trained rows where the matrices are tied
            if head_start is None:
                resized = start.shape != stored.shape
                head_start = start if resized or (embedding and _is_based(embedding)) else stored
        else:
            head_start = self._start(self.weights.values(head_name), head)
        new = self._matrix(embedding, start)
        new_head = self._matrix(head, head_start) if head is not None else head_start
        if new is not stored:
            self.plan.changed[name] = new
        if new.shape != stored.shape:
            self.plan.vocabulary = new.shape[0]
        if not tied:
            if head is not None:
                self.plan.changed[head_name] = new_head
        elif not _equal(new, new_head):
            self._untie(name, new_head)

    def _untie(self, embedding: str, head: Values) -> None:
        kind = str(self.config.get("model_type"))
        if kind in _NO_HEAD:
            raise ExportError(
                f"the adapter changes one of embeddings and output matrix, which {kind} models "
                "share, and llama.cpp has no place for two",
                hint="train without lm_head and embed_tokens, or both with ensure_weight_tying",
            )
        before = embedding.split(".")
        # A model that also sees may keep its head beside its language model.
        inside = "language_model." if before[0] == "language_model" else ""
        self.plan.added[f"{inside}{HEAD}.weight"] = head
        self.plan.untied = True

    def _start(self, stored: Values, layer: Layer | None) -> Values:
        """Return the matrix on which a layer's own changes go."""
        if layer is None:
            return stored
        start = stored
        if "weight" in layer.whole:
            given = layer.whole["weight"]
            if given.ndim != 2 or given.shape[1] != stored.shape[1]:
                self._fits(layer.name, stored.shape[-1], given.shape[-1])
            start = Given(given)
        if layer.rows is not None:
            if layer.down is not None:
                raise NotKnown(f"trained rows of {layer.name} beside LoRA")
            places = self._places(layer, start)
            order = np.argsort(places, kind="stable")
            start = WithRows(start, places[order], layer.rows[order])
        return start

    def _places(self, layer: Layer, start: Values) -> Any:
        assert layer.rows is not None
        chosen = self.adapter.config.get("trainable_token_indices")
        if isinstance(chosen, dict):
            chosen = next((value for key, value in chosen.items() if layer.name.endswith(key)), [])
        places = np.array(chosen or [], np.int64)
        if places.shape != (layer.rows.shape[0],) or len(set(places.tolist())) != places.size:
            raise AdapterInvalid(
                f"the adapter has {layer.rows.shape[0]} rows of {layer.name} and names "
                f"{places.size} tokens",
                hint="get its adapter_config.json again; it belongs to another adapter",
            )
        if places.size and (places.min() < 0 or places.max() >= start.shape[0]):
            raise AdapterMismatch(
                f"the adapter has a row for token {int(places.max())} of {layer.name}, and the "
                f"base has {start.shape[0]}",
                hint="choose the base that it was trained on",
            )
        self._fits(layer.name, start.shape[1], layer.rows.shape[1])
        return places

    def _matrix(self, layer: Layer | None, start: Values) -> Values:
        if layer is None or layer.down is None:
            return start
        return self._changed(layer, start)

    def _changed(self, layer: Layer, base: Values) -> Values:
        """Return a weight with a layer's product, and with its lengths where it has such."""
        assert layer.down is not None
        assert layer.up is not None
        down, up = layer.down, layer.up
        rows, columns = matrix(base.shape)
        transposed = layer.embedding or self._is_transposed(layer, (rows, columns))
        left, right = (down.T, up.T) if transposed else (up, down)
        if (rows, columns) != (left.shape[0], right.shape[1]) or len(base.shape) != 2:
            raise AdapterMismatch(
                f"the adapter's {layer.name} is for a weight of {left.shape[0]} x "
                f"{right.shape[1]}, and the base's is {' x '.join(map(str, base.shape))}",
                hint="choose the base that the adapter was trained on",
            )
        scaling = self.adapter.scaling(layer.name, self._rank(layer))
        left, right = np.ascontiguousarray(left), np.ascontiguousarray(right)
        sum_ = Added(base, left, right, scaling)
        if layer.lengths is None:
            return sum_
        lengths = layer.lengths.reshape(-1)
        self._fits(layer.name, columns if transposed else rows, lengths.size)
        return Scaled(sum_, lengths, by_column=transposed)

    def _is_transposed(self, layer: Layer, shape: tuple[int, int]) -> bool:
        assert layer.down is not None
        assert layer.up is not None
        inputs, outputs = layer.down.shape[1], layer.up.shape[0]
        if (inputs, outputs) != shape or is_head(layer.name):
            return False
        known = str(self.config.get("model_type")) in TRANSPOSED
        # peft clears the setting where a layer is not of that kind.
        return known or inputs != outputs or bool(self.adapter.config.get("fan_in_fan_out"))

    def _rank(self, layer: Layer) -> int:
        assert layer.down is not None
        return int(layer.down.shape[0])

    def _named(self, layer: str, leaf: str) -> str:
        name = self.names.find(f"{layer}.{leaf}")
        if name:
            return name
        if leaf == "bias" and self.names.find(f"{layer}.weight"):
            raise AdapterMismatch(
                f"the adapter has a bias for {layer}, and the base has none there to add it to",
                hint="train without lora_bias",
            )
        raise AdapterMismatch(
            f"the adapter was trained on {layer}, and the base has no such layer",
            hint="choose the base that the adapter was trained on",
        )

    def _whole(self, name: str, array: Any) -> Values:
        if tuple(array.shape) != self.weights.shape(name):
            raise AdapterMismatch(
                f"the adapter's {name} is {array.shape}, and the base's is "
                f"{self.weights.shape(name)}",
                hint="choose the base that the adapter was trained on",
            )
        return Given(array)

    def _fits(self, layer: str, there: int, here: int) -> None:
        if there != here:
            raise AdapterMismatch(
                f"the adapter's {layer} is {here} wide, and the base's is {there}",
                hint="choose the base that the adapter was trained on",
            )


def _is_based(layer: Layer) -> bool:
    """Say whether a layer brings the matrix on which it was trained."""
    return "weight" in layer.whole and layer.down is not None


def _equal(one: Values, other: Values) -> bool:
    """Say whether two matrices are the same, without computing them where that is plain."""
    if one is other:
        return True
    if isinstance(one, Given) and isinstance(other, Given):
        return np.array_equal(one.array, other.array)
    if isinstance(one, Added) and isinstance(other, Added):
        # As peft leaves them under ensure_weight_tying.
        return (
            one.scaling == other.scaling
            and _equal(one.base, other.base)
            and np.array_equal(one.left, other.left)
            and np.array_equal(one.right, other.right)
        )
    return False
