"""The checks of the app: in a child process, one run at a time, whatever stage is shown.

A run looks at what is new or changed, then looks for near-duplicates. What is asked for
while one goes on is taken together into the next.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message_pump import MessagePump

from engine.errors import DependencyMissing, EmbeddingModelMissing, ExampleMissing
from engine.settings import CheckSettings
from engine.store import Store
from tui.bridge.scans import INTERVAL, LEAVE_SECONDS
from tui.bridge.threads import Cancel, post
from tui.messages import Check, ChecksEnded, ChecksMoved

if TYPE_CHECKING:
    from engine.quality.stage import CheckReport
    from engine.similarity import DedupReport

Progress = Callable[[int, int], None]


@dataclass(slots=True)
class _Wanted:
    """What a run shall do.

    Attributes:
        everything: All that is new or changed; else only ``examples``.
        examples: Whole ids.
        by_hand: Whether the person asked for it.
    """

    everything: bool = False
    examples: set[str] = field(default_factory=set)
    by_hand: bool = False

    def __bool__(self) -> bool:
        return self.everything or bool(self.examples)


class Checks:
    """Runs the check stage and the search for near-duplicates in child processes.

    Args:
        target: Where :class:`ChecksMoved` and :class:`ChecksEnded` are posted.
        root: The workspace's folder.
        settings: The workspace's settings of checks.

    Attributes:
        automatic: Whether scans and edits are followed by a run.
    """

    def __init__(self, target: MessagePump, root: Path, settings: CheckSettings) -> None:
        self._target = target
        self._root = root
        self._settings = settings
        self._lock = threading.Lock()
        self._wanted = _Wanted()
        self._running = False
        self._cancel = Cancel()
        self._thread: threading.Thread | None = None
        self._looking: threading.Thread | None = None
        self._told_missing = False
        self.automatic = settings.automatic

    @property
    def active(self) -> bool:
        """Whether something is being checked."""
        return self._running

    def start(self, examples: Iterable[str] = (), *, by_hand: bool = False) -> None:
        """Check examples, or all that is new or changed; at once, or after the run that is on.

        Args:
            examples: Whole ids; none means everything.
            by_hand: Whether the person asked for it.
        """
        with self._lock:
            found = set(examples)
            self._wanted.examples |= found
            self._wanted.everything |= not found
            self._wanted.by_hand |= by_hand
            if not self._running:
                self._running = True
                self._cancel = Cancel()
                self._thread = threading.Thread(target=self._run, name="checks", daemon=True)
                self._thread.start()

    def follow(self, examples: Iterable[str] = ()) -> None:
        """Check after a scan or an edit, where the settings want that."""
        if self.automatic:
            self.start(examples)

    def catch_up(self, store: Store) -> None:
        """Check what an earlier opening, or a verb, left unchecked, where the settings want that.

        Whether there is any is looked up in a thread: of many examples it takes a moment.
        """

        def look() -> None:
            if store.any_unchecked():
                self.start()

        if self.automatic:
            self._looking = threading.Thread(target=look, name="unchecked", daemon=True)
            self._looking.start()

    def stop(self) -> None:
        """Stop; what was found so far is kept."""
        with self._lock:
            self._wanted = _Wanted()
            self._cancel.set()

    def close(self) -> None:
        """Stop, and wait a moment until the child is gone."""
        # The store is closed after this.
        if self._looking is not None:
            self._looking.join(LEAVE_SECONDS)
        self.stop()
        if self._thread is not None:
            self._thread.join(LEAVE_SECONDS)

    # -- in the thread --------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._lock:
                wanted, self._wanted = self._wanted, _Wanted()
                if not wanted:
                    self._running = False
                    # Under the lock, so that it can't overtake the beginning of another run.
                    post(self._target, ChecksMoved(None))
                    return
            self._round(wanted)

    def _more_waits(self) -> bool:
        with self._lock:
            return bool(self._wanted)

    def _round(self, wanted: _Wanted) -> None:
        """Do one run and post what it found."""
        report: CheckReport | None = None
        near: DedupReport | None = None
        failure: Exception | None = None
        try:
            report = check_examples(
                self._root,
                () if wanted.everything else sorted(wanted.examples),
                progress=self._teller("checks"),
                cancelled=self._cancel,
            )
            # An edit that follows at once is looked at first; both share one search.
            if not report.cancelled and not self._more_waits():
                near = find_near(
                    self._root,
                    self._settings,
                    progress=self._teller("near-duplicates"),
                    cancelled=self._cancel,
                )
        except ExampleMissing:
            pass  # a scan took it out meanwhile, and is followed by checks of its own
        except (EmbeddingModelMissing, DependencyMissing) as error:
            if wanted.by_hand or not self._told_missing:
                failure = error
            self._told_missing = True
        except Exception as error:
            failure = error
        few = 0 if wanted.everything else len(wanted.examples)
        post(self._target, ChecksEnded(report, near, failure, by_hand=wanted.by_hand, few=few))

    def _teller(self, what: str) -> Progress:
        told: tuple[float, int | None] = (time.monotonic(), None)
        post(self._target, ChecksMoved(Check(what)))

        def progress(done: int, total: int) -> None:
            nonlocal told
            percent = min(100, 100 * done // total) if total else None
            now = time.monotonic()
            if percent != told[1] and now - told[0] >= INTERVAL:
                told = (now, percent)
                post(self._target, ChecksMoved(Check(what, percent)))

        return progress


def check_examples(
    root: Path, examples: Iterable[str], *, progress: Progress, cancelled: Callable[[], bool]
) -> CheckReport:
    """Look at what is new or changed; see :func:`engine.quality.child.check_apart`."""
    from engine.quality.child import check_apart

    return check_apart(root, example_ids=tuple(examples), progress=progress, cancelled=cancelled)


def find_near(
    root: Path, settings: CheckSettings, *, progress: Progress, cancelled: Callable[[], bool]
) -> DedupReport:
    """Mark near-duplicates; see :func:`engine.similarity.child.dedup_apart`."""
    from engine.similarity.child import dedup_apart

    return dedup_apart(
        root,
        model=settings.embedding_model,
        threshold=settings.duplicate_threshold,
        off_topic=settings.off_topic,
        progress=progress,
        cancelled=cancelled,
    )
