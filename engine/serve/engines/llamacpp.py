"""llama.cpp's own server: ``python -m engine.serve.engines.llamacpp GGUF``.

Runs as a child, since llama.cpp ends its process on some files. The first line of its standard
input is a JSON object of :class:`engine.serve.engines.launch.LlamaOptions`, a socket's path and
a key. It listens on that Unix socket alone, asks for the key, says "ready", and ends when its
standard input does, whatever ended the process that held the other end.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

from engine.serve.protocol import ORPHANED, REFUSED


def end_while_loading(ends: bool) -> None:
    """Have the kernel end this process when its standard input ends, or no longer.

    Args:
        ends: Whether it does.

    Loading holds Python's lock, so that no thread could look. A pipe whose other end is closed
    sends SIGIO, which ends a process that does not handle it. Linux alone does so.
    """
    if not sys.platform.startswith("linux"):
        return
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(0, fcntl.F_GETFL)
    flags = flags | os.O_ASYNC if ends else flags & ~os.O_ASYNC
    fcntl.fcntl(0, fcntl.F_SETFL, flags)


def _parameters(gguf: str, given: dict[str, Any]) -> Any:
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = gguf
    parameters.hostnames = [given["socket"]]
    parameters.api_keys = [given["key"]]
    parameters.model_alias = {given["alias"]}
    parameters.n_ctx = given["context"] * given["slots"]
    parameters.n_parallel = given["slots"]
    # A connection that is kept alive holds a thread of the server's until it is closed.
    parameters.n_threads_http = given["connections"]
    parameters.n_gpu_layers = given["gpu_layers"]
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = given["threads"]
    parameters.warmup = given["warm_up"]
    parameters.no_extra_bufts = not given["repack"]
    parameters.fit_params = False  # Nothing is made smaller than it was asked for.
    parameters.cache_ram_mib = 0  # By default up to 8 GiB of former prompts are kept.
    parameters.cache_idle_slots = False
    parameters.ui = parameters.endpoint_slots = False
    parameters.endpoint_metrics = parameters.endpoint_props = False
    # A chat that ends with a turn of the assistant gets a new turn, as in OpenAI's API.
    parameters.prefill_assistant = False
    parameters.verbosity = given["verbosity"]
    if given["embeddings"]:
        parameters.embedding = True
        # One text is computed in one batch.
        parameters.n_batch = parameters.n_ubatch = max(512, given["context"])
        if given["pooling"]:
            pooling = f"LLAMA_POOLING_TYPE_{given['pooling'].upper()}"
            parameters.pooling_type = getattr(xllamacpp.llama_pooling_type, pooling)
    return parameters


def main(gguf: str) -> int:
    """Serve until standard input ends."""
    given = json.loads(sys.stdin.buffer.readline())
    said = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # What libraries print goes to the log.
    end_while_loading(True)
    import xllamacpp

    try:
        server = xllamacpp.Server(_parameters(gguf, given))
    except (RuntimeError, ValueError) as error:
        print(f"llama.cpp refused the file: {error}", file=sys.stderr, flush=True)
        return REFUSED
    end_while_loading(False)
    said.write("ready\n")
    said.flush()
    while os.read(0, 4096):
        pass
    # Nobody is left who would remove it, where the parent was killed.
    with contextlib.suppress(OSError):
        shutil.rmtree(Path(given["socket"]).parent)
    del server
    return ORPHANED


if __name__ == "__main__":
    status = main(sys.argv[1])
    sys.stderr.flush()
    os._exit(status)
