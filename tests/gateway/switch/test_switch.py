"""Changes of models under requests, by real engines: none is dropped, none mixes models."""

from __future__ import annotations

import asyncio
import json
import mmap
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import pytest_asyncio

from engine.errors import EngineAway, EngineUnfit, FinetuiError, GgufDamaged, ReloadBusy
from engine.gateway.changing.fleet import Leased
from engine.gateway.changing.lend import Taker, nobody, taker, uses_gpu
from engine.gateway.changing.pulse import ended
from engine.gateway.changing.room import Room
from engine.gateway.changing.rules import Rules
from engine.gateway.changing.switch import Switch
from engine.gateway.spec import Wanted
from engine.gateway.state import ServerState
from engine.runs import kill
from engine.runs.queue import enqueue
from engine.serve.engines.base import EngineOptions, Served
from engine.serve.engines.choice import choose
from engine.serve.engines.running import socket_client
from engine.serve.header import read_header
from tests.support.jobs import GO
from tests.support.tiny_gguf import write_model
from tests.support.two_models import ANSWERS, PROMPT, TOKENS

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMIT_S = 120
RULES = Rules(wait_s=0.01, look_s=0.02, tries=2, hung_s=600)


class Bench:
    """A switch on the two models, and what it told.

    Attributes:
        switch: The switch.
        told: The events, each with its type.
        run: The run that has the device.
    """

    def __init__(self, models: Path, rules: Rules) -> None:
        self.models = models
        self.told: list[dict[str, Any]] = []
        self.look: Taker = nobody
        options = EngineOptions(context=2048, slots=2, threads=1, gpu_layers=0)
        self.switch = Switch(
            find, lambda model: choose("native", model), options, rules,
            taker=lambda on_gpu: self.look(on_gpu), tell=self._tell,
        )  # fmt: skip
        self._looking: asyncio.Task[None] | None = None

    def _tell(self, type: str, **fields: object) -> None:
        self.told.append({"type": type, **fields})

    async def __aenter__(self) -> Bench:
        await self.switch.open(self.wanted("one"))
        self._looking = asyncio.create_task(self.switch.look_after())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._looking is not None
        self._looking.cancel()
        await self.switch.close()

    def wanted(self, name: str) -> Wanted:
        return Wanted(path=str(self.models / f"{name}.gguf"))

    async def begin(self, rules: Rules = RULES) -> None:
        """Bring it to where every test begins: the first model serves."""
        self.look = nobody
        self.switch.rules = rules
        await self.until("serving", "idle", "failed")
        if self.switch.state.model != "one" or self.switch.state.phase != "serving":
            await self.switch.reload(self.wanted("one"))
        self.told.clear()

    async def until(self, *phases: str) -> ServerState:
        """Wait for one of some phases."""
        async with asyncio.timeout(LIMIT_S):
            while self.switch.state.phase not in phases:
                await self.switch.news(LIMIT_S)
        return self.switch.state

    async def until_gone(self, pid: int) -> None:
        """Wait until a process has ended."""
        async with asyncio.timeout(LIMIT_S):
            while not gone(pid):
                await self.switch.news(0.02)

    async def asked(self) -> asyncio.Task[tuple[str, str]]:
        """Ask, and return the request once it has its engine; one that is paused keeps it."""
        asked = asyncio.create_task(ask(self.switch))
        await asyncio.sleep(0)
        assert self.switch.state.active == 1
        return asked

    async def first_that_waits(self) -> asyncio.Task[tuple[str, str]]:
        """Ask until a request has to wait, and return it; those before it are answered."""
        while True:
            asked = asyncio.create_task(ask(self.switch))
            await asyncio.sleep(0)
            if self.switch.state.waiting:
                return asked
            assert await asked == ("one", ANSWERS["one"])

    async def pid(self) -> int:
        async with self.switch.lease() as engine:
            return engine.pid

    async def kill(self) -> int:
        """End the engine, and wait until that was seen."""
        pid = await self.pid()
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(LIMIT_S):
            while not any(event["type"] == "died" for event in self.told):
                await self.switch.news(LIMIT_S)
        return pid


