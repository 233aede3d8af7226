"""What removing files gives back: a file with several names does so with the last of them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

_Id = tuple[int, int]


class Sizes:
    """What each of several files and folders gives back where all of them are removed.

    A file counts once, where the first of its names is, and only if all of its names go. Links
    are not followed.

    Args:
        paths: The files and folders that are removed.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        names: Counter[_Id] = Counter()
        self._bytes: dict[Path, int] = {}
        first: dict[_Id, tuple[Path, os.stat_result]] = {}
        for path in paths:
            self._bytes.setdefault(path, 0)
            for found in _files(path):
                key = found.st_dev, found.st_ino
                names[key] += 1
                first.setdefault(key, (path, found))
        for key, (path, found) in first.items():
            if names[key] >= found.st_nlink:
                self._bytes[path] += found.st_size

    def of(self, path: Path) -> int:
        """Return the bytes that one of them gives back."""
        return self._bytes[path]


def bytes_in(path: Path, without: Collection[Path] = ()) -> int:
    """Return the bytes of a file, or of all in a folder; one with several names counts once.

    Args:
        path: The file or folder.
        without: Files and folders in it that don't count.
    """
    return sum({(f.st_dev, f.st_ino): f.st_size for f in _files(path, without)}.values())


def _files(path: Path, without: Collection[Path] = ()) -> Iterator[os.stat_result]:
    """Yield the files of a folder, or a file itself."""
    if path.is_symlink() or not path.is_dir():
        yield from _stat(path)
        return
    for above, folders, files in os.walk(path):
        folders[:] = [name for name in folders if Path(above, name) not in without]
        for name in files:
            if Path(above, name) not in without:
                yield from _stat(Path(above, name))


def _stat(path: Path) -> Iterator[os.stat_result]:
    try:
        yield path.lstat()
    except OSError:
        return
