"""One picture of the machine, and one of a process."""

from __future__ import annotations

import os
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

import psutil

from engine.memory import memory
from engine.telemetry.nvidia import Gpu, NvidiaCards


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The machine at one moment.

    ``cpu_percent`` is 0 to 100 over all cores since the sample before;
    memory and disk are bytes. None: not known.
    """

    cpu_percent: float | None
    ram_used: int | None
    ram_total: int | None
    disk_free: int | None
    gpus: tuple[Gpu, ...] = ()


@dataclass(frozen=True, slots=True)
class ProcessSnapshot:
    """A process at one moment.

    ``cpu_percent`` is 100 for each core that it keeps busy, since the sample
    before; ``rss`` is bytes of memory, its children's counted in.
    """

    cpu_percent: float
    rss: int


class Sampler:
    """Takes snapshots, with handles kept in between. Safe to use from several threads.

    Args:
        disk: A path on the disk whose free room is shown; it need not exist yet.
    """

    def __init__(self, disk: Path) -> None:
        self._disk = disk
        self._cards = NvidiaCards()
        self._lock = threading.Lock()
        # The first call only sets the mark that the next one measures from.
        psutil.cpu_percent(interval=None)

    def sample(self) -> Snapshot:
        """Return the machine as it is now."""
        with self._lock:
            used, total = _memory()
            return Snapshot(
                cpu_percent=_cpu(),
                ram_used=used,
                ram_total=total,
                disk_free=_free(self._disk),
                gpus=self._cards.read(),
            )

    def close(self) -> None:
        """Let go of the cards."""
        with self._lock:
            self._cards.close()


_samplers: dict[Path, Sampler] = {}
_processes: dict[int, psutil.Process] = {}
_shared_lock = threading.Lock()


def snapshot(disk: Path) -> Snapshot:
    """Return the machine as it is now; ``disk`` names the disk whose room is shown."""
    with _shared_lock:
        sampler = _samplers.get(disk)
        if sampler is None:
            sampler = _samplers[disk] = Sampler(disk)
    return sampler.sample()


def process_snapshot(pid: int) -> ProcessSnapshot | None:
    """Return a process as it is now, or None where there is no such process.

    The first sample of a process has no earlier one to measure from, so its
    ``cpu_percent`` is 0.
    """
    try:
        with _shared_lock:
            known = _processes.get(pid)
            if known is None or not known.is_running():
                known = _processes[pid] = psutil.Process(pid)
            cpu, rss = known.cpu_percent(interval=None), known.memory_info().rss
        for child in known.children(recursive=True):
            rss += _rss(child)
        return ProcessSnapshot(cpu_percent=cpu, rss=rss)
    except (psutil.Error, OSError, ValueError):
        _processes.pop(pid, None)
        return None


def _rss(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except (psutil.Error, OSError):
        return 0  # it ended between being listed and being asked


def _cpu() -> float | None:
    try:
        return psutil.cpu_percent(interval=None)
    except (psutil.Error, OSError):
        return None


def _memory() -> tuple[int | None, int | None]:
    try:
        found = memory()
    except (psutil.Error, OSError):
        return None, None
    return found.total - found.available, found.total


def _free(path: Path) -> int | None:
    # os.path.exists answers False where Path.exists raises, as on a folder without permission.
    while not os.path.exists(path) and path != path.parent:
        path = path.parent
    try:
        return shutil.disk_usage(path).free
    except OSError:
        return None
