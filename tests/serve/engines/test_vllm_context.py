"""vLLM is asked for no more context than a model was trained for, since it refuses to start then.

The names in ``config.json``, and that the smallest of them counts, are those of
``_get_and_verify_max_len`` in vLLM's ``vllm/config/model.py``; the numbers are those of published
models.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.serve.engines.base import EngineOptions, Served
from engine.serve.engines.vllm import Vllm, vllm_arguments, vllm_options
from tests.support.tiny_gguf import file, pair, tensor, text

GPT2 = file(
    [
        pair("general.architecture", 8, text("gpt2")),
        pair("gpt2.context_length", 4, (1024).to_bytes(4, "little")),
        pair("gpt2.embedding_length", 4, (768).to_bytes(4, "little")),
        pair("gpt2.block_count", 4, (12).to_bytes(4, "little")),
        pair("gpt2.attention.head_count", 4, (12).to_bytes(4, "little")),
    ],
    [tensor("token_embd.weight", (32, 1))],
    data=128,
)


def asked_for(model: Served, context: int) -> object:
    return vllm_options(model, EngineOptions(context=context))["max-model-len"]


@pytest.mark.parametrize(
    ("config", "trained_for"),
    [
        ({"max_position_embeddings": 2048}, 2048),  # TinyLlama 1.1B
        ({"n_positions": 1024, "n_ctx": 1024}, 1024),  # GPT-2
        ({"max_seq_len": 2048}, 2048),  # MPT
        ({"seq_length": 2048}, 2048),  # ChatGLM2
        ({"model_max_length": 2048, "max_position_embeddings": 4096}, 2048),
        ({"model_max_length": 131072, "max_position_embeddings": 8192}, 131072),  # Command-R
        ({"text_config": {"max_position_embeddings": 1024}, "max_position_embeddings": 9}, 1024),
    ],
)
def test_no_more_than_a_folder_says(
    tmp_path: Path, config: dict[str, Any], trained_for: int
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    for model in (Served("m", tmp_path), Served("m", tmp_path, adapter=tmp_path)):
        assert asked_for(model, 200_000) == trained_for
        assert asked_for(model, 512) == 512
    words = vllm_arguments(Served("m", tmp_path), EngineOptions(context=200_000))
    assert words[words.index("--max-model-len") + 1] == str(trained_for)


@pytest.mark.parametrize(
    "config",
    [
        "{}",
        "[]",
        "",
        '{"max_position_embeddings": null}',
        '{"max_position_embeddings": true}',
        '{"n_positions": "many"}',
        '{"n_positions": 0}',
    ],
)
def test_what_a_folder_does_not_say_limits_nothing(tmp_path: Path, config: str) -> None:
    (tmp_path / "config.json").write_text(config)
    assert asked_for(Served("m", tmp_path), 4096) == 4096


def test_no_more_than_a_gguf_says(tmp_path: Path) -> None:
    gguf = tmp_path / "m.gguf"
    gguf.write_bytes(GPT2)
    assert asked_for(Served("m", gguf), 4096) == 1024
    assert asked_for(Served("m", gguf), 512) == 512
    # Memory is worked out for what is asked for.
    few, many = (EngineOptions(context=context) for context in (1024, 64_000))
    assert Vllm().needs(Served("m", gguf), few) == Vllm().needs(Served("m", gguf), many)
    gguf.write_bytes(b"GGUF")  # its damage is named where it is loaded
    assert asked_for(Served("m", gguf), 4096) == 4096
