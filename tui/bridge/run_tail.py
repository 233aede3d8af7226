"""Follow the workspace's runs and exports, and the log of the one that is looked at."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message
from textual.message_pump import MessagePump

from engine.errors import FinetuiError
from tui.bridge.threads import Poller
from tui.messages import WatchFailed

if TYPE_CHECKING:
    from engine.runs import Event, Monitor, RunView

INTERVAL = 0.5
"""Seconds between two looks, and so the most that a panel is redrawn."""

LOG_BYTES = 256 * 1024
"""How much of the end of a job's output is shown when it is opened."""


Refusal = tuple[str, str]
"""Why something can't be done, and what to do instead; two empty texts where it can."""

ALLOWED: Refusal = ("", "")


@dataclass(frozen=True, slots=True)
class JobState:
    """A run, or an export of a run, as it is now.

    Attributes:
        dir: The job directory.
        run_id: The run's id, also where this is an export of it.
        quant: The quantisation of an export; empty for a run.
        spec: What stands in the job's ``spec.toml``; empty where it can't be read.
        view: The folded events, with whether the process lives.
        living: Whether there is a process that can be stopped.
        resume_step: The step of the checkpoint that the run would be resumed from; None
            where it can't be.
        resume_refused: Why it can't be resumed, and what to do instead; of an export, why it
            can't be done again.
        export_refused: Why the run can't be exported, and what to do instead.
        called: The person's name for the run; empty where it has none.
        note: What a person noted about it.
    """

    dir: Path
    run_id: str
    quant: str
    spec: Mapping[str, object]
    view: RunView
    living: bool = False
    resume_step: int | None = None
    resume_refused: Refusal = ALLOWED
    export_refused: Refusal = ALLOWED
    called: str = ""
    note: str = ""

    @property
    def base(self) -> str:
        """The base model's name."""
        return str(self.spec.get("base", ""))

    @property
    def dataset(self) -> str:
        """The dataset's name."""
        return str(self.spec.get("dataset", ""))

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
    """New lines of a job's log; ``fresh`` says that they begin it anew.

    ``phases`` are all that it went through, each with the time when it began.
    """

    dir: Path
    lines: tuple[str, ...]
    fresh: bool
    phases: tuple[tuple[str, float], ...] = ()


class RunsMoved(Message):
    """The runs, or the log of the chosen job, are other than at the last look."""

    def __init__(self, jobs: tuple[JobState, ...], log: LogPart | None) -> None:
        super().__init__()
        self.jobs = jobs
        self.log = log


class RunTail:
    """Looks at the runs; called in a poller's thread, so it keeps to files and takes turns.

    A job that is over and whose files have not changed is not read again.
    """

    def __init__(self, runs_dir: Path) -> None:
        self._runs_dir = runs_dir
        self._monitors: dict[Path, Monitor] = {}
        self._states: dict[Path, tuple[tuple[int, ...], JobState]] = {}
        self._jobs: tuple[JobState, ...] | None = None
        self._chosen: Path | None = None
        self._log: JobLog | None = None
        self._turn = threading.Lock()

    def choose(self, directory: Path | None) -> None:
        """Follow the log of another job from the next look on. Called from the event loop."""
        self._chosen = directory

    def look(self) -> Message | None:
        """Return what is new, or None."""
        with self._turn:  # a poller that was told to stop may be looking still
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
        before = self._log.phases
        lines, phases = self._log.poll(), self._log.phases
        if not (lines or fresh or phases != before):
            return None
        return LogPart(chosen, lines, fresh, phases)

    def _states_now(self) -> list[JobState]:
        found: list[JobState] = []
        for run in reversed(_folders(self._runs_dir)):
            if run.name.startswith(".") or not (run / "spec.toml").is_file():
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
        from engine.runs.notes import read_said

        mark = _mark(directory)
        known = self._states.get(directory)
        if known is not None and known[0] == mark and not known[1].view.active:
            return known[1]
        monitor = self._monitors.setdefault(directory, Monitor(directory))
        view, _ = monitor.poll()
        spec = known[1].spec if known is not None and known[1].spec else read_spec(directory)
        said = read_said(directory)
        plain = JobState(directory, run.name, quant, spec, view, called=said.name, note=said.note)
        state = _with_abilities(plain, run)
        self._states[directory] = (mark, state)
        return state


def _with_abilities(job: JobState, run: Path) -> JobState:
    """Add what can be done with a job: the engine's own checks say it."""
    from engine.export.start import check_run
    from engine.runs import RunSummary, summarise
    from engine.train import check_resume

    living = job.view.active and (
        job.view.status == "queued" or (job.dir / "process.json").exists()
    )
    if job.quant:
        # An export can be made again where its run can be exported at all.
        export = _refusal(lambda: check_run(summarise(run)))
        resume = export
        if job.view.active:
            resume = (f"{job.name} is under way", "s stops it")
        elif job.view.status == "finished":
            resume = (f"{job.name} is finished", "e exports the run at another quantisation")
        return replace(job, living=living, resume_refused=resume, export_refused=export)
    summary = RunSummary(
        job.run_id, job.dir, job.base, job.dataset, str(job.spec.get("preset", "")), job.view
    )
    step: int | None = None
    resume = ALLOWED
    try:
        step = check_resume(summary).step
    except FinetuiError as error:
        resume = (_short_ids(error.message), error.hint)
    return replace(
        job,
        living=living,
        resume_step=step,
        resume_refused=resume,
        export_refused=_refusal(lambda: check_run(summary)),
    )


