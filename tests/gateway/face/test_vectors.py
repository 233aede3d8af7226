"""A server of an embedding model: the engine's vectors, and what it has to refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from engine.gateway.face.translate import refused
from tests.gateway.face.serving import TOKEN, BareEngine, OneModel, Running, running, wait_until

BATCH = 512
"""How many tokens the bare server computes at once, by its default."""


@pytest.fixture(scope="module")
def vectors(gguf: Path) -> Iterator[BareEngine]:
    started = BareEngine(gguf, "vectors:f16", vectors=True)
    yield started
    started.kill()


@pytest.fixture(scope="module")
def served(vectors: BareEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(OneModel([vectors]), tmp_path_factory.mktemp("vectors")) as started:
        yield started


@pytest.fixture(scope="module")
def client(served: Running) -> Iterator[Any]:
    made = openai.OpenAI(base_url=f"{served.url}/v1", api_key=TOKEN, max_retries=0, timeout=60)
    with made:
        yield made


def test_vectors_are_the_engines(client: Any, served: Running, vectors: BareEngine) -> None:
    # The client asks for base64 by itself, and reads it.
    answer = client.embeddings.create(model="any", input=["a ship", "the sea"])
    plain = client.embeddings.create(model="any", input="the sea", encoding_format="float")
    wait_until(lambda: bool(served.models.counted))
    assert served.models.counted[0]["prompt"] == answer.usage.prompt_tokens > 0
    bare = vectors.post("/v1/embeddings", {"input": ["a ship", "the sea"]})["data"]
    assert answer.model == "vectors:f16"
    assert [one.index for one in answer.data] == [0, 1]
    for ours, theirs in zip(answer.data, bare, strict=True):
        assert ours.embedding == pytest.approx(theirs["embedding"], abs=1e-6)
    assert plain.data[0].embedding == pytest.approx(bare[1]["embedding"], abs=1e-6)


@pytest.mark.parametrize("words", [BATCH + 1, 5000])
def test_a_text_that_is_too_long_is_named_with_both_numbers(
    client: Any, vectors: BareEngine, words: int
) -> None:
    long = "hello " * words
    length = len(vectors.post("/tokenize", {"content": long, "add_special": True})["tokens"])
    for given in (long, ["a ship", long]):
        with pytest.raises(openai.BadRequestError) as caught:
            client.embeddings.create(model="any", input=given)
        assert (caught.value.code, caught.value.param) == ("context_length_exceeded", "input")
        assert f" {length} tokens" in caught.value.message
        assert f" {BATCH} tokens" in caught.value.message


def test_the_context_is_named_where_a_batch_is_longer() -> None:
    said = (
        "input (2502 tokens) is too large to process. increase the physical batch size "
        "(current batch size: 2048)"
    )
    raw = json.dumps({"error": {"code": 500, "message": said, "type": "server_error"}}).encode()
    refusal = refused(500, raw, "input", 512)
    assert (refusal.status, refusal.code) == (400, "context_length_exceeded")
    assert "2502 tokens" in refusal.message
    assert " 512 tokens" in refusal.message


@pytest.mark.parametrize("stream", [True, False])
def test_texts_are_not_asked_of_it(client: Any, vectors: BareEngine, stream: bool) -> None:
    before = sum(transport.asked for transport in vectors.counted)
    hello = [{"role": "user", "content": "hello"}]
    for ask, body in (
        (client.chat.completions.create, {"messages": hello}),
        (client.completions.create, {"prompt": "hello"}),
    ):
        with pytest.raises(openai.BadRequestError) as caught:
            ask(model="any", stream=stream, **body)
        assert caught.value.code == "unsupported_by_model"
        assert "/v1/embeddings" in caught.value.message
    assert sum(transport.asked for transport in vectors.counted) == before
