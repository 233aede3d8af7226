"""A JSONL file that grows by whole rows and survives being stopped at any moment."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from engine.errors import ComposeError, DiskFull
from engine.paths import shorten


class RowFile:
    """An open file of rows, locked for this process.

    Rows are appended in one write and are on the disk when :meth:`append` returns. What a
    crash left of a row is taken away when the file is opened again.

    Args:
        path: The file; it and its folder are made.

    Attributes:
        rows: The rows that were there when it was opened, those that are JSON objects.

    Raises:
        ComposeError: Another process writes to it, or it can't be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self._handle = os.open(path, flags, 0o666)
        except OSError as error:
            raise ComposeError(
                f"{shorten(path)} can't be written: {error.strerror or error}"
            ) from error
        try:
            self._lock()
            self.rows = self._read()
        except BaseException:
            os.close(self._handle)
            raise

    def __enter__(self) -> RowFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._handle)

    def _lock(self) -> None:
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ComposeError(
                f"another process writes to {shorten(self.path)}",
                hint="wait for it, or choose another name with --name",
            ) from error

    def _read(self) -> list[Mapping[str, Any]]:
        data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            os.ftruncate(self._handle, whole)
        rows: list[Mapping[str, Any]] = []
        for line in data[:whole].splitlines():
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                continue  # A person's own line, which stays.
            if isinstance(value, dict):
                rows.append(value)
        return rows

    def append(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Append rows.

        Raises:
            DiskFull: There is no room; no part of them is in the file.
        """
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        data = "".join(lines).encode("utf-8", "replace")
        if not data:
            return
        before = os.fstat(self._handle).st_size
        try:
            written = os.write(self._handle, data)
            if written < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._handle)
        except OSError as error:
            os.ftruncate(self._handle, before)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFull(
                    f"no room on the disk to write {shorten(self.path)}", hint="free some space"
                ) from error
            raise
