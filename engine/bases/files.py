"""Folders that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from engine.modes import fit_tree


def sync_tree(folder: Path) -> None:
    """Flush every file of a folder, and the folder, to the disk."""
    for path in sorted(folder.rglob("*"), reverse=True):
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def publish(temporary: Path, destination: Path) -> bool:
    """Rename a finished folder to its place.

    Where another process was quicker, its folder stays and this one is removed.

    Returns:
        Whether this folder is the one that is there now.
    """
    try:
        temporary.rename(destination)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        shutil.rmtree(temporary, ignore_errors=True)
        return False
    # mkdtemp and some libraries write for the owner alone, also where a group shares a workspace.
    fit_tree(destination)
    _sync(destination.parent)
    return True


def replace_folder(temporary: Path, destination: Path) -> None:
    """Give a finished folder its name once all of it is on the disk, in place of an older one.

    Raises:
        OSError: It could not be flushed or renamed; the older one is still there.
    """
    sync_tree(temporary)
    aside = destination.with_name(f".{destination.name}.{os.getpid()}.old")
    if destination.exists():
        shutil.rmtree(aside, ignore_errors=True)
        destination.rename(aside)
    try:
        temporary.rename(destination)
    except OSError:
        if aside.exists():
            aside.rename(destination)
        raise
    _sync(destination.parent)
    shutil.rmtree(aside, ignore_errors=True)


def settle(folder: Path) -> None:
    """Finish what :func:`replace_folder` left undone in a folder when its process was killed.

    An older folder that was put aside gets its name back where no newer one has it.
    """
    for aside in folder.glob(".*.old"):
        name = aside.name.removeprefix(".").removesuffix(".old").rpartition(".")[0]
        if name and not (folder / name).exists():
            aside.rename(folder / name)
        else:
            shutil.rmtree(aside, ignore_errors=True)


def clear_abandoned(folder: Path, prefix: str) -> None:
    """Remove temporary folders ``PREFIX.PID.…`` whose process is gone."""
    for path in folder.glob(f"{prefix}.*"):
        pid = path.name.removeprefix(prefix + ".").partition(".")[0]
        if pid.isdigit() and not _alive(int(pid)):
            shutil.rmtree(path, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
