"""The files that a source consists of, as a scan sees them: name, size, time, and bytes.

An item is opened for reading only. Its bytes are read at most twice in a scan, once for
their hash and once for their content, and small ones only once.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

MAX_TEXT_BYTES = 10_000_000
"""The largest note, and the longest line of a JSONL file, in bytes."""

HEAD_BYTES = 65_536
MAX_RATIO = 300
"""How many times its packed size a file may hold: text packs to a fifth or a twentieth."""

_KEPT_BYTES = 4_000_000
_CHUNK = 1 << 20
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"


class Refused(Exception):
    """A file or a part of it that can't be read; ``code`` and ``reason`` go into a Skipped."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason

    def __reduce__(self) -> tuple[type[Refused], tuple[str, str]]:
        # Readers run in other processes, too.
        return type(self), (self.code, self.reason)


def refusal(error: OSError) -> Refused:
    """Return the refusal that an operating system's error means."""
    if isinstance(error, PermissionError):
        return Refused("unreadable", "no permission to read it")
    if isinstance(error, FileNotFoundError):
        return Refused("unreadable", "it went away while the source was being read")
    return Refused("unreadable", f"it can't be opened: {error.strerror or error}")


def is_lfs_pointer(data: bytes) -> bool:
    """Say whether a file holds not its content but where Git LFS keeps it."""
    return data.startswith(_LFS_POINTER)


def pointer_refusal() -> Refused:
    """Return the refusal of a Git LFS pointer."""
    return Refused(
        "lfs-pointer", "a Git LFS pointer stands in the file's place; fetch it with: git lfs pull"
    )


class Item:
    """One file of a source, or a member of an archive.

    Attributes:
        name: Its path below the source's root with ``/`` between the parts; the file's
            name where the root is a file.
        size: Bytes.
        mtime_ns: When it was last changed, in nanoseconds since 1970; 0 where that
            is not known.
        path: The file on the disk; None where it is none.
    """

    __slots__ = ("_data", "_open", "mtime_ns", "name", "path", "size")

    def __init__(
        self,
        name: str,
        size: int,
        mtime_ns: int,
        open_stream: Callable[[], BinaryIO] | None = None,
        *,
        path: Path | None = None,
    ) -> None:
        self.name = name
        self.size = size
        self.mtime_ns = mtime_ns
        self.path = path
        self._open = open_stream
        self._data: bytes | None = None

    def __repr__(self) -> str:
        return f"Item({self.name!r}, {self.size:,} bytes)"

    @classmethod
    def of(cls, path: Path, name: str) -> Item:
        """Return the item of a file on the disk.

        Raises:
            Refused: It is gone, or no regular file.
        """
        try:
            seen = path.stat()
        except OSError as error:
            raise refusal(error) from error
        if not stat.S_ISREG(seen.st_mode):
            raise Refused("not-a-file", "it is a pipe, socket or device")
        return cls(name, seen.st_size, seen.st_mtime_ns, path=path)

    @property
    def suffix(self) -> str:
        """The end of the name from its last dot, in lower case."""
        return os.path.splitext(self.name)[1].lower()

    def open(self) -> BinaryIO:
        """Return a stream of the bytes, from the first on.

        Raises:
            Refused: It can't be opened.
        """
        if self._data is not None:
            return io.BytesIO(self._data)
        try:
            if self._open is not None:
                return self._open()
            assert self.path is not None
            return self.path.open("rb")
        except OSError as error:
            raise refusal(error) from error

    def head(self, size: int = HEAD_BYTES) -> bytes:
        """Return the first bytes.

        Raises:
            Refused: It can't be read.
        """
        with self.open() as stream:
            try:
                return stream.read(size)
            except OSError as error:
                raise refusal(error) from error

    def data(self, limit: int = MAX_TEXT_BYTES) -> bytes:
        """Return the whole content; small ones are kept for the next call.

        Raises:
            Refused: It can't be read, is too large, is a Git LFS pointer, or changed
                again and again while it was read.
        """
        if self._data is not None:
            return self._data
        data = self._steady(limit)
        if is_lfs_pointer(data):
            raise pointer_refusal()
        if len(data) <= _KEPT_BYTES:
            self._data = data
        return data

    def _steady(self, limit: int) -> bytes:
        """Read until nobody wrote meanwhile; half of two versions would be neither."""
        for _ in range(3):
            with self.open() as stream:
                try:
                    # Python sets aside the whole size that is asked for.
                    data = stream.read(min(self.size, limit) + 1)
                    if len(data) > self.size:
                        data += stream.read(max(limit + 1 - len(data), 0))
                except OSError as error:
                    raise refusal(error) from error
            if len(data) > limit:
                raise Refused("too-large", f"it is larger than {limit // 1_000_000:,} MB")
            if not self.changed() and (self.path is None or len(data) == self.size):
                return data
            self.look_again()
        raise Refused("changing", "it changed while it was being read; scan again")

    def changed(self) -> bool:
        """Say whether the file is another than when the item was made."""
        if self.path is None:
            return False
        try:
            now = self.path.stat()
        except OSError:
            return True
        return (now.st_size, now.st_mtime_ns) != (self.size, self.mtime_ns)

    def look_again(self) -> None:
        """Take over the size and time that the file has now.

        Raises:
            Refused: It is gone.
        """
        if self.path is None:
            return
        try:
            now = self.path.stat()
        except OSError as error:
            raise refusal(error) from error
        self.size, self.mtime_ns = now.st_size, now.st_mtime_ns

    def digest(self) -> str:
        """Return the hash of the bytes: ``b2-`` and 32 hex digits of BLAKE2b.

        Raises:
            Refused: It can't be read.
        """
        hasher = hashlib.blake2b(digest_size=16)
        if self._data is not None or self.size <= _KEPT_BYTES:
            try:
                hasher.update(self.data(_KEPT_BYTES * 2))
                return "b2-" + hasher.hexdigest()
            except Refused as refused:
                if refused.code not in ("lfs-pointer", "too-large"):
                    raise
        with self.open() as stream:
            try:
                while chunk := stream.read(_CHUNK):
                    hasher.update(chunk)
            except OSError as error:
                raise refusal(error) from error
        return "b2-" + hasher.hexdigest()

    def forget(self) -> None:
        """Let the kept bytes go."""
        self._data = None
