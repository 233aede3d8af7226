"""Verbs that need what is being installed still: they wait for it, and say so."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import click

from engine.errors import DependencyMissing
from engine.text import inert

if TYPE_CHECKING:
    from engine.setup import Lacking

Result = TypeVar("Result")

_EVERY = 30
"""So many seconds pass between two lines that say the same, where there is no terminal."""


def patiently(feature: str, call: Callable[[], Result]) -> Result:
    """Return what a call returns; where it lacks what is being installed, wait, and call again.

    Args:
        feature: What the call needs: a name of :data:`engine.setup.NEEDS`.
        call: Checks what it was given before it looks at what is installed.

    Raises:
        DependencyMissing: Nobody is installing what is lacking.
    """
    try:
        return call()
    except DependencyMissing:
        from engine.setup import lacking

        if lacking(feature) is None:
            raise
        await_part(feature)
        return call()


def await_part(feature: str, *, optional: bool = False) -> None:
    """Wait for what a feature needs, where it is being installed.

    Args:
        feature: A name of :data:`engine.setup.NEEDS`.
        optional: Whether to go on where nobody is installing it.

    Raises:
        DependencyMissing: Nobody is installing it.
    """
    from engine.setup import wait_for

    waiting = _Waiting()
    try:
        wait_for(feature, tell=waiting.tell)
    except DependencyMissing:
        if not optional:
            raise
    finally:
        waiting.end()


class _Waiting:
    """Says what is waited for: on one line of a terminal, else a line now and then."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._said = ""
        self._silent = 0

    def tell(self, found: Lacking) -> None:
        """Say what is lacking still; called once a second."""
        if self._terminal:
            columns = shutil.get_terminal_size().columns - 1
            line = inert(f"waiting: {found.message}")[:columns]
            click.echo(f"\r{line.ljust(columns)}", nl=False, err=True)
            self._said = line
            return
        current = found.current
        step = f"{current.title} {current.state}" if current is not None else "waiting"
        self._silent += 1
        if step != self._said or self._silent >= _EVERY:
            self._said, self._silent = step, 0
            click.echo(inert(f"waiting: {found.message}; {found.hint}"), err=True)

    def end(self) -> None:
        """End the line."""
        if self._terminal and self._said:
            click.echo(err=True)
