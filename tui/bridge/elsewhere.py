"""Watch for what other processes decide, while somebody looks."""

from __future__ import annotations

import time

from textual.message import Message
from textual.message_pump import MessagePump

from engine.models import Elsewhere
from engine.store import Store
from tui.bridge.threads import Poller
from tui.messages import PartFailed

WATCH_SECONDS = 1.0
"""Between two looks; one costs a read of shared memory while nothing changes."""
GRACE_SECONDS = 1.0
"""How long nothing is decided on a card that another session has put under a person's fingers."""


class DecidedElsewhere(Message):
    """Other sessions wrote into the journal."""

    def __init__(self, found: Elsewhere) -> None:
        super().__init__()
        self.found = found


class ScannedElsewhere(Message):
    """Another process, such as a scan, brought examples or took some away."""

    def __init__(self, more: int) -> None:
        super().__init__()
        self.more = more


class Watch:
    """Tells what other sessions decide and scan between :meth:`start` and :meth:`stop`.

    What they decide while it is stopped it tells at the next start.

    Args:
        target: Where messages go.
        store: The store of whoever watches.
    """

    def __init__(self, target: MessagePump, store: Store) -> None:
        self._target = target
        self._store = store
        self._last = store.last_seq()
        self._poller: Poller | None = None
        self._why, self._replaced_at = "", float("-inf")

    def start(self) -> None:
        """Look, now and each second; does nothing while it is on."""
        if self._poller is None:
            look = _Look(self._store, self._last)
            self._poller = Poller(self._target, look, interval=WATCH_SECONDS, failed=_failed)
            self._poller.start()

    def stop(self) -> None:
        """Look no more."""
        if self._poller is not None:
            self._poller.stop()
            self._poller = None

    def replaced(self, why: str) -> None:
        """Take note that a card was put under the person's fingers, and why."""
        self._why, self._replaced_at = why, time.monotonic()

    @property
    def refusal(self) -> str:
        """Why nothing is decided now: the person may not have seen the card yet; else empty."""
        return self._why if time.monotonic() - self._replaced_at < GRACE_SECONDS else ""

    def told(self, found: Elsewhere) -> bool:
        """Take note of what was told; return whether it is news."""
        news = found.last > self._last
        self._last = max(self._last, found.last)
        return news


def _failed(error: Exception) -> Message:
    return PartFailed(error)


class _Look:
    """One look after the other, in the poller's thread."""

    def __init__(self, store: Store, last: int) -> None:
        self._store = store
        self._last = last
        self._version = -1
        self._size = store.queue_size()

    def __call__(self) -> Message | None:
        self._store.look()
        version = self._store.data_version()
        if version == self._version:
            return None
        found = self._store.decided_elsewhere(self._last)
        size = self._store.queue_size()
        more, self._size = size - self._size, size
        self._version, self._last = version, found.last
        if found.examples:
            return DecidedElsewhere(found)
        return ScannedElsewhere(more) if more else None
