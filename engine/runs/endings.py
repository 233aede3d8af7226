"""How a job ended that did not say so itself: what is known of it, and what to do.

A process that is killed writes nothing. What tells of its end: the status that the process which
launched it saw, the boot that it belonged to, the last heartbeat's memory, the system's count of
processes ended for want of memory, and its output.
"""

from __future__ import annotations

import re
import signal
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from engine.runs.events import last_log_lines
from engine.runs.life import Life
from engine.runs.oom import oom_kills
from engine.runs.process import ProcessInfo, boot_id, read_exit
from engine.runs.view import RunView

LOOKED_AT = 400
"""How many of the last lines of a job's output are looked through."""

_LINES = 6
_RAM_SHORT = 0.92
_RAM_TIGHT = 0.8
_NOISE = re.compile(
    r"\d+%\|"  # a progress bar
    r"|\bit/s\b|\bs/it\b"
    r"|^\s*\{'loss'"
    r"|^step \d+/\d+ "
    r"|^saved checkpoints/"
    r"|\w*Warning:|^\s*warnings\.warn"
    # Libraries' own warnings: Python's levels, glog's letters as torch writes them, and what
    # they say of an optional part that is missing.
    r"|^\W*(WARNING|WARN|INFO|DEBUG)\b|\b(WARNING|WARN) +[\w.]+:\d+|^\[?[WI]\d{4} \d\d:\d\d"
    r"|kernels-community|No module named 'kernels'|\bpytree\b|_register_pytree_node"
)
_TELLING = re.compile(
    r"^[\w.]*(Error|Exception|Interrupt)\b|\berror\b|fatal|killed|no space left|out of memory"
    r"|cuda|segmentation|aborted|assert|terminate called|core dumped|can't|cannot|failed",
    re.IGNORECASE,
)
_TRACEBACK = "Traceback (most recent call last)"


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a job that left no last word."""

    code: str
    message: str
    hint: str
    lines: tuple[str, ...] = ()


def explain(directory: Path, view: RunView, info: ProcessInfo | None, life: Life) -> Ending:
    """Say how a job ended that is gone without a last word.

    Args:
        directory: The job's folder.
        view: What its events say.
        info: Which process it was.
        life: Where it was heard last.
    """
    again = what_to_do(directory, view)
    restarted = _restarted(info, view, life)
    if restarted:
        return Ending("run-restarted", f"the machine was restarted at {restarted}", again)
    status = None if info is None else read_exit(directory, info)
    # Who is killed writes no last line: what is there speaks of something else, but for errors.
    lines = telling_lines(directory, errors_only=status is None or status < 0)
    if life.heard_at:
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(life.heard_at))
        return Ending(
            "run-died",
            f"it ran on {life.host} and was last heard at {since}",
            f"see on {life.host} what became of it; a sign of life from there shows here",
            lines,
        )
    begun = "" if view.started else " before it began"
    at = f" after step {view.step:,}" if view.step else ""
    if status is not None and status < 0:
        return _by_signal(-status, view, lines, again)
    if status is None and _memory_short(view, certain=False):
        return Ending(
            "run-out-of-memory",
            f"it ended without a word, probably for want of memory ({_memory_words(view)})",
            f"{_LESS_MEMORY}; {again}",
            lines,
        )
    how = f"with status {status}" if status is not None else "without a word"
    last = f": {lines[-1]}" if lines else ""
    return Ending("run-died", f"its process ended{begun} {how}{at}{last}", again, lines)


_LESS_MEMORY = "lower batch_size or max_length, or end other programs"


def _by_signal(number: int, view: RunView, lines: tuple[str, ...], again: str) -> Ending:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = ""
    words = f"killed by signal {number}{f' ({name})' if name else ''}"
    words += f" after step {view.step:,}" if view.step else ""
    if number == signal.SIGKILL and _memory_short(view, certain=True):
        return Ending(
            "run-out-of-memory",
            f"{words}, probably for want of memory ({_memory_words(view)})",
            f"{_LESS_MEMORY}; {again}",
            lines,
        )
    return Ending("run-killed-by-signal", words, again, lines)


def _memory_short(view: RunView, *, certain: bool) -> bool:
    """Say whether memory ran short, as the last heartbeat and the system's own count tell.

    Args:
        view: What the events say.
        certain: Whether the process is known to have been killed.
    """
    used, total = _number(view.last_gpu, "ram_used"), _number(view.last_gpu, "ram_total")
    share = used / total if used is not None and total else 0.0
    before, now = _number(view.last_gpu, "oom_kills"), oom_kills()
    killed_some = before is not None and now is not None and now > before
    if certain:
        return killed_some or share >= _RAM_SHORT
    return killed_some and share >= _RAM_TIGHT


def _memory_words(view: RunView) -> str:
    used, total = _number(view.last_gpu, "ram_used"), _number(view.last_gpu, "ram_total")
    if used is None or not total:
        return "the system ended a process meanwhile"
    return f"{used / 1e9:.1f} of {total / 1e9:.1f} GB were in use"


def _number(values: Mapping[str, object], name: str) -> float | None:
    value = values.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _restarted(info: ProcessInfo | None, view: RunView, life: Life) -> str:
    """Return when the machine was restarted while a job ran on it; empty where it was not.

    Another machine may have the same name: it was this one where it began after the last sign.
    """
    if info is None or not info.boot_id or info.boot_id == boot_id():
        return ""
    if info.host not in ("", socket.gethostname()):
        return ""
    booted, heard = psutil.boot_time(), max(view.last_seen, info.launched_at)
    if booted < heard:
        return ""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(booted))


def what_to_do(directory: Path, view: RunView) -> str:
    """Return how a job that ended goes on."""
    if directory.parent.name == "exports":
        return f"export it again with: finetui export {directory.parent.parent.name}"
    if view.checkpoints:
        return f"resume it with: finetui runs resume {directory.name}"
    return f"start it again with: finetui runs start {directory.name}"


def telling_lines(directory: Path, *, errors_only: bool = False) -> tuple[str, ...]:
    """Return the lines of a job's output that say why it ended; foreign text, not yet inert.

    Of a traceback it is where it happened and what was raised, else lines that speak of a
    failure, else the last ones. Progress bars, the log of steps and libraries' warnings are
    passed over.

    Args:
        directory: The job's folder.
        errors_only: Leave out the last lines where none speaks of a failure.
    """
    lines = last_log_lines(directory, LOOKED_AT)
    fatal = [index for index, line in enumerate(lines) if line.startswith("Fatal Python error")]
    if fatal:
        return tuple(line for line in lines[fatal[-1] :] if line.strip())[:_LINES]
    traces = [index for index, line in enumerate(lines) if line.startswith(_TRACEBACK)]
    if traces:
        return _of_traceback(lines[traces[-1] + 1 :])
    plain = [line.strip() for line in lines if line.strip() and not _NOISE.search(line)]
    telling = [line for line in plain[-40:] if _TELLING.search(line)]
    return tuple((telling or ([] if errors_only else plain))[-_LINES // 2 :])


def _of_traceback(lines: list[str]) -> tuple[str, ...]:
    frames = 0
    while frames < len(lines) and (lines[frames].startswith("  ") or not lines[frames].strip()):
        frames += 1
    where = [line.strip() for line in lines[:frames] if line.lstrip().startswith("File ")][-1:]
    raised: list[str] = []
    for line in lines[frames:]:
        if raised and _NOISE.search(line):
            continue
        raised.append(line.rstrip())
    return (*where, *raised[: _LINES - 1])
