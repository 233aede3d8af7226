"""How a command begins and ends, whatever the streams, the system and the code do.

One net under all verbs: what they raise becomes a named failure on stderr (and as JSON), and the
exit status 1. A traceback is never printed: it would show private text.
"""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from typing import Any, TextIO

import click

from engine.cli.common import report
from engine.errors import FinetuiError, OutputLost
from engine.failures import named
from engine.modes import begin as begin_private

_PIPE_CLOSED = 1


def begin() -> None:
    """Prepare this process: private files, and streams that take every text."""
    begin_private()
    _open_standard_streams()
    for stream in (sys.stdout, sys.stderr):
        # An 8-bit locale has no marks such as a tick; what it has not is replaced.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None and getattr(stream, "errors", "") in ("strict", None):
            reconfigure(errors="replace")


def _open_standard_streams() -> None:
    """Put something in the place of streams that the caller closed.

    Else the database would get the number of the output, and be printed into.
    """
    missing = [number for number in (0, 1, 2) if not _is_open(number)]
    while missing:
        number = os.open(os.devnull, os.O_RDWR)
        if number not in missing:
            os.close(number)
            break
        missing.remove(number)
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, _nowhere(number))
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115


def _nowhere(number: int) -> TextIO:
    return open(number, "w", encoding="utf-8", errors="replace", closefd=False)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def ended(error: BaseException, *, as_json: bool) -> int:
    """Say what ended a command, and return the exit status.

    Args:
        error: What was raised.
        as_json: Whether the command was asked for JSON.
    """
    if isinstance(error, KeyboardInterrupt | click.Abort):
        _say("interrupted")
        return 130
    if isinstance(error, click.ClickException):
        with suppress(Exception):
            error.show()
        return 2
    if isinstance(error, BrokenPipeError) and _was_printing(error):
        _output_is_lost()
        return _PIPE_CLOSED  # such as `finetui examples list | head`: nobody wants to know more
    failure = _output_is_lost() or (_lost(error) if _was_printing(error) else None)
    found = failure or named(error)
    try:
        return report(found, as_json=as_json and failure is None)
    except Exception as second:  # that can't be written either; stderr may still be read
        _output_is_lost()
        with suppress(Exception):
            report(_lost(second), as_json=False)
            report(found, as_json=False)
        return 1


def _was_printing(error: BaseException) -> bool:
    """Say whether an error of the system came from printing: it names no path by which to tell."""
    trace = error.__traceback__
    if trace is None or not isinstance(error, OSError):
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    return trace.tb_frame.f_code is click.echo.__code__


def finish(status: int) -> int:
    """Write what is still held of the output; what can't be written is a failure.

    Returns:
        The exit status.
    """
    failure = _output_is_lost()
    if failure is None:
        return status
    if failure.message:
        with suppress(Exception):
            report(failure, as_json=False)
    return status or 1


def _output_is_lost() -> FinetuiError | None:
    """Return what is wrong with standard output, which then goes nowhere, if anything is.

    Python would try to write what it holds once more as it ends, and print about it.
    """
    lost: FinetuiError | None = None
    for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError) as error:
            if number == 1:
                lost = _lost(error)
            _to_nowhere(stream, number)
    return lost


def _lost(error: BaseException) -> FinetuiError:
    if getattr(error, "errno", None) == errno.EPIPE:
        return OutputLost("")  # whoever reads it has enough
    reason = getattr(error, "strerror", None) or str(error)
    return OutputLost(
        f"the output can't be written: {reason}",
        hint="what the command did is done; send the output elsewhere to see it",
    )


def _to_nowhere(stream: Any, number: int) -> None:
    with suppress(OSError, ValueError, AttributeError):
        number = stream.fileno()
    with suppress(OSError):
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, number)
        os.close(sink)


def _say(text: str) -> None:
    with suppress(Exception):
        click.echo(text, err=True)
