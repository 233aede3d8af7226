"""Whether one more engine fits into memory beside those that run."""

from __future__ import annotations

import os
from dataclasses import dataclass

from engine.memory import memory
from engine.telemetry import NvidiaCards, visible_gpus

KEPT = 256 << 20
"""Bytes that stay free beside what an engine says it needs, which is only about right."""


@dataclass(frozen=True, slots=True)
class Room:
    """How much memory engines may take.

    Attributes:
        limit: Bytes that all engines together may take; 0 for what there is.
        kept: Bytes that stay free.
    """

    limit: int = 0
    kept: int = KEPT

    def holds(self, needed: int, used: int, *, on_gpu: bool = False) -> bool:
        """Say whether an engine fits beside those that run.

        Args:
            needed: Bytes that it will take.
            used: Bytes that the running ones take.
            on_gpu: Whether it is loaded into a GPU's memory, and not the machine's.
        """
        if self.limit and needed + used > self.limit:
            return False
        return needed + self.kept <= free(on_gpu=on_gpu)


def free(*, on_gpu: bool) -> int:
    """Return the bytes that are free now, on the GPU that engines use or in the machine.

    In a container the machine's memory ends where the container's does.
    """
    if on_gpu:
        cards = NvidiaCards()
        try:
            gpus = visible_gpus(cards.read(), os.environ.get("CUDA_VISIBLE_DEVICES"))
        finally:
            cards.close()
        for gpu in gpus[:1]:
            if gpu.vram_total is not None and gpu.vram_used is not None:
                return gpu.vram_total - gpu.vram_used
    return memory().available
