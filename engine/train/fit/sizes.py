"""How many weights a model and its adapter have, by their shapes alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.bases import ModelShape
from engine.train.spec import ALL_LINEAR, TrainSpec

ATTENTION_LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj")
MLP_LAYERS = ("gate_proj", "up_proj", "down_proj")
# Models that keep these in one piece; the sizes come to the same.
FUSED_LAYERS = {
    "qkv_proj": ("q_proj", "k_proj", "v_proj"),
    "gate_up_proj": ("gate_proj", "up_proj"),
}


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear layer: its name, its inputs and outputs, and how many of it a block has."""

    name: str
    inputs: int
    outputs: int
    copies: int = 1

    @property
    def weights(self) -> int:
        """How many weights all copies have."""
        return self.inputs * self.outputs * self.copies


def linears(shape: ModelShape) -> tuple[Linear, ...]:
    """Return the linear layers of one block, as a Llama has them (arXiv:2302.13971).

    Of a mixture (arXiv:2401.04088) the feed-forward layers come once for each expert.
    """
    queries, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    copies = max(1, shape.experts)
    return (
        Linear("q_proj", shape.hidden, queries),
        Linear("k_proj", shape.hidden, keys),
        Linear("v_proj", shape.hidden, keys),
        Linear("o_proj", queries, shape.hidden),
        Linear("gate_proj", shape.hidden, shape.intermediate, copies),
        Linear("up_proj", shape.hidden, shape.intermediate, copies),
        Linear("down_proj", shape.intermediate, shape.hidden, copies),
    )


def adapted(shape: ModelShape, spec: TrainSpec) -> tuple[Linear, ...]:
    """Return the linear layers of one block that get an adapter."""
    wanted: set[str] = set()
    for name in spec.target_modules:
        if name == ALL_LINEAR:
            wanted.update(ATTENTION_LAYERS + MLP_LAYERS)
        else:
            wanted.update(FUSED_LAYERS.get(name, (name,)))
    return tuple(layer for layer in linears(shape) if layer.name in wanted)


def adapter_size(shape: ModelShape, spec: TrainSpec) -> int:
    """Return how many weights the adapter has.

    A LoRA layer of rank r beside m inputs and n outputs has r (m + n) (arXiv:2106.09685);
    rank-stabilised LoRA the same (arXiv:2312.03732); DoRA n magnitudes more (arXiv:2402.09353).
    """
    return shape.layers * sum(
        layer.copies * spec.r * (layer.inputs + layer.outputs)
        + (layer.outputs * layer.copies if spec.adapter == "dora" else 0)
        for layer in adapted(shape, spec)
    )


def outside_linears(shape: ModelShape) -> int:
    """Return the weights that are never quantised: embeddings, output layer, norms, routers."""
    tables = (1 if shape.tied else 2) * shape.vocab * shape.hidden
    return tables + (2 * shape.layers + 1) * shape.hidden + shape.layers * _router(shape)


def _router(shape: ModelShape) -> int:
    return shape.experts * shape.hidden


def model_size(shape: ModelShape) -> int:
    """Return how many weights a model has."""
    return outside_linears(shape) + shape.layers * sum(layer.weights for layer in linears(shape))


def quantised(shape: ModelShape) -> Iterator[Linear]:
    """Yield the linear layers of a block that bitsandbytes quantises.

    transformers 5 keeps the experts of a mixture in one parameter of three dimensions, which is
    no linear layer and stays in 16 bits.
    """
    for layer in linears(shape):
        if not (shape.experts and layer.name in MLP_LAYERS):
            yield layer
