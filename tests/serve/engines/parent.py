"""A process that starts an engine, says its processes, and waits: ``… NAME FILE``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import psutil

from engine.serve.engines.base import EngineKind, EngineOptions, Served
from engine.serve.engines.choice import choose
from engine.serve.engines.native import Native

PROGRAM = Path(__file__).parent / "programs" / "llama-server"


async def main(name: str, path: Path) -> None:
    """Start an engine, and wait for the end of the input."""
    model = Served("tiny", path)
    # A program that is kept by a process: both have to end.
    kept = Native(str(PROGRAM), wheel=False)
    kind: EngineKind = kept if name == "kept" else choose(name, model)  # type: ignore[arg-type]
    engine = await kind.start(model, EngineOptions(context=256, slots=1, threads=1))
    children = psutil.Process(engine.pid).children()
    print(engine.pid, *(child.pid for child in children), flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
