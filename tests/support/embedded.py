"""The embedded base, which takes 20 seconds to import."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.bases import EMBEDDED, add, resolve
from engine.paths import bases_dir


def add_embedded(cache: Path) -> None:
    """Add the embedded base as a person would, in a cache of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        add(EMBEDDED)


def embedded_dir(cache: Path) -> Path:
    """Return the folder of the model that was added in a cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        return resolve(EMBEDDED).directory


def lend_embedded(cache: Path) -> None:
    """Let the test's own home have the embedded base that was added in a cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        added = bases_dir() / EMBEDDED
    bases_dir().mkdir(parents=True)
    (bases_dir() / EMBEDDED).symlink_to(added)