def find(wanted: Wanted) -> Served:
    """Return the model of a path; what may be loaded is another test's."""
    return Served(Path(wanted.path).stem, Path(wanted.path))


async def ask(switch: Switch, tokens: int = TOKENS) -> tuple[str, str]:
    """Return which model answered, and what."""
    body = {"prompt": PROMPT, "max_tokens": tokens, "temperature": 0}
    async with asyncio.timeout(LIMIT_S), switch.lease() as engine:
        answer = await engine.client.post("/v1/completions", json=body)
        return engine.model.id, answer.raise_for_status().json()["choices"][0]["text"]


class Stream:
    """A request that is answered word by word.

    Attributes:
        begun: Set once the first word is there.
        model: The model that was asked.
        text: What it said.
    """

    def __init__(self, switch: Switch, tokens: int) -> None:
        self.begun = asyncio.Event()
        self.model, self.text = "", ""
        self.pieces = 0
        self._switch, self._tokens = switch, tokens
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        body = {"prompt": PROMPT, "max_tokens": self._tokens, "temperature": 0, "stream": True}
        body["ignore_eos"] = True
        async with self._switch.lease() as engine:
            self.model = engine.model.id
            async with engine.client.stream("POST", "/v1/completions", json=body) as answer:
                async for line in answer.aiter_lines():
                    if not line.startswith("data: {"):
                        continue
                    self.text += json.loads(line.removeprefix("data: "))["choices"][0]["text"]
                    self.pieces += 1
                    self.begun.set()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(models: Path) -> AsyncIterator[Bench]:
    """Return one bench for all tests of this module; :meth:`Bench.begin` readies it."""
    async with Bench(models / "gguf", RULES) as bench:
        yield bench


@pytest_asyncio.fixture(loop_scope="module")
async def bench(shared: Bench) -> Bench:
    """Return the bench with its first model serving."""
    await shared.begin()
    return shared


class Silent:
    """An engine's process that never answers."""

    model = Served("silent", Path("silent.gguf"))

    def __init__(self, pid: int, client: httpx.AsyncClient) -> None:
        self.pid, self.client = pid, client

    async def ended(self) -> FinetuiError:
        never: asyncio.Future[FinetuiError] = asyncio.get_running_loop().create_future()
        return await never


@contextmanager
def paused(pid: int) -> Iterator[None]:
    """Let an engine compute nothing meanwhile."""
    process = psutil.Process(pid)
    process.suspend()
    try:
        yield
    finally:
        with suppress(psutil.NoSuchProcess):
            process.resume()


def gone(pid: int) -> bool:
    with suppress(psutil.Error):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True


async def test_answers_are_those_of_another_llama_cpp(bench: Bench) -> None:
    assert await ask(bench.switch) == ("one", ANSWERS["one"])
    assert bench.switch.state.model == "one"
    assert bench.switch.state.engine == "native"


async def test_a_reload_drops_no_request_that_streams(bench: Bench) -> None:
    before = await bench.pid()
    streams = [Stream(bench.switch, tokens=1500) for _ in range(2)]
    for stream in streams:
        await stream.begun.wait()
    with paused(before):
        done = await bench.switch.reload(bench.wanted("two"))
        assert (done.model, done.before, done.waited) == ("two", "one", False)
        assert done.answer
        # The next are answered by the new one, beside those that go on with the old one.
        assert await ask(bench.switch) == ("two", ANSWERS["two"])
        assert bench.switch.state.active == 2
    await asyncio.gather(*(stream.task for stream in streams))
    for stream in streams:
        assert stream.model == "one"
        assert stream.text.startswith(ANSWERS["one"])
        assert stream.pieces >= 1500
    await bench.until_gone(before)
    assert [event["type"] for event in bench.told] == ["swapped"]


