"""What vLLM calls by other names or refuses in other words, asked through the server.

The stand-in takes vLLM's documented options and answers in its documented words.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import pytest_asyncio

from engine.gateway.face.app import make_app
from engine.gateway.face.dialects import written
from engine.gateway.face.schemas import SAMPLING
from engine.gateway.spec import ServeSpec, Wanted
from engine.serve.engines.base import EngineOptions, Served
from engine.serve.engines.vllm import Vllm
from tests.gateway.face.serving import TOKEN, BareEngine, OneModel

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROGRAMS = Path(__file__).parents[2] / "serve" / "engines" / "programs"
CONTEXT = 64
DOCUMENTED = {
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
    "seed",
    "logit_bias",
    "stop",
    "max_tokens",
    "ignore_eos",
}
"""Sampling parameters of docs.vllm.ai/en/latest/serving/openai_compatible_server.html."""
TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of a server over the stand-in, which looks at no model."""
    root = tmp_path_factory.mktemp("vllm")
    for name in ("config.json", "tokenizer.json"):
        (root / name).write_text("{}")
    (root / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    folders = (str(PROGRAMS), str(Path(sys.executable).parent), os.environ["PATH"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", os.pathsep.join(folders))
        patch.setenv("XDG_STATE_HOME", str(root))
        options = EngineOptions(context=CONTEXT, slots=1, threads=1)
        engine = await Vllm().start(Served("brief", root), options)
    app = make_app(OneModel([cast(BareEngine, engine)]), ServeSpec(root, Wanted()), TOKEN)
    try:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://localhost",
            headers={"Authorization": f"Bearer {TOKEN}"},
        ) as made:
            yield made
    finally:
        await engine.close()


async def test_sampling_has_the_names_that_vllm_knows() -> None:
    given: dict[str, Any] = dict.fromkeys(SAMPLING, 1)
    assert written("vllm", given).keys() == DOCUMENTED
    assert written("vllm", {"repeat_penalty": 1.5}) == {"repetition_penalty": 1.5}
    for name in ("native", "llama-cpp-python", "transformers"):
        assert written(name, given) == given


@pytest.mark.parametrize("stream", [True, False])
async def test_a_prompt_over_the_context_is_named_so(
    client: httpx.AsyncClient, stream: bool
) -> None:
    long = "hello " * CONTEXT
    for path, body in (
        ("/v1/completions", {"prompt": long, "max_tokens": 1}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": long}]}),
    ):
        answer = await client.post(path, json={**body, "stream": stream})
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (400, "context_length_exceeded")
        assert str(CONTEXT) in error["message"]


async def test_a_choice_that_vllm_would_refuse_is_named(client: httpx.AsyncClient) -> None:
    chat = {"messages": [{"role": "user", "content": "hello"}], "tools": [TOOL]}
    for auto in ({}, {"tool_choice": "auto"}):
        answer = await client.post("/v1/chat/completions", json={**chat, **auto})
        error = answer.json()["error"]
        assert answer.status_code == 400
        assert (error["code"], error["param"]) == ("unsupported_by_engine", "tool_choice")
        assert "required" in error["message"]
    named = {"type": "function", "function": {"name": "look_up"}}
    for choice in ("required", named, "none"):
        asked = {**chat, "tool_choice": choice}
        assert (await client.post("/v1/chat/completions", json=asked)).status_code == 200
