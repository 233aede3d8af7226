"""Peak memory of a training run by part, from shapes alone: no torch, no weights, no hub.

What autograd keeps was listed with ``torch.autograd.graph.saved_tensors_hooks`` over
transformers 5.17, peft 0.21 and torch 2.13; ``docs/fit.md`` has the table, and how far it is from
what runs take. Sizes are bytes. A *token* is a position of a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from engine.bases import ModelShape
from engine.train.fit.parts import Parts
from engine.train.fit.sizes import (
    MLP_LAYERS,
    Linear,
    adapted,
    adapter_size,
    linears,
    model_size,
    quantised,
)
from engine.train.fit.target import Target
from engine.train.head import PIECE_BYTES
from engine.train.spec import TrainSpec

CPU_PAGES = 21_000_000
"""Pages of torch's and MKL's libraries that the first step touches, and objects of a model beside
its blocks. Measured with torch 2.13."""
CPU_BLOCK = 750_000
"""Objects of a block on a processor: modules, the adapter's modules, nodes of the graph, and
tensors too small to count one by one. Measured."""
CUDA_CONTEXT = 600_000_000
"""A CUDA context with torch's kernels, cuBLAS's workspaces (32 MiB on Hopper) and the allocator's
rounding to 2 MiB. From reports of torch 2 on recent GPUs; not measured here."""
UNSLOTH_LOSS_CAP = 4 * 1024**3
"""unsloth_zoo.fused_losses: ``_CE_TARGET_GB_CAP``."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The batch of a run that takes most.

    Attributes:
        rows: Examples at once.
        length: The longest of them, in tokens.
        total: Tokens of them all.
        trained: Tokens of them all that carry loss.
    """

    rows: int
    length: int
    total: int
    trained: int


def longest_batch(spec: TrainSpec, rows: Sequence[tuple[int, int]] = ()) -> Batch:
    """Return the batch that takes most: the longest examples together.

    Args:
        spec: The run; examples are cut at its maximum length.
        rows: Length and trained tokens of each example; without any, every example is as long
            as the spec allows, and all of it is trained.
    """
    size = spec.batch_size
    if not rows:
        return Batch(size, spec.max_length, size * spec.max_length, size * (spec.max_length - 1))
    longest = sorted(rows, reverse=True)[:size]
    lengths = [min(length, spec.max_length) for length, _ in longest]
    trained = sum(min(one, spec.max_length - 1) for _, one in longest)
    return Batch(len(longest), max(lengths), sum(lengths), trained)


@dataclass(frozen=True, slots=True)
class Setting:
    """A run as it is laid out in memory.

    Attributes:
        bits: In how many bits the base's linear layers are: 4, 8, 16 or 32.
        element: Bytes of a number of everything else.
        fused: Whether unsloth's kernels train, which they do on a GPU.
        unsloth: Whether unsloth trains, on whatever.
        cuda: Whether a GPU does.
    """

    bits: Literal[4, 8, 16, 32]
    element: Literal[2, 4]
    fused: bool
    unsloth: bool
    cuda: bool


def setting_of(spec: TrainSpec, target: Target, *, unsloth: bool, stored_bits: int = 0) -> Setting:
    """Return how a run is laid out on a target.

    Args:
        spec: The run.
        target: What it computes on; a processor computes in 32 bits.
        unsloth: Whether unsloth trains it.
        stored_bits: 4 or 8 where the base is stored so, which decides.
    """
    whole = not target.cuda or spec.precision == "fp32"
    bits = stored_bits or (4 if spec.load_in_4bit else 8 if spec.load_in_8bit else 0)
    kept: Literal[4, 8, 16, 32] = 32 if whole else 16
    if bits in (4, 8):
        kept = 4 if bits == 4 else 8
    return Setting(kept, 4 if whole else 2, unsloth and target.cuda, unsloth, target.cuda)


def weight_bytes(shape: ModelShape, setting: Setting, *, extra: int = 0) -> int:
    """Return the bytes of a base's weights.

    4 bits are NF4 with double quantisation: half a byte, an absmax of 8 bits for each 64 weights,
    and one of 32 bits for each 256 of those (QLoRA, arXiv:2305.14314, section 3). 8 bits are
    LLM.int8: a byte, and a scale of 32 bits for each output (arXiv:2208.07339). Embeddings, output
    layer, norms, routers and the experts of a mixture stay as they are.

    Args:
        shape: The model.
        setting: How it is kept.
        extra: Weights that the shape doesn't tell of, such as a vision tower.
    """
    all_of_it = (model_size(shape) + extra) * setting.element
    if setting.bits not in (4, 8):
        return all_of_it
    layers = tuple(quantised(shape))
    plain = shape.layers * sum(layer.weights for layer in layers) * setting.element
    if setting.bits == 4:
        small: float = sum(layer.weights * (1 / 2 + 1 / 64 + 4 / (64 * 256)) for layer in layers)
    else:
        small = sum(layer.weights + 4 * layer.outputs * layer.copies for layer in layers)
    return all_of_it - plain + round(shape.layers * small)


def predict(
    shape: ModelShape,
    spec: TrainSpec,
    batch: Batch,
    setting: Setting,
    *,
    limit: int | None = None,
    extra: int = 0,
    file_bytes: int = 0,
) -> Parts:
    """Return a run's peak memory by part.

    Args:
        shape: The base.
        spec: The run.
        batch: The batch that takes most; see :func:`longest_batch`.
        setting: How it is laid out; see :func:`setting_of`.
        limit: The GPU's memory, by which unsloth chooses how much of its loss is computed at once.
        extra: Weights that the shape doesn't tell of.
        file_bytes: Size of the base's files where loading converts them; on a processor the pages
            read of them count until that is done.
    """
    weights = weight_bytes(shape, setting, extra=extra)
    # 32 bits for each: the adapter, its gradients, and AdamW's two moments (arXiv:1711.05101).
    adapter = 4 * adapter_size(shape, spec)
    held = weights + 4 * adapter
    room = None if limit is None else max(0, limit - held - CUDA_CONTEXT)
    logits = _logits(shape, batch, setting, room)
    activations = _activations(shape, spec, batch, setting, logits)
    context = CUDA_CONTEXT
    if not setting.cuda:
        step = held + activations + logits
        context = CPU_PAGES + shape.layers * CPU_BLOCK
        context += max(0, weights + file_bytes - step)
    return Parts(
        weights=weights,
        adapter=adapter,
        gradients=adapter,
        optimizer=2 * adapter,
        activations=activations,
        logits=logits,
        context=context,
    )


def _tokens(shape: ModelShape, batch: Batch, setting: Setting) -> int:
    """Return a batch's positions: laid end to end (engine.train.packing), or padded.

    unsloth pads on a GPU, and so are models with a vision tower beside them.
    """
    return batch.rows * batch.length if setting.fused or shape.padded else batch.total


def _logits(shape: ModelShape, batch: Batch, setting: Setting, room: int | None) -> int:
    """Return what the output layer and the loss take.

    The engine's loss goes over trained positions in pieces (``engine.train.head``): of a piece the
    logits in 32 bits, and as many exponentials inside of logsumexp; of all positions the inputs
    and their gradient. unsloth's takes 16 bytes a logit and computes as many tokens at once as
    fit in half of the free memory, at most 4 GiB (``unsloth_zoo.fused_losses``).

    Where logits are capped, those of all trained positions are there at once: as the output
    layer gives them, what tanh keeps, the capped ones, and their logarithms in 32 bits; in 16
    bits a copy in 32 besides. The backward pass holds no more than that.
    """
    if setting.fused:
        whole = 16 * _tokens(shape, batch, setting) * shape.vocab
        return min(whole, UNSLOTH_LOSS_CAP, *([] if room is None else [max(room // 2, 2**20)]))
    if shape.caps_logits:
        each = 3 * setting.element + 4 + (4 if setting.element == 2 else 0)
        return batch.trained * (each * shape.vocab + shape.hidden * setting.element)
    piece = min(PIECE_BYTES, 4 * batch.trained * shape.vocab)
    return 2 * piece + 2 * batch.trained * shape.hidden * setting.element


def _activations(
    shape: ModelShape, spec: TrainSpec, batch: Batch, setting: Setting, logits: int
) -> int:
    """Return what the forward pass keeps, and what the backward pass needs beyond the logits.

    The peak is where the backward pass begins: all is kept, and the logits' gradients come
    to it. Where layers are computed again (arXiv:1604.06174), or logits are small, it is in the
    backward pass of the last layer.
    """
    block, backward = _block(shape, spec, batch, setting), _backward(shape, batch, setting)
    tokens = _tokens(shape, batch, setting)
    entry = tokens * shape.hidden * setting.element  # a block's input
    ends = 2 * entry + 4 * tokens * shape.hidden  # embeddings, last norm, and its result
    if not spec.gradient_checkpointing:
        return ends + shape.layers * block + max(0, backward - logits)
    # unsloth moves the inputs of blocks to the machine's memory, two at a time.
    kept = 2 if setting.fused else shape.layers
    return ends + kept * entry + max(0, block + backward - logits)


def _backward(shape: ModelShape, batch: Batch, setting: Setting) -> int:
    """Return what a block's backward pass holds at once beside what was kept.

    Gradients of the feed-forward block's product and of its two factors; and the largest layer,
    turned back from its few bits.
    """
    active = max(1, shape.experts_per_token)
    gradients = 3 * _tokens(shape, batch, setting) * shape.intermediate * active * setting.element
    if setting.bits not in (4, 8):
        return gradients
    return gradients + max(layer.inputs * layer.outputs for layer in linears(shape)) * (
        setting.element
    )


def _block(shape: ModelShape, spec: TrainSpec, batch: Batch, setting: Setting) -> int:
    """Return what a block keeps for its backward pass."""
    tokens, element = _tokens(shape, batch, setting), setting.element
    active = max(1, shape.experts_per_token)
    layers = adapted(shape, spec)
    # Norms are computed in 32 bits; each keeps its input. unsloth's keep it in 16.
    norms = 2 * shape.hidden * (element if setting.fused else 4)
    attention, mask = _attention(shape, batch, setting)
    # Gate, its activation, and the other factor; unsloth's kernel computes the second anew.
    inner = (2 if setting.fused else 3) * shape.intermediate * active
    kept = tokens * (norms + 4 * shape.heads + element * (attention + inner))
    return kept + mask + _adapter_inputs(shape, spec, layers, batch, setting)


def _attention(shape: ModelShape, batch: Batch, setting: Setting) -> tuple[int, int]:
    """Return the numbers that attention keeps of a token, and the bytes of a block's mask.

    Rows laid end to end attend one by one; their results are kept, and so are these end to end.
    A padded batch attends by a mask, which each block keeps as numbers to be added; with a mask,
    keys and values are copied for each head (transformers' ``repeat_kv``).
    """
    queries, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    if setting.fused or batch.rows == 1:
        return 2 * queries + 2 * keys, 0
    if shape.padded:
        return 4 * queries, batch.rows * batch.length**2 * setting.element
    return 3 * queries + 2 * keys, 0


def _adapter_inputs(
    shape: ModelShape,
    spec: TrainSpec,
    layers: tuple[Linear, ...],
    batch: Batch,
    setting: Setting,
) -> int:
    """Return what the adapters of a block keep: their inputs, and results of their first part.

    In 32 bits layers share an input; in 16 each keeps a copy, since peft turns the input to 32
    bits and autocast turns it back. Dropout keeps a copy and a mask of each input. DoRA keeps two
    results of each layer, and an identity matrix of its inputs. A layer in 8 bits keeps its own
    input, adapter or not (bitsandbytes' ``MatMul8bitLt``).
    """
    active = max(1, shape.experts_per_token)
    rank = sum(spec.r * _times(layer, active) for layer in layers)
    if spec.dropout:
        mask = 1 if setting.cuda else 4
        inputs = sum(
            (setting.element + mask) * layer.inputs * _times(layer, active) for layer in layers
        )
    elif setting.element == 2 and not setting.fused:
        inputs = sum(2 * layer.inputs * _times(layer, active) for layer in layers)
    elif setting.bits != 8:
        inputs = _shared_inputs(shape, layers, setting)
    else:
        inputs = 0
    if setting.bits == 8:
        inputs += _shared_inputs(shape, linears(shape), setting)
    tokens = _tokens(shape, batch, setting)
    kept = tokens * (inputs + setting.element * rank)
    if spec.adapter == "dora":
        kept += sum(
            2 * tokens * layer.outputs * setting.element + 4 * layer.inputs**2 for layer in layers
        )
    return kept


def _shared_inputs(shape: ModelShape, layers: tuple[Linear, ...], setting: Setting) -> int:
    """Return the bytes a token that the inputs of layers take where those with one input share it.

    The output layer of attention keeps its input anyway.
    """
    names = {layer.name for layer in layers}
    shared = 0
    if names & {"q_proj", "k_proj", "v_proj"}:
        shared += shape.hidden
    if names & {"gate_proj", "up_proj"}:
        shared += shape.hidden
    if "down_proj" in names and not setting.fused:
        shared += shape.intermediate * max(1, shape.experts_per_token)
    return setting.element * shared


def _times(layer: Linear, active: int) -> int:
    """Return how many copies of a layer a token goes through."""
    return active if layer.name in MLP_LAYERS else 1
