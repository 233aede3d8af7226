"""A model worker: ``python -m engine.serve.worker --gguf FILE [--adapter FILE]``.

One process, one GGUF, one request at a time. With an adapter there are two models of the same
weights, ``base`` and ``tuned``, each with a context and a thread of its own; a request says in
``model`` which one it means. It listens on 127.0.0.1 alone, asks every
request for the bearer token that its parent put into its environment, and ends when its
parent does. The first line of its stdout is a JSON object with its port; all else that it
or llama.cpp prints goes to stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import socket
import sys
import threading
from pathlib import Path
from typing import TextIO

from engine.serve.application import make_app
from engine.serve.beside import WATCHED, Beside
from engine.serve.generation import Model
from engine.serve.protocol import BASE, BEARER_VARIABLE, ORPHANED, REFUSED, TUNED

_PARENT_POLL_S = 1.0


def _end_with_parent(parent: int) -> None:
    """End this process when its parent is gone.

    The parent holds the other end of stdin, which the kernel closes whatever ended it. Its
    id is looked at as well, since another child of it may have inherited that end.
    (A parent-death signal would not do: it is sent when the *thread* that started the
    child ends.)
    """
    while os.getppid() == parent:
        ready, _, _ = select.select([0], [], [], _PARENT_POLL_S)
        if ready and not os.read(0, 4096):
            break
    os._exit(ORPHANED)


def _private_stdout() -> TextIO:
    """Keep stdout for the port's line, and send what libraries print there to stderr."""
    stdout = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return stdout


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gguf", type=Path, required=True)
    parser.add_argument("--adapter", type=Path, default=None)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--context", type=int, default=2048)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--watch", nargs="*", choices=WATCHED, default=WATCHED)
    parser.add_argument("--gpu-layers", type=int, default=-1)
    parser.add_argument("--tokenizer-dir", type=Path, default=None)
    parser.add_argument("--parent", type=int, required=True)
    return parser.parse_args()


def _load(options: argparse.Namespace, threads: int, beside: Beside) -> dict[str, Model]:
    """Load the file, and compute once with each model of it.

    Raises:
        ValueError: llama.cpp refused the file or the adapter.
        RuntimeError: It failed to compute.
    """
    model = Model(
        options.gguf,
        context=options.context,
        threads=threads,
        gpu_layers=options.gpu_layers,
        free=beside.threads,
    )
    models = {options.gguf.stem: model}
    if options.adapter is not None:
        models = {BASE: model, TUNED: model.with_adapter(options.adapter)}
    for one in models.values():
        one.warm_up()
    return models


def main() -> int:
    """Load the model, say the port, and serve until the parent goes."""
    options = _options()
    said = _private_stdout()
    bearer = os.environ.pop(BEARER_VARIABLE, "")
    if not bearer:
        print(f"{BEARER_VARIABLE} is not set", file=sys.stderr)
        return 2
    watch = threading.Thread(target=_end_with_parent, args=(options.parent,), daemon=True)
    watch.start()
    threads = options.threads or os.cpu_count() or 1
    beside = Beside(threads, parent=options.parent, watch=options.watch)
    beside.start()
    try:
        models = _load(options, threads, beside)
    except (ValueError, RuntimeError) as error:
        print(f"llama.cpp refused the file: {error}", file=sys.stderr, flush=True)
        return REFUSED
    import uvicorn

    app = make_app(models, bearer=bearer, tokenizer_dir=options.tokenizer_dir, free=beside.threads)
    listener = socket.create_server(("127.0.0.1", options.port))
    server = uvicorn.Server(
        uvicorn.Config(
            app, log_level="warning", access_log=False, lifespan="off", server_header=False
        )
    )
    context = min(model.context for model in models.values())
    said.write(json.dumps({"port": listener.getsockname()[1], "context": context}) + "\n")
    said.flush()
    server.run(sockets=[listener])
    # The process ends with them; a context that computes must not be freed under it.
    return 0


if __name__ == "__main__":
    sys.exit(main())
