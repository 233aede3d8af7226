"""Expensive things that one worker of a session makes and all workers read."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder that is made once in a session of tests, however many workers it has.

    The folder stays where it was made, so what is in it may name its own path. Tests only
    read it; one that changes something changes a copy.

    Args:
        factory: The session's ``tmp_path_factory``.
        name: The folder's name; whoever asks for the same name gets the same folder.
        make: Called with the path of the folder, which is not there yet.
    """
    base = factory.getbasetemp()
    # A worker's base is a folder of its own inside the session's.
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    shared.mkdir(exist_ok=True)
    folder, done = shared / name, shared / f"{name}.done"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            # What a worker left half made that failed, or was killed.
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            done.touch()
    return folder
