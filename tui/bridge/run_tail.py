"""Follow the workspace's runs and exports, and the log of the one that is looked at."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message
from textual.message_pump import MessagePump

from tui.bridge.threads import Poller
from tui.messages import WatchFailed

if TYPE_CHECKING:
    from engine.runs import Event, Monitor, RunView

INTERVAL = 0.5
"""Seconds between two looks, and so the most that a panel is redrawn."""

LOG_BYTES = 256 * 1024
"""How much of the end of a job's output is shown when it is opened."""


@dataclass(frozen=True, slots=True)
class JobState:
    """A run, or an export of a run, as it is now.

    Attributes:
        dir: The job directory.
        run_id: The run's id, also where this is an export of it.
        quant: The quantisation of an export; empty for a run.
        base: The base model's name.
        dataset: The dataset's name.
        preset: The preset's name.
        view: The folded events, with whether the process lives.
    """

    dir: Path
    run_id: str
    quant: str
    base: str
    dataset: str
    preset: str
    view: RunView

    @property
    def short(self) -> str:
        """The four digits by which a person tells a run."""
        return short_run(self.run_id)

    @property
    def name(self) -> str:
        """``run 3f2a``, or ``export q4_k_m of 3f2a``."""
        return f"export {self.quant} of {self.short}" if self.quant else f"run {self.short}"


def short_run(run_id: str) -> str:
    """Return the random end of a run's id, which names it among a person's runs."""
    return run_id.rpartition("-")[2] or run_id


@dataclass(frozen=True, slots=True)
class LogPart:
    """New lines of a job's log; ``fresh`` says that they begin it anew."""

    dir: Path
    lines: tuple[str, ...]
    fresh: bool


class RunsMoved(Message):
    """The runs, or the log of the chosen job, are other than at the last look."""

    def __init__(self, jobs: tuple[JobState, ...], log: LogPart | None) -> None:
        super().__init__()
        self.jobs = jobs
        self.log = log


class RunTail:
    """Looks at the runs; called in a poller's thread, so it keeps to files.

    A job that is over and whose files have not changed is not read again.
    """

    def __init__(self, runs_dir: Path) -> None:
        self._runs_dir = runs_dir
        self._monitors: dict[Path, Monitor] = {}
        self._states: dict[Path, tuple[tuple[int, ...], JobState]] = {}
        self._jobs: tuple[JobState, ...] | None = None
        self._chosen: Path | None = None
        self._log: JobLog | None = None

    def choose(self, directory: Path | None) -> None:
        """Follow the log of another job from the next look on. Called from the event loop."""
        self._chosen = directory

    def look(self) -> Message | None:
        """Return what is new, or None."""
        jobs = tuple(self._states_now())
        log = self._log_now()
        if jobs == self._jobs and log is None:
            return None
        self._jobs = jobs
        return RunsMoved(jobs, log)

    def _log_now(self) -> LogPart | None:
        chosen = self._chosen
        if chosen is None:
            self._log = None
            return None
        fresh = self._log is None or self._log.dir != chosen
        if self._log is None or fresh:
            self._log = JobLog(chosen)
        lines = self._log.poll()
        return LogPart(chosen, lines, fresh) if lines or fresh else None

    def _states_now(self) -> list[JobState]:
        found: list[JobState] = []
        for run in reversed(_folders(self._runs_dir)):
            if not (run / "spec.toml").is_file():
                continue
            state = self._state(run, run, "")
            found.append(state)
            found += [
                self._state(run, export, export.name)
                for export in _folders(run / "exports")
                if (export / "events.jsonl").exists() or (export / "process.json").exists()
            ]
        return found

    def _state(self, run: Path, directory: Path, quant: str) -> JobState:
        from engine.runs import Monitor, read_spec  # the run protocol, first needed here

        mark = _mark(directory)
        known = self._states.get(directory)
        if known is not None and known[0] == mark and not known[1].view.active:
            return known[1]
        if known is None:
            spec: Mapping[str, object] = read_spec(run)
            names = [str(spec.get(name, "")) for name in ("base", "dataset", "preset")]
        else:
            names = [known[1].base, known[1].dataset, known[1].preset]
        monitor = self._monitors.setdefault(directory, Monitor(directory))
        view, _ = monitor.poll()
        state = JobState(directory, run.name, quant, names[0], names[1], names[2], view)
        self._states[directory] = (mark, state)
        return state


