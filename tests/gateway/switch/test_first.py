"""The first load of a server: what may happen before it is done, and that nothing is left of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from engine.errors import EngineAway, GgufDamaged, RunUnfinished
from engine.gateway.changing.lend import Taker, built_for_gpus, for_gpus, nobody
from engine.gateway.changing.rules import Rules
from engine.gateway.changing.switch import Switch
from engine.gateway.face.app import make_app
from engine.gateway.resolve import Resolver
from engine.gateway.spec import ServeSpec, Wanted
from engine.serve.engines.base import EngineOptions, Served
from engine.serve.engines.native import Native
from tests.gateway.switch.held import Held
from tests.support.tiny_export import RUN

LIMIT_S = 60


class Bench:
    """A switch whose loads are held.

    Attributes:
        kind: What loads.
        switch: The switch.
        found: Set where models may be found.
        opening: The first load.
    """

    def __init__(
        self, models: Path, first: str, *held: str, taker: Taker = nobody, gpu_layers: int = 0
    ) -> None:
        self._models = models
        self.kind = Held(*held)
        self.found = threading.Event()
        self.switch = Switch(
            self._find, lambda model: self.kind,
            EngineOptions(context=512, slots=1, threads=1, gpu_layers=gpu_layers),
            Rules(look_s=0.02, wait_s=0.01), taker=taker,
        )  # fmt: skip
        self.found.set()
        self.opening = asyncio.create_task(self.switch.open(self.wanted(first)))

    def wanted(self, name: str) -> Wanted:
        return Wanted(path=str(self._models / f"{name}.gguf"))

    def _find(self, wanted: Wanted) -> Served:
        assert self.found.wait(LIMIT_S)
        return Served(Path(wanted.path).stem, Path(wanted.path))


def engines() -> set[int]:
    return {one.pid for one in psutil.Process().children() if one.status() != psutil.STATUS_ZOMBIE}


@asynccontextmanager
async def opened(
    models: Path, first: str, *held: str, taker: Taker = nobody, gpu_layers: int = 0
) -> AsyncIterator[Bench]:
    """Begin a first load, and see at the end that no engine is left."""
    before = engines()
    bench = Bench(models / "gguf", first, *held, taker=taker, gpu_layers=gpu_layers)
    try:
        async with asyncio.timeout(LIMIT_S):
            yield bench
    finally:
        bench.found.set()
        await bench.switch.close()
        bench.opening.cancel()
        await asyncio.wait((bench.opening,))
    assert engines() <= before


async def test_a_reload_takes_the_place_of_the_first_load(models: Path) -> None:
    before = engines()
    async with opened(models, "one", "one") as bench:
        await bench.kind.asked.wait()
        assert (await bench.switch.reload(bench.wanted("two"))).model == "two"
        bench.kind.go.set()
        await bench.opening
        assert (bench.switch.state.phase, bench.switch.state.model) == ("serving", "two")
        assert len(engines() - before) == 1


async def test_a_reload_that_fails_lets_the_first_load_begin_anew(models: Path) -> None:
    before = engines()
    async with opened(models, "one", "one") as bench:
        await bench.kind.asked.wait()
        with pytest.raises(GgufDamaged):
            await bench.switch.reload(bench.wanted("liar"))
        await bench.opening
        assert bench.switch.state.phase == "starting"
        bench.kind.go.set()
        async with bench.switch.lease() as engine:
            assert engine.model.id == "one"
        assert (bench.switch.state.phase, bench.switch.state.restarts) == ("serving", 0)
        assert (bench.kind.most, len(engines() - before)) == (1, 1)


async def test_a_first_load_that_fails_is_mended_by_a_reload_under_way(models: Path) -> None:
    async with opened(models, "liar", "liar") as bench:
        await bench.kind.asked.wait()
        bench.found.clear()
        reload = asyncio.create_task(bench.switch.reload(bench.wanted("two")))
        await asyncio.sleep(0)
        bench.kind.go.set()
        await bench.kind.failed.wait()
        assert not bench.opening.done()
        bench.found.set()
        assert (await reload).model == "two"
        await bench.opening
        assert bench.switch.state.phase == "serving"


async def test_the_end_refuses_whoever_waits(models: Path) -> None:
    async with opened(models, "one", "one") as bench:
        await bench.kind.asked.wait()

        async def ask() -> None:
            async with bench.switch.lease():
                pass

        asked = asyncio.create_task(ask())
        await asyncio.sleep(0)
        assert bench.switch.state.waiting == 1
        bench.found.clear()
        reload = asyncio.create_task(bench.switch.reload(bench.wanted("two")))
        await asyncio.sleep(0)
        bench.switch.begin_end()
        for one in (asked, reload, asyncio.create_task(ask())):
            with pytest.raises(EngineAway, match="the server is ending"):
                await one
        with pytest.raises(EngineAway, match="the server is ending"):
            await bench.switch.reload(bench.wanted("two"))


async def test_a_quantisation_alone_is_that_of_the_run_that_is_served(
    finished_export: Path,
) -> None:
    switch = Switch(
        Resolver(ServeSpec(finished_export, Wanted(run=RUN))), lambda model: Native(),
        EngineOptions(context=512, slots=1, threads=1, gpu_layers=0),
    )  # fmt: skip
    try:
        await switch.open(Wanted(run=RUN))
        assert (await switch.reload(Wanted(quant="f16"))).model == f"{RUN}:f16"
        with pytest.raises(RunUnfinished, match=f"run {RUN} has no export at q8_0"):
            await switch.reload(Wanted(quant="q8_0"))
        assert switch.state.said.startswith(f"{RUN}:q8_0 was not loaded")
    finally:
        await switch.close()


async def test_a_gpu_on_which_a_run_trains_is_left_to_it_by_the_first_load(
    models: Path, tmp_path: Path
) -> None:
    def take(on_gpu: bool) -> str:
        return "run-a" if on_gpu else ""

    async with opened(models, "one", "one", taker=take, gpu_layers=-1) as bench:
        bench.kind.name = "transformers"  # whose build says nothing
        await bench.opening
        assert bench.switch.state.phase == "lent"
        assert not bench.kind.asked.is_set()
        with pytest.raises(EngineAway, match="run-a"):
            async with bench.switch.lease():
                pass
        # No request is answered, and whoever shares them out is told.
        app = make_app(bench.switch, ServeSpec(tmp_path, Wanted()), "token")
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            assert (await client.get("/health")).status_code == 503
    async with opened(models, "one", "one", taker=take, gpu_layers=0) as bench:
        await bench.kind.asked.wait()


def test_what_is_built_without_cuda_computes_on_no_gpu(tmp_path: Path) -> None:
    package = tmp_path / "llama"
    (package / "lib").mkdir(parents=True)
    (package / "lib" / "libllama.so").write_bytes(b"\x7fELF\0libc.so.6\0")
    (package / "lib" / "libempty.so").touch()
    (package / "cuda.py").write_text("libcuda.so")
    assert not built_for_gpus(package)
    beside = tmp_path / "llama.libs"
    beside.mkdir()
    (beside / "libggml-cuda.so.1").write_bytes(b"\x7fELF\0libc.so.6\0libcuda.so.1\0")
    assert built_for_gpus(package)
    assert for_gpus("transformers")  # which can't be told by its files
