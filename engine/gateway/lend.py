"""Whether a training run has, or is about to have, the device that a model is on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.runs import is_alive
from engine.runs.seats import PROCESSOR, seated, this_device
from engine.runs.tickets import waiting

Lend = str
LENDS = ("auto", "always", "never")
"""``auto`` lends a GPU; ``always`` the processor too."""


def taker(runs_dir: Path, lend: str, *, on_gpu: bool) -> Callable[[], str]:
    """Return what says which run has the device, by its id; empty for none.

    A run of any workspace that computes there counts, and one of this workspace that waits in
    the queue and will.

    Args:
        runs_dir: The workspace's runs.
        lend: One of :data:`LENDS`.
        on_gpu: Whether the model is on a GPU.
    """
    device = this_device()
    if lend == "never" or (lend != "always" and not (on_gpu and device != PROCESSOR)):
        return lambda: ""

    def look() -> str:
        for run in seated(device):
            return run.name
        # A queue whose waiting process is gone takes nothing before somebody starts it again.
        return next((run.name for run, _ in waiting(runs_dir) if is_alive(run)), "")

    return look
