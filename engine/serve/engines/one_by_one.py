"""A model that answers one request at a time: ``python -m engine.serve.engines.one_by_one MODEL``.

MODEL is a GGUF, loaded through llama-cpp-python, or a folder, loaded through transformers. The
first line of its standard input is a JSON object of options, a socket's path and a key. It
listens on that Unix socket alone, asks for the key, says its context in a line of JSON, and ends
when its standard input does, whatever ended the process that held the other end.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import sys
import threading
from pathlib import Path
from typing import Any, Protocol

from engine.serve.application import make_app
from engine.serve.beside import Beside
from engine.serve.generation import Answering, Model
from engine.serve.protocol import ORPHANED, REFUSED


class _Loaded(Answering, Protocol):
    def warm_up(self) -> None: ...


def _end_with_parent(folder: Path) -> None:
    """End this process when the other end of its standard input is closed."""
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(ORPHANED)


def _load(path: Path, given: dict[str, Any], beside: Beside) -> _Loaded:
    context, threads = int(given["context"]), int(given["threads"])
    if not path.is_dir():
        return Model(
            path,
            context=context,
            threads=threads,
            gpu_layers=int(given["gpu_layers"]),
            free=beside.threads,
        )
    from engine.serve.engines.folder import FolderModel

    return FolderModel(
        path,
        _path(given["adapter"]),
        _path(given["tokenizer_dir"]),
        context=context,
        threads=threads,
        gpu=given["gpu_layers"] != 0,
    )


def _path(value: str) -> Path | None:
    return Path(value) if value else None


def main(path: Path) -> int:
    """Load the model and serve until standard input ends."""
    given = json.loads(sys.stdin.buffer.readline())
    said = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # What libraries print goes to the log.
    place = Path(given["socket"])
    threading.Thread(target=_end_with_parent, args=(place.parent,), daemon=True).start()
    beside = Beside(int(given["threads"]), parent=os.getppid())
    beside.start()
    try:
        model = _load(path, given, beside)
        model.warm_up()
    except Exception as error:  # Libraries raise whatever a file makes them stumble over.
        words = " ".join(str(error).split())
        print(f"error loading model: {type(error).__name__}: {words}", file=sys.stderr, flush=True)
        return REFUSED
    import uvicorn

    tokenizer_dir = _path(given["tokenizer_dir"]) or (path if path.is_dir() else None)
    app = make_app(
        {given["alias"]: model},
        bearer=given["key"],
        tokenizer_dir=tokenizer_dir,
        free=beside.threads,
        adds=True,
    )
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(place))
    listener.listen()
    server = uvicorn.Server(
        uvicorn.Config(
            app, log_level="warning", access_log=False, lifespan="off", server_header=False
        )
    )
    said.write(json.dumps({"context": model.context}) + "\n")
    said.flush()
    server.run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
