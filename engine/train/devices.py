"""What a run computes on, and in which number format."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.telemetry import GpuFacts
from engine.train.gpu import TorchFacts, explain
from engine.train.spec import TrainSpec

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Fallback:
    """Why a run trains on the processor, and what would give it a GPU."""

    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Device:
    """What a run computes on. ``card`` is the GPU's uuid, empty on the processor.

    ``visible`` is ``CUDA_VISIBLE_DEVICES`` as it was set for the run; None where it was not.
    """

    name: str
    card: str = ""
    visible: str | None = None

    @property
    def cuda(self) -> bool:
        """Whether it is an NVIDIA card."""
        return bool(self.card)


def find_device() -> Device:
    """Return the first NVIDIA card, or the processor.

    A run takes one card: where there are several, the others are hidden from it,
    since a trainer that sees more would split its batches over them.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    os.environ["CUDA_VISIBLE_DEVICES"] = ("0" if visible is None else visible).split(",")[0]
    import torch

    if not torch.cuda.is_available():
        threads = torch.get_num_threads()
        name = f"processor, {threads} thread{'s' if threads > 1 else ''}"
        return Device(name=name, visible=visible)
    card = torch.cuda.get_device_properties(0)
    return Device(name=card.name, card=str(getattr(card, "uuid", "") or "0"))


def fallback(
    spec: TrainSpec, device: Device, machine: GpuFacts, torch: TorchFacts
) -> Fallback | None:
    """Return what to say of a run that trains on the processor; None where it trains on a GPU.

    Args:
        spec: What the run shall do.
        device: What it computes on.
        machine: What NVML and the system say.
        torch: What torch says.
    """
    if device.cuda:
        return None
    problem = explain(machine, torch)
    if problem is not None:
        return Fallback(f"training on the CPU, which is far slower: {problem.message}", problem.fix)
    if spec.backend != "auto":
        return None
    return Fallback(
        "training on the CPU, which is far slower than a GPU: no NVIDIA GPU was found",
        "finetui doctor says what it sees",
    )


def compute_dtype(device: Device) -> torch.dtype:
    """Return the type of activations: 32 bits on a processor, 16 on a card."""
    import torch

    if not device.cuda:
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
