"""The output layer and its loss in pieces: no more than a few megabytes of logits at a time.

The logits of a whole batch are its largest tensor by far (1,024 trained tokens of a vocabulary
of 128,256: 525 MB in 32 bits), and automatic differentiation keeps three such. The gradient of
the loss by the logits is softmax minus one-hot, so it is computed with the loss, piece by
piece, and only its product with the layer's weight is kept: nothing is computed twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

PIECE_BYTES = 32 * 1024 * 1024
"""Size of a piece's logits in 32 bits."""


def frozen_linear(head: Any) -> bool:
    """Say whether an output layer is a plain linear layer that is not trained."""
    import torch

    return type(head) is torch.nn.Linear and not any(p.requires_grad for p in head.parameters())


def piecewise_nll(hidden: torch.Tensor, head: Any, targets: torch.Tensor) -> torch.Tensor:
    """Return the summed negative log-likelihood of targets, in nats, with its gradient.

    Args:
        hidden: What goes into the output layer, (tokens, width).
        head: A layer that is :func:`frozen_linear`.
        targets: The tokens' ids, (tokens,).
    """
    import torch

    weight, bias = head.weight, head.bias
    rows = max(1, PIECE_BYTES // (4 * weight.shape[0]))

    class Nll(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, states: torch.Tensor) -> torch.Tensor:
            total = torch.zeros((), dtype=torch.float32, device=states.device)
            gradient = torch.empty_like(states) if ctx.needs_input_grad[0] else None
            for start in range(0, len(states), rows):
                piece = slice(start, start + rows)
                logits = torch.nn.functional.linear(
                    states[piece].to(weight.dtype), weight, bias
                ).float()
                wanted = targets[piece, None]
                normaliser = logits.logsumexp(-1, keepdim=True)
                total += (normaliser - logits.gather(1, wanted)).sum()
                if gradient is not None:
                    shares = logits.sub_(normaliser).exp_()
                    shares.scatter_add_(1, wanted, shares.new_full(wanted.shape, -1.0))
                    gradient[piece] = (shares.to(weight.dtype) @ weight).to(gradient.dtype)
            if gradient is not None:
                ctx.save_for_backward(gradient)
            return total

        @staticmethod
        def backward(ctx: Any, *outer: torch.Tensor) -> torch.Tensor:
            gradient: torch.Tensor = ctx.saved_tensors[0]
            return gradient * outer[0]

    result: torch.Tensor = Nll.apply(hidden)  # type: ignore[no-untyped-call]
    return result
