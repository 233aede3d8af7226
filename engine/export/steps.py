"""The children of an export, one after the other."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence

from engine.child import child_environment, environment_without_secrets
from engine.errors import ExportError, FinetuiError
from engine.export.full import no_room
from engine.runs.child import Job
from engine.tether import tethered

Report = Callable[[int, int], None]
Step = Callable[[Sequence[str], Callable[[str], None]], None]

_FAILURE = "finetui-failure "
_LINES_KEPT = 60
_STOP_POLL_S = 0.3
# Progress bars begin their line again with a carriage return.
_BREAK = re.compile(rb"[\r\n]+")


class ChildFailed(ExportError):
    """A child ended with an error; ``lines`` are the last that it said."""

    def __init__(self, status: int, lines: Sequence[str]) -> None:
        self.lines = tuple(lines)
        self.last = self.lines[-1] if self.lines else f"it ended with status {status}"
        super().__init__(f"a step ended with status {status}: {self.last}")


def say_failure(error: FinetuiError) -> None:
    """Tell the parent of a child a named failure, so that it keeps its name."""
    print(_FAILURE + json.dumps(error.as_dict()), flush=True)


def _failure(status: int, lines: Sequence[str]) -> FinetuiError:
    """Return what a child's end means."""
    for line in lines:
        if line.startswith(_FAILURE):
            told = json.loads(line.removeprefix(_FAILURE))
            kind = _by_code(FinetuiError, str(told["code"])) or ExportError
            return kind(told["message"], hint=told["hint"])
    if (full := no_room(lines, "during the export")) is not None:
        return full
    if status == -signal.SIGKILL:
        return ExportError(
            "a step of the export was killed, most likely for want of memory",
            hint="close other programs, or export on a machine with more memory",
        )
    return ChildFailed(status, lines)


def _by_code(kind: type[FinetuiError], code: str) -> type[FinetuiError] | None:
    if kind.code == code:
        return kind
    found = (_by_code(below, code) for below in kind.__subclasses__())
    return next((item for item in found if item is not None), None)


def runner(job: Job) -> Step:
    """Return a function that runs a command as a child of a job.

    The child ends with the job, also where that is killed. Its output goes to the job's own, and
    line by line to a listener. A stop request ends the child.
    """

    def run(command: Sequence[str], listen: Callable[[str], None]) -> None:
        job.check_stop()
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # In the job's own process group, so that whoever ends that ends this.
            env={**environment_without_secrets(), **child_environment(), "HF_HUB_OFFLINE": "1"},
            preexec_fn=tethered(),
        )
        try:
            lines = _follow(child, job, listen)
            status = child.wait()
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
            if child.stdout is not None:
                child.stdout.close()
        if status:
            raise _failure(status, lines)

    return run


def _follow(
    child: subprocess.Popen[bytes], job: Job, listen: Callable[[str], None]
) -> Sequence[str]:
    """Pass on what a child says until it closes its output."""
    assert child.stdout is not None
    descriptor = child.stdout.fileno()
    kept: deque[str] = deque(maxlen=_LINES_KEPT)
    rest = b""
    while True:
        ready, _, _ = select.select([descriptor], [], [], _STOP_POLL_S)
        job.check_stop()
        if not ready:
            continue
        data = os.read(descriptor, 65_536)
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        *whole, rest = _BREAK.split(rest + data)
        for raw in [*whole, *([rest] if not data else [])]:
            text = raw.decode("utf-8", "replace").strip()
            if text:
                kept.append(text)
                listen(text)
        if not data:
            return kept