@pytest.mark.parametrize("name", ["cut", "empty", "liar"])
async def test_a_file_that_is_no_model_changes_nothing(bench: Bench, name: str) -> None:
    before = await bench.pid()
    with pytest.raises(GgufDamaged) as refused:
        await bench.switch.reload(bench.wanted(name))
    if name == "cut":  # what looks at headers says the same of it
        with pytest.raises(GgufDamaged) as known:
            read_header(bench.models / "cut.gguf")
        assert refused.value.message == known.value.message
    state = bench.switch.state
    assert (state.phase, state.model, state.next) == ("serving", "one", "")
    assert refused.value.message in state.said
    assert await bench.pid() == before
    assert await ask(bench.switch) == ("one", ANSWERS["one"])


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in range(999999999) %}{% endfor %}x",
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}x",
    ],
)
async def test_a_chat_template_that_does_not_end_is_named(
    bench: Bench, tmp_path: Path, template: str
) -> None:
    """llama.cpp would run it for ever while it loads."""
    file = write_model(tmp_path / "endless.gguf", template=template)
    with pytest.raises(EngineUnfit, match=r"the chat template of endless\.gguf does not end"):
        await bench.switch.reload(Wanted(path=str(file)))
    assert bench.switch.state.phase == "serving"
    assert await ask(bench.switch) == ("one", ANSWERS["one"])


async def test_an_engine_that_dies_comes_back_and_the_next_request_waits(bench: Bench) -> None:
    before = bench.switch.state.restarts
    with paused(await bench.pid()):
        asked = await bench.asked()
        pid = await bench.kill()
    assert await ask(bench.switch) == ("one", ANSWERS["one"])
    with pytest.raises(httpx.TransportError):
        await asked
    assert gone(pid)
    assert bench.switch.state.restarts == before + 1
    assert [event["type"] for event in bench.told] == ["died", "restarted"]


async def test_an_engine_that_hangs_is_ended_and_comes_back(bench: Bench) -> None:
    await bench.begin(replace(RULES, hung_s=0.4))
    await bench.switch.reload(bench.wanted("two"))  # whose engine is watched by these rules
    pid = await bench.pid()
    with paused(pid):
        with pytest.raises(httpx.TransportError):
            await ask(bench.switch)
        bench.switch.rules = RULES
        assert await ask(bench.switch) == ("two", ANSWERS["two"])
    assert gone(pid)
    died = next(event for event in bench.told if event["type"] == "died")
    assert (died["model"], "hung" in died["message"]) == ("two", True)
    assert [event["type"] for event in bench.told] == ["swapped", "died", "restarted"]
    assert died["message"] == bench.switch.state.said


async def test_an_engine_that_computes_is_left_alone_however_silent(tmp_path: Path) -> None:
    """One whose processes get time does not hang, until they get none any more."""
    place = tmp_path / "s.sock"
    with (
        socket.socket(socket.AF_UNIX) as listener,
        subprocess.Popen(  # noqa: ASYNC220  (it only starts)
            [sys.executable, "-c", "while True: pass"]
        ) as busy,
    ):
        listener.bind(str(place))
        listener.listen()  # and never answers
        looks = 0

        def limit_s() -> float:
            nonlocal looks
            looks += 1
            if looks == 10:
                os.kill(busy.pid, signal.SIGSTOP)
            return 0.4

        silent = Silent(busy.pid, socket_client(place, "key"))
        leased = Leased(silent)  # type: ignore[arg-type]
        leased.take()
        try:
            async with asyncio.timeout(LIMIT_S):
                failure = await ended(leased, limit_s)
        finally:
            busy.kill()
            await silent.client.aclose()
    assert "hung" in failure.message
    assert looks > 10


# Answers whatever it is asked at once, and computes nothing; it says when it listens.
_HEALTHY = """
import asyncio, sys

async def answer(reader, writer):
    while await reader.readuntil(b"\\r\\n\\r\\n"):
        writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")

async def main():
    async with await asyncio.start_unix_server(answer, sys.argv[1]) as server:
        print(flush=True)
        await server.serve_forever()

asyncio.run(main())
"""


