"""What an app sent: bytes in a file without a name, gone with the process at the latest."""

from __future__ import annotations

import errno
import io
import os
import tempfile
import weakref
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from engine.errors import AppAnswerInvalid, AppAnswerTooLarge, AppUnreachable, DiskFull
from engine.sources.items import Item
from engine.sources.memory.token import Token

NAME = "export.jsonl"
"""What an app's export is called among the source's files."""

_CHUNK = 1 << 18
_GZIP = 31
_PLAIN = ("", "identity")
_ZIPPED = ("gzip", "x-gzip")


class Body:
    """A temporary file that only this process can open, and only as long as this lives."""

    def __init__(self) -> None:
        # Unlinked as soon as it is made, so that no crash leaves it behind.
        self._file: BinaryIO = tempfile.TemporaryFile(prefix="finetui-", buffering=0)  # noqa: SIM115
        self.size = 0
        weakref.finalize(self, self._file.close)

    def write(self, data: bytes) -> None:
        """Add bytes.

        Raises:
            DiskFull: There is no room for them.
        """
        full = False
        try:
            view = memoryview(data)
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            full = True
        if full:
            raise DiskFull(
                "the disk has no room for an app's export",
                hint=f"make room in {tempfile.gettempdir()}, or set TMPDIR to another folder",
            )
        self.size += len(data)

    def open(self) -> BinaryIO:
        """Return a stream of the bytes, from the first on."""
        return io.BufferedReader(_Reader(self), _CHUNK)

    def piece(self, size: int, at: int = 0) -> bytes:
        """Return up to so many bytes from a place on."""
        return os.pread(self._file.fileno(), size, at)

    def item(self) -> Item:
        """Return the bytes as a file of a source; they live as long as it does."""
        return Item(NAME, self.size, 0, self.open)


class _Reader(io.RawIOBase):
    """A place in a body that others read as well; the body lives as long as it does."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._body.size}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        data = self._body.piece(len(buffer), self._at)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


class Filling:
    """Puts what arrives into a body: unpacked, counted, and without the token in it.

    Args:
        encoding: The answer's content encoding.
        limit: The most bytes, packed and unpacked.
        token: What must not be among them.
        shown: The address, as it can be printed.
    """

    def __init__(self, encoding: str, limit: int, token: Token, shown: str) -> None:
        encoding = encoding.strip().lower()
        if encoding not in (*_PLAIN, *_ZIPPED):
            raise AppAnswerInvalid(
                f"{shown} answered in a packed form that was not asked for ({encoding[:40]})",
                hint="have the app send plain JSON, or gzip",
            )
        self.body = Body()
        self._zipped = encoding in _ZIPPED
        self._unpack = zlib.decompressobj(_GZIP)
        self._limit = limit
        self._packed = 0
        self._watch = _Watch(token)
        self._shown = shown

    def take(self, data: bytes) -> None:
        """Add bytes as they came.

        Raises:
            AppAnswerTooLarge: There are more than the limit.
            AppAnswerInvalid: They are damaged, or hold the token.
        """
        self._packed += len(data)
        if self._packed > self._limit:
            raise self._too_large()
        for piece in self._unpacked(data) if self._zipped else (data,):
            if self.body.size + len(piece) > self._limit:
                raise self._too_large()
            if self._watch.sees(piece):
                raise AppAnswerInvalid(
                    f"{self._shown} repeats the token in its answer, so nothing of it was read",
                    hint="an export has no use for the token; tell the app's maker",
                )
            self.body.write(piece)

    def finish(self) -> Body:
        """Return all that came.

        Raises:
            AppUnreachable: Its end is missing.
        """
        if self._zipped and self._packed and not self._unpack.eof:
            raise AppUnreachable(
                f"{self._shown} broke off after {self.body.size:,} bytes", hint="try again"
            )
        return self.body

    def _unpacked(self, data: bytes) -> Iterator[bytes]:
        """Yield what gzip holds, in pieces that are small however much it is."""
        damaged = False
        while data and not damaged:
            try:
                piece = self._unpack.decompress(data, _CHUNK)
            except zlib.error:
                damaged = True
                continue
            data = self._unpack.unconsumed_tail
            if self._unpack.eof:
                data = self._unpack.unused_data.lstrip(b"\x00")
                if data:
                    self._unpack = zlib.decompressobj(_GZIP)
            if piece:
                yield piece
        if damaged:
            raise AppAnswerInvalid(
                f"{self._shown} answered with damaged gzip", hint="try again, or have it send JSON"
            )

    def _too_large(self) -> AppAnswerTooLarge:
        return too_large(self._shown, self._limit)


def too_large(shown: str, limit: int) -> AppAnswerTooLarge:
    """Return the error of an answer that exceeds the limit."""
    return AppAnswerTooLarge(
        f"{shown} answered with more than {limit // 1_000_000:,} MB",
        hint="copy the app's file here and add it: finetui sources add memory PATH",
    )


class _Watch:
    """Looks for the token in a stream. It keeps the secret out of other frames' variables."""

    __slots__ = ("_needle", "_tail")

    def __init__(self, token: Token) -> None:
        self._needle = token.reveal().encode()
        self._tail = b""

    def sees(self, data: bytes) -> bool:
        seen = self._needle in self._tail + data
        self._tail = (self._tail + data)[-len(self._needle) + 1 :] if len(self._needle) > 1 else b""
        return seen
