"""What a run computes on, and in which number format."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from engine.errors import SettingsError
from engine.telemetry import GpuFacts
from engine.train.gpu import TorchFacts, explain
from engine.train.spec import TrainSpec

if TYPE_CHECKING:
    import torch

Precision = Literal["bf16", "fp16", "fp32"]

BF16_SINCE = (8, 0)
"""The first compute capability with bfloat16 arithmetic (CUDA C++ Programming Guide, "Compute
Capabilities": Ampere). On Turing and older torch says yes to bfloat16 and emulates it."""


@dataclass(frozen=True, slots=True)
class Fallback:
    """Why a run trains on the processor, and what would give it a GPU."""

    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Device:
    """What a run computes on. ``card`` is the GPU's uuid, empty on the processor.

    ``visible`` is ``CUDA_VISIBLE_DEVICES`` as it was set for the run; None where it was not.
    ``capability`` is the GPU's compute capability, such as (8, 6).
    """

    name: str
    card: str = ""
    visible: str | None = None
    capability: tuple[int, int] = (0, 0)

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
    os.environ.update(environment(os.environ))
    os.environ["CUDA_VISIBLE_DEVICES"] = ("0" if visible is None else visible).split(",")[0].strip()
    import torch

    if not torch.cuda.is_available():
        threads = torch.get_num_threads()
        name = f"processor, {threads} thread{'s' if threads > 1 else ''}"
        return Device(name=name, visible=visible)
    card = torch.cuda.get_device_properties(0)
    return device_of(card, visible)


def environment(outer: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a training process needs beside those it was started with.

    ``CUDA_DEVICE_ORDER``: CUDA counts GPUs by speed, NVML and nvidia-smi by their place on the
    bus. With one order for both, GPU 0 is the same one for the screen, the lock and the trainer.

    ``GOMP_SPINCOUNT``: OpenMP's threads spin at the end of each small piece of work before they
    sleep. Beside other programs (the app, two models that answer) spinning takes the core from
    the one who works. Two cores, 135M model, in turns: 95 and 147 tokens/s as it is by itself,
    181 and 206 with a short spin.

    Args:
        outer: The variables that the process was started with.
    """
    return {
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "GOMP_SPINCOUNT": outer.get("GOMP_SPINCOUNT", "1000"),
        "UNSLOTH_DISABLE_STATISTICS": "1",  # it would fetch a file from the hub to be counted
    }


def device_of(card: Any, visible: str | None) -> Device:
    """Return the device that torch's properties of a GPU describe.

    Args:
        card: What ``torch.cuda.get_device_properties`` returns.
        visible: See :class:`Device`.
    """
    uuid = str(getattr(card, "uuid", "") or "0")
    first = (visible or "").partition(",")[0].strip()
    if first.startswith("MIG-GPU-"):
        uuid = first  # the older name of a part, which has its GPU's uuid in it and not its own
    return Device(card.name, uuid, visible, capability=(card.major, card.minor))


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


def choose_precision(spec: TrainSpec, device: Device) -> Precision:
    """Return the number format of what is not quantised, by what the device can compute in.

    Adapter weights are in 32 bits whatever it is.

    Raises:
        SettingsError: The spec asks for a format that the device doesn't have.
    """
    if not device.cuda:
        if spec.precision in ("bf16", "fp16"):
            raise SettingsError(
                f"precision {spec.precision} needs an NVIDIA GPU: the CPU trains in fp32",
                hint="set precision to auto",
            )
        return "fp32"
    has_bf16 = device.capability >= BF16_SINCE
    if spec.precision == "auto":
        return "bf16" if has_bf16 else "fp16"
    if spec.precision == "bf16" and not has_bf16:
        raise SettingsError(
            f"{device.name} has no bf16: its compute capability is "
            f"{'.'.join(map(str, device.capability))}, and bf16 needs 8.0",
            hint="set precision to auto, or to fp16",
        )
    return spec.precision


def torch_dtype(precision: Precision) -> torch.dtype:
    """Return torch's type of a number format."""
    import torch

    return {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[precision]
