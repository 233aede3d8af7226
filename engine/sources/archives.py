"""Zip archives as they were downloaded: their members as items, read without unpacking.

Nothing of an archive is ever written to the disk. What an archive claims about itself is
not relied on: limits are enforced while its members are read.

========================  ==================================================================
members                   at most 200,000
bytes of a member         at most 20 GB
bytes of all members      at most 300 for each byte of the archive, once above 200 MB
bytes of one member       at most 300 for each of its packed bytes, once above 50 MB
========================  ==================================================================

Text packs to a fifth or a twentieth; what packs to a three-hundredth was made to fill a disk.
"""

from __future__ import annotations

import io
import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from engine.sources.base import Reading
from engine.sources.files import visible
from engine.sources.items import (
    HEAD_BYTES,
    MAX_RATIO,
    Item,
    Refused,
    is_lfs_pointer,
    pointer_refusal,
    refusal,
)

ARCHIVE_SUFFIX = ".zip"
MAX_MEMBERS = 200_000
MAX_MEMBER_BYTES = 20_000_000_000
FREE_MEMBER_BYTES = 50_000_000
FREE_TOTAL_BYTES = 200_000_000

_TROUBLE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OverflowError,
    RuntimeError,
    ValueError,
    OSError,
)
"""What reading a damaged archive raises; RuntimeError includes what is not implemented."""

_ENCRYPTED = 0x1
_BUFFER = 1 << 18


def is_archive(item: Item) -> bool:
    """Say whether a file is a zip archive by its name."""
    return item.suffix == ARCHIVE_SUFFIX


def members(archive: Item, reading: Reading, *, prefix: str = "") -> Iterator[Item]:
    """Yield the files of an archive, in the order of their names.

    They keep the archive open as long as they live. A member's time is the archive's.

    Args:
        archive: The archive.
        reading: Where each member that is left out is reported.
        prefix: What their names begin with, such as ``"export.zip/"``.

    Raises:
        Refused: The archive can't be opened, or is made to fill memory or disk.
    """
    opened = _Archive(archive)
    last: dict[str, zipfile.ZipInfo] = {}
    for info in opened.infos:
        name, refused = _named(info)
        if refused is None and info.is_dir():
            continue
        if refused is None:
            refused = _unreadable(info)
        if refused is not None:
            reading.skip(prefix + name, 0, *refused)
            continue
        if name in last:
            # Unpacking would write the second over the first.
            what = "another member of the same name stands behind it; that one is read"
            reading.skip(prefix + name, 0, "duplicate-name", what)
        last[name] = info
    for name, info in sorted(last.items()):
        yield Item(prefix + name, info.file_size, archive.mtime_ns, opened.opener(info))


def _named(info: zipfile.ZipInfo) -> tuple[str, tuple[str, str] | None]:
    """Return a member's name, and why it can't be one below the archive's root."""
    # `filename` ends at a NUL and has slashes turned; the name as it stands is what counts.
    raw = info.orig_filename.replace("\\", "/")
    shown = visible(raw)
    parts = [part for part in raw.split("/") if part not in ("", ".")]
    if "\x00" in raw or not parts:
        return shown.replace("\x00", "\\x00"), ("unsafe-name", "its name is no file name")
    if ".." in parts:
        return shown, ("unsafe-name", "its name leads out of the archive with ..")
    if raw.startswith("/") or parts[0].endswith(":"):
        return shown, ("unsafe-name", "its name begins at the root of a disk")
    if any(part.startswith(".") for part in parts) or parts[0] == "__MACOSX":
        return shown, ("hidden", "its name begins with a dot, or a system put it there")
    return visible("/".join(parts)), None


def _unreadable(info: zipfile.ZipInfo) -> tuple[str, str] | None:
    if info.flag_bits & _ENCRYPTED:
        return "encrypted", "it is encrypted; unpack it with its password first"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "link", "it is a link, not a file"
    if info.filename.lower().endswith(ARCHIVE_SUFFIX):
        return "nested-archive", "an archive inside an archive; unpack the outer one first"
    if info.compress_type not in (
        zipfile.ZIP_STORED,
        zipfile.ZIP_DEFLATED,
        zipfile.ZIP_BZIP2,
        zipfile.ZIP_LZMA,
    ):
        return "unreadable", "it is packed in a way that is not understood"
    if info.file_size > MAX_MEMBER_BYTES:
        return "too-large", f"it is larger than {MAX_MEMBER_BYTES // 1_000_000_000} GB"
    if info.file_size > max(FREE_MEMBER_BYTES, MAX_RATIO * info.compress_size):
        return _bomb()
    return None


def _bomb() -> tuple[str, str]:
    return "zip-bomb", f"it unpacks to over {MAX_RATIO} times its size, as only zip bombs do"


class _Archive:
    """An open archive, and what was read of it so far."""

    def __init__(self, item: Item) -> None:
        if is_lfs_pointer(item.head(HEAD_BYTES)):
            raise pointer_refusal()
        self._stream = item.open()
        try:
            self._zip = zipfile.ZipFile(self._stream)
        except OSError as error:
            self._stream.close()
            raise refusal(error) from error
        except _TROUBLE as error:
            self._stream.close()
            raise Refused("damaged-archive", "it is no whole zip archive") from error
        self.infos = self._zip.infolist()
        if len(self.infos) > MAX_MEMBERS:
            raise Refused("zip-bomb", f"it has more than {MAX_MEMBERS:,} members")
        # Members that lie over one another share their packed bytes; their sum tells it.
        self._allowed = max(FREE_TOTAL_BYTES, MAX_RATIO * item.size)
        if sum(info.file_size for info in self.infos) > self._allowed:
            raise Refused(*_bomb())

    def opener(self, info: zipfile.ZipInfo) -> Callable[[], BinaryIO]:
        """Return what opens a member."""

        def opened() -> BinaryIO:
            try:
                member = self._zip.open(info)
            except _TROUBLE as error:
                raise _damaged(error) from error
            return io.BufferedReader(_Member(member, info), _BUFFER)

        return opened


class _Member(io.RawIOBase):
    """A member's bytes; each kind of damage is a refusal, and too many bytes are one too."""

    def __init__(self, stream: Any, info: zipfile.ZipInfo) -> None:
        self._stream = stream
        packed = max(info.compress_size, 1)
        self._left = min(max(FREE_MEMBER_BYTES, MAX_RATIO * packed), MAX_MEMBER_BYTES)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        try:
            data = self._stream.read(len(buffer))
        except _TROUBLE as error:
            raise _damaged(error) from error
        self._left -= len(data)
        if self._left < 0:
            raise Refused(*_bomb())
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


def _damaged(error: Exception) -> Refused:
    if isinstance(error, RuntimeError) and "password" in str(error):
        return Refused("encrypted", "it is encrypted; unpack it with its password first")
    return Refused("damaged-archive", "this member of the archive is damaged")
