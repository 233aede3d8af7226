"""Watch finetui's own installation and tell the app how far it is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from textual.message import Message
from textual.message_pump import MessagePump

from tui.bridge.threads import Poller
from tui.messages import SetupMoved

if TYPE_CHECKING:
    from engine.setup import Place, Setup

INTERVAL = 1.0
"""Seconds between two looks, while something is lacking."""

_MOST_STARTS = 5
_PAUSE_SECONDS = 20.0

NEEDS = {"train": "training", "chat": "chat"}
"""What a stage is for, among the features that an installation may still lack."""


class SetupWatch:
    """Looks at the parts. Called in the poller's thread, so it keeps to files.

    Once everything is there nothing is looked at any more.

    Args:
        place: The environment; this process's own by default.
        go_on: Whether an installation that is wanted and not under way is started.
    """

    def __init__(self, place: Place | None = None, *, go_on: bool = False) -> None:
        self._place = place
        self._go_on = go_on
        self._starts, self._started = 0, float("-inf")
        self._last: object = None
        self._ready: bool | None = None

    def look(self) -> Message | None:
        """Return a message if what is shown of the installation has changed."""
        if self._ready:
            return None
        from engine.setup import setup_state  # first needed once the app is up

        if self._starts == 0:
            # What failed the last time is tried again, once each time that finetui opens.
            self._start()
        setup = setup_state(self._place)
        stuck = any(part.state in ("failed", "offline") for part in setup.parts)
        if not (setup.ready or setup.active or stuck):
            # It was killed, or pip outlived it and has just let go of the lock.
            self._start()
        first, self._ready = self._ready is None, setup.ready
        if first and setup.ready:
            return None
        seen = _seen(setup)
        if seen == self._last:
            return None
        self._last = seen
        return SetupMoved(setup)

    def _start(self) -> None:
        from engine.setup import go_on

        now = time.monotonic()
        if self._go_on and self._starts < _MOST_STARTS and now - self._started > _PAUSE_SECONDS:
            self._starts, self._started = self._starts + 1, now
            go_on(self._place)


def _seen(setup: Setup) -> object:
    """Return what of an installation is shown; bytes tick faster than anybody reads."""
    return setup.active, tuple((part.state, part.percent, part.since) for part in setup.parts)


def watch_setup(target: MessagePump, *, place: Place | None = None, go_on: bool = False) -> Poller:
    """Return a poller, not started yet, that posts :class:`SetupMoved` to ``target``."""
    return Poller(target, SetupWatch(place, go_on=go_on).look, interval=INTERVAL)


def stage_lacks(stage: str, setup: Setup) -> tuple[str, str] | None:
    """Return what a stage waits for, as a message and a hint; None where it can go on."""
    from engine.setup import lacking_in

    found = lacking_in(setup, NEEDS[stage]) if stage in NEEDS else None
    return (found.message, found.hint) if found is not None else None
