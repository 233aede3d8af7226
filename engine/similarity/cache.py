"""Vectors that were computed before, by the text's key: one file a model.

It holds hashes and vectors, no text; it can be deleted at any time, and what is needed
is computed again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import DiskFull, WorkspaceError
from engine.paths import cache_dir, shorten

if TYPE_CHECKING:
    from numpy.typing import NDArray

_AT_ONCE = 500
_BUSY_SECONDS = 60.0


def cache_file(space: str, folder: Path | None = None) -> Path:
    """Return the file of a model's vectors; in the user's cache folder where none is named."""
    return (folder or cache_dir() / "embeddings") / f"{space}.db"


class VectorCache:
    """The vectors of one model, shared by all of a user's workspaces and processes.

    A file that is no sound database is begun anew.

    Raises:
        WorkspaceError: The folder can't be written to.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = self._open()
        except (OSError, sqlite3.OperationalError) as error:
            raise _unusable(path, error) from error
        except sqlite3.DatabaseError:
            for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
                name.unlink(missing_ok=True)
            self._db = self._open()

    def _open(self) -> sqlite3.Connection:
        if not self._path.exists():
            self._path.touch(mode=0o600)
        db = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute(
                "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL)"
            )
            db.execute("SELECT count(*) FROM (SELECT 1 FROM vectors LIMIT 1)").fetchone()
        except BaseException:
            db.close()
            raise
        return db

    def __enter__(self) -> VectorCache:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def missing(self, keys: Iterable[bytes]) -> list[bytes]:
        """Return those of the keys that have no vector, each once, in their order."""
        wanted = list(dict.fromkeys(keys))
        found: set[bytes] = set()
        for part in _parts(wanted):
            marks = ", ".join("?" * len(part))
            found.update(
                row[0]
                for row in self._rows(f"SELECT key FROM vectors WHERE key IN ({marks})", part)
            )
        return [key for key in wanted if key not in found]

    def keep(self, vectors: Mapping[bytes, NDArray[np.float32]]) -> None:
        """Keep vectors, in one transaction.

        Raises:
            DiskFull: There is no room.
        """
        rows = [(key, vector.astype("<f4").tobytes()) for key, vector in vectors.items()]
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
            self._db.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
                raise DiskFull(
                    f"no room on the disk to write {shorten(self._path)}",
                    hint="free some space and try again; what was embedded is kept",
                ) from error
            raise _unusable(self._path, error) from error

    def load(self, keys: Sequence[bytes]) -> NDArray[np.float32]:
        """Return the vectors of keys, a row each; NaN where there is none.

        The empty key, that of an empty text, has the vector of zeros.
        """
        rows: NDArray[np.float32] | None = None
        places: dict[bytes, list[int]] = {}
        for place, key in enumerate(keys):
            if key:
                places.setdefault(key, []).append(place)
        for part in _parts(list(places)):
            marks = ", ".join("?" * len(part))
            asked = f"SELECT key, vector FROM vectors WHERE key IN ({marks})"
            for key, data in self._rows(asked, part):
                vector = np.frombuffer(data, "<f4")
                if rows is None:
                    rows = np.full((len(keys), len(vector)), np.nan, np.float32)
                if len(vector) == rows.shape[1]:
                    rows[places[key]] = vector
        if rows is None:
            rows = np.full((len(keys), 1), np.nan, np.float32)
        rows[[place for place, key in enumerate(keys) if not key]] = 0.0
        return rows

    def _rows(self, query: str, parameters: Sequence[bytes]) -> list[tuple[bytes, ...]]:
        try:
            return self._db.execute(query, parameters).fetchall()
        except sqlite3.DatabaseError as error:
            raise WorkspaceError(
                f"the vectors in {shorten(self._path)} can't be read: {error}",
                hint="delete the file and run it again; its vectors are computed anew",
            ) from error


def _parts(keys: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(keys), _AT_ONCE):
        yield keys[start : start + _AT_ONCE]


def _unusable(path: Path, error: Exception) -> WorkspaceError:
    return WorkspaceError(
        f"vectors can't be kept in {shorten(path)}: {getattr(error, 'strerror', None) or error}",
        hint="name a folder that you may write to with XDG_CACHE_HOME",
    )
