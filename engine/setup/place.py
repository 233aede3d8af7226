"""One Python environment: what is installed in it whole, and where an installation keeps its files.

The truth about an installation is in files. Packages are there or not; the lock is held while
somebody installs, by pip as well, so that it is not free before the last child has ended.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import sys
import sysconfig
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.paths import write_atomic

_SEPARATORS = re.compile(r"[-_.]+")
_LOCK_SECONDS = 3.0


def canonical(name: str) -> str:
    """Return a distribution's name in the form that is compared (PEP 503)."""
    return _SEPARATORS.sub("-", name).lower()


def _sites() -> tuple[Path, ...]:
    if sys.prefix == sys.base_prefix:
        return ()  # Not a virtual environment: others than pip may have installed here.
    return tuple(dict.fromkeys(Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")))


def _elsewhere() -> tuple[Path, ...]:
    own = {path.resolve() for path in _sites()}
    found = (Path(entry) for entry in sys.path if entry)
    return tuple(path for path in dict.fromkeys(found) if path.resolve() not in own)


@dataclass(frozen=True, slots=True)
class Place:
    """An environment.

    Attributes:
        folder: Where the installation's own files are.
        sites: Where pip alone installs to: a virtual environment's own folders.
        elsewhere: Where packages may lie besides.
    """

    folder: Path = field(default_factory=lambda: Path(sys.prefix) / ".finetui")
    sites: tuple[Path, ...] = field(default_factory=_sites)
    elsewhere: tuple[Path, ...] = field(default_factory=_elsewhere)

    @property
    def log(self) -> Path:
        """Everything that pip said, of all attempts."""
        return self.folder / "log.txt"

    @property
    def scratch(self) -> Path:
        """Where pip puts what it fetches and builds; it is emptied by the next installation."""
        return self.folder / "tmp"

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def read(self, name: str) -> dict[str, Any]:
        """Return what one of the small files says; nothing where it is missing or damaged."""
        try:
            found = json.loads(self._file(name).read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def write(self, name: str, values: dict[str, Any]) -> None:
        """Write one of the small files, whole or not at all."""
        write_atomic(self._file(name), json.dumps(values).encode() + b"\n")

    def remove(self, name: str) -> None:
        """Remove one of the small files."""
        self._file(name).unlink(missing_ok=True)

    # -- packages -------------------------------------------------------------------

    def packages(self) -> dict[str, str]:
        """Return the names and versions of the distributions that are installed whole.

        pip writes a distribution's RECORD last: one without it was interrupted. Outside of
        where pip installs to, distributors leave that file out.
        """
        found: dict[str, str] = {}
        for folder in (*self.elsewhere, *self.sites):
            own = folder in self.sites
            for path in _metadata_folders(folder):
                name, _, version = path.name.removesuffix(".dist-info").partition("-")
                if not own or (path / "RECORD").is_file():
                    found[canonical(name)] = version
        return found

    def clear_interrupted(self) -> list[str]:
        """Remove what an interrupted pip left, since it would take it for installed.

        Returns:
            The distributions that were there in part.
        """
        removed = []
        for folder in self.sites:
            for path in _metadata_folders(folder):
                if not (path / "RECORD").is_file():
                    shutil.rmtree(path, ignore_errors=True)
                    removed.append(path.name.partition("-")[0])
            # pip moves what it replaces to names that begin so, and back if it fails.
            for path in folder.glob("~*"):
                shutil.rmtree(path, ignore_errors=True)
        return removed

    # -- one at a time ----------------------------------------------------------------

    def busy(self) -> bool:
        """Say whether somebody installs into this environment now."""
        try:
            handle = (self.folder / "lock").open("rb")
        except OSError:
            return False
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return True
            return False

    @contextlib.contextmanager
    def locked(self) -> Iterator[int | None]:
        """Hold the lock while the block runs.

        Yields:
            The lock's descriptor, for children to inherit; None where somebody has the lock.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("ab") as handle:
            yield handle.fileno() if _taken(handle.fileno()) else None


def _taken(descriptor: int) -> bool:
    # Whoever only looks holds the lock for a moment as well.
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        else:
            return True


def _metadata_folders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [Path(entry.path) for entry in entries if entry.name.endswith(".dist-info")]
    except OSError:
        return []
