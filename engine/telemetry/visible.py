"""Which GPU a process computes on, by what ``CUDA_VISIBLE_DEVICES`` names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.telemetry.nvidia import Gpu


def visible_gpus(gpus: Sequence[Gpu], visible: str | None) -> tuple[Gpu, ...]:
    """Return the GPUs that CUDA shows a process, in its order, so that the first is its GPU 0.

    An entry is an index, the beginning of a GPU's uuid (``GPU-``), or a part of a GPU that MIG
    splits (``MIG-`` and its uuid, or ``MIG-GPU-<uuid>/<instance>/<compute instance>`` on older
    drivers). Entries after the first that names none are not heeded (CUDA C++ Programming Guide,
    "CUDA Environment Variables"). Indexes are those of the bus, which NVML counts by, and CUDA
    with ``CUDA_DEVICE_ORDER=PCI_BUS_ID``.

    Args:
        gpus: All that NVML sees, by index.
        visible: The variable's value; None where it is not set, which shows all of them.

    Returns:
        For a part that MIG made, its GPU with the part's uuid, name and memory.
    """
    if visible is None:
        return tuple(map(_as_computed_on, gpus))
    found = []
    for entry in visible.split(","):
        gpu = _named(gpus, entry.strip())
        if gpu is None:
            break
        found.append(gpu)
    return tuple(found)


def _named(gpus: Sequence[Gpu], entry: str) -> Gpu | None:
    if entry.isdecimal():
        return _as_computed_on(gpus[int(entry)]) if int(entry) < len(gpus) else None
    if entry.startswith("MIG-GPU-"):
        uuid = entry.removeprefix("MIG-").partition("/")[0]
        return next((replace(gpu, uuid=entry) for gpu in gpus if gpu.uuid == uuid), None)
    if entry.startswith("MIG-"):
        parts = (_part(gpu, number) for gpu in gpus for number in range(len(gpu.instances)))
        return next((part for part in parts if part.uuid.startswith(entry)), None)
    if entry.startswith("GPU-"):
        same = [gpu for gpu in gpus if gpu.uuid.startswith(entry)]
        return _as_computed_on(same[0]) if len(same) == 1 else None
    return None


def _as_computed_on(gpu: Gpu) -> Gpu:
    """Return a GPU as CUDA takes it: of one that MIG splits, its first part."""
    return _part(gpu, 0) if gpu.instances else gpu


def _part(gpu: Gpu, number: int) -> Gpu:
    part = gpu.instances[number]
    return replace(
        gpu,
        name=f"{gpu.name} {part.name}".strip(),
        uuid=part.uuid,
        vram_used=part.vram_used,
        vram_total=part.vram_total,
    )
