"""What to say where there is no room for a file: the disk is full, or a limit is reached."""

from __future__ import annotations

import errno
import resource
import shutil
from collections.abc import Sequence
from pathlib import Path

from engine.errors import DiskFull, FinetuiError, LimitReached

_AGAIN = "start the export again; what is finished is kept"
_FREE = f"free some space and {_AGAIN}"
_LIFT = f"lift the limit with: ulimit -f unlimited, and {_AGAIN}"
# What Python and C say of ENOSPC, EDQUOT and EFBIG.
_WORDS = {
    "No space left on device": errno.ENOSPC,
    "Disk quota exceeded": errno.EDQUOT,
    "File too large": errno.EFBIG,
}
_SAID = {
    errno.ENOSPC: "the disk became full",
    errno.EDQUOT: "the disk's quota was reached",
    errno.EFBIG: "the limit of a file's size (ulimit -f) was reached",
}
# A disk with less than this has no room, in bytes.
_NO_ROOM = 4_000_000


def no_room(error: OSError | Sequence[str], when: str) -> FinetuiError | None:
    """Return what an error means that is one of a full disk or a limit; None for any other.

    Args:
        error: The error, or the lines that a program said of it.
        when: At what it came, as in "during the export".
    """
    if isinstance(error, OSError):
        number = error.errno
    else:
        found = (code for words, code in _WORDS.items() if any(words in line for line in error))
        number = next(found, None)
    if number not in _SAID:
        return None
    message = f"{_SAID[number]} {when}"
    if number == errno.EFBIG:
        return LimitReached(message, hint=_LIFT)
    return DiskFull(message, hint=_FREE)


def cut_off(what: str, folder: Path) -> FinetuiError:
    """Return why a file was not written whole by a program that doesn't say why.

    Args:
        what: What was not written.
        folder: Where it was to be.
    """
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    if limit != resource.RLIM_INFINITY and shutil.disk_usage(folder).free > _NO_ROOM:
        message = f"{what} could not be written whole: {_SAID[errno.EFBIG]}"
        return LimitReached(message, hint=_LIFT)
    message = f"{what} could not be written whole: the disk is full, or a quota is reached"
    return DiskFull(message, hint=_FREE)