async def test_an_engine_whose_requests_sleep_hangs_though_it_is_healthy(tmp_path: Path) -> None:
    place = tmp_path / "h.sock"
    with subprocess.Popen(  # noqa: ASYNC220  (it only starts)
        [sys.executable, "-c", _HEALTHY, str(place)], stdout=subprocess.PIPE
    ) as healthy:
        assert healthy.stdout is not None
        await asyncio.to_thread(healthy.stdout.readline)
        engine = Silent(healthy.pid, socket_client(place, "key"))
        leased = Leased(engine)  # type: ignore[arg-type]
        looks = 0

        def limit_s() -> float:
            nonlocal looks
            looks += 1
            if looks == 40:  # far longer than it may sleep: without requests it may
                leased.take()
            return 0.2

        try:
            assert (await engine.client.get("/health")).text == "ok"
            async with asyncio.timeout(LIMIT_S):
                failure = await ended(leased, limit_s)
        finally:
            healthy.kill()
            await engine.client.aclose()
    assert "had requests and computed nothing" in failure.message
    assert looks > 40


async def test_requests_wait_where_two_models_do_not_fit(bench: Bench) -> None:
    await bench.begin(replace(RULES, room=Room(limit=1)))
    stream = Stream(bench.switch, tokens=300)
    await stream.begun.wait()
    reload = asyncio.create_task(bench.switch.reload(bench.wanted("two")))
    late = await bench.first_that_waits()
    done = await reload
    await stream.task
    assert (done.model, done.waited) == ("two", True)
    assert (stream.model, stream.pieces >= 300) == ("one", True)
    assert await late == ("two", ANSWERS["two"])


async def test_the_old_model_is_loaded_again_where_the_new_one_fails(bench: Bench) -> None:
    await bench.begin(replace(RULES, room=Room(limit=1)))
    before = await bench.pid()
    reload = asyncio.create_task(bench.switch.reload(bench.wanted("liar")))
    late = await bench.first_that_waits()
    with pytest.raises(GgufDamaged):
        await reload
    assert await late == ("one", ANSWERS["one"])
    assert gone(before)
    assert bench.switch.state.phase == "serving"


async def test_one_change_at_a_time(bench: Bench) -> None:
    first = asyncio.create_task(bench.switch.reload(bench.wanted("two")))
    await bench.until("switching")
    with pytest.raises(ReloadBusy):
        await bench.switch.reload(bench.wanted("one"))
    assert (await first).model == "two"


async def test_a_reload_goes_on_without_whoever_asked_for_it(bench: Bench) -> None:
    asked = asyncio.create_task(bench.switch.reload(bench.wanted("two")))
    await bench.until("switching")
    asked.cancel()
    assert (await bench.until("serving")).model == "two"


async def test_an_engine_that_does_not_finish_is_ended_after_a_while(bench: Bench) -> None:
    await bench.begin(replace(RULES, drain_s=0.01))
    with paused(await bench.pid()):
        asked = await bench.asked()
        await bench.switch.reload(bench.wanted("two"))
        with pytest.raises(httpx.TransportError):
            await asked
    assert {"type": "cut-short", "model": "one", "requests": 1} in bench.told


async def test_a_model_that_can_not_be_loaded_again_is_given_up_and_mended(
    bench: Bench, tmp_path: Path
) -> None:
    file = tmp_path / "brief.gguf"
    os.link(bench.models / "one.gguf", file)
    await bench.switch.reload(Wanted(path=str(file)))
    bench.told.clear()
    os.link(bench.models / "liar.gguf", tmp_path / "other")
    (tmp_path / "other").replace(file)
    await bench.kill()
    with pytest.raises(EngineAway, match="brief can't be loaded any more"):
        await ask(bench.switch)
    assert bench.switch.state.phase == "failed"
    assert [event["type"] for event in bench.told] == [
        "died", "load-failed", "load-failed", "gave-up",
    ]  # fmt: skip
    # A reload that fails leaves it as it was; the next one mends it.
    with pytest.raises(GgufDamaged):
        await bench.switch.reload(bench.wanted("cut"))
    assert bench.switch.state.phase == "failed"
    await bench.switch.reload(bench.wanted("two"))
    assert await ask(bench.switch) == ("two", ANSWERS["two"])


