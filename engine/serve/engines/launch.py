"""Starting a program that serves a model on a private Unix socket.

The socket lies in a folder of its own that only its owner enters, and each program asks for a
random key, which goes through its standard input and is in no argument, file or variable.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from engine.child import child_environment, environment_without_secrets

PACKAGE = "xllamacpp"
SOCKET = "s.sock"  # llama.cpp knows by the ending that it is one.
# The longest path that a socket's address holds, less its name: 104 bytes on macOS.
_LONGEST_FOLDER = 80
_END_S = 5.0


@dataclass(frozen=True, slots=True)
class LlamaOptions:
    """How llama.cpp's server is started.

    Attributes:
        context: The context window of one request, in tokens.
        slots: How many requests are computed at once.
        threads: Threads for computing.
        gpu_layers: Layers put on a GPU, -1 for all.
        alias: The model's name in answers.
        connections: How many connections are served at once, those that are idle included.
        warm_up: Whether it computes once before it is ready.
        repack: Whether weights may be copied into a form that is faster to compute with.
        embeddings: Whether it answers with vectors.
        pooling: How a text's vector is made of its tokens': "mean", "cls" or "last"; empty takes
            what the file says.
        verbosity: What goes to the log: 1 errors, 2 warnings, 3 a few lines a request.
    """

    context: int
    slots: int = 1
    threads: int = 1
    gpu_layers: int = 0
    alias: str = ""
    connections: int = 64
    warm_up: bool = True
    repack: bool = True
    embeddings: bool = False
    pooling: str = ""
    verbosity: int = 2


@dataclass(slots=True)
class Launched:
    """A program that was started and may still be loading.

    Attributes:
        process: The program; its standard input keeps it alive.
        socket: Where it will listen.
        key: What it asks for, as a bearer token; kept out of the text form of this.
    """

    process: subprocess.Popen[bytes]
    socket: Path
    key: str = field(repr=False)

    def kill(self) -> None:
        """Kill it and what it started."""
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def end(self, grace_s: float = 0.0) -> None:
        """End it and remove its socket; blocks for a moment. Ending again does nothing.

        Args:
            grace_s: How long it may take to end by itself, in seconds.
        """
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        if grace_s:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(grace_s)
        self.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(_END_S)
        shutil.rmtree(self.socket.parent, ignore_errors=True)


def private_folder() -> Path:
    """Make a folder that only its owner enters, with a path short enough for a socket's."""
    folder = Path(tempfile.mkdtemp(prefix="finetui-"))
    if len(os.fsencode(folder)) <= _LONGEST_FOLDER:
        return folder
    folder.rmdir()
    return Path(tempfile.mkdtemp(prefix="finetui-", dir="/tmp"))


def launch(
    module: str,
    arguments: Sequence[str],
    given: Mapping[str, Any],
    *,
    log: BinaryIO | None = None,
    environment: Mapping[str, str] | None = None,
) -> Launched:
    """Start ``python -m module arguments`` and hand it a socket's path, a key and options.

    Args:
        module: The program.
        arguments: Its arguments, which other users of the machine can see.
        given: Options; with ``socket`` and ``key`` they are the first line of its standard input.
        log: Where its words go; this process's own standard error by default.
        environment: Variables beside this process's own, of which secrets are left out.
    """
    socket, key = private_folder() / SOCKET, secrets.token_urlsafe(32)
    try:
        process = subprocess.Popen(
            # The present folder may be anybody's; nothing is imported from it.
            [sys.executable, "-P", "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={
                **environment_without_secrets(),
                **child_environment(),
                # Without it ggml starts a debugger on its own process before it aborts.
                "GGML_NO_BACKTRACE": "1",
                **(environment or {}),
            },
            # Ctrl-C in the terminal is for this process, which then ends what it started.
            start_new_session=True,
        )
    except BaseException:
        shutil.rmtree(socket.parent, ignore_errors=True)
        raise
    launched = Launched(process, socket, key)
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        line = json.dumps({**given, "socket": str(socket), "key": key})
        process.stdin.write(line.encode() + b"\n")
        process.stdin.flush()
    return launched


def launch_llama(gguf: Path, options: LlamaOptions, *, log: BinaryIO | None = None) -> Launched:
    """Start llama.cpp's server around a file; it says "ready" on its standard output."""
    return launch("engine.serve.engines.llamacpp", [str(gguf)], asdict(options), log=log)
