"""Work that is handed to other processes goes on in one where they can share no semaphores.

POSIX semaphores live in ``/dev/shm``, which hardened containers, proot and Termux have
read-only or not at all.
"""

from __future__ import annotations

import errno
import json
import multiprocessing.synchronize
import os
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from engine import spread
from engine.extract import reading
from engine.quality import stage

RIVER = """# River

#reflection

I walked home along the river because the last bus had gone, and I noticed that it cleared my
head more than an hour of reading would have done, so I want to do it on purpose next week.
"""
READ_ONLY = ("unshare", "-m", "sh", "-c", 'mount -t tmpfs -o ro tmpfs /dev/shm && exec "$@"', "sh")
"""Runs a command with a /dev/shm of its own, which nobody can write to."""

SEMAPHORE = f"{multiprocessing.synchronize.__name__}._multiprocessing.SemLock"

REFUSE = """
import _multiprocessing

class Refused(_multiprocessing.SemLock):
    def __new__(cls, *arguments, **options):
        raise OSError(30, "Read-only file system")

_multiprocessing.SemLock = Refused
"""


def refuse(*arguments: object, **options: object) -> NoReturn:
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))


def test_nothing_is_spread_without_semaphores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("threading.active_count", lambda: 1)
    monkeypatch.setattr(spread, "cores", lambda: 2)
    made = SimpleNamespace(handle=0, acquire=None, release=None, name=None)
    monkeypatch.setattr(SEMAPHORE, lambda *_: made)
    assert spread.can_spread()
    monkeypatch.setattr(SEMAPHORE, refuse)
    assert not spread.can_spread()


def test_a_pool_that_cannot_be_made_is_a_broken_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SEMAPHORE, refuse)
    with pytest.raises(BrokenProcessPool, match="Read-only file system"):
        next(spread.spread(len, ["a"]))


@pytest.fixture
def without_semaphores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Return what is put before a command, so that it and its children have no semaphores."""
    try:
        subprocess.run([*READ_ONLY, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        # Mounts are not permitted here; then each Python that starts refuses by itself.
        folder = tmp_path / "refuses"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(REFUSE)
        monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{os.environ['PYTHONPATH']}")
        return ()
    return READ_ONLY


def test_a_scan_and_the_checks_go_on_in_one_process(
    tmp_path: Path, without_semaphores: tuple[str, ...]
) -> None:
    vault = tmp_path / "vault"
    vault.mkdir()
    count = max(reading._FEW, stage._FEW) + 10
    for number in range(count):
        (vault / f"{number}.md").write_text(RIVER.replace("the last bus", f"bus number {number}"))

    def finetui(*arguments: str) -> Any:
        result = subprocess.run(
            [*without_semaphores, sys.executable, "-m", "tui", *arguments, "--json"],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    space = ("--workspace", str(tmp_path / "workspace"))
    finetui("init", str(tmp_path / "workspace"))
    added = finetui("sources", "add", str(vault), *space)
    assert added["scan"]["examples"] == count, added
    checked = finetui("check", "--only", "safety", *space)
    assert checked["looked"] == count, checked
