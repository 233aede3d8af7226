"""What is said about scans: what began, what waits, and what stopping one costs."""

from __future__ import annotations

from collections.abc import Sequence

from engine.models import Source
from tui.bridge.scans import Standing, short_name
from tui.messages import ScanEnded
from tui.widgets.words import counted, one_line

NAMED = 3
"""How many sources are named one by one."""


def names(sources: Sequence[Source]) -> str:
    """Return the names of sources, the first few of many."""
    shown = [one_line(short_name(source.root)) for source in sources[:NAMED]]
    more = len(sources) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def begun_words(asked: Sequence[Source], fresh: int, *, busy: bool) -> str:
    """Return what was begun.

    Args:
        asked: The sources that are to be read.
        fresh: How many of them were neither being read nor waiting.
        busy: Whether another source is being read, so that these wait.
    """
    if not fresh:
        return f"{names(asked)}: already being read, or waiting"
    if busy:
        return f"{counted(fresh, 'source')} will be read next"
    return f"scanning {names(asked) if fresh == len(asked) else counted(fresh, 'source')}"


def stop_question(standing: Standing) -> tuple[str, str]:
    """Return what is asked before a scan is stopped, and what that would cost."""
    name = one_line(short_name(standing.source.root))
    far = f", {standing.percent}% read" if standing.percent is not None else ""
    cost = "What was read in this scan is dropped; the examples stay as they were before it."
    if standing.waiting:
        wait = (
            "waits and is not read either"
            if len(standing.waiting) == 1
            else ("wait and are not read either")
        )
        cost += f" {names(standing.waiting)} {wait}."
    return f"Stop scanning {name}{far}?", cost


def stopped_words(event: ScanEnded) -> tuple[str, str]:
    """Return what was stopped, how far it had got and what is kept; and a hint."""
    name = one_line(short_name(event.source.root))
    far = f" at {event.percent}%" if event.percent is not None else ""
    words = f"stopped scanning {name}{far}: its examples are as before the scan"
    if event.unread:
        words += f"; not read: {names(event.unread)}"
    return words, "s scans one, S all"
