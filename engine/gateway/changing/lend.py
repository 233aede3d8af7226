"""Whether a training run has, or is about to have, the device that a model is on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from engine.runs import is_alive
from engine.runs.seats import PROCESSOR, seated, this_device
from engine.runs.tickets import waiting

Taker = Callable[[bool], str]
"""Says which run has the device, by its id, or nothing; its argument is whether that is a GPU."""

_DRIVER = b"/libcuda.so"


def nobody(on_gpu: bool) -> str:
    """Say that no run has the device."""
    return ""


def taker(runs_dir: Path, lend: str) -> Taker:
    """Return what says which run has the device.

    A run of any workspace that computes there counts, and one of this workspace that waits in
    the queue and will.

    Args:
        runs_dir: The workspace's runs.
        lend: "auto" lends a GPU, "always" the processor too, "never" neither.
    """
    if lend == "never":
        return nobody
    device = this_device()

    def look(on_gpu: bool) -> str:
        if lend != "always" and not (on_gpu and device != PROCESSOR):
            return ""
        for run in seated(device):
            return run.name
        # A queue whose waiting process is gone takes nothing before somebody starts it again.
        return next((run.name for run, _ in waiting(runs_dir) if is_alive(run)), "")

    return look


def uses_gpu(pid: int) -> bool:
    """Say whether a process, or one that it started, has loaded NVIDIA's driver for computing.

    Builds of an engine without CUDA never do, whatever the machine has; where a system tells
    nothing of a process's libraries, the answer is no.
    """
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        return any(_has_driver(one.pid) for one in family)
    return False


def _has_driver(pid: int) -> bool:
    try:
        return _DRIVER in Path(f"/proc/{pid}/maps").read_bytes()
    except OSError:
        return False
