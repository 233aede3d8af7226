"""Starting, watching and ending model workers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import select
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Collection, Sequence
from pathlib import Path
from types import TracebackType

from engine import paths
from engine.child import child_environment, environment_without_secrets
from engine.errors import GgufDamaged, ServeError, WorkerDied, WorkerTimeout
from engine.serve import client
from engine.serve.beside import WATCHED, cores
from engine.serve.client import Chunk
from engine.serve.header import read_header
from engine.serve.logs import LINES_SHOWN, last_words, new_log, tail
from engine.serve.protocol import BEARER_VARIABLE, REFUSED, RELOAD_ADAPTER
from engine.setup import require

START_TIMEOUT_S = 180.0
_END_TIMEOUT_S = 3.0
# How a process ends in which llama.cpp gave up on a file.
_GAVE_UP = {signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}


class Worker:
    """A process with one loaded GGUF.

    Start it with :meth:`start`, end it with :meth:`close` or a ``with``. It ends by itself
    when this process does, however that ends.

    Attributes:
        url: Where it listens, on the loopback.
        bearer: The token that it asks for.
        context: Its context window in tokens.
        log: Its log file; kept if it died, removed by :meth:`close`.
        load_s: How long it took to start, in seconds.
        adapter: The adapter of its second model; None where it has one model.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        *,
        gguf: Path,
        url: str,
        bearer: str,
        context: int,
        log: Path,
        load_s: float,
        adapter: Path | None = None,
    ) -> None:
        self._process = process
        self._closed = False
        self.gguf = gguf
        self.url = url
        self.bearer = bearer
        self.context = context
        self.log = log
        self.load_s = load_s
        self.adapter = adapter

    def __repr__(self) -> str:
        # The bearer token stays out of logs and tracebacks.
        return f"Worker(pid={self.pid}, url={self.url!r}, alive={self.alive})"

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @classmethod
    def start(
        cls,
        gguf: Path,
        *,
        adapter: Path | None = None,
        context: int = 2048,
        tokenizer_dir: Path | str = "",
        threads: int = 0,
        gpu_layers: int = -1,
        watch: Collection[str] = WATCHED,
        timeout_s: float = START_TIMEOUT_S,
    ) -> Worker:
        """Start a worker and wait until it has loaded the file and computed once.

        Blocks for as long as loading takes; may be called in any thread, and several may
        start at once in several threads.

        Args:
            gguf: The model file.
            adapter: A GGUF LoRA. The worker then has two models of the same weights, "base" and
                "tuned", of which each request names one.
            context: The context window in tokens; what the model was trained for, if that is less.
            tokenizer_dir: The base's directory, where ``/v1/chat/completions`` shall render by
                the engine's own tokenizer instead of the template in the GGUF.
            threads: Threads for computing; 0 takes all cores. It takes fewer while something
                else uses the processor.
            gpu_layers: Layers put on a GPU, -1 for all; without effect in a CPU build.
            watch: What makes it take fewer threads: "runs" that train on the processor, and any
                other "load".
            timeout_s: How long to wait, in seconds.

        Raises:
            GgufDamaged: The file is not whole, or llama.cpp refused it or gave up on it.
            WorkerDied: The process ended for another reason, for one for lack of memory.
            WorkerTimeout: It did not answer in time; it was ended.
            DependencyMissing: llama.cpp is not installed.
        """
        gguf = gguf.resolve()
        header = read_header(gguf)
        if adapter is not None:
            adapter = adapter.resolve()
            read_header(adapter)
        require("chat")
        context = min(context, header.context or context)
        started, bearer = time.monotonic(), secrets.token_urlsafe(32)
        log = new_log("workers", gguf.stem)
        process = _spawn(
            gguf,
            log,
            bearer,
            [
                f"--context={context}",
                f"--threads={threads or cores()}",
                f"--gpu-layers={gpu_layers}",
                "--watch",
                *watch,
                *([f"--adapter={adapter}"] if adapter is not None else []),
                *([f"--tokenizer-dir={Path(tokenizer_dir).resolve()}"] if tokenizer_dir else []),
            ],
        )
        try:
            said = _first_line(process, timeout_s)
            if said is None:
                raise WorkerTimeout(
                    f"the worker of {gguf.name} did not load it within {timeout_s:.0f} s",
                    hint="a smaller quantisation loads faster; the log is " + paths.shell_path(log),
                )
            if not said:
                raise _ended(process, gguf, log)
        except BaseException:
            _end(process)
            raise
        greeting = json.loads(said)
        return cls(
            process,
            gguf=gguf,
            url=f"http://127.0.0.1:{greeting['port']}",
            bearer=bearer,
            context=int(greeting["context"]),
            log=log,
            load_s=time.monotonic() - started,
            adapter=adapter,
        )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def log_tail(self, lines: int = LINES_SHOWN) -> tuple[str, ...]:
        """Return the last lines of the log."""
        return tail(self.log, lines)

    def close(self) -> None:
        """End the worker. Blocks for a moment; closing again does nothing."""
        if self._closed:
            return
        self._closed = True
        died = self._process.poll() is not None
        _end(self._process)
        if not died:
            self.log.unlink(missing_ok=True)

    def died(self) -> WorkerDied:
        """Return the error that says how this worker ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)  # A closed connection is seen before the process is gone.
        what = self.gguf.name
        if self.adapter is not None:
            what = f"both sides ({what} with {self.adapter.name})"
        return _died(self._process, what, self.log)

    async def stream(
        self,
        prompt_ids: Sequence[int],
        *,
        temperature: float,
        max_tokens: int,
        seed: int,
        stop_ids: Sequence[int] = (),
        threads: int = 0,
        model: str = "",
        timeout_s: float = client.SILENCE_TIMEOUT_S,
    ) -> AsyncGenerator[Chunk, None]:
        """Ask this worker; see :func:`engine.serve.client.stream`.

        Raises:
            WorkerDied: The worker ended; the message has the reason and its last words.
            WorkerTimeout: It kept silent for longer than ``timeout_s``.
            PromptTooLong: The prompt does not fit the context.
        """
        try:
            chunks = client.stream(
                self.url,
                prompt_ids,
                temperature=temperature,
                max_tokens=max_tokens,
                seed=seed,
                stop_ids=stop_ids,
                threads=threads,
                model=model,
                bearer=self.bearer,
                timeout_s=timeout_s,
            )
            async with contextlib.aclosing(chunks):
                async for chunk in chunks:
                    yield chunk
        except WorkerDied as error:
            raise self.died() from error

    def put_adapter(self, path: Path) -> None:
        """Put another adapter on the second model, with the base's weights as they are.

        Blocks; call it in a thread where an event loop runs. What is under way is answered
        first. Where the adapter is refused, the one before stays.

        Args:
            path: A GGUF LoRA.

        Raises:
            GgufDamaged: The file is not whole, or is for another base.
            WorkerDied: The worker ended; the message has the reason and its last words.
            WorkerTimeout: It kept silent for too long.
        """
        path = path.resolve()
        read_header(path)
        try:
            asyncio.run(
                client.post(self.url, RELOAD_ADAPTER, {"path": str(path)}, bearer=self.bearer)
            )
        except WorkerDied as error:
            raise self.died() from error
        except ServeError as error:
            raise GgufDamaged(
                error.message, hint="chat with the exported files: --weights files"
            ) from error
        self.adapter = path


def _spawn(gguf: Path, log: Path, bearer: str, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    environment = {
        **environment_without_secrets(),
        **child_environment(),
        BEARER_VARIABLE: bearer,
        # Without it ggml starts a debugger on its own process before it aborts.
        "GGML_NO_BACKTRACE": "1",
    }
    with log.open("wb") as output:
        return subprocess.Popen(
            [
                sys.executable,
                "-P",  # The present folder may be anybody's; nothing is imported from it.
                "-m",
                "engine.serve.worker",
                f"--gguf={gguf}",
                f"--parent={os.getpid()}",
                *arguments,
            ],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            # Ctrl-C in the terminal is for the parent, which then ends its workers.
            start_new_session=True,
        )


def _first_line(process: subprocess.Popen[bytes], timeout_s: float) -> bytes | None:
    """Return the worker's first line, nothing if it ended, None if it kept silent."""
    assert process.stdout is not None
    descriptor = process.stdout.fileno()
    deadline, line = time.monotonic() + timeout_s, bytearray()
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return None
        data = os.read(descriptor, 4096)
        if not data:
            return b""
        line += data
    return bytes(line)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    if process.stdout is not None:
        process.stdout.close()
    if process.poll() is None:
        # Nothing in a worker needs saving, so there is nothing to wait for.
        process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_END_TIMEOUT_S)


def _ended(process: subprocess.Popen[bytes], gguf: Path, log: Path) -> GgufDamaged | WorkerDied:
    """Return the error of a worker that ended while it loaded."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_END_TIMEOUT_S)
    status = process.returncode or 0
    if status == REFUSED or (status < 0 and -status in _GAVE_UP):
        return GgufDamaged(
            f"llama.cpp can't load {gguf.name}: {last_words(log)}",
            hint="export it again with: finetui export RUN; the log is " + paths.shell_path(log),
        )
    return _died(process, gguf.name, log)


def _died(process: subprocess.Popen[bytes], what: str, log: Path) -> WorkerDied:
    status = process.returncode
    if status is None:
        how = "closed the connection"
    elif status < 0:
        how = f"was ended by {signal.Signals(-status).name}"
    else:
        how = f"ended with status {status}"
    hint = "the log is " + paths.shell_path(log)
    if status == -signal.SIGKILL:
        hint = "the machine may be out of memory: take a smaller quantisation or context; " + hint
    return WorkerDied(f"the worker of {what} {how}: {last_words(log)}", hint=hint)
