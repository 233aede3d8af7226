"""A started engine: its process watched, spoken to and ended."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import threading
from pathlib import Path
from typing import Any

import httpx

from engine import paths
from engine.errors import EngineFailed, FinetuiError, GgufDamaged, WorkerDied
from engine.failures import speaks_of_memory
from engine.serve.engines.base import EngineName, Served
from engine.serve.engines.launch import Launched
from engine.serve.logs import last_words, tail
from engine.serve.protocol import REFUSED

# How a process ends in which llama.cpp gave up on a file.
GAVE_UP = {signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}
_CONNECT_S = 10.0
# Shorter than the 5 s after which servers close an idle connection.
_IDLE_S = 2.0
_PF_EXITING = 0x4  # linux/sched.h
_REASON = re.compile(r"error loading model: (.+)")
_NO_SOCKET = "HTTP server error"
_ALLOCATE = ("failed to allocate", "unable to allocate", "out of memory")


class Running:
    """An engine's process, from its start on; it is an :class:`engine.serve.engines.base.Engine`.

    Make it in a running event loop, and use it there.

    Args:
        name: Which engine it is.
        model: What it loads.
        launched: Its process.
        log: Where the process writes; removed by :meth:`close` unless the process ended by itself.
        family: Whether it has processes of its own, whose memory counts too.
    """

    def __init__(
        self,
        name: EngineName,
        model: Served,
        launched: Launched,
        log: Path,
        *,
        family: bool = False,
    ) -> None:
        self.name = name
        self.model = model
        self.pid = launched.process.pid
        self.context = 0
        self.slots = 1
        self.leaves_out: frozenset[str] = frozenset()
        self.gives_vectors = False
        self.log = log
        self.socket = launched.socket
        self.client = socket_client(launched.socket, launched.key)
        self._launched = launched
        self._family = family
        self._closed = False
        loop = asyncio.get_running_loop()
        self._said: asyncio.Future[bytes] = loop.create_future()
        self._status: asyncio.Future[int] = loop.create_future()
        threading.Thread(target=self._watch, args=(loop,), daemon=True).start()

    def __repr__(self) -> str:
        # The key stays out of logs and tracebacks.
        return f"Running({self.name}, {self.model.id!r}, pid={self.pid}, alive={self.alive})"

    @property
    def alive(self) -> bool:
        """Whether its process runs; false from when its connections break on."""
        if self._closed or self._launched.process.poll() is not None:
            return False
        return not _exiting(self.pid)

    @property
    def memory(self) -> int:
        """Its resident memory and that of its children, in bytes; 0 when it has ended."""
        import psutil

        try:
            process = psutil.Process(self.pid)
            family = [process, *(process.children(recursive=True) if self._family else ())]
        except psutil.Error:
            return 0
        total = 0
        for member in family:
            with contextlib.suppress(psutil.Error):
                total += int(member.memory_info().rss)
        return total if self.alive else 0

    async def ready(self, timeout_s: float) -> bytes:
        """Wait until the process says its first line, and return it.

        Raises:
            GgufDamaged: It ended on the file.
            EngineFailed: It ended for another reason, or kept silent.
        """
        await asyncio.wait(
            (self._said, self._status), timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
        if self._said.done() and (line := self._said.result()):
            return line
        if not self._said.done():
            raise EngineFailed(
                f"the engine did not load {self.model.id} within {timeout_s:.0f} s",
                hint="a smaller quantisation loads faster; " + self._log_hint(),
            )
        raise await self.refusal()

    async def refusal(self) -> FinetuiError:
        """Return why the process ended while it loaded, once it has."""
        status = await asyncio.shield(self._status)
        name, words = self.model.path.name, self._reason()
        lines = " ".join(tail(self.log, 40))
        if speaks_of_memory(lines) or any(part in lines for part in _ALLOCATE):
            return EngineFailed(
                f"there is not enough memory for {name}: {words}",
                hint="take a smaller quantisation, context or number of slots; " + self._log_hint(),
            )
        refused = status == REFUSED and _NO_SOCKET not in lines
        if refused or (status < 0 and -status in GAVE_UP):
            message = f"the engine can't load {name}: {words}"
            if self.model.path.is_dir():
                return EngineFailed(message, hint=self._log_hint())
            again = "get the file again, or export it again with: finetui export RUN; "
            return GgufDamaged(message, hint=again + self._log_hint())
        return EngineFailed(self._how(status), hint=self._hint(status))

    async def ended(self) -> FinetuiError:
        """Wait until its process has ended, and return how, with its last words."""
        status = await asyncio.shield(self._status)
        if self._closed:
            return WorkerDied(f"the engine of {self.model.id} was closed")
        return WorkerDied(self._how(status), hint=self._hint(status))

    async def close(self) -> None:
        """End it, at once; closing again does nothing. What it computes is lost."""
        if self._closed:
            return
        died = not self.alive
        self._closed = True
        self._launched.kill()
        try:
            await asyncio.shield(self._status)
        finally:
            self._launched.end()
            if not died:
                self.log.unlink(missing_ok=True)
        await self.client.aclose()

    def _reason(self) -> str:
        """Return why a file was refused: llama.cpp's one line on it, else its last words."""
        found = (_REASON.search(line) for line in tail(self.log, 40))
        return next((match[1] for match in found if match), last_words(self.log))

    def _how(self, status: int) -> str:
        what = f"the engine of {self.model.id}"
        if status < 0:
            with contextlib.suppress(ValueError):
                name = signal.Signals(-status).name
                return f"{what} was ended by {name}: {last_words(self.log)}"
        return f"{what} ended with status {status}: {last_words(self.log)}"

    def _hint(self, status: int) -> str:
        if status == -signal.SIGKILL:
            return (
                "the machine may be out of memory: take a smaller quantisation, context or "
                "number of slots; " + self._log_hint()
            )
        return self._log_hint()

    def _log_hint(self) -> str:
        return "the log is " + paths.shell_path(self.log)

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Read the process's first line and wait for its end, in a thread."""
        process = self._launched.process
        assert process.stdout is not None
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            line = process.stdout.readline()
            loop.call_soon_threadsafe(_settle, self._said, line)
        status = process.wait()
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(_settle, self._said, b"")
            loop.call_soon_threadsafe(_settle, self._status, status)


def _exiting(pid: int) -> bool:
    """Return whether a process that can't be waited for yet is ending; known on Linux alone.

    The kernel sets the flag before it closes the process's connections.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return fields[0] in "ZX" or bool(int(fields[6]) & _PF_EXITING)
    except (FileNotFoundError, ProcessLookupError):
        # Another thread has just waited for it, and has not said so yet.
        return Path("/proc/self/stat").exists()
    except (OSError, ValueError, IndexError):
        return False


def _settle(future: asyncio.Future[Any], value: Any) -> None:
    if not future.done():
        future.set_result(value)


def socket_client(socket: Path, key: str) -> httpx.AsyncClient:
    """Return a client of a program that listens on a Unix socket.

    It waits for answers as long as it takes: whoever asks knows how long that may be.
    """
    return httpx.AsyncClient(
        transport=httpx.AsyncHTTPTransport(
            uds=str(socket),
            limits=httpx.Limits(
                max_connections=None, max_keepalive_connections=32, keepalive_expiry=_IDLE_S
            ),
        ),
        base_url="http://localhost",
        headers={"Authorization": f"Bearer {key}"},
        timeout=httpx.Timeout(None, connect=_CONNECT_S),
        trust_env=False,
    )
