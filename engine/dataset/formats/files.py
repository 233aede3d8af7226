"""Files and folders that appear whole or not at all, however many rows go into them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import DiskFull, UsageError
from engine.failures import OF_THE_PATH
from engine.failures import named as failure_of
from engine.modes import hand_over
from engine.paths import shorten

_NO_ROOM = 28


@dataclass(slots=True)
class Stage:
    """Temporary files and folders, each beside the place that it is for.

    Nothing of them is seen under its own name before :meth:`publish`.
    """

    _places: dict[Path, Path] = field(default_factory=dict)
    _scratch: list[Path] = field(default_factory=list)
    _made: list[Path] = field(default_factory=list)

    def place(self, path: Path) -> Path:
        """Return where to write what shall stand at ``path``; its folder is made."""
        self._folder(path.parent)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        _remove(temporary)
        self._places[path] = temporary
        return temporary

    def scratch(self, path: Path) -> Path:
        """Return where to write something that is needed on the way and not afterwards."""
        temporary = self.place(path)
        self._scratch.append(self._places.pop(path))
        return temporary

    def publish(self) -> None:
        """Put all in its place, over what is there."""
        for path, temporary in self._places.items():
            if temporary.is_dir():
                _swap(temporary, path)
            else:
                with temporary.open("rb+") as handle:
                    os.fsync(handle.fileno())
                temporary.replace(path)
            hand_over(path)

    def _folder(self, folder: Path) -> None:
        missing = []
        while not folder.exists() and folder != folder.parent:
            missing.append(folder)
            folder = folder.parent
        for path in reversed(missing):
            path.mkdir(exist_ok=True)
            hand_over(path)
            self._made.append(path)

    def forget(self) -> None:
        """Remove what was not published, and the folders that were made for it."""
        for temporary in (*self._places.values(), *self._scratch):
            _remove(temporary)
        for folder in reversed(self._made):
            with suppress(OSError):
                folder.rmdir()  # Only where it is empty.


@contextmanager
def staged() -> Iterator[Stage]:
    """Hand out a stage, publish what is on it, and clean up after whatever happens."""
    stage = Stage()
    try:
        yield stage
        stage.publish()
    finally:
        stage.forget()


@contextmanager
def named(out: Path) -> Iterator[None]:
    """Give the system's errors a name.

    Raises:
        DiskFull: There was no room.
        UsageError: The place can't be written to.
    """
    try:
        yield
    except OSError as error:
        if error.errno == _NO_ROOM:
            raise DiskFull(
                f"no room on the disk to write {shorten(out)}",
                hint="free some space and try again; nothing was changed",
            ) from error
        if error.errno not in OF_THE_PATH:
            raise failure_of(error) from error
        what = error.strerror or str(error)
        raise UsageError(
            f"{shorten(out)} can't be written: {what}", hint="choose another path"
        ) from error


def _swap(folder: Path, path: Path) -> None:
    """Put a folder in the place of another one, which is removed only afterwards."""
    if not path.exists():
        folder.rename(path)
        return
    old = path.with_name(f".{path.name}.{os.getpid()}.old")
    _remove(old)
    path.rename(old)
    try:
        folder.rename(path)
    except OSError:
        old.rename(path)
        raise
    _remove(old)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
