"""What the machine is doing: processor, memory, disk, and NVIDIA GPUs where there are any.

Nothing here raises: a figure that can't be had is None, and a machine without
NVIDIA's library simply has no GPUs.
"""

from __future__ import annotations

from engine.telemetry.driver import GpuFacts, gpu_facts
from engine.telemetry.nvidia import Gpu, GpuNews, MigInstance, NvidiaCards
from engine.telemetry.sampler import (
    ProcessSnapshot,
    Sampler,
    Snapshot,
    process_snapshot,
    snapshot,
)
from engine.telemetry.visible import visible_gpus

__all__ = [
    "Gpu",
    "GpuFacts",
    "GpuNews",
    "MigInstance",
    "NvidiaCards",
    "ProcessSnapshot",
    "Sampler",
    "Snapshot",
    "gpu_facts",
    "process_snapshot",
    "snapshot",
    "visible_gpus",
]
