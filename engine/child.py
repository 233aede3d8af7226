"""Long steps in a child process that reports on its standard output, one JSON document a line.

The child prints ``{"done": n, "total": n}`` while it works, ``{"result": …}`` when it is
done, and when it fails ``{"error": {"code", "message", "hint"}}``; everything else it
prints is kept as its log's tail.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import sysconfig
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import engine
from engine.errors import FinetuiError
from engine.failures import named, of_child
from engine.tether import tethered

Progress = Callable[[int, int], None]

_TAIL = 12
_LOOK_SECONDS = 0.2
_CALLER_SECONDS = 1.0


SECRETS = ("FINETUI_MEMORY_TOKEN", "FINETUI_API_KEY", "FINETUI_SERVE_TOKEN", "OPENAI_API_KEY")
"""Variables that hold what a process must not have that has no use for it."""


def environment_without_secrets() -> dict[str, str]:
    """Return this process's environment without tokens and keys for other programs."""
    return {name: value for name, value in os.environ.items() if name not in SECRETS}


def child_environment() -> dict[str, str]:
    """Return the variables that a Python child of finetui needs beside this process's own.

    Its output is not buffered, and it finds ``engine`` wherever it is started. An
    installed package is found anyway; to name its folder would only put all of
    site-packages before the standard library.
    """
    # The present folder may be anybody's; no process below imports from it.
    variables = {"PYTHONUNBUFFERED": "1", "PYTHONSAFEPATH": "1"}
    root = Path(engine.__file__).resolve().parent.parent
    installed = {Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib")}
    if root not in installed and root.name not in ("site-packages", "dist-packages"):
        there = os.environ.get("PYTHONPATH", "")
        if str(root) not in there.split(os.pathsep):
            there = f"{root}{os.pathsep}{there}" if there else str(root)
        variables["PYTHONPATH"] = there
    return variables


class Cancelled(Exception):
    """The caller asked to stop, and the child has ended."""


def quiet(done: int, total: int) -> None:
    """Report progress to nobody."""


def never() -> bool:
    """Never ask to stop."""
    return False


def report(done: int, total: int) -> None:
    """Print a line of progress, in the child."""
    print(json.dumps({"done": done, "total": total}), flush=True)


def sparing() -> Progress:
    """Return progress that prints a line for every hundredth part, in the child."""
    told = -1

    def tell(done: int, total: int) -> None:
        nonlocal told
        share = 100 * done // total if total else 100
        if share != told:
            told = share
            report(done, total)

    return tell


def end_with_caller() -> None:
    """End this child when it is asked to, or when nobody is left who would take its result.

    It ends by an exception, so that processes that it started end too. It looks by a
    timer, not a thread: a process with threads could not start others to work along.
    """
    caller = os.getppid()

    def look(*_: object) -> None:
        if os.getppid() != caller:
            sys.exit(143)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, _CALLER_SECONDS, _CALLER_SECONDS)
    # A finishing interpreter gives up its handlers before its modules, which can take long.
    atexit.register(signal.setitimer, signal.ITIMER_REAL, 0)


def run_step(main: Callable[[Sequence[str]], Any], arguments: Sequence[str]) -> int:
    """Run a child's body and print its result, or its named failure.

    Returns:
        The child's exit status.
    """
    try:
        result = main(arguments)
    except Exception as error:
        print(json.dumps({"error": named(error).as_dict()}), flush=True)
        return 1
    if result is not None:
        print(json.dumps({"result": result}), flush=True)
    return 0


def run_child(
    module: str,
    arguments: Sequence[str],
    progress: Progress,
    *,
    environment: Mapping[str, str] | None = None,
    given: str = "",
    cancelled: Callable[[], bool] = never,
    otherwise: type[FinetuiError] = FinetuiError,
) -> Any:
    """Run ``python -m module arguments``, pass its progress on, and return its result.

    The child ends with the caller: an exception here, a Ctrl-C too, stops it.

    Args:
        module: What to run.
        arguments: Its arguments, which other users of the machine can see.
        progress: Called with what is done and what there is.
        environment: Variables beside the caller's own.
        given: Text for the child's standard input, which nobody else sees.
        cancelled: Asked several times a second whether to stop the child.
        otherwise: The class of an error that the child did not name.

    Raises:
        Cancelled: It was stopped as asked.
        FinetuiError: The child's named failure, as its own class; where it ended
            without saying why, with its last lines.
    """
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", module, *arguments],
        stdin=subprocess.PIPE if given else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **child_environment(), **(environment or {})},
        preexec_fn=tethered(),
    )
    assert child.stdout is not None
    tail: deque[str] = deque(maxlen=_TAIL)
    failure: dict[str, str] | None = None
    result: Any = None
    try:
        _give(child, given)
        for line in _lines(child.stdout, cancelled):
            message = _parse(line)
            if message is None:
                tail.append(line.rstrip())
            elif "error" in message:
                failure = message["error"]
            elif "result" in message:
                result = message["result"]
            else:
                progress(int(message["done"]), int(message["total"]))
        status = child.wait()
    finally:
        if child.poll() is None:
            child.terminate()
            child.wait()
        child.stdout.close()
    if failure is not None:
        kind = _errors().get(failure["code"], otherwise)
        raise kind(failure["message"], hint=failure["hint"])
    if status != 0:
        lines = "\n".join(tail)
        if (known := of_child(module, status, lines)) is not None:
            raise known
        raise otherwise(
            f"{module} ended with status {status}:\n{lines}",
            hint="finetui doctor says whether everything that it needs is installed",
        )
    return result


def _give(child: subprocess.Popen[bytes], given: str) -> None:
    if child.stdin is None:
        return
    try:
        child.stdin.write(given.encode("utf-8", "surrogatepass"))
        child.stdin.close()
    except BrokenPipeError:
        pass  # It ended already, and its last lines say why.


def _lines(stream: IO[bytes], cancelled: Callable[[], bool]) -> Iterator[str]:
    """Yield lines as they come; between them, ask whether to stop."""
    rest = b""
    while True:
        if cancelled():
            raise Cancelled
        if not select.select([stream], [], [], _LOOK_SECONDS)[0]:
            continue
        data = os.read(stream.fileno(), 65_536)
        if not data:
            break
        *lines, rest = (rest + data).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in lines)
    if rest:
        yield rest.decode("utf-8", "replace")


def _errors() -> dict[str, type[FinetuiError]]:
    found: dict[str, type[FinetuiError]] = {}
    pending: list[type[FinetuiError]] = [FinetuiError]
    while pending:
        kind = pending.pop()
        found[kind.code] = kind
        pending += kind.__subclasses__()
    return found


def _parse(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        message = json.loads(line)
    except ValueError:
        return None
    if not isinstance(message, dict):
        return None
    known = {"error", "result"} & message.keys() or {"done", "total"} <= message.keys()
    return message if known else None
