"""Environments made of files, as pip and an installation leave them."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.setup import Place, want
from engine.setup.parts import part

HOLD = (
    "import fcntl, sys\n"
    "handle = open(sys.argv[1], 'ab'); fcntl.flock(handle, fcntl.LOCK_EX)\n"
    "print('held', flush=True); sys.stdin.read()\n"
)


def make_place(folder: Path) -> Place:
    """Return an environment in which nothing is installed."""
    site = folder / "site"
    site.mkdir(parents=True)
    return Place(folder=folder / ".finetui", sites=(site,), elsewhere=())


def put(place: Place, *names: str, whole: bool = True) -> None:
    """Put packages into a place, as pip does; in part where it was interrupted."""
    for name in names:
        folder = place.sites[0] / f"{name.replace('-', '_')}-1.0.dist-info"
        folder.mkdir(exist_ok=True)
        (folder / "METADATA").write_text(f"Name: {name}\nVersion: 1.0\n")
        if whole:
            (folder / "RECORD").write_text("")


def put_parts(place: Place, *names: str) -> None:
    """Put all packages of some parts into a place."""
    for name in names:
        put(place, *part(name).everything)


@contextmanager
def installing(place: Place, name: str, phase: str, **more: Any) -> Iterator[None]:
    """Hold the lock in another process, as an installation does that has gone on for 200 s."""
    want(place)
    status = {"part": name, "phase": phase, "what": "", "done": 0, "total": 0, "failed": {}}
    place.write("status", status | {"since": time.time() - 200} | more)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(place.folder / "lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    try:
        yield
    finally:
        holder.communicate(timeout=60)
