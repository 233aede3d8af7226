from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from engine.bases import inspect
from engine.bases.template import CHATML, PLAIN, chat_template
from engine.errors import BaseInvalid
from tests.support.tiny_base import make_tiny_base, write_json


def test_a_whole_folder_is_described(tmp_path: Path) -> None:
    base = inspect(make_tiny_base(tmp_path), "tiny")
    assert (base.name, base.directory, base.parameters) == ("tiny", tmp_path, 32)
    assert (base.default_quant, base.preset, base.embedded) == ("f16", "small-cpu", False)
    assert base.note == ""
    assert "<|im_start|>" in base.chat_template


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    (make_tiny_base(tmp_path) / name).unlink()
    with pytest.raises(BaseInvalid, match="safetensors" if "model" in name else name) as caught:
        inspect(tmp_path, "tiny")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", b'{"model_type": '),
        ("config.json", b"[]"),
        ("tokenizer.json", b"{}"),
        ("model.safetensors", b"abc"),
        ("model.safetensors", b"\xff" * 100),
        ("model.safetensors", b"\x02\0\0\0\0\0\0\0[]"),
        ("model.safetensors", b"\x0b\0\0\0\0\0\0\0" + b'{"a": {}   '),
        ("model.safetensors", b"\x08\0\0\0\0\0\0\0" + b'{"a": 1}'),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    (make_tiny_base(tmp_path) / name).write_bytes(content)
    with pytest.raises(BaseInvalid, match=name):
        inspect(tmp_path, "tiny")


def test_a_download_that_broke_off_is_noticed(tmp_path: Path) -> None:
    weights = make_tiny_base(tmp_path) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(BaseInvalid, match="not whole"):
        inspect(tmp_path, "tiny")


def test_missing_shards_are_counted(tmp_path: Path) -> None:
    make_tiny_base(tmp_path)
    shards = {"weight": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    write_json(tmp_path / "model.safetensors.index.json", {"weight_map": shards})
    (tmp_path / "model.safetensors").rename(tmp_path / shards["weight"])
    with pytest.raises(BaseInvalid, match=r"00002-of-00002.safetensors \(1 of 2 missing\)"):
        inspect(tmp_path, "tiny")
    save_file({"b": np.zeros((2, 2), dtype=np.float32)}, tmp_path / shards["b"])
    assert inspect(tmp_path, "tiny").parameters == 36


def test_four_bit_weights_count_as_what_they_hold(tmp_path: Path) -> None:
    make_tiny_base(tmp_path)
    tensors: dict[str, np.ndarray[Any, Any]] = {
        "layer.weight": np.zeros((50, 1), dtype=np.uint8),
        "layer.weight.absmax": np.zeros(7, dtype=np.float32),
        "norm.weight": np.zeros(5, dtype=np.float16),
    }
    save_file(tensors, tmp_path / "model.safetensors")
    assert inspect(tmp_path, "tiny").parameters == 105


def test_the_fingerprint_changes_with_the_model_and_not_with_its_place(tmp_path: Path) -> None:
    first = make_tiny_base(tmp_path / "a")
    second = make_tiny_base(tmp_path / "b")
    same = inspect(first, "a").fingerprint
    assert inspect(second, "b").fingerprint == same
    weights = second / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    changed = inspect(second, "b").fingerprint
    (first / "chat_template.jinja").write_text("{{ messages }}")
    assert len({same, changed, inspect(first, "a").fingerprint}) == 3


def test_a_model_without_a_template_gets_one_that_its_vocabulary_has(tmp_path: Path) -> None:
    chat = inspect(make_tiny_base(tmp_path / "chat", template=None), "chat")
    assert (chat.chat_template, bool(chat.note)) == (CHATML, True)
    bare = make_tiny_base(tmp_path / "bare", template=None, control=("<s>", "</s>"), eos="</s>")
    assert inspect(bare, "bare").chat_template == PLAIN


def test_where_a_template_is_looked_for(tmp_path: Path) -> None:
    named = [{"name": "tool_use", "template": "T"}, {"name": "default", "template": "D"}]
    write_json(tmp_path / "tokenizer_config.json", {"chat_template": named})
    assert chat_template(tmp_path) == "D"
    write_json(tmp_path / "chat_template.json", {"chat_template": "J"})
    assert chat_template(tmp_path) == "J"
    (tmp_path / "chat_template.jinja").write_text("F")
    assert chat_template(tmp_path) == "F"


def test_a_large_model_gets_the_settings_for_one(tmp_path: Path) -> None:
    make_tiny_base(tmp_path)
    # A header is enough to know the size; a sparse file holds the promised bytes.
    header = {"w": {"dtype": "F16", "shape": [50_000, 50_000], "data_offsets": [0, 5 * 10**9]}}
    text = json.dumps(header).encode()
    with (tmp_path / "model.safetensors").open("wb") as handle:
        handle.write(len(text).to_bytes(8, "little") + text)
        handle.truncate(8 + len(text) + 5 * 10**9)
    base = inspect(tmp_path, "large")
    assert (base.parameters, base.default_quant, base.preset) == (25 * 10**8, "q4_k_m", "qlora")
