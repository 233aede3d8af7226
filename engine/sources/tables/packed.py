"""Files packed with gzip or bzip2, unpacked as they are read and never onto the disk."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, BinaryIO

from engine.sources.files import Item, Refused
from engine.sources.tables.formats import name_inside

MAX_UNPACKED = 20_000_000_000
"""The most bytes that a packed file is unpacked to."""
MAX_RATIO = 200
"""How many times its size a packed file may hold, beyond the first megabytes."""

_FREE = 100_000_000
_UNKNOWN = 1 << 40
_GZIP = b"\x1f\x8b"
_BZIP2 = b"BZh"


def unpacked(item: Item, on_bytes: Callable[[int], None]) -> tuple[Item, Callable[[int], None]]:
    """Return a file as it is inside, and what to tell its progress to.

    A file that is not packed comes back as it is.

    Args:
        item: The file.
        on_bytes: Called with the number of the packed file's bytes that are behind.

    Raises:
        Refused: It can't be opened.
    """
    head = item.head(4)
    if not head.startswith((_GZIP, _BZIP2)):
        return item, on_bytes
    behind = _Behind()

    def open_inside() -> BinaryIO:
        return io.BufferedReader(_Unpacked(item, behind, head), 1 << 16)

    name = name_inside(item.name)
    return Item(name, _UNKNOWN, item.mtime_ns, open_inside), lambda _: on_bytes(behind.bytes)


class _Behind:
    """How many bytes of the packed file were read."""

    def __init__(self) -> None:
        self.bytes = 0


class _Unpacked(io.RawIOBase):
    """What is inside a packed file, up to a limit that no honest one reaches."""

    def __init__(self, item: Item, behind: _Behind, head: bytes) -> None:
        self._raw = item.open()
        self._inner = _opened(self._raw, head)
        self._limit = min(max(_FREE, item.size * MAX_RATIO), MAX_UNPACKED)
        self._behind = behind
        self._read = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._read

    def readinto(self, buffer: Any, /) -> int:
        try:
            data = self._inner.read(len(buffer))
        except (OSError, EOFError, ValueError) as error:
            raise Refused("damaged", f"it is damaged or cut off: {error}") from error
        except Exception as error:
            # zlib.error is no OSError.
            raise Refused("damaged", f"it is damaged: {error}") from error
        self._read += len(data)
        self._behind.bytes = self._raw.tell()
        if self._read > self._limit:
            raise Refused("zip-bomb", f"it unpacks to more than {self._limit // 1_000_000:,} MB")
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._inner.close()
            self._raw.close()
        super().close()


def _opened(raw: BinaryIO, head: bytes) -> io.BufferedIOBase:
    if head.startswith(_GZIP):
        import gzip

        return gzip.GzipFile(fileobj=raw, mode="rb")
    import bz2

    return bz2.BZ2File(raw, mode="rb")