def _refusal(check: Callable[[], object]) -> Refusal:
    try:
        check()
    except FinetuiError as error:
        return _short_ids(error.message), error.hint
    return ALLOWED


def _short_ids(text: str) -> str:
    return re.sub(r"\b\d{8}-\d{6}-([0-9a-f]{4})\b", r"\1", text)


def _folders(directory: Path) -> list[Path]:
    try:
        return sorted(Path(entry.path) for entry in os.scandir(directory) if entry.is_dir())
    except OSError:
        return []


def _mark(directory: Path) -> tuple[int, ...]:
    """Return what changes when a job is launched again or writes."""
    mark: list[int] = []
    for name in ("events.jsonl", "process.json", "person.json", "queue.json", "spec.toml"):
        try:
            status = (directory / name).stat()
            mark += [status.st_size, status.st_mtime_ns]
        except OSError:
            mark += [0, 0]
    return tuple(mark)


class JobLog:
    """A job's output, what its events say beside it, and the phases that it went through.

    Steps, evaluations and checkpoints are in the output already. Lines of the output bear no
    time; at the first poll they stand after how the job began and before how it ended.
    """

    def __init__(self, directory: Path) -> None:
        from engine.runs import Tail

        self.dir = directory
        self.phases: tuple[tuple[str, float], ...] = ()
        self._tail = Tail(directory)
        self._offset, self._skip_first = _start(directory)

    def poll(self) -> tuple[str, ...]:
        """Return the lines since the last poll."""
        from engine.runs import tail_log

        lines, self._offset = tail_log(self.dir, self._offset)
        if lines and self._skip_first:
            lines, self._skip_first = lines[1:], False
        events = self._tail.poll()
        self._note_phases(events)
        said = [(event.type, event_line(event)) for event in events]
        before = [line for kind, line in said if line and kind != "run_finished"]
        after = [line for kind, line in said if line and kind == "run_finished"]
        return (*before, *lines, *after)

    def _note_phases(self, events: list[Event]) -> None:
        phases = list(self.phases)
        for event in events:
            if event.type == "run_started":
                phases = []
            phase = str(event.data.get("phase", "")) if event.type == "phase" else ""
            if phase and (not phases or phases[-1][0] != phase):
                phases.append((phase, event.t))
        self.phases = tuple(phases)


def _start(directory: Path) -> tuple[int, bool]:
    try:
        size = (directory / "stdout.log").stat().st_size
    except OSError:
        return 0, False
    start = max(0, size - LOG_BYTES)
    return start, start > 0


def event_line(event: Event) -> str:
    """Return an event in a line of words; empty for one that the output or the figures show."""
    data = event.data
    if event.type == "run_started":
        step = data.get("resumed_step")
        text = "started" if step is None else f"resumed from step {step}"
    elif event.type in ("warning", "log"):
        mark = "! " if event.type == "warning" else ""
        hint = f" (fix: {data['hint']})" if data.get("hint") else ""
        text = f"{mark}{data.get('message', '')}{hint}"
    elif event.type == "run_finished":
        text = str(data.get("status", "ended"))
        if data.get("message"):
            text += f": {data['message']}"
    else:
        return ""
    return f"{time.strftime('%H:%M:%S', time.localtime(event.t))}  {text}"


class RunWatch:
    """Follows the runs for one listener, which gets :class:`RunsMoved` while it is on.

    Args:
        target: Where the messages go.
        runs_dir: The workspace's runs.
        interval: Seconds between two looks.
    """

    def __init__(self, target: MessagePump, runs_dir: Path, *, interval: float = INTERVAL) -> None:
        self._target = target
        self._interval = interval
        self._tail = RunTail(runs_dir)
        self._poller: Poller | None = None

    def start(self) -> None:
        """Follow; a second call does nothing."""
        if self._poller is None:
            look = self._tail.look
            self._poller = Poller(self._target, look, interval=self._interval, failed=WatchFailed)
            self._poller.start()

    def stop(self) -> None:
        """Follow no more. All is in the files when it is started again."""
        if self._poller is not None:
            self._poller.stop()
            self._poller = None

    def hurry(self) -> None:
        """Look now."""
        if self._poller is not None:
            self._poller.hurry()

    def choose(self, directory: Path) -> None:
        """Follow the log of another job."""
        self._tail.choose(directory)
        self.hurry()
