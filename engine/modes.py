"""Who may read what finetui writes: its person alone, or a group that shares a workspace.

The front ends set the umask once, to 077, and children inherit it; so files of libraries are
private too. What needs a hand: files that libraries make for their owner alone, or copy with the
modes of their source, and files that a person wants outside of a workspace, which get the modes
that the person's own umask means.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

PRIVATE = 0o077
SHARED = 0o007
PERSONS = "FINETUI_UMASK"
"""The variable by which children know the person's own umask, in octal."""

_OTHERS = 0o077


def _umask() -> int:
    """Return this process's umask."""
    # There is no call that only reads it; between these two nothing of ours is written.
    mask = os.umask(PRIVATE)
    os.umask(mask)
    return mask


_current = _umask()
_workspaces: set[Path] = set()


def begin() -> None:
    """Make what this process and its children write private. Front ends call it first."""
    global _current
    if PERSONS not in os.environ:
        os.environ[PERSONS] = f"{_umask():03o}"
    os.umask(PRIVATE)
    _current = PRIVATE


def begin_shared() -> None:
    """Let the group of a shared workspace read and write what is written from now on."""
    global _current
    os.umask(SHARED)
    _current = SHARED


def persons() -> int:
    """Return the umask that the person's shell set."""
    try:
        return int(os.environ.get(PERSONS, ""), 8) & 0o777
    except ValueError:
        return _current


def fit(path: Path) -> None:
    """Give a file or folder the mode that this process's umask means; links are left alone."""
    _set(path, _current)


def fit_tree(folder: Path) -> None:
    """Give a folder, and all in it, the modes that this process's umask means."""
    fit(folder)
    for path in _inside(folder):
        fit(path)


def keep_private(root: Path) -> None:
    """Remember a workspace's folder: what is written below it is never handed over."""
    _workspaces.add(root.resolve())


def hand_over(path: Path) -> None:
    """Give what was written to a place that a person named the modes of their own umask.

    Within a workspace it stays as private as the rest.
    """
    # A link of the workspace that leads elsewhere makes nothing public.
    where = (path.resolve(), Path(os.path.abspath(path)))
    inside = any(one.is_relative_to(root) for root in _workspaces for one in where)
    mask = _current if inside else persons()
    _set(path, mask)
    if path.is_dir() and not path.is_symlink():
        for inner in _inside(path):
            _set(inner, mask)


def make_read_only(path: Path) -> None:
    """Take away the right to write from all who have it."""
    path.chmod(0o444 & ~_current)


def tighten(paths: Iterable[Path]) -> bool:
    """Take the rights of others away from what is ours; links are not followed.

    Returns:
        Whether anything was open to others.
    """
    changed = False
    for path in paths:
        changed = _close(path) or changed
        for inner in _inside(path):
            changed = _close(inner) or changed
    return changed


def open_to_others(path: Path) -> bool:
    """Say whether a path of this user's is open to the group or to everybody."""
    try:
        found = path.lstat()
    except OSError:
        return False
    ours = found.st_uid == os.geteuid() and not stat.S_ISLNK(found.st_mode)
    return ours and bool(found.st_mode & _OTHERS)


def share_tree(root: Path, belongings: Iterable[Path]) -> None:
    """Open a workspace to its folder's group; what is made in its folders gets the group too.

    Args:
        root: The folder.
        belongings: What of it is the workspace's.
    """
    paths = [root]
    for one in belongings:
        paths += [one, *_inside(one)]
    for path in paths:
        found = path.lstat()
        if found.st_uid != os.geteuid() or stat.S_ISLNK(found.st_mode):
            continue
        owner = found.st_mode & 0o700
        mode = owner | owner >> 3
        path.chmod(mode | stat.S_ISGID if stat.S_ISDIR(found.st_mode) else mode)


def _inside(folder: Path) -> Iterator[Path]:
    """Yield what is in a folder at any depth; links are not followed, and a file has nothing."""
    if folder.is_symlink():
        return
    for above, folders, files in os.walk(folder):
        for name in (*folders, *files):
            yield Path(above, name)


def _close(path: Path) -> bool:
    if not open_to_others(path):
        return False
    with suppress(OSError):
        path.chmod(stat.S_IMODE(path.lstat().st_mode) & ~_OTHERS)
        return True
    return False


def _set(path: Path, mask: int) -> None:
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode) or found.st_uid != os.geteuid():
        return
    folder = stat.S_ISDIR(found.st_mode)
    mode = (0o777 if folder or found.st_mode & 0o100 else 0o666) & ~mask
    if not found.st_mode & 0o200:
        mode &= ~0o222  # what is read-only by intention stays so
    # A folder of a shared workspace hands its group on.
    mode |= found.st_mode & stat.S_ISGID if folder else 0
    if mode != stat.S_IMODE(found.st_mode):  # a file system that is read-only has nothing to do
        path.chmod(mode)
