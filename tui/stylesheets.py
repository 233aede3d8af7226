"""Where the stylesheets are."""

from __future__ import annotations

from pathlib import Path

import styles


def stylesheet(name: str) -> Path:
    """Return the path of a stylesheet by its name without ending, for ``CSS_PATH``."""
    return Path(styles.__file__).parent / f"{name}.tcss"
