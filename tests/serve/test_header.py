"""Damaged GGUF files are named, cheaply, before llama.cpp sees them."""

from __future__ import annotations

import contextlib
import random
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import GgufDamaged
from engine.serve.header import GgufHeader, read_header
from tests.support.properties import tries
from tests.support.tiny_gguf import embedded_vocabulary, file, pair, tensor, text

ARCHITECTURE = pair("general.architecture", 8, text("llama"))
STRINGS = pair("tokenizer.ggml.tokens", 9, struct.pack("<IQ", 8, 2) + text("a") + text("ț"))
NUMBERS = pair("tokenizer.ggml.scores", 9, struct.pack("<IQ", 6, 3) + b"\0" * 12)
CONTEXT = pair("llama.context_length", 4, struct.pack("<I", 512))
WHOLE = file(
    [ARCHITECTURE, STRINGS, NUMBERS, CONTEXT],
    [tensor("a", (32, 2)), tensor("b", (64,), kind=8, offset=256)],
    data=256 + 68,
)


def read(tmp_path: Path, data: bytes) -> GgufHeader:
    path = tmp_path / "model.gguf"
    path.write_bytes(data)
    return read_header(path)


def test_a_whole_file_is_described(tmp_path: Path) -> None:
    header = read(tmp_path, WHOLE)
    assert header.architecture == "llama"
    assert header.version == 3
    assert header.vocabulary == 2
    assert header.context == 512
    assert header.lengths["tokenizer.ggml.scores"] == 3
    assert [(item.name, item.shape, item.size) for item in header.tensors] == [
        ("a", (32, 2), 256),
        ("b", (64,), 68),
    ]
    assert header.data_start % 32 == 0


def test_a_real_file_is_described(model_file: Path) -> None:
    header = read_header(model_file)
    assert header.architecture == "llama"
    assert header.vocabulary == len(embedded_vocabulary().tokens)
    assert header.chat_template == embedded_vocabulary().chat_template


DAMAGED = {
    "empty": b"",
    "three bytes": b"GGU",
    "another kind of file": b"PK\x03\x04" + b"\0" * 400,
    "no GGUF at all": random.Random(1).randbytes(4096),
    "random after the magic": b"GGUF" + random.Random(2).randbytes(4096),
    "version 1": file([ARCHITECTURE], [tensor("a", (1,))], data=4, version=1),
    "version 99": file([ARCHITECTURE], [tensor("a", (1,))], data=4, version=99),
    "big-endian": b"GGUF" + struct.pack(">IQQ", 3, 1, 1) + b"\0" * 64,
    "huge tensor count": file([ARCHITECTURE], [tensor("a", (1,))], tensor_count=2**63),
    "a tensor too many": file([ARCHITECTURE], [tensor("a", (1,))], tensor_count=2),
    "huge field count": file([ARCHITECTURE], [tensor("a", (1,))], pair_count=2**40),
    "huge key": file([struct.pack("<Q", 2**62) + b"x"], []),
    "huge string": file([pair("a", 8, struct.pack("<Q", 2**62))], []),
    "huge array": file([pair("a", 9, struct.pack("<IQ", 4, 2**61))], []),
    "huge array of strings": file([pair("a", 9, struct.pack("<IQ", 8, 2**61))], []),
    "array of arrays": file([pair("a", 9, struct.pack("<IQ", 9, 1))], []),
    "unknown value type": file([pair("a", 77, b"\0" * 8)], []),
    "no architecture": file([CONTEXT], [tensor("a", (1,))], data=4),
    "no tensors": file([ARCHITECTURE], []),
    "five dimensions": file([ARCHITECTURE], [tensor("a", (1,) * 5)], data=4),
    "a million dimensions": file([ARCHITECTURE], [text("a") + struct.pack("<I", 10**6)]),
    "an empty tensor": file([ARCHITECTURE], [tensor("a", (4, 0))]),
    "huge tensor": file([ARCHITECTURE], [tensor("a", (2**40, 2**40))], data=64),
    "offset past the end": file([ARCHITECTURE], [tensor("a", (1,), offset=2**60)], data=64),
    "alignment 0": file(
        [ARCHITECTURE, pair("general.alignment", 4, struct.pack("<I", 0))],
        [tensor("a", (1,))],
        data=4,
    ),
    "alignment of text": file(
        [ARCHITECTURE, pair("general.alignment", 8, text("32"))], [tensor("a", (1,))], data=4
    ),
    "last byte gone": WHOLE[:-1],
    "half of it": WHOLE[: len(WHOLE) // 2],
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(GgufDamaged) as caught:
        read(tmp_path, DAMAGED[name])
    assert "model.gguf" in caught.value.message
    assert caught.value.hint


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(GgufDamaged, match="No such file"):
        read_header(tmp_path / "none.gguf")


def test_a_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(GgufDamaged):
        read_header(tmp_path)


def test_every_cut_is_seen(tmp_path: Path) -> None:
    for length in range(len(WHOLE)):
        with pytest.raises(GgufDamaged):
            read(tmp_path, WHOLE[:length])


@settings(max_examples=tries(300), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=9))
def test_any_bytes_are_read_or_named(tmp_path: Path, at: int, noise: bytes) -> None:
    data = WHOLE[:at] + noise + WHOLE[at + len(noise) :]
    with contextlib.suppress(GgufDamaged):
        assert read(tmp_path, data).tensors
