"""Long steps in a child process that reports on its standard output, one JSON document a line.

The child prints ``{"done": n, "total": n}`` while it works and, when it fails,
``{"error": {"code", "message", "hint"}}``; everything else it prints is kept as
its log's tail.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.errors import BaseError, BaseInvalid, BaseMissing, DiskFull, FinetuiError

Progress = Callable[[int, int], None]

_ERRORS: dict[str, type[FinetuiError]] = {
    error.code: error for error in (BaseMissing, BaseInvalid, DiskFull)
}
_TAIL = 12


def quiet(done: int, total: int) -> None:
    """Report progress to nobody."""


def report(done: int, total: int) -> None:
    """Print a line of progress, in the child."""
    print(json.dumps({"done": done, "total": total}), flush=True)


def run_step(main: Callable[[Sequence[str]], None], arguments: Sequence[str]) -> int:
    """Run a child's body and print its named failure.

    Returns:
        The child's exit status.
    """
    try:
        main(arguments)
    except FinetuiError as error:
        print(json.dumps({"error": error.as_dict()}), flush=True)
        return 1
    except OSError as error:
        if error.errno != 28:  # ENOSPC
            raise
        full = DiskFull("the disk is full", hint="free some space and try again")
        print(json.dumps({"error": full.as_dict()}), flush=True)
        return 1
    return 0


def run_child(
    module: str,
    arguments: Sequence[str],
    progress: Progress,
    *,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run ``python -m module arguments`` and pass its progress on.

    The child ends with the caller: an exception here, a Ctrl-C too, stops it.

    Raises:
        BaseMissing: The child found no such model.
        BaseInvalid: The child could not use the model.
        DiskFull: The child had no room.
        BaseError: The child ended without saying why; the message has its last lines.
    """
    child = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, **(environment or {})},
    )
    assert child.stdout is not None
    tail: deque[str] = deque(maxlen=_TAIL)
    failure: dict[str, str] | None = None
    try:
        for line in child.stdout:
            message = _parse(line)
            if message is None:
                tail.append(line.rstrip())
            elif "error" in message:
                failure = message["error"]
            else:
                progress(int(message["done"]), int(message["total"]))
        status = child.wait()
    finally:
        if child.poll() is None:
            child.terminate()
            child.wait()
        child.stdout.close()
    if failure is not None:
        kind = _ERRORS.get(failure["code"], BaseError)
        raise kind(failure["message"], hint=failure["hint"])
    if status != 0:
        lines = "\n".join(tail)
        raise BaseError(
            f"{module} ended with status {status}:\n{lines}",
            hint="finetui doctor says whether everything that it needs is installed",
        )


def _parse(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        message = json.loads(line)
    except ValueError:
        return None
    if isinstance(message, dict) and ("error" in message or {"done", "total"} <= message.keys()):
        return message
    return None
