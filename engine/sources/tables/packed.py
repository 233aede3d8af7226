"""Files packed with gzip or bzip2, unpacked as they are read and never onto the disk.

They have the limits of an archive's members (see :mod:`engine.sources.archives`): at most 300
bytes for each packed one, once above 50 MB, and at most 20 GB.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, BinaryIO

from engine.sources.files import Item, Refused
from engine.sources.items import MAX_RATIO
from engine.sources.tables.formats import name_inside

MAX_UNPACKED = 20_000_000_000
"""The most bytes that a packed file is unpacked to."""
FREE_BYTES = 50_000_000
"""What a packed file may hold however small it is."""

_LOOK = 1 << 20
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
    _require_honest(item, head)
    behind = _Behind()

    def open_inside() -> BinaryIO:
        return io.BufferedReader(_Unpacked(item, behind, head), 1 << 16)

    name = name_inside(item.name)
    return Item(name, _UNKNOWN, item.mtime_ns, open_inside), lambda _: on_bytes(behind.bytes)


def _require_honest(item: Item, head: bytes) -> None:
    """See that a file is not made to fill a disk, before any of its rows is taken.

    No more than the free part is unpacked, which costs a fraction of reading it.

    Raises:
        Refused: It holds more than is free, and that is too much for its size.
    """
    with _Unpacked(item, _Behind(), head) as inside:
        while inside.tell() <= FREE_BYTES:
            try:
                if not inside.read(_LOOK):
                    return
            except Refused as refused:
                if refused.code == "zip-bomb":
                    raise
                return  # The rows before the damage are read, and it is reported there.


class _Behind:
    """How many bytes of the packed file were read."""

    def __init__(self) -> None:
        self.bytes = 0


class _Unpacked(io.RawIOBase):
    """What is inside a packed file, up to a ratio that no honest one reaches.

    It is that of what is unpacked to what was read for it, so that a file that is made to
    fill a disk is told at its beginning, and rows at a file's end are worth no more.
    """

    def __init__(self, item: Item, behind: _Behind, head: bytes) -> None:
        self._raw = item.open()
        self._inner = _opened(self._raw, head)
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
        if self._read > MAX_UNPACKED:
            raise Refused("too-large", f"it unpacks to over {MAX_UNPACKED // 1_000_000_000} GB")
        if self._read > max(FREE_BYTES, MAX_RATIO * self._behind.bytes):
            what = f"it unpacks to over {MAX_RATIO} times its size, as only zip bombs do"
            raise Refused("zip-bomb", what)
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