def _folders(directory: Path) -> list[Path]:
    try:
        return sorted(Path(entry.path) for entry in os.scandir(directory) if entry.is_dir())
    except OSError:
        return []


def _mark(directory: Path) -> tuple[int, ...]:
    """Return what changes when a job is launched again or writes."""
    mark: list[int] = []
    for name in ("events.jsonl", "process.json"):
        try:
            status = (directory / name).stat()
            mark += [status.st_size, status.st_mtime_ns]
        except OSError:
            mark += [0, 0]
    return tuple(mark)


class JobLog:
    """A job's output and what its events say in words, as lines, in the order of their coming."""

    def __init__(self, directory: Path) -> None:
        from engine.runs import Tail

        self.dir = directory
        self._tail = Tail(directory)
        self._offset, self._skip_first = _start(directory)

    def poll(self) -> tuple[str, ...]:
        """Return the lines since the last poll."""
        from engine.runs import tail_log

        lines, self._offset = tail_log(self.dir, self._offset)
        if lines and self._skip_first:
            lines, self._skip_first = lines[1:], False
        events = (event_line(event) for event in self._tail.poll())
        return (*lines, *(line for line in events if line))


def _start(directory: Path) -> tuple[int, bool]:
    try:
        size = (directory / "stdout.log").stat().st_size
    except OSError:
        return 0, False
    start = max(0, size - LOG_BYTES)
    return start, start > 0


def event_line(event: Event) -> str:
    """Return an event in a line of words; empty for one that says nothing to a person."""
    words = _WORDS.get(event.type)
    text = words(event.data) if words is not None else ""
    if not text:
        return ""
    return f"{time.strftime('%H:%M:%S', time.localtime(event.t))}  {text}"


def _started(data: Mapping[str, object]) -> str:
    step = data.get("resumed_step")
    again = f"resumed from step {step}" if step is not None else "started"
    return f"{again}, process {data.get('pid', '?')}"


def _phase(data: Mapping[str, object]) -> str:
    return f"── {data.get('phase', '')}"


def _step(data: Mapping[str, object]) -> str:
    parts = [f"step {data.get('step', '?')}"]
    for name, label, form in (
        ("loss", "loss", ".3f"), ("lr", "lr", ".1e"), ("grad_norm", "grad", ".2f"),
        ("tokens_per_s", "tokens/s", ",.0f"),
    ):  # fmt: skip
        value = data.get(name)
        if isinstance(value, int | float):
            parts.append(f"{label} {value:{form}}")
    return "  ".join(parts)


def _eval(data: Mapping[str, object]) -> str:
    loss = data.get("loss")
    shown = f"{loss:.3f}" if isinstance(loss, int | float) else str(loss)
    return f"◆ eval at step {data.get('step', '?')}: loss {shown}"


def _checkpoint(data: Mapping[str, object]) -> str:
    return f"checkpoint saved: {data.get('path', '')}"


def _message(data: Mapping[str, object]) -> str:
    return str(data.get("message") or data.get("text") or "")


def _warning(data: Mapping[str, object]) -> str:
    return f"! {_message(data)}"


def _finished(data: Mapping[str, object]) -> str:
    text = str(data.get("status", "ended"))
    return f"{text}: {data['message']}" if data.get("message") else text


_WORDS = {
    "run_started": _started,
    "phase": _phase,
    "step": _step,
    "eval": _eval,
    "checkpoint": _checkpoint,
    "log": _message,
    "warning": _warning,
    "run_finished": _finished,
}


def watch_runs(
    target: MessagePump, runs_dir: Path, *, interval: float = INTERVAL
) -> tuple[RunTail, Poller]:
    """Return a tail and its poller, not started yet, that posts :class:`RunsMoved`."""
    tail = RunTail(runs_dir)
    return tail, Poller(target, tail.look, interval=interval, failed=WatchFailed)
