"""llama.cpp's own server as an engine: it answers, keeps to itself, and ends when it should."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import psutil
import pytest
import pytest_asyncio

from engine.errors import EngineFailed, EngineUnfit, GgufDamaged, WorkerDied
from engine.paths import state_dir
from engine.serve.engines.base import EngineOptions, Served
from engine.serve.engines.choice import choose
from engine.serve.engines.native import Native
from engine.serve.engines.running import Running
from tests.support.tiny_gguf import write_model
from tests.support.waiting import wait_until

OPTIONS = EngineOptions(context=512, slots=2, threads=1)


async def start(path: Path, options: EngineOptions = OPTIONS) -> Running:
    return await Native().start(Served("tiny:f16", path), options)


@pytest_asyncio.fixture
async def engine(model_file: Path) -> AsyncIterator[Running]:
    started = await start(model_file)
    yield started
    await started.close()


async def test_it_answers_under_the_models_name(engine: Running) -> None:
    body = {"prompt": "Hello", "max_tokens": 3, "temperature": 0}
    answer = (await engine.client.post("/v1/completions", json=body)).json()
    assert answer["model"] == "tiny:f16"
    assert answer["usage"]["completion_tokens"] == 3
    assert answer["timings"]["predicted_n"] == 3
    assert (engine.context, engine.slots) == (512, 2)
    # Nothing of a tool is in its template.
    assert engine.leaves_out == {"tools", "tool_calls"}


async def test_it_listens_on_no_port_and_asks_for_its_key(engine: Running) -> None:
    process = psutil.Process(engine.pid)
    assert process.net_connections("inet") == []
    transport = httpx.AsyncHTTPTransport(uds=str(engine.socket))
    async with httpx.AsyncClient(transport=transport, base_url="http://engine") as stranger:
        for path in ("/v1/models", "/props", "/slots", "/lora-adapters"):
            assert (await stranger.get(path)).status_code == 401
    assert (await engine.client.get("/slots")).status_code == 501
    assert (await engine.client.get("/metrics")).status_code == 501
    key = engine.client.headers["Authorization"].removeprefix("Bearer ")
    seen = " ".join([*process.cmdline(), *process.environ().values(), repr(engine)])
    assert key not in seen
    assert stat.S_IMODE(engine.socket.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(engine.log.stat().st_mode) == 0o600
    assert key not in engine.log.read_text()


async def test_a_kill_is_seen_and_named(model_file: Path) -> None:
    engine = await start(model_file)
    with pytest.raises(httpx.TransportError):
        await _kill_at_first_word(engine)
    assert not engine.alive
    error = await engine.ended()
    assert isinstance(error, WorkerDied)
    assert "SIGKILL" in error.message
    assert engine.memory == 0
    await engine.close()
    assert engine.log.exists()
    assert not engine.socket.parent.exists()


async def test_closing_leaves_nothing(model_file: Path) -> None:
    engine = await start(model_file)
    assert engine.alive
    assert engine.memory > 10 * 2**20
    await engine.close()
    await engine.close()
    assert not engine.alive
    assert isinstance(await engine.ended(), WorkerDied)
    assert not psutil.pid_exists(engine.pid)
    assert not engine.log.exists()
    assert not engine.socket.parent.exists()


async def test_a_cancelled_start_ends_the_process(model_file: Path) -> None:
    before = set(psutil.Process().children())
    task = asyncio.create_task(start(model_file))
    await asyncio.to_thread(wait_until, lambda: set(psutil.Process().children()) - before)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert set(psutil.Process().children()) == before


async def test_a_start_that_takes_too_long_is_named(model_file: Path) -> None:
    before = set(psutil.Process().children())
    with pytest.raises(EngineFailed, match="within"):
        await start(model_file, EngineOptions(context=256, threads=1, start_timeout_s=0.01))
    assert set(psutil.Process().children()) == before


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("native", signal.SIGKILL),
        ("kept", signal.SIGKILL),
        pytest.param("llama-cpp-python", signal.SIGKILL, marks=pytest.mark.nightly),
        pytest.param("native", signal.SIGTERM, marks=pytest.mark.nightly),
        pytest.param("kept", signal.SIGTERM, marks=pytest.mark.nightly),
    ],
)
def test_it_ends_with_its_parent(
    tmp_path: Path, model_file: Path, name: str, number: signal.Signals
) -> None:
    temporary = Path(tempfile.mkdtemp(dir="/tmp"))
    path = (str(Path(sys.executable).parent), os.environ["PATH"])
    parent = subprocess.Popen(
        [sys.executable, "-m", "tests.serve.engines.parent", name, str(model_file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(temporary), "PATH": os.pathsep.join(path)},
    )
    assert parent.stdout is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert pids
    assert not any(_gone(pid) for pid in pids)
    parent.send_signal(number)
    parent.communicate()
    wait_until(lambda: all(_gone(pid) for pid in pids))
    # Its socket is gone too.
    temporary.rmdir()


def test_it_ends_with_its_parent_while_it_loads() -> None:
    # Loading holds Python's lock, as this call does.
    code = (
        "import ctypes; from engine.serve.engines.llamacpp import end_while_loading;"
        "end_while_loading(True); print('ready', flush=True); ctypes.PyDLL(None).sleep(600)"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    assert child.poll() is None
    child.stdin.close()
    assert child.wait() == -signal.SIGIO


@pytest.fixture
def renamed(tmp_path: Path, model_file: Path) -> Path:
    """Return a file that lacks a tensor."""
    data = model_file.read_bytes()
    at = data.index(b"blk.0.attn_q.weight")
    path = tmp_path / "renamed.gguf"
    path.write_bytes(data[:at] + b"blk.0.attn_X.weight" + data[at + 19 :])
    return path


async def test_a_file_that_llama_cpp_refuses_is_named(renamed: Path) -> None:
    with pytest.raises(GgufDamaged, match="attn_q"):
        await start(renamed)


async def test_a_file_that_breaks_at_its_first_words_is_named(tmp_path: Path) -> None:
    lying = write_model(tmp_path / "lying.gguf", tokenizer="llama")
    with pytest.raises(GgufDamaged, match="lying"):
        await start(lying)


def test_unfit_forms_are_refused_before_anything_starts(tmp_path: Path, model_file: Path) -> None:
    with pytest.raises(EngineUnfit, match="folder"):
        choose("native", Served("x", tmp_path))
    damaged = tmp_path / "cut.gguf"
    damaged.write_bytes(model_file.read_bytes()[:-1000])
    with pytest.raises(GgufDamaged, match="cut short"):
        choose(None, Served("x", damaged))
    assert not (state_dir() / "engines").exists()


async def _kill_at_first_word(engine: Running) -> None:
    body = {"prompt": "Hello", "max_tokens": 400, "stream": True, "ignore_eos": True}
    async with engine.client.stream("POST", "/v1/completions", json=body) as answer:
        lines = answer.aiter_lines()
        await anext(lines)
        os.kill(engine.pid, signal.SIGKILL)
        async for _ in lines:
            pass


def _gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