async def test_an_unused_model_is_unloaded_and_loaded_when_asked(bench: Bench) -> None:
    before = await bench.pid()
    bench.switch.rules = replace(RULES, idle_s=0.01)
    await bench.until("idle")
    bench.switch.rules = RULES
    await bench.until_gone(before)
    assert bench.switch.state.model == "one"
    assert await asyncio.gather(*(ask(bench.switch) for _ in range(3))) == [
        ("one", ANSWERS["one"])
    ] * 3  # fmt: skip
    assert bench.switch.state.restarts == 0 or bench.told[-1]["type"] == "unloaded"


async def test_the_device_is_given_to_a_run_and_taken_back(bench: Bench, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    run = runs / "20260101-000000-abcd"
    run.mkdir(parents=True)
    (run / "spec.toml").write_text('base = "tiny"\ndataset = "notes"\n')
    before = await bench.pid()
    stream = Stream(bench.switch, tokens=300)
    await stream.begun.wait()
    bench.look = taker(runs, "always")
    try:
        enqueue(run, "tests.support.queued_job")
        await bench.until("lent")
        with pytest.raises(EngineAway, match=run.name):
            await ask(bench.switch)
        with pytest.raises(EngineAway, match=run.name):
            await bench.switch.reload(bench.wanted("two"))
        # What was begun is answered first.
        await stream.task
        assert stream.pieces >= 300
        await bench.until_gone(before)
        (run / GO).touch()
        await bench.until("serving")
        assert await ask(bench.switch) == ("one", ANSWERS["one"])
    finally:
        kill(run)


async def test_a_processor_is_lent_only_where_somebody_says_so(tmp_path: Path) -> None:
    from engine.runs.seats import PROCESSOR, take_seat, turn

    with turn(PROCESSOR):
        seat = take_seat(PROCESSOR, tmp_path / "run-a")
    try:
        assert taker(tmp_path, "auto")(False) == ""
        assert taker(tmp_path, "never")(False) == ""
        assert taker(tmp_path, "always")(False) == "run-a"
    finally:
        os.close(seat)
    assert taker(tmp_path, "always")(False) == ""


async def test_an_engine_is_on_a_gpu_where_it_has_loaded_the_driver(
    bench: Bench, tmp_path: Path
) -> None:
    assert not uses_gpu(await bench.pid())
    driver = tmp_path / "libcuda.so.1"
    driver.write_bytes(bytes(mmap.PAGESIZE))
    with driver.open("r+b") as file, mmap.mmap(file.fileno(), 0):
        assert uses_gpu(os.getpid())
    assert not uses_gpu(os.getpid())


@pytest.mark.nightly
async def test_a_model_of_vectors_takes_its_turn(bench: Bench, tmp_path: Path) -> None:
    from tests.support.tiny_bert import make_bert, write_bert  # torch takes some seconds

    file = write_bert(tmp_path / "bert.gguf", make_bert())
    done = await bench.switch.reload(Wanted(path=str(file)))
    assert (done.model, done.answer) == ("bert", "a vector of 32 numbers")


async def test_the_end_waits_for_what_was_begun(models: Path) -> None:
    bench = Bench(models / "gguf", RULES)
    async with bench:
        pid = await bench.pid()
        stream = Stream(bench.switch, tokens=100)
        await stream.begun.wait()
    await stream.task
    assert stream.pieces >= 100
    assert gone(pid)
    assert bench.switch.state.phase == "ended"
    with pytest.raises(EngineAway):
        await ask(bench.switch)
