"""LoRA in one step: peft's sum of two branches, without the passes over memory between them.

peft computes ``base(x) + lora_B(lora_A(x)) * scaling`` as four operations, three of which go
over an output as wide as the layer, forwards and again backwards. On a CPU that is a tenth of
a small model's step. Here the second branch is added in place by its matrix product. The
result is the same, up to rounding (LoRA: arXiv:2106.09685).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def lean_adapters(model: Any) -> int:
    """Let a model's plain LoRA layers on the CPU, in 32 bits, compute in one step.

    Layers of other kinds (quantised, DoRA, with dropout) stay as they are, and so does what is
    saved.

    Returns:
        How many layers do.
    """
    from peft.tuners.lora.layer import Linear

    changed = 0
    for layer in model.modules():
        if type(layer) is Linear and _is_plain(layer):
            layer.forward = _lean_forward(layer, layer.forward)
            changed += 1
    return changed


def _is_plain(layer: Any) -> bool:
    import torch

    base = layer.base_layer
    names = list(layer.lora_A.keys())
    return (
        type(base) is torch.nn.Linear
        and len(names) == 1
        and not layer.fan_in_fan_out
        and not layer.lora_variant
        and type(layer.lora_dropout[names[0]]) is torch.nn.Identity
        and layer.lora_B[names[0]].bias is None
        and not any(parameter.requires_grad for parameter in base.parameters())
        and all(p.dtype == torch.float32 and p.device.type == "cpu" for p in layer.parameters())
    )


def _lean_forward(layer: Any, usual: Any) -> Any:
    (name,) = layer.lora_A.keys()

    def forward(x: torch.Tensor, *args: Any, **named: Any) -> torch.Tensor:
        import torch

        if (
            args
            or named
            or layer.disable_adapters
            or layer.merged
            or layer.active_adapters != [name]
            or x.dtype != torch.float32
            or torch.is_autocast_enabled("cpu")
        ):
            result: torch.Tensor = usual(x, *args, **named)
            return result
        base = layer.base_layer
        output: torch.Tensor = _operation().apply(
            x,
            base.weight,
            base.bias,
            layer.lora_A[name].weight,
            layer.lora_B[name].weight,
            layer.scaling[name],
        )
        return output

    return forward


@cache
def _operation() -> Any:
    import torch

    class LoraLinear(torch.autograd.Function):
        @staticmethod
        def forward(
            ctx: Any,
            x: torch.Tensor,  # (..., in)
            weight: torch.Tensor,  # (out, in)
            bias: torch.Tensor | None,
            down: torch.Tensor,  # (rank, in)
            up: torch.Tensor,  # (out, rank)
            scaling: float,
        ) -> torch.Tensor:
            flat = x.reshape(-1, x.shape[-1])
            inner = flat @ down.t()
            output = torch.nn.functional.linear(flat, weight, bias)
            output.addmm_(inner, up.t(), alpha=scaling)
            ctx.save_for_backward(flat, weight, down, up, inner)
            ctx.scaling = scaling
            return output.view(*x.shape[:-1], -1)

        @staticmethod
        def backward(ctx: Any, *outer: torch.Tensor) -> Any:
            flat, weight, down, up, inner = ctx.saved_tensors
            gradient = outer[0].reshape(-1, outer[0].shape[-1])
            into_inner = (gradient @ up).mul_(ctx.scaling)  # (tokens, rank): small
            of_up = (inner.t() @ gradient).t() * ctx.scaling
            of_down = into_inner.t() @ flat
            of_x = None
            if ctx.needs_input_grad[0]:
                of_x = (gradient @ weight).addmm_(into_inner, down)
                of_x = of_x.view(*outer[0].shape[:-1], -1)
            return of_x, None, None, of_down, of_up, None

    return LoraLinear
