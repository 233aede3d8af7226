"""One model, three engines: the same answers, in the same forms, from each."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import pytest_asyncio

from engine.serve.engines.base import Engine, EngineOptions, Served
from engine.serve.engines.choice import choose
from tests.serve.engines.conftest import running
from tests.support.tiny_export import HELD_OUT, RUN, SEEN

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAMES = ("native", "llama-cpp-python", "transformers")
QUESTIONS = (HELD_OUT, SEEN, "Grüße 🙂 12")
TOKENS = 16
CONTEXT = 512


def models(root: Path) -> dict[str, Served]:
    """Return the run's export, and its base under its adapter, by the engine that loads them."""
    run = root / "runs" / RUN
    gguf = Served("brief:f16", run / "exports" / "f16" / f"{RUN}-f16.gguf")
    base = root.parent / "base"
    folder = Served("brief:f16", base, adapter=run / "adapter", tokenizer_dir=base)
    return {"native": gguf, "llama-cpp-python": gguf, "transformers": folder}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engines(
    finished_export: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, Engine]]:
    """Return the three engines by name, started at once."""
    state = tmp_path_factory.mktemp("state")
    options = EngineOptions(context=CONTEXT, slots=1, threads=1)
    async with contextlib.AsyncExitStack() as stack:

        async def start(name: str, model: Served) -> Engine:
            kind = choose(name, model)  # type: ignore[arg-type]
            return await stack.enter_async_context(running(kind, model, options, state))

        given = models(finished_export).items()
        started = await asyncio.gather(*(start(name, model) for name, model in given))
        yield {engine.name: engine for engine in started}


