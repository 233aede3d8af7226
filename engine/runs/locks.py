"""One card, one run: an advisory lock for each GPU, held by the process that trains on it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.paths import state_dir


def lock_file(card: str) -> Path:
    """Return the lock file of a card, by its uuid or number."""
    # NVML writes GPU- or MIG- before the uuid that torch gives.
    bare = card if card.startswith("MIG-GPU-") else re.sub("^(GPU|MIG)-", "", card)
    name = re.sub(r"[^A-Za-z0-9.-]", "_", bare)
    return state_dir() / f"gpu-{name}.lock"


def owner_words(directory: Path) -> str:
    """Return how the job of a folder names itself as the holder of a card."""
    return f"{directory} on {socket.gethostname()}, process {os.getpid()}"


def holder(card: str) -> str:
    """Return who holds a card's lock, as it was written there; empty where nobody does."""
    try:
        with lock_file(card).open("rb") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return handle.read(4096).decode("utf-8", "replace").strip() or "another run"
    except OSError:
        return ""
    return ""


@contextlib.contextmanager
def gpu_lock(card: str, owner: str, *, wait: Callable[[str], None]) -> Iterator[None]:
    """Hold a card's lock. The kernel frees it when the process ends, however it ends.

    Args:
        card: The card's uuid or number.
        owner: What others shall read as the holder.
        wait: Called with the present holder before each new try; it sleeps a
            little, and may raise to give up.
    """
    path = lock_file(card)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                wait(os.pread(handle, 4096, 0).decode("utf-8", "replace").strip())
        os.ftruncate(handle, 0)
        os.pwrite(handle, owner.encode("utf-8", "surrogateescape"), 0)
        yield
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)
