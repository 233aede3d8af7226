"""What ``bench_serve`` measures, each in a process of its own, told and answering in lines.

``python -m tests.bench.serve_peer ROLE GGUF SLOTS``: "process" is the engine in this process
without any HTTP, which answers a line that names a prompt and a number of tokens with seconds;
"bare" is llama.cpp's own server on a port; "gateway" is finetui's face over its native engine.
The last two say their port.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

CONTEXT = 512
TOKEN = "bench-token-0123456789"


def parameters(gguf: str, slots: int) -> Any:
    """Return how finetui's native engine starts llama.cpp, less its socket."""
    from engine.serve.engines.launch import LlamaOptions
    from engine.serve.engines.llamacpp import _parameters

    options = LlamaOptions(CONTEXT, slots, threads=1, connections=slots + 16, alias="bench")
    given = {name: getattr(options, name) for name in options.__slots__}
    made = _parameters(gguf, {**given, "socket": "127.0.0.1", "key": TOKEN})
    made.port = 0
    return made


def process(gguf: str, slots: int) -> None:
    """Answer in this process."""
    import xllamacpp

    server = xllamacpp.Server(parameters(gguf, slots))
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line) | {"stream": True}
        print(json.dumps(_timed(server, asked)), flush=True)


def _timed(server: Any, asked: dict[str, Any]) -> dict[str, float]:
    times = [time.perf_counter()]
    server.handle_completions(asked, lambda piece: times.append(time.perf_counter()))
    return {"first": times[1] - times[0], "all": times[-1] - times[0]}


def bare(gguf: str, slots: int) -> None:
    """Serve as llama.cpp does."""
    import xllamacpp

    server = xllamacpp.Server(parameters(gguf, slots))
    print(server.listening_address.rpartition(":")[2], flush=True)
    sys.stdin.read()


def gateway(gguf: str, slots: int) -> None:
    """Serve as finetui does, with one model that stays."""
    asyncio.run(_gateway(Path(gguf), slots))


async def _gateway(gguf: Path, slots: int) -> None:
    from engine.gateway.address import bind
    from engine.gateway.face.app import make_app
    from engine.gateway.face.listen import listen
    from engine.gateway.spec import ServeSpec, Wanted
    from engine.gateway.state import ServerState
    from engine.serve.engines.base import EngineOptions, Served
    from engine.serve.engines.native import Native

    options = EngineOptions(context=CONTEXT, slots=slots, threads=1, gpu_layers=0)
    engine = await Native().start(Served("bench", gguf), options)

    class One:
        state = ServerState(phase="serving")
        model = engine.model

        @asynccontextmanager
        async def lease(self) -> AsyncIterator[Any]:
            yield engine

        def count(self, **counts: Any) -> None: ...
        def wrote(self, tokens: int) -> None: ...
        async def reload(self, wanted: Wanted) -> Any: ...

    sock = bind("127.0.0.1", 0)
    app = make_app(One(), ServeSpec(gguf.parent, Wanted()), TOKEN)
    stop = asyncio.Event()
    serving = asyncio.ensure_future(listen(app, sock=sock, stop=stop))
    print(sock.getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    stop.set()
    await serving
    await engine.close()


if __name__ == "__main__":
    {"process": process, "bare": bare, "gateway": gateway}[sys.argv[1]](
        sys.argv[2], int(sys.argv[3])
    )
