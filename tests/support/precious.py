"""A file of a person's own, at which links in a foreign folder point."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

PRECIOUS = b"three years of letters\n"


def precious_file(folder: Path) -> Iterator[Path]:
    """Yield a file alone in a new folder; it fails where anything of it has changed afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "precious"
    file.write_bytes(PRECIOUS)
    yield file
    assert file.read_bytes() == PRECIOUS
    assert not file.is_symlink()
