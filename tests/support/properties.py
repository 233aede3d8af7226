"""How many examples a property test tries."""

from __future__ import annotations

from hypothesis import settings


def tries(number: int) -> int:
    """Return the examples that a property test tries: ``number`` with ``--all``, else a share.

    The share is that of the profile which ``tests/conftest.py`` has loaded.
    """
    return max(5, number * settings().max_examples // 100)