@pytest.fixture(scope="module")
def expected(finished_export: Path) -> dict[str, tuple[str, int]]:
    """Return what transformers' own ``generate`` answers with the merged model, and its length."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    merged = finished_export / "runs" / RUN / "merged"
    model = AutoModelForCausalLM.from_pretrained(merged, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(merged)
    found = {}
    for question in QUESTIONS:
        asked = [{"role": "user", "content": question}]
        ids = tokenizer.apply_chat_template(
            asked, add_generation_prompt=True, return_tensors="pt", return_dict=False
        )
        out = model.generate(ids, do_sample=False, max_new_tokens=TOKENS)[0, ids.shape[1] :]
        found[question] = (tokenizer.decode(out, skip_special_tokens=True), ids.shape[1])
    return found


async def chat(engine: Engine, question: str, **how: Any) -> httpx.Response:
    body = {"messages": [{"role": "user", "content": question}], "temperature": 0}
    return await engine.client.post("/v1/chat/completions", json=body | how)


async def complete(engine: Engine, prompt: Any, **how: Any) -> dict[str, Any]:
    body = {"prompt": prompt, "temperature": 0, "max_tokens": TOKENS} | how
    answer = await engine.client.post("/v1/completions", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def events(answer: httpx.Response) -> list[dict[str, Any]]:
    lines = [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


@pytest.mark.parametrize("name", NAMES)
async def test_greedy_chats_are_those_of_generate(
    engines: dict[str, Engine], expected: dict[str, tuple[str, int]], name: str
) -> None:
    for question, (text, length) in expected.items():
        answer = (await chat(engines[name], question, max_tokens=TOKENS)).json()
        assert answer["choices"][0]["message"]["content"] == text
        assert answer["model"] == "brief:f16"
        assert answer["usage"]["prompt_tokens"] == length
        assert answer["timings"]["predicted_n"] == answer["usage"]["completion_tokens"]


@pytest.mark.parametrize("name", NAMES)
async def test_a_stream_is_the_whole_in_pieces(engines: dict[str, Engine], name: str) -> None:
    whole = (await chat(engines[name], HELD_OUT, max_tokens=TOKENS)).json()
    streamed = events(
        await chat(
            engines[name],
            HELD_OUT,
            max_tokens=TOKENS,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    *parts, last = streamed
    text = "".join(part["choices"][0]["delta"].get("content") or "" for part in parts)
    assert text == whole["choices"][0]["message"]["content"]
    reasons = [part["choices"][0]["finish_reason"] for part in parts]
    assert reasons == [None] * (len(parts) - 1) + [whole["choices"][0]["finish_reason"]]
    assert last["choices"] == []
    for kind in ("prompt_tokens", "completion_tokens", "total_tokens"):
        assert last["usage"][kind] == whole["usage"][kind]
    assert {part["model"] for part in streamed} == {"brief:f16"}


async def test_a_chat_that_ends_with_the_assistant_gets_a_new_turn(
    engines: dict[str, Engine], finished_export: Path
) -> None:
    from transformers import AutoTokenizer

    turns = [{"role": "user", "content": SEEN}, {"role": "assistant", "content": "The garden"}]
    tokenizer = AutoTokenizer.from_pretrained(finished_export / "runs" / RUN / "merged")
    ids = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=False)
    for name in NAMES:
        answer = (await chat(engines[name], "", messages=turns, max_tokens=1)).json()
        assert answer["usage"]["prompt_tokens"] == len(ids)


@pytest.mark.nightly
async def test_a_merged_folder_answers_like_generate(
    finished_export: Path, expected: dict[str, tuple[str, int]], tmp_path: Path
) -> None:
    model = Served("merged", finished_export / "runs" / RUN / "merged")
    options = EngineOptions(context=CONTEXT, threads=1)
    async with running(choose(None, model), model, options, tmp_path) as engine:
        assert engine.name == "transformers"
        for question, (text, _) in expected.items():
            answer = (await chat(engine, question, max_tokens=TOKENS)).json()
            assert answer["choices"][0]["message"]["content"] == text


async def test_texts_are_completed_alike(engines: dict[str, Engine]) -> None:
    prompt = f"### Instruction:\n{SEEN}\n\n### Response:\n"
    answers = [await complete(engines[name], prompt) for name in NAMES]
    assert len({answer["choices"][0]["text"] for answer in answers}) == 1
    assert len({answer["usage"]["prompt_tokens"] for answer in answers}) == 1


async def test_stop_texts_end_all_alike(engines: dict[str, Engine]) -> None:
    text = (await complete(engines["native"], SEEN))["choices"][0]["text"]
    stop = text[len(text) // 2 :][:3]
    answers = [(await complete(engines[name], SEEN, stop=[stop]))["choices"][0] for name in NAMES]
    assert {answer["text"] for answer in answers} == {text[: text.index(stop)]}
    assert {answer["finish_reason"] for answer in answers} == {"stop"}


@pytest.mark.parametrize("name", NAMES)
async def test_a_seed_gives_the_same_answer_and_another_seed_another(
    engines: dict[str, Engine], name: str
) -> None:
    how = {"temperature": 2.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}
    texts = [
        (await complete(engines[name], SEEN, seed=seed, **how))["choices"][0]["text"]
        for seed in (5, 5, 6)
    ]
    assert texts[0] == texts[1] != texts[2]


async def test_a_prompt_over_the_context_is_refused_in_one_form(
    engines: dict[str, Engine],
) -> None:
    for name in NAMES:
        answer = await chat(engines[name], "garden " * CONTEXT)
        error = answer.json()["error"]
        assert answer.status_code == 400
        assert error["type"] == "exceed_context_size_error"
        assert error["n_ctx"] == CONTEXT < error["n_prompt_tokens"]


async def test_vectors_are_refused_in_one_form(engines: dict[str, Engine]) -> None:
    for name in NAMES:
        answer = await engines[name].client.post("/v1/embeddings", json={"input": "x"})
        assert answer.status_code == 501
        assert answer.json()["error"]["type"] == "not_supported_error"


async def test_fields_that_an_engine_does_not_know_are_ignored(
    engines: dict[str, Engine],
) -> None:
    for name in NAMES:
        plain = await complete(engines[name], SEEN)
        more = await complete(engines[name], SEEN, user="me", logit_lens=3, model="any")
        assert more["choices"][0]["text"] == plain["choices"][0]["text"]


@pytest.mark.parametrize("name", NAMES)
async def test_nothing_listens_on_a_port_and_strangers_get_nothing(
    engines: dict[str, Engine], name: str
) -> None:
    engine = engines[name]
    assert psutil.Process(engine.pid).net_connections("inet") == []
    (socket,) = {
        str(found.laddr)
        for found in psutil.Process(engine.pid).net_connections("unix")
        if str(found.laddr).endswith(".sock")
    }
    transport = httpx.AsyncHTTPTransport(uds=socket)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as stranger:
        for bearer in ("", "Bearer", "Bearer wrong"):
            answer = await stranger.post(
                "/v1/completions", json={"prompt": "x"}, headers={"Authorization": bearer}
            )
            assert answer.status_code == 401


@pytest.mark.parametrize("name", ["llama-cpp-python", "transformers"])
async def test_a_client_that_leaves_ends_the_answer(engines: dict[str, Engine], name: str) -> None:
    client = engines[name].client
    before = (await client.get("/health")).json()["tokens"]
    body = {"prompt": [5], "temperature": 2.0, "top_k": 0, "top_p": 1.0, "stream": True}
    async with client.stream("POST", "/v1/completions", json=body) as answer:
        async for line in answer.aiter_lines():
            if line:
                break
    # One answers after the other: whoever is answered finds the first one ended.
    await complete(engines[name], [5], max_tokens=1)
    health = (await client.get("/health")).json()
    assert health["tokens"] - before < CONTEXT - 2


async def test_a_client_that_leaves_ends_the_answer_of_llama_cpps_server(
    engines: dict[str, Engine],
) -> None:
    client = engines["native"].client
    how = {"temperature": 0, "ignore_eos": True, "return_tokens": True}
    length = CONTEXT - 12

    async def ask(prompt: list[int], tokens: int) -> dict[str, Any]:
        body = how | {"prompt": prompt, "n_predict": tokens}
        found: dict[str, Any] = (await client.post("/completion", json=body)).json()
        return found

    prompt = [1780, 314, 260]
    answer = (await ask(prompt, length))["tokens"]
    await ask([4649, 47], 1)  # The one slot forgets the answer.
    body = how | {"prompt": prompt, "n_predict": length, "stream": True}
    async with client.stream("POST", "/completion", json=body) as stream:
        async for line in stream.aiter_lines():
            if line:
                break
    # What the slot still holds of the answer is what it had computed of it.
    held = (await ask([*prompt, *answer], 1))["timings"]["cache_n"]
    assert held < len(prompt) + len(answer) - 1
