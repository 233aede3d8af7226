"""Waiting for a condition instead of for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(look: Callable[[], T], *, timeout: float = 60, what: str = "") -> T:
    """Look until what is seen is true, and return it.

    Raises:
        AssertionError: It was not true within ``timeout`` seconds.
    """
    end = time.monotonic() + timeout
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout} s for {what or look}")
        time.sleep(0.02)
