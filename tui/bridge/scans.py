"""The scans of the app: one after the other, each in a child process, whatever stage is shown."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from textual.message_pump import MessagePump

from engine.models import Source
from tui.bridge.reading import Tokens, scan_source
from tui.bridge.threads import Cancel, post
from tui.messages import Scan, ScanEnded, ScanMoved

if TYPE_CHECKING:
    from engine.extract.scan import ScanReport

INTERVAL = 1.0
"""Seconds between two messages of a scan that moves."""

LEAVE_SECONDS = 3.0
"""How long leaving the app waits for the child to end; it is asked to at once."""

_SEEN_S = 10.0  # after a scan, also where the machine is busy


def short_name(root: str) -> str:
    """Return a source's name in a word or two: the last part of its path, or its host."""
    if "://" in root:
        return urlsplit(root).hostname or root
    return Path(root).name or root


@dataclass(frozen=True, slots=True)
class Standing:
    """What is being read, and what waits.

    Attributes:
        source: What is read.
        percent: How much of it is read, None where that can't be told.
        waiting: The sources that are read after it.
    """

    source: Source
    percent: int | None
    waiting: tuple[Source, ...]

    @property
    def every(self) -> tuple[Source, ...]:
        """What is read, then what waits."""
        return (self.source, *self.waiting)


class Scans:
    """Reads sources in the order in which they are asked for; each is asked for once at a time.

    Args:
        target: Where :class:`ScanMoved` and :class:`ScanEnded` are posted.
        root: The workspace's folder.
        tokens: What the person typed for addresses.

    Attributes:
        reports: What the last scan of each source found, since the app was opened.
        ended: The scans that have ended since nothing was read, in their order.
    """

    def __init__(self, target: MessagePump, root: Path, tokens: Tokens) -> None:
        self._target = target
        self._root = root
        self._tokens = tokens
        self._lock = threading.Lock()
        self._waiting: deque[Source] = deque()
        self._now: Source | None = None
        self._cancel = Cancel()
        self._thread: threading.Thread | None = None
        self._percent: int | None = None
        self._given_up: tuple[Source, ...] = ()
        self.reports: dict[str, ScanReport] = {}
        self.ended: list[ScanEnded] = []
        self._ended_at = float("-inf")

    @property
    def bring(self) -> bool:
        """Whether examples that are new now may be of a scan of this app.

        A look at the database may see what a scan has brought only after its end.
        """
        return self.active or time.monotonic() - self._ended_at < _SEEN_S

    @property
    def active(self) -> bool:
        """Whether something is being read."""
        return self._now is not None

    @property
    def standing(self) -> Standing | None:
        """What is being read now, and what waits; None while nothing is."""
        with self._lock:
            if self._now is None:
                return None
            return Standing(self._now, self._percent, tuple(self._waiting))

    def start(self, sources: Iterable[Source]) -> int:
        """Read sources, or let them wait for their turn.

        Returns:
            How many of them were not being read, or waiting, already.
        """
        with self._lock:
            there = {source.id for source in (self._now, *self._waiting) if source is not None}
            fresh = [source for source in sources if source.id not in there]
            self._waiting.extend(fresh)
            if fresh and self._now is None:
                self._cancel = Cancel()
                self._percent = None
                self.ended = []
                self._now = self._waiting.popleft()
                self._thread = threading.Thread(target=self._run, name="scans", daemon=True)
                self._thread.start()
        return len(fresh)

    def stop(self) -> None:
        """Stop what is read, and forget what waits."""
        with self._lock:
            self._given_up = tuple(self._waiting)
            self._waiting.clear()
            self._cancel.set()

    def close(self) -> None:
        """Stop, and wait a moment until the child is gone."""
        self.stop()
        if self._thread is not None:
            self._thread.join(LEAVE_SECONDS)

    def _run(self) -> None:
        while True:
            with self._lock:
                source = self._now
            assert source is not None
            self._read(source)
            with self._lock:
                self._now = self._waiting.popleft() if self._waiting else None
                if self._now is None:
                    # Under the lock, so that it can't overtake the beginning of another scan.
                    post(self._target, ScanMoved(None))
                    return
                self._cancel = Cancel()
                self._percent = None

    def _read(self, source: Source) -> None:
        told: tuple[float, int | None] = (time.monotonic(), None)
        self._tell(source, None)

        def progress(done: int, total: int) -> None:
            nonlocal told
            percent = self._percent = min(100, 100 * done // total) if total else None
            now = time.monotonic()
            if percent != told[1] and now - told[0] >= INTERVAL:
                told = (now, percent)
                self._tell(source, percent)

        report: ScanReport | None = None
        failure: Exception | None = None
        try:
            report = scan_source(
                self._root,
                source,
                progress=progress,
                cancelled=self._cancel,
                secrets=self._tokens.of(source.root),
            )
        except Exception as error:
            failure = error
        if report is not None and not report.cancelled:
            self.reports[source.id] = report
        with self._lock:
            unread, self._given_up = self._given_up, ()
        ended = ScanEnded(source, report, failure, percent=self._percent, unread=unread)
        self.ended.append(ended)
        self._ended_at = time.monotonic()
        post(self._target, ended)

    def _tell(self, source: Source, percent: int | None) -> None:
        scan = Scan(source, short_name(source.root), percent, len(self._waiting))
        post(self._target, ScanMoved(scan))
