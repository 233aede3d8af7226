"""A side that is hidden until it is asked for by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from engine.evaluate.pair import Side


class Seal:
    """Holds a side so that nothing which draws, copies or stores a value can show it."""

    __slots__ = ("_open",)

    def __init__(self, left: Side) -> None:
        self._open: Callable[[], Side] = lambda: left

    def __repr__(self) -> str:
        return "<sealed>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a sealed side can't be copied or stored")

    def left(self) -> Side:
        """Return which side stands on the left."""
        return self._open()
