"""Trusting a workspace that a test wrote settings into, as its person would."""

from __future__ import annotations

from pathlib import Path

from engine.extract.adding import named_by
from engine.paths import DATABASE_FILE
from engine.store import Store
from engine.trust import trust


def trusted(root: Path) -> Path:
    """Agree to everything that a workspace names now, and return its folder."""
    with Store.open(root / DATABASE_FILE) as store:
        trust(root, named_by(root, store))
    return root
