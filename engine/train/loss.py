"""The loss of a run: one definition for training and for every evaluation.

It is the negative log-likelihood of the trained tokens in nats, and its mean is
over tokens, not over examples or batches. So it does not depend on how examples
fall into batches, eight at once or eight times one; perplexity is its exponential.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.tokens import IGNORED
from engine.train.data import TokenRow, as_features, collate

if TYPE_CHECKING:
    import torch

# (model, batch) -> the sum over the batch's trained tokens, with its gradient, and their number
Likelihood = Callable[[Any, Mapping[str, "torch.Tensor"]], tuple["torch.Tensor", int]]


def nll_at_trained(model: Any, batch: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, int]:
    """Return the summed loss of a batch, with logits computed at trained positions alone.

    A vocabulary is so wide that its logits cost a small model a third of its time. The
    hidden states are therefore thinned out on their way into the output layer; what the
    model does to logits after that (scaling, capping) still happens.

    Args:
        model: A causal language model, with or without an adapter.
        batch: ``input_ids``, ``attention_mask`` and ``labels``, each (rows, length).
    """
    import torch

    targets = batch["labels"][:, 1:]
    wanted = targets != IGNORED
    bare = model.get_base_model() if hasattr(model, "get_base_model") else model

    def thin_out(_: Any, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        hidden = inputs[0]  # (rows, length, width)
        return (hidden[:, :-1][wanted].unsqueeze(0), *inputs[1:])

    hook = bare.get_output_embeddings().register_forward_pre_hook(thin_out)
    try:
        logits = model(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], use_cache=False
        ).logits
    finally:
        hook.remove()
    loss = torch.nn.functional.cross_entropy(
        logits.squeeze(0).float(), targets[wanted], reduction="sum"
    )
    return loss, int(wanted.sum())


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
    between: Callable[[], None] = lambda: None,
) -> float:
    """Return the mean loss of examples, in nats a trained token.

    Args:
        model: A causal language model; its mode is put back afterwards.
        rows: The examples; at least one.
        likelihood: One of the functions above.
        batch_size: Examples that are computed at once.
        pad_id: See :func:`engine.train.data.collate`.
        between: Called before each batch; it may raise to break off.
    """
    import torch

    total, count = 0.0, 0
    training = model.training
    model.eval()
    try:
        # Rows of like length stand together, which saves padding and changes no figure.
        ordered = sorted(rows, key=lambda row: len(row.ids))
        for start in range(0, len(ordered), batch_size):
            between()
            part = [as_features(row) for row in ordered[start : start + batch_size]]
            batch = collate(part, pad_id=pad_id)
            with torch.no_grad():
                loss, trained = likelihood(
                    model, {name: tensor.to(model.device) for name, tensor in batch.items()}
                )
            total += loss.item()
            count += trained
    finally:
        model.train(training)
    return total / count
