"""The loss of a run: one definition for training and for every evaluation.

It is the negative log-likelihood of the trained tokens in nats, and its mean is
over tokens, not over examples or batches. So it does not depend on how examples
fall into batches, eight at once or eight times one; perplexity is its exponential.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.tokens import IGNORED
from engine.train.data import TokenRow, as_features, budgeted, collate, collate_packed
from engine.train.packing import inputs_of

if TYPE_CHECKING:
    import torch

# (model, batch) -> the sum over the batch's trained tokens, with its gradient, and their number
Likelihood = Callable[[Any, Mapping[str, "torch.Tensor"]], tuple["torch.Tensor", int]]

_PLAIN_HEAD = "_finetui_plain_head"
_LOOKED_AT = 8


def nll_at_trained(model: Any, batch: Mapping[str, Any]) -> tuple[torch.Tensor, int]:
    """Return the summed loss of a batch, with logits computed at trained positions alone.

    A vocabulary is so wide that its logits cost a small model a third of its time. The
    hidden states are therefore thinned out on their way into the output layer. Where that
    layer is frozen and the last thing that the model does, logits come in pieces, and the
    gradient with them (:mod:`engine.train.head`); else the model's own logits are taken, so
    that what it does to them (scaling, capping) still happens.

    Args:
        model: A causal language model, with or without an adapter.
        batch: What :func:`collate` or :func:`collate_packed` returns.
    """
    import torch

    from engine.train.head import frozen_linear, piecewise_nll

    targets = batch["labels"][:, 1:]
    wanted = targets != IGNORED
    bare = model.get_base_model() if hasattr(model, "get_base_model") else model
    head = bare.get_output_embeddings()
    in_pieces = frozen_linear(head) and _is_plain(bare) is not False
    taken: list[torch.Tensor] = []
    given: list[torch.Tensor] = []

    def thin_out(_: Any, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        taken.append(inputs[0][:, :-1][wanted])  # of (rows, length, width)
        return ((taken[0][:_LOOKED_AT] if in_pieces else taken[0]).unsqueeze(0), *inputs[1:])

    def keep(_: Any, __: Any, logits: torch.Tensor) -> None:
        given.append(logits)

    hooks = [head.register_forward_pre_hook(thin_out), head.register_forward_hook(keep)]
    try:
        logits = model(**inputs_of(bare, batch), use_cache=False).logits
    finally:
        for hook in hooks:
            hook.remove()
    if in_pieces and _is_plain(bare) is None:
        # Looked at once: are the model's logits just what its output layer gives? Zeros,
        # which some models give for padding, would say yes of any capping.
        plain = bool(logits.any()) and torch.equal(given[0].float(), logits.float())
        setattr(bare, _PLAIN_HEAD, plain)
        if not plain:
            return nll_at_trained(model, batch)
    if in_pieces:
        return piecewise_nll(taken[0], head, targets[wanted]), int(wanted.sum())
    loss = torch.nn.functional.cross_entropy(
        logits.squeeze(0).float(), targets[wanted], reduction="sum"
    )
    return loss, int(wanted.sum())


def _is_plain(bare: Any) -> bool | None:
    """Say whether a model's logits are its output layer's; None before they were looked at."""
    known: bool | None = bare.__dict__.get(_PLAIN_HEAD)
    return known


def nll_of_model(model: Any, batch: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, int]:
    """Return the summed loss of a batch by the model's own loss, for models with fused kernels."""
    count = int((batch["labels"][:, 1:] != IGNORED).sum())
    # A model's own loss is the mean over the batch's trained tokens.
    return model(**batch, use_cache=False).loss * count, count


def evaluation_loss(
    model: Any,
    rows: Sequence[TokenRow],
    likelihood: Likelihood,
    *,
    batch_size: int,
    pad_id: int,
    packed: bool = False,
    between: Callable[[], None] = lambda: None,
) -> float:
    """Return the mean loss of examples, in nats a trained token.

    Args:
        model: A causal language model; its mode is put back afterwards.
        rows: The examples; at least one.
        likelihood: One of the functions above.
        batch_size: Longest examples that are computed at once; shorter ones are more.
        pad_id: See :func:`engine.train.data.collate`.
        packed: Whether the model takes packed batches (:func:`engine.train.packing.pack_rows`).
        between: Called before each batch; it may raise to break off.
    """
    import torch

    total, count = 0.0, 0
    training = model.training
    model.eval()
    try:
        for part in budgeted(rows, batch_size, padded=not packed):
            between()
            features = [as_features(row) for row in part]
            batch = collate_packed(features) if packed else collate(features, pad_id=pad_id)
            with torch.no_grad():
                loss, trained = likelihood(model, on_device(batch, model.device))
            total += loss.item()
            count += trained
    finally:
        model.train(training)
    return total / count


def on_device(batch: Mapping[str, Any], device: Any) -> dict[str, Any]:
    """Return a batch whose tensors are on a device."""
    return {
        name: value.to(device) if hasattr(value, "to") else value for name, value in batch.items()
    }
