"""The job protocol: a directory is the whole truth about a job, and a job outlives what started it.

A job is a detached child process with a directory: ``spec.toml`` (what to do),
``events.jsonl`` (what happened), ``stdout.log``, ``process.json`` (which process),
``control/`` (requests). Any process may follow it, stop it, or find it later.
"""

from __future__ import annotations

from engine.runs.control import kill, request_stop, stop_requested
from engine.runs.events import (
    Event,
    EventLog,
    Tail,
    last_log_lines,
    read_events,
    tail_log,
)
from engine.runs.fold import Fold, fold
from engine.runs.hung import age_words
from engine.runs.kept import Best, Kept, choose_adapter, kept, read_best
from engine.runs.launcher import launch
from engine.runs.life import Life, check_free, is_alive, look, wait_until_gone
from engine.runs.process import ProcessInfo
from engine.runs.state import (
    Monitor,
    RunSummary,
    find,
    make_run_dir,
    read_spec,
    run_dirs,
    runs,
    state,
    summarise,
)
from engine.runs.verdict import Verdict, stall_words, verdict, verdict_words, worse_since
from engine.runs.view import (
    ENDED,
    RunView,
    Sample,
    Samples,
    Status,
    status_words,
)

__all__ = [
    "ENDED",
    "Best",
    "Event",
    "EventLog",
    "Fold",
    "Kept",
    "Life",
    "Monitor",
    "ProcessInfo",
    "RunSummary",
    "RunView",
    "Sample",
    "Samples",
    "Status",
    "Tail",
    "Verdict",
    "age_words",
    "check_free",
    "choose_adapter",
    "find",
    "fold",
    "is_alive",
    "kept",
    "kill",
    "last_log_lines",
    "launch",
    "look",
    "make_run_dir",
    "read_best",
    "read_events",
    "read_spec",
    "request_stop",
    "run_dirs",
    "runs",
    "stall_words",
    "state",
    "status_words",
    "stop_requested",
    "summarise",
    "tail_log",
    "verdict",
    "verdict_words",
    "wait_until_gone",
    "worse_since",
]
