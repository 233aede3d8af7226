"""A real worker on a tiny model: it streams, keeps to itself, and ends when it should."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from engine.errors import GgufDamaged, PromptTooLong, ServeError, WorkerDied, WorkerTimeout
from engine.paths import state_dir
from engine.serve import client
from engine.serve.client import Chunk
from engine.serve.header import read_header
from engine.serve.pool import Worker
from tests.serve.conftest import CONTEXT
from tests.support.tiny_gguf import embedded_vocabulary, write_model
from tests.support.waiting import wait_until

IDS = [1, 4093, 198, 1780, 314, 260, 3575, 282, 4649, 47, 2, 198]


async def collect(worker: Worker, ids: list[int], **how: Any) -> list[Chunk]:
    given = {"temperature": 1.0, "max_tokens": 40, "seed": 5} | how
    return [chunk async for chunk in worker.stream(ids, **given)]


def post(worker: Worker, path: str, body: dict[str, Any], **how: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {worker.bearer}"} | how.pop("headers", {})
    return httpx.post(worker.url + path, json=body, headers=headers, timeout=60, **how)


def health(worker: Worker) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {worker.bearer}"}
    answer: dict[str, Any] = httpx.get(worker.url + "/health", headers=headers).json()
    return answer


async def test_streams_an_answer_with_its_timing(worker: Worker) -> None:
    chunks = await collect(worker, IDS)
    assert [chunk.done for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    last = chunks[-1]
    assert last.reason == "length"
    assert last.timing is not None
    assert last.timing.prompt_tokens == len(IDS)
    assert last.timing.completion_tokens == 40
    assert last.timing.ttft_s > 0
    assert last.timing.tokens_per_s > 0
    assert last.timing.seen_ttft_s >= last.timing.ttft_s
    assert last.timing.seen_tokens_per_s > 0


async def test_a_seed_gives_the_same_answer_and_another_seed_another(worker: Worker) -> None:
    texts = [
        "".join(chunk.text for chunk in await collect(worker, IDS, seed=seed)) for seed in (5, 5, 6)
    ]
    assert texts[0] == texts[1] != texts[2]


async def test_the_same_text_whole_or_streamed(worker: Worker) -> None:
    streamed = "".join(chunk.text for chunk in await collect(worker, IDS, max_tokens=200))
    body = {"prompt": IDS, "temperature": 1.0, "max_tokens": 200, "seed": 5}
    whole = post(worker, "/v1/completions", body).json()
    assert whole["choices"][0]["text"] == streamed
    assert whole["usage"]["total_tokens"] == len(IDS) + 200
    assert whole["object"] == "text_completion"


async def test_no_character_is_broken_between_chunks(worker: Worker) -> None:
    # A random model writes parts of characters; each run of bytes that is no character may
    # give U+FFFD, but a character that is whole in the sum must be whole in its chunk.
    chunks = await collect(worker, IDS, max_tokens=400, seed=11)
    text = "".join(chunk.text for chunk in chunks)
    assert text.encode("utf-8").decode("utf-8") == text
    assert all(chunk.text or chunk.threads for chunk in chunks[:-1])


@pytest.mark.parametrize(("name", "text"), [("\u00e5", ""), ("\u0120\u00e2", " ")])
async def test_an_answer_that_is_cut_inside_a_character_ends_before_it(
    worker: Worker, name: str, text: str
) -> None:
    # The byte-level names of 0xE5 and 0x20 0xE2; after either the model writes it again.
    ids = [embedded_vocabulary().tokens.index(name)]
    chunks = await collect(worker, ids, temperature=0.0, max_tokens=1)
    assert "".join(chunk.text for chunk in chunks) == text
    assert chunks[-1].timing is not None
    assert chunks[-1].timing.completion_tokens == 1
    body = {"prompt": ids, "temperature": 0.0, "max_tokens": 1}
    assert post(worker, "/v1/completions", body).json()["choices"][0]["text"] == text


async def test_stop_ids_end_an_answer(worker: Worker) -> None:
    everything = list(range(len(embedded_vocabulary().tokens)))
    chunks = await collect(worker, IDS, stop_ids=everything)
    # What else uses the processor may have been said before.
    assert "".join(chunk.text for chunk in chunks) == ""
    assert [chunk.reason for chunk in chunks if chunk.done] == ["stop"]
    assert chunks[-1].timing is not None
    assert chunks[-1].timing.completion_tokens == 0


def test_stop_texts_end_an_answer(worker: Worker) -> None:
    body = {"prompt": IDS, "temperature": 1.0, "max_tokens": 200, "seed": 5}
    text = post(worker, "/v1/completions", body).json()["choices"][0]["text"]
    stop = text[len(text) // 2 : len(text) // 2 + 5]
    choice = post(worker, "/v1/completions", body | {"stop": [stop]}).json()["choices"][0]
    assert choice["finish_reason"] == "stop"
    assert choice["text"] == text[: text.index(stop)]


def test_stream_is_in_openais_form(worker: Worker) -> None:
    body = {"prompt": "Hello", "max_tokens": 3, "stream": True, "seed": 1, "temperature": 1.0}
    response = post(worker, "/v1/completions", body)
    assert response.headers["content-type"].startswith("text/event-stream")
    events = [line for line in response.text.split("\n\n") if line]
    assert all(event.startswith("data: ") for event in events)
    assert events[-1] == "data: [DONE]"
    assert '"usage"' in events[-2]
    assert '"timings"' in events[-2]


def test_chats_are_rendered_by_the_files_own_template(worker: Worker) -> None:
    messages = [{"role": "user", "content": "Grüße 🙂"}]
    prompt = post(worker, "/apply-template", {"messages": messages}).json()["prompt"]
    assert prompt.endswith("<|im_start|>user\nGrüße 🙂<|im_end|>\n<|im_start|>assistant\n")
    ids = post(worker, "/tokenize", {"content": prompt}).json()["tokens"]
    how = {"max_tokens": 8, "seed": 3, "temperature": 1.0}
    chat = post(worker, "/v1/chat/completions", {"messages": messages, **how}).json()
    plain = post(worker, "/v1/completions", {"prompt": ids, **how}).json()
    assert chat["choices"][0]["message"]["content"] == plain["choices"][0]["text"]
    assert chat["usage"]["prompt_tokens"] == len(ids)


def test_models_are_listed(worker: Worker) -> None:
    headers = {"Authorization": f"Bearer {worker.bearer}"}
    listed = httpx.get(worker.url + "/v1/models", headers=headers).json()
    assert [model["id"] for model in listed["data"]] == ["tiny"]


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", "Basic eDp5", "bearer"])
@pytest.mark.parametrize("path", ["/health", "/v1/models", "/v1/completions", "/nowhere"])
def test_a_wrong_bearer_is_refused(worker: Worker, given: str, path: str) -> None:
    response = httpx.get(worker.url + path, headers={"Authorization": given} if given else {})
    assert response.status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example"])
def test_another_host_is_refused(worker: Worker, host: str) -> None:
    response = post(worker, "/v1/completions", {"prompt": "x"}, headers={"Host": host})
    assert response.status_code == 400
    assert "choices" not in response.text


def test_it_listens_on_the_loopback_alone(worker: Worker) -> None:
    listening = [
        connection.laddr.ip
        for connection in psutil.Process(worker.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/completions", {}),
        ("/v1/completions", {"prompt": [10**9]}),
        ("/v1/completions", {"prompt": "x", "temperature": "hot"}),
        ("/v1/completions", {"prompt": "x", "temperature": "hot", "stream": True}),
        ("/v1/completions", {"prompt": [10**9], "stream": True}),
        ("/v1/chat/completions", {"messages": []}),
        ("/tokenize", {}),
    ],
)
def test_bad_requests_are_refused_in_words(worker: Worker, path: str, body: dict[str, Any]) -> None:
    response = post(worker, path, body)
    assert response.status_code == 400
    assert response.json()["error"]["message"]


def test_what_is_no_json_is_refused(worker: Worker) -> None:
    headers = {"Authorization": f"Bearer {worker.bearer}"}
    for content in (b"", b"{", b"[1]", b"[" * 100_000, b"\xff"):
        response = httpx.post(worker.url + "/v1/completions", content=content, headers=headers)
        assert response.status_code == 400


async def test_a_prompt_that_does_not_fit_is_named(worker: Worker) -> None:
    with pytest.raises(PromptTooLong, match=f"{CONTEXT:,}"):
        await collect(worker, [5] * CONTEXT)
    assert worker.alive


async def test_a_refusal_is_named(worker: Worker) -> None:
    with pytest.raises(ServeError, match="vocabulary"):
        await collect(worker, [10**8])


async def test_leaving_early_stops_the_generation(worker: Worker) -> None:
    before = health(worker)["tokens"]
    longest = CONTEXT - len(IDS) - 1
    async with contextlib.aclosing(
        worker.stream(IDS, temperature=1.0, max_tokens=longest, seed=1)
    ) as chunks:
        async for _ in chunks:
            break
    await asyncio.to_thread(wait_until, lambda: not health(worker)["requests"])
    assert 0 < health(worker)["tokens"] - before < longest


async def test_leaving_early_stops_the_reading_of_a_prompt(worker: Worker) -> None:
    before = health(worker)["tokens"]
    task = asyncio.create_task(collect(worker, [7] * (CONTEXT - 200), max_tokens=150))
    await asyncio.to_thread(wait_until, lambda: health(worker)["requests"])
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await asyncio.to_thread(wait_until, lambda: not health(worker)["requests"])
    assert health(worker)["tokens"] - before < 150
    assert (await collect(worker, IDS))[-1].done


async def test_requests_wait_their_turn(worker: Worker) -> None:
    alone = "".join(chunk.text for chunk in await collect(worker, IDS))
    answers = await asyncio.gather(*(collect(worker, IDS) for _ in range(4)))
    assert {"".join(chunk.text for chunk in chunks) for chunks in answers} == {alone}


def test_the_bearer_is_in_no_text_and_no_argument(worker: Worker) -> None:
    process = psutil.Process(worker.pid)
    assert worker.bearer not in repr(worker)
    assert worker.bearer not in " ".join(process.cmdline())


async def test_a_worker_that_is_killed_is_named(model_file: Path) -> None:
    with Worker.start(model_file, context=CONTEXT, threads=1) as worker:
        with pytest.raises(WorkerDied, match="SIGKILL") as caught:
            await _kill_at_first_word(worker)
        assert "memory" in caught.value.hint
        assert not worker.alive
        with pytest.raises(WorkerDied):
            await collect(worker, IDS)
        log = worker.log
    assert log.exists()


async def test_a_worker_that_hangs_is_named(model_file: Path) -> None:
    with Worker.start(model_file, context=512, threads=1) as worker:
        os.kill(worker.pid, signal.SIGSTOP)
        with pytest.raises(WorkerTimeout):
            await collect(worker, IDS, timeout_s=0.2)


def test_a_start_that_takes_too_long_leaves_nothing(model_file: Path) -> None:
    before = _workers(model_file)
    with pytest.raises(WorkerTimeout):
        Worker.start(model_file, timeout_s=0.01)
    assert _workers(model_file) == before


def test_closing_ends_the_process_and_removes_its_log(model_file: Path) -> None:
    worker = Worker.start(model_file, context=512, threads=1)
    assert worker.log.parent == state_dir() / "workers"
    assert worker.log.stat().st_size
    worker.close()
    worker.close()
    assert not worker.alive
    assert not worker.log.exists()


def test_it_survives_the_thread_that_started_it(model_file: Path) -> None:
    started: list[Worker] = []
    thread = threading.Thread(target=lambda: started.append(Worker.start(model_file, context=512)))
    thread.start()
    thread.join()
    with started[0] as worker:
        assert health(worker)["status"] == "ok"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_its_parent(model_file: Path, number: signal.Signals) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-m", "tests.serve.parent", str(model_file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert psutil.pid_exists(pid)
    parent.send_signal(number)
    parent.communicate()
    wait_until(lambda: not psutil.pid_exists(pid) or _gone(pid))


def test_a_damaged_file_starts_no_process(tmp_path: Path, model_file: Path) -> None:
    damaged = tmp_path / "cut.gguf"
    damaged.write_bytes(model_file.read_bytes()[:-1000])
    with pytest.raises(GgufDamaged, match="cut short"):
        Worker.start(damaged)
    assert not (state_dir() / "workers").exists()


def test_a_file_that_llama_cpp_refuses_is_named(tmp_path: Path, model_file: Path) -> None:
    data = model_file.read_bytes()
    at = data.index(b"blk.0.attn_q.weight")
    renamed = tmp_path / "renamed.gguf"
    renamed.write_bytes(data[:at] + b"blk.0.attn_X.weight" + data[at + 19 :])
    with pytest.raises(GgufDamaged, match="attn_q") as caught:
        Worker.start(renamed)
    assert "log" in caught.value.hint


def test_a_file_that_ends_llama_cpp_ends_the_worker_alone(tmp_path: Path) -> None:
    # It loads; the first word then ends the process.
    lying = write_model(tmp_path / "lying.gguf", tokenizer="llama")
    with pytest.raises((GgufDamaged, WorkerDied)) as caught:
        Worker.start(lying)
    assert "lying.gguf" in caught.value.message


@pytest.mark.parametrize("seed", range(8))
def test_noise_in_a_file_ends_no_parent(tmp_path: Path, model_file: Path, seed: int) -> None:
    noise = random.Random(seed)
    data = bytearray(model_file.read_bytes())
    weights = read_header(model_file).data_start
    for _ in range(40):
        data[noise.randrange(24, weights)] = noise.randrange(256)
    path = tmp_path / "noise.gguf"
    path.write_bytes(data)
    try:
        Worker.start(path, context=256, threads=1).close()
    except (GgufDamaged, WorkerDied) as error:
        assert "noise.gguf" in error.message  # noqa: PT017 - either end is right


async def test_nobody_there_is_named() -> None:
    with pytest.raises(WorkerDied):
        async for _ in client.stream(
            "http://127.0.0.1:9", [1], temperature=0, max_tokens=1, seed=0
        ):
            pass


def _gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _workers(gguf: Path) -> set[int]:
    """Return this process's living children that serve a file."""
    found = set()
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if child.status() != psutil.STATUS_ZOMBIE and str(gguf) in " ".join(child.cmdline()):
                found.add(child.pid)
    return found


async def _kill_at_first_word(worker: Worker) -> None:
    async for _ in worker.stream(IDS, temperature=1.0, max_tokens=CONTEXT - 100, seed=1):
        os.kill(worker.pid, signal.SIGKILL)
