"""Running pip: its lines become progress, and its failures get a name."""

from __future__ import annotations

import errno
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal

from engine.child import environment_without_secrets
from engine.modes import persons

Phase = Literal["looking", "downloading", "building", "installing"]

_LOOK_SECONDS = 1.0
_TAIL = 40
_FETCHED = re.compile(r"\s*Downloading (\S+) \(([\d.]+) ([kMG])B\)")
_BUILT = re.compile(r"\s*Building wheel for (\S+)")
_STEP = re.compile(r"\s*\[\s*(\d+)(?:/(\d+)|%)\]")
_UNITS = {"k": 1e3, "M": 1e6, "G": 1e9}
_UNHEARD = (
    "after connection broken by",
    "Failed to establish a new connection",
    "Temporary failure in name resolution",
    "Name or service not known",
    "nodename nor servname provided",
    "Network is unreachable",
    "No route to host",
    "Connection refused",
    "ConnectTimeoutError",
    "ProxyError",
)
_TELLING = re.compile(r"\s*(Collecting |Downloading \S+ \(|Building wheel|Successfully |ERROR)")


@dataclass(frozen=True, slots=True)
class Moved:
    """Where pip is.

    Attributes:
        phase: What it does.
        what: The package that it does it with; empty where it is about many.
        done: Bytes or steps done, 0 where unknown.
        total: Bytes or steps in all, 0 where unknown.
    """

    phase: Phase
    what: str = ""
    done: int = 0
    total: int = 0


Tell = Callable[[Moved], None]
Echo = Callable[[str], None]


def silent(line: str) -> None:
    """Show a line to nobody."""


class PipFailed(Exception):
    """pip ended with an error.

    Attributes:
        reason: What went wrong, in a line.
        offline: Whether no package index could be reached.
        full: Whether the disk is full.
    """

    def __init__(self, reason: str, *, offline: bool = False, full: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.offline = offline
        self.full = full


@dataclass(slots=True)
class _Reader:
    """Follows pip's lines, and looks how far a download is by the file that it fills."""

    tell: Tell
    scratch: Path
    now: Moved = field(default_factory=lambda: Moved("looking"))
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=_TAIL))

    def line(self, text: str) -> None:
        self.tail.append(text)
        if found := _FETCHED.match(text):
            name = found[1].rpartition("/")[2]
            size = int(float(found[2]) * _UNITS[found[3]])
            self._move(Moved("downloading", "-".join(name.split("-")[:2]), 0, size))
        elif found := _BUILT.match(text):
            self._move(Moved("building", found[1]))
        elif self.now.phase == "building" and (found := _STEP.match(text)):
            self._move(Moved("building", self.now.what, int(found[1]), int(found[2] or 100)))
        elif text.startswith("Installing collected packages"):
            self._move(Moved("installing"))
        elif text.startswith(("Collecting ", "Processing ")) and self.now.phase == "downloading":
            self._move(Moved("looking"))

    def idle(self) -> None:
        if self.now.phase == "downloading":
            # pip fills it in a folder of its own, under the name that it has in the end.
            files = self.scratch.glob(f"pip-unpack-*/{self.now.what}-*")
            done = min(max((_size(path) for path in files), default=0), self.now.total)
            self._move(Moved("downloading", self.now.what, done, self.now.total))

    def _move(self, moved: Moved) -> None:
        if moved != self.now:
            self.now = moved
            self.tell(moved)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def run(
    arguments: Sequence[str],
    *,
    scratch: Path,
    log: IO[bytes],
    tell: Tell,
    echo: Echo = silent,
    environment: dict[str, str] | None = None,
    lock: int | None = None,
) -> None:
    """Run ``pip install arguments`` and follow it.

    Args:
        arguments: What to install, and how.
        scratch: A folder for what pip fetches and builds.
        log: Takes every line.
        tell: Is told where pip is, whenever that changes.
        echo: Is given the lines that say something to a person.
        environment: Variables beside this process's own.
        lock: The descriptor of the installation's lock, which pip holds as well.

    Raises:
        PipFailed: pip ended with an error.
    """
    command = [
        sys.executable,
        "-P",
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-input",
    ]
    # Bytecode is compiled afterwards, in the background: it takes as long as all the rest.
    command += ["--disable-pip-version-check", "--progress-bar", "off", "--no-compile"]
    command += arguments
    variables = {**environment_without_secrets(), "TMPDIR": str(scratch), "PYTHONUNBUFFERED": "1"}
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**variables, **(environment or {})},
        pass_fds=() if lock is None else (lock,),
        umask=persons(),  # packages are no private data: others may use the same environment
    )
    reader = _Reader(tell, scratch)
    assert child.stdout is not None
    try:
        for line in _lines(child.stdout, reader.idle):
            log.write(line.encode("utf-8", "replace") + b"\n")
            log.flush()
            reader.line(line)
            if _TELLING.match(line):
                echo(line.strip())
        status = child.wait()
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGINT)  # pip takes back what it has half installed
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        child.stdout.close()
    if status:
        raise _failure(list(reader.tail), status)


def _lines(stream: IO[bytes], idle: Callable[[], None]) -> Iterator[str]:
    rest, looked = b"", time.monotonic()
    while True:
        ready, _, _ = select.select([stream], [], [], _LOOK_SECONDS)
        if time.monotonic() - looked >= _LOOK_SECONDS:
            looked = time.monotonic()
            idle()
        if not ready:
            continue
        data = os.read(stream.fileno(), 65_536)
        if not data:
            break
        *lines, rest = (rest + data).split(b"\n")
        yield from (line.decode("utf-8", "replace").rstrip("\r") for line in lines)
    if rest:
        yield rest.decode("utf-8", "replace")


def _failure(tail: list[str], status: int) -> PipFailed:
    text = "\n".join(tail)
    if any(words in text for words in _UNHEARD):
        return PipFailed("pip can't reach its package index", offline=True)
    if os.strerror(errno.ENOSPC) in text:
        return PipFailed("the disk is full", full=True)
    # The first error is the cause; what follows is advice on it.
    errors = [line.strip().removeprefix("ERROR: ") for line in tail if "error:" in line.lower()]
    told = errors[0] if errors else tail[-1].strip() if tail else "it said nothing"
    return PipFailed(f"pip ended with status {status}: {told[:200]}")
