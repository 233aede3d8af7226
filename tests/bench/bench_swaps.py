"""What clients notice of a change of models: ``python -m tests.bench.bench_swaps [GGUF GGUF]``.

Four clients ask without a pause, a few tokens each, while the model is changed again and again:

- *beside*: the new engine starts while the old one answers
- *in between*: both don't fit (a limit says so), and requests wait
- *by hand*, the peer: llama.cpp's own server is ended and started with the other file

For each: requests that failed, the longest time in which no request was answered, and how long
the change took. Medians over the changes; two tiny models where no files are named.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from engine.gateway.changing.room import Room
from engine.gateway.changing.rules import Rules
from engine.gateway.changing.switch import Switch
from engine.gateway.spec import Wanted
from engine.serve.engines.base import Engine, EngineOptions, Served
from engine.serve.engines.choice import choose
from tests.support.two_models import make_models

CLIENTS, CHANGES, TOKENS = 4, 6, 8
OPTIONS = EngineOptions(context=512, slots=CLIENTS, threads=1, gpu_layers=0)

Asked = Callable[[], Awaitable[None]]


@dataclass
class Seen:
    """What clients have seen: when requests were answered, and how many failed."""

    answered: list[float] = field(default_factory=list)
    failed: int = 0

    def gap(self, begun: float, ended: float) -> float:
        """Return the longest time without an answer between two moments, in seconds."""
        times = [at for at in self.answered if begun <= at <= ended]
        marks = [begun, *times, ended]
        return max(later - at for at, later in itertools.pairwise(marks))


@asynccontextmanager
async def clients(ask: Asked) -> AsyncIterator[Seen]:
    """Ask without a pause meanwhile."""
    seen = Seen()

    async def one() -> None:
        while True:
            try:
                await ask()
                seen.answered.append(time.monotonic())
            except (httpx.HTTPError, RuntimeError):  # a closed client raises the latter
                seen.failed += 1
                await asyncio.sleep(0.01)

    tasks = [asyncio.create_task(one()) for _ in range(CLIENTS)]
    try:
        await asyncio.sleep(0.5)
        yield seen
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def complete(engine: Engine) -> None:
    """Ask an engine for a few tokens."""
    body = {"prompt": "Hello", "max_tokens": TOKENS, "temperature": 0}
    (await engine.client.post("/v1/completions", json=body)).raise_for_status()


def served(path: Path) -> Served:
    """Return the model of a file."""
    return Served(path.stem, path)


async def by_switch(files: list[Path], room: Room) -> None:
    """Change models behind a switch."""
    switch = Switch(
        lambda wanted: served(Path(wanted.path)),
        lambda model: choose("native", model),
        OPTIONS,
        Rules(room=room),
    )
    await switch.open(Wanted(path=str(files[0])))

    async def ask() -> None:
        async with switch.lease() as engine:
            await complete(engine)

    async def change(file: Path) -> None:
        await switch.reload(Wanted(path=str(file)))

    await measure("in between" if room.limit else "beside", files, ask, change)
    await switch.close()


async def by_hand(files: list[Path]) -> None:
    """End llama.cpp's own server and start it with the other file."""
    kind = choose("native", served(files[0]))
    engines = [await kind.start(served(files[0]), OPTIONS)]

    async def ask() -> None:
        await complete(engines[-1])

    async def change(file: Path) -> None:
        await engines[-1].close()
        engines.append(await kind.start(served(file), OPTIONS))

    await measure("by hand", files, ask, change)
    await engines[-1].close()


async def measure(
    name: str, files: list[Path], ask: Asked, change: Callable[[Path], Awaitable[None]]
) -> None:
    """Change models under clients, and print what they saw."""
    gaps, took = [], []
    async with clients(ask) as seen:
        for number in range(CHANGES):
            begun = time.monotonic()
            await change(files[(number + 1) % 2])
            took.append(time.monotonic() - begun)
            await asyncio.sleep(0.5)
            gaps.append(seen.gap(begun, time.monotonic()))
    gap, seconds = statistics.median(gaps), statistics.median(took)
    asked = len(seen.answered) + seen.failed
    print(f"{name:>10}  {seen.failed:>6} of {asked:>6}  {gap:>8.2f} s  {seconds:>8.2f} s")


async def main(arguments: list[str]) -> None:
    """Measure all three in turn."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "gguf"
        files = [Path(one) for one in arguments]
        if not files:
            make_models(made)
            files = [made / "one.gguf", made / "two.gguf"]
        print(f"{'':>10}  {'failed':>16}  {'no answer':>10}  {'change':>10}")
        await by_switch(files, Room())
        await by_switch(files, Room(limit=1))
        await by_hand(files)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
