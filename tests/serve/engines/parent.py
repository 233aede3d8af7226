"""A process that starts an engine, says the engine's process and socket, and waits: ``… FILE``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from engine.serve.engines.base import EngineOptions, Served
from engine.serve.engines.choice import choose


async def main() -> None:
    """Start an engine, and wait for the end of the input."""
    model = Served("tiny", Path(sys.argv[1]))
    options = EngineOptions(context=256, slots=1, threads=1)
    engine = await choose("native", model).start(model, options)
    print(engine.pid, flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
