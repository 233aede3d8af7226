"""Being somebody whom permissions bind, also where the tests run as root."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NOBODY = 65534


@contextmanager
def without_privileges(folder: Path) -> Iterator[None]:
    """Be somebody else for a while where the tests run as root.

    Args:
        folder: What is looked at meanwhile; the temporary folders above it are opened to all.
    """
    if os.geteuid() != 0:
        yield
        return
    for above in (folder, *folder.parents):
        if above == Path(tempfile.gettempdir()):
            break
        above.chmod(above.stat().st_mode | 0o055)
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
