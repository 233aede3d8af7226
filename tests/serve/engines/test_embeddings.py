"""An embedding model's GGUF gives the vectors of the model that it was made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import EngineUnfit
from engine.gateway.face.translate import refused
from engine.serve.engines.base import EngineOptions, Served
from engine.serve.engines.choice import choose
from engine.serve.header import read_header
from tests.support.tiny_bert import WORDS, make_bert, write_bert

OPTIONS = EngineOptions(context=512, slots=2, threads=1)


def expected(model: Any, text: str) -> np.ndarray[Any, Any]:
    """Return the mean of transformers' last hidden states, of length one."""
    import torch

    ids = [WORDS.index(word) for word in ("[CLS]", *text.split(), "[SEP]")]
    with torch.no_grad():
        mean = model(torch.tensor([ids])).last_hidden_state[0].mean(0).numpy()
    return np.asarray(mean / np.linalg.norm(mean))


async def test_vectors_are_those_of_transformers(tmp_path: Path) -> None:
    bert = make_bert()
    model = Served("minilm", write_bert(tmp_path / "bert.gguf", bert))
    engine = await choose(None, model).start(model, OPTIONS)
    texts = ["the garden taught me", "rain and rain"]
    answer = (await engine.client.post("/v1/embeddings", json={"input": texts})).json()
    assert answer["model"] == "minilm"
    for text, item in zip(texts, answer["data"], strict=True):
        np.testing.assert_allclose(item["embedding"], expected(bert, text), atol=1e-5)
    long = await engine.client.post("/v1/embeddings", json={"input": "rain " * 100})
    assert long.json()["error"]["type"] == "exceed_context_size_error"
    # One that is longer than a batch too is named in other words.
    longer = await engine.client.post("/v1/embeddings", json={"input": "rain " * 600})
    refusal = refused(longer.status_code, longer.content, "input", engine.context)
    assert (refusal.status, refusal.code) == (400, "context_length_exceeded")
    assert " 602 tokens" in refusal.message  # with [CLS] and [SEP]
    assert " 64 tokens" in refusal.message
    assert engine.gives_vectors
    assert engine.alive
    await engine.close()


async def test_a_model_that_writes_gives_vectors_where_that_is_asked(model_file: Path) -> None:
    options = EngineOptions(context=512, slots=1, threads=1, embeddings=True)
    model = Served("tiny", model_file)
    engine = await choose("native", model).start(model, options)
    answer = (await engine.client.post("/v1/embeddings", json={"input": ["a cat"]})).json()
    assert np.linalg.norm(answer["data"][0]["embedding"]) == pytest.approx(1, abs=1e-4)
    await engine.close()


def test_engines_that_only_write_refuse_an_embedding_model(
    tmp_path: Path, model_file: Path
) -> None:
    path = write_bert(tmp_path / "bert.gguf", make_bert())
    assert read_header(path).embeds
    assert not read_header(model_file).embeds
    with pytest.raises(EngineUnfit, match="embedding model") as caught:
        choose("llama-cpp-python", Served("x", path))
    assert "--engine native" in caught.value.hint
