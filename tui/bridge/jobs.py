"""Watch the workspace's job directories and tell the app about the running job."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message
from textual.message_pump import MessagePump

from tui.bridge.threads import Poller
from tui.messages import Job, JobChanged, WatchFailed

if TYPE_CHECKING:
    from engine.runs import RunView

INTERVAL = 2.0
"""Seconds between two looks: what the title line says of a job costs a hundred bytes each time."""

_OVER = frozenset({"finished", "stopped", "killed", "failed", "died"})


def now() -> float:
    """Return the time, in seconds since the epoch."""
    return time.time()


def job_directories(runs_dir: Path) -> Iterator[tuple[str, Path]]:
    """Yield a name and the directory of every job: runs, and the exports inside them."""
    from tui.bridge.run_tail import short_run  # first needed once the app is up

    try:
        runs = sorted(entry.path for entry in os.scandir(runs_dir) if entry.is_dir())
    except FileNotFoundError:
        return
    for path in runs:
        run = Path(path)
        yield f"train {short_run(run.name)}", run
        try:
            exports = sorted(entry.path for entry in os.scandir(run / "exports") if entry.is_dir())
        except FileNotFoundError:
            continue
        for export in exports:
            yield f"export {Path(export).name} of {short_run(run.name)}", Path(export)


def as_job(name: str, view: RunView) -> Job:
    """Return what the title line shows of a job's folded events."""
    return Job(
        name=name,
        status=view.status,
        done=view.step,
        total=view.total_steps,
        eta_s=view.eta_at(now()),
        phase=view.phase,
    )


class JobWatch:
    """Finds the running job. Called in the poller's thread, so it keeps to files.

    A job whose log has not grown since it was seen to be over is not read again,
    so a workspace with a long history costs one ``stat`` a job.
    """

    def __init__(self, runs_dir: Path) -> None:
        self._runs_dir = runs_dir
        self._over: dict[Path, int] = {}
        self._last: Job | None = None
        self._active: dict[Path, str] = {}
        self._ended = self._told = 0

    def look(self) -> Message | None:
        """Return a message if what the title line shows has changed."""
        job = self._find()
        if job == self._last and self._ended == self._told:
            return None
        self._last, self._told = job, self._ended
        return JobChanged(job, self._ended)

    def _find(self) -> Job | None:
        from engine.runs import state  # the run protocol, first needed once the app is up

        running: Job | None = None
        ended: Job | None = None
        for name, directory in job_directories(self._runs_dir):
            try:
                size = (directory / "events.jsonl").stat().st_size
            except OSError:
                continue
            if self._over.get(directory) == size:
                continue
            job = as_job(name, state(directory))
            if job.status in _OVER:
                self._over[directory] = size
                if self._active.pop(directory, ""):
                    ended = job
                    self._ended += 1
                continue
            self._active[directory] = name
            running = running or job
        if running is not None or ended is not None:
            return running or ended
        # A job that ended while it was watched stays in the title until another runs.
        return None if self._last is None or self._last.active else self._last


def watch_jobs(target: MessagePump, runs_dir: Path, *, interval: float = INTERVAL) -> Poller:
    """Return a poller, not started yet, that posts :class:`JobChanged` to ``target``."""
    return Poller(target, JobWatch(runs_dir).look, interval=interval, failed=WatchFailed)
