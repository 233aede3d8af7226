"""Who computes on a device of this machine: each training run holds a seat of it.

A seat is a locked file that names the run's folder. The kernel frees it when the process ends,
however it ends, so a queue that looks at seats never waits for the dead. The file is handed to
the run's process by the one that takes the seat, like the lock of the run's folder. Taking one
happens in a turn: a lock under which one process at a time looks and takes.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

from engine.paths import state_dir
from engine.runs.locks import holder
from engine.runs.tickets import waiting
from engine.telemetry import Gpu, snapshot

PROCESSOR = "cpu"
_LONGEST = 4096


def this_device(gpus: tuple[Gpu, ...] | None = None) -> str:
    """Return the device that a run started by this process computes on: a GPU's uuid, or ``cpu``.

    A run takes the first GPU that ``CUDA_VISIBLE_DEVICES`` leaves, else the first there is.

    Args:
        gpus: The machine's GPUs, if they are known already.
    """
    found = snapshot(state_dir()).gpus if gpus is None else gpus
    if not found:
        return PROCESSOR
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return _name(found[0])
    wanted = visible.split(",")[0].strip()
    if wanted in ("", "-1"):
        return PROCESSOR
    for gpu in found:
        if wanted == str(gpu.index) or (gpu.uuid and gpu.uuid.startswith(wanted)):
            return _name(gpu)
    return _name(found[0])


def _name(gpu: Gpu) -> str:
    return gpu.uuid.removeprefix("GPU-") or str(gpu.index)


@contextlib.contextmanager
def turn(device: str) -> Iterator[None]:
    """Be the only process that looks at a device's seats; others wait meanwhile.

    Raises:
        OSError: The lock can't be made.
    """
    handle = os.open(_folder(device) / "turn.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def take_seat(device: str, run_dir: Path) -> int:
    """Take a seat for a run, and return the open file that holds it. Call it in a :func:`turn`.

    Raises:
        OSError: The file can't be made.
    """
    path = _folder(device) / f"{secrets.token_hex(8)}.seat"
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # who looks at it just now lets go at once
        os.write(handle, os.fsencode(run_dir.resolve()))
    except BaseException:
        os.close(handle)
        raise
    return handle


def seated(device: str) -> list[Path]:
    """Return the folders of the runs that compute on a device now.

    Files that nobody holds are removed: their process is gone. Without a :func:`turn` one that
    is just being made may be missed.
    """
    found = []
    for path in sorted(_folder(device, make=False).glob("*.seat")):
        with contextlib.suppress(OSError), path.open("rb") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                found.append(Path(os.fsdecode(handle.read(_LONGEST))))
            else:
                if path.stat().st_size:
                    path.unlink()
    return found


def occupant(device: str) -> str:
    """Return what computes on a device, as words; empty where nothing does."""
    runs = seated(device)
    if runs:
        return str(runs[0])
    # Runs of earlier versions hold the GPU's lock alone.
    return "" if device == PROCESSOR else holder(device)


def behind(directory: Path) -> tuple[int, str]:
    """Return a run's place in the queue from 1, and the run that it waits for, if it has one.

    A run that has taken its seat and still has its ticket, since its process is only just
    beginning, has had its turn: its place is 0, and the next one is the first.
    """
    line = _without_seat(path.resolve() for path, _ in waiting(directory.parent))
    here = directory.resolve()
    if here not in line:
        return 0, ""
    index = line.index(here)
    before = line[index - 1 : index] if index else seated(this_device())[:1]
    return index + 1, before[0].name if before else ""


def last_waiting(runs_dir: Path) -> tuple[int, str]:
    """Return how many runs of a workspace wait, and the one that the next would be behind."""
    line = _without_seat(path for path, _ in waiting(runs_dir))
    return len(line), line[-1].name if line else ""


def _without_seat(line: Iterable[Path]) -> list[Path]:
    # Of any device: the one that looks may see other GPUs than the run does.
    devices = (state_dir() / "seats").glob("*/")
    having = {run for device in devices for run in seated(device.name)}
    return [path for path in line if path.resolve() not in having]


def _folder(device: str, *, make: bool = True) -> Path:
    folder = state_dir() / "seats" / re.sub(r"[^A-Za-z0-9.-]", "_", device)
    if make:
        folder.mkdir(parents=True, exist_ok=True)
    return folder
