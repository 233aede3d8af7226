"""finetui in a pseudo-terminal: what a person types, and what the program paints."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

_ESCAPES = re.compile(rb"\x1b\[[0-9;?<>=!]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)|\x1b[()].")


class Terminal:
    """A program in a pseudo-terminal, and what it has painted."""

    def __init__(self, *command: str, columns: int = 100, rows: int = 30) -> None:
        self.output = bytearray()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            # Given a size in the environment nothing asks the terminal for its own.
            environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
            environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execve(command[0], command, environment)

    def read(self, seconds: float = 0.05) -> None:
        """Take what comes within a moment."""
        if select.select([self._fd], [], [], seconds)[0]:
            with contextlib.suppress(OSError):
                self.output += os.read(self._fd, 65536)

    @property
    def text(self) -> str:
        """What was painted so far, without escape sequences; cells, not lines."""
        return _ESCAPES.sub(b"", bytes(self.output)).decode("utf-8", "replace")

    def until(self, pattern: str, seconds: float = 40.0) -> None:
        """Wait until what a pattern describes was painted."""
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.text):
            self.read()
            assert time.monotonic() < deadline, f"never painted {pattern!r}:\n{self.text[-2000:]}"

    def type(self, keys: str) -> None:
        """Press keys, all at once; forget what was painted before."""
        self.output.clear()
        os.write(self._fd, keys.encode())

    def kill(self) -> None:
        """End the program as a power cut would."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def hang_up(self) -> None:
        """Close the terminal, as a window or a line is closed."""
        os.close(self._fd)
        self._fd = os.open(os.devnull, os.O_RDONLY)

    def ended(self, seconds: float = 40.0) -> int:
        """Wait for the program's end and return its status."""
        deadline = time.monotonic() + seconds
        while True:
            self.read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.read()
                return os.waitstatus_to_exitcode(status)
            assert time.monotonic() < deadline, f"never ended:\n{self.text[-2000:]}"

    def close(self) -> None:
        """Leave nothing behind."""
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            self.kill()
        os.close(self._fd)


@contextlib.contextmanager
def finetui(root: Path) -> Iterator[Terminal]:
    """Start the app on a workspace in a terminal."""
    terminal = Terminal(sys.executable, "-m", "tui", "--workspace", str(root))
    try:
        yield terminal
    finally:
        terminal.close()
