"""Files that no engine can load end at most a child, and cost what was said before."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from engine.errors import EngineFailed, EngineUnfit, GgufDamaged
from engine.paths import state_dir
from engine.serve.engines.base import EngineKind, EngineName, EngineOptions, Served
from engine.serve.engines.choice import choose
from engine.serve.engines.llama_cpp_python import LlamaCppPython
from engine.serve.engines.native import Native
from engine.serve.header import read_header
from tests.serve.engines.conftest import running
from tests.support.tiny_gguf import file, pair, tensor, text, write_model

OPTIONS = EngineOptions(context=256, slots=1, threads=1)

ARCHITECTURE = pair("general.architecture", 8, text("llama"))
MALFORMED = {
    "empty": b"",
    "no-gguf": b"GGML" + b"\0" * 64,
    "no-weights": file([ARCHITECTURE], []),
    "endless-pairs": file([ARCHITECTURE], [tensor("a", (4,))], data=64, pair_count=2**60),
    "endless-tensors": file([ARCHITECTURE], [tensor("a", (4,))], data=64, tensor_count=2**60),
    "endless-array": file(
        [ARCHITECTURE, pair("x", 9, struct.pack("<IQ", 4, 2**61))], [tensor("a", (4,))], data=64
    ),
    "endless-tensor": file([ARCHITECTURE], [tensor("a", (2**40, 2**20))], data=64),
    "unknown-type": file([ARCHITECTURE, pair("x", 77, b"")], [tensor("a", (4,))], data=64),
}
NO_MODEL = {
    # A whole file, of which llama.cpp can make no model.
    "no-fields": file([ARCHITECTURE], [tensor("token_embd.weight", (4,))], data=64),
    "wrong-type": file(
        [ARCHITECTURE, pair("llama.block_count", 8, text("two"))],
        [tensor("token_embd.weight", (4,))],
        data=64,
    ),
    "unknown-kind": file(
        [pair("general.architecture", 8, text("martian"))], [tensor("a", (4,))], data=64
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_file_starts_no_process(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name}.gguf"
    path.write_bytes(MALFORMED[name])
    engines: tuple[EngineName | None, ...] = (None, "native", "llama-cpp-python")
    for engine in engines:
        with pytest.raises(GgufDamaged, match=name):
            choose(engine, Served("x", path))
    assert not (state_dir() / "engines").exists()


@pytest.mark.parametrize("name", NO_MODEL)
async def test_a_file_that_is_no_model_is_named_with_llama_cpps_words(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / f"{name}.gguf"
    path.write_bytes(NO_MODEL[name])
    with pytest.raises(GgufDamaged, match=r"the engine can't load .+: .{10,}"):
        await Native().start(Served("x", path), OPTIONS)


@pytest.mark.parametrize("seed", range(4))
async def test_noise_in_a_file_ends_the_child_at_most(
    tmp_path: Path, model_file: Path, seed: int
) -> None:
    await _load(_with_noise(tmp_path, model_file, seed))


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(4, 60))
async def test_more_noise_in_a_file_ends_the_child_at_most(
    tmp_path: Path, model_file: Path, seed: int
) -> None:
    await _load(_with_noise(tmp_path, model_file, seed))


def _with_noise(tmp_path: Path, model_file: Path, seed: int) -> Path:
    noise = random.Random(seed)
    data = bytearray(model_file.read_bytes())
    weights = read_header(model_file).data_start
    # Most of a header is the vocabulary; what comes before it and after it matters more.
    places = [*range(24, 600), *range(weights - 3000, weights)]
    for _ in range(noise.choice((1, 3, 40))):
        at = noise.choice(places) if noise.random() < 0.8 else noise.randrange(24, weights)
        data[at] = noise.randrange(256)
    path = tmp_path / "noise.gguf"
    path.write_bytes(data)
    return path


async def _load(path: Path) -> None:
    try:
        engine = await Native().start(Served("x", path), OPTIONS)
    except (GgufDamaged, EngineFailed) as error:
        assert "noise.gguf" in error.message or "of x" in error.message  # noqa: PT017
    else:
        await engine.close()


@pytest.mark.parametrize(
    ("name", "form"), [("transformers", "file"), ("native", "folder"), ("vllm", "folder")]
)
def test_a_form_that_an_engine_does_not_load_is_refused(
    tmp_path: Path, model_file: Path, name: str, form: str
) -> None:
    model = Served("x", model_file if form == "file" else tmp_path)
    with pytest.raises(EngineUnfit):
        choose(name, model)  # type: ignore[arg-type]


@pytest.mark.parametrize("cut", [1, 1000, 10**9])
def test_a_folder_with_damaged_weights_is_refused(
    tmp_path: Path, tiny_model_dir: Path, cut: int
) -> None:
    for part in tiny_model_dir.iterdir():
        data = part.read_bytes()
        whole = part.suffix != ".safetensors"
        (tmp_path / part.name).write_bytes(data if whole else data[: max(0, len(data) - cut)])
    assert choose(None, Served("x", tiny_model_dir)).name == "transformers"
    with pytest.raises(EngineUnfit, match=r"safetensors is not a whole"):
        choose(None, Served("x", tmp_path))


@pytest.mark.parametrize(
    "kind",
    [Native(), pytest.param(LlamaCppPython(), marks=pytest.mark.nightly)],
    ids=lambda kind: kind.name,
)
async def test_memory_is_foretold(tmp_path: Path, kind: EngineKind) -> None:
    small = write_model(tmp_path / "small.gguf", context=512)
    large = write_model(tmp_path / "large.gguf", context=32768)
    for path, context in ((small, 512), (large, 32768)):
        model = Served("x", path)
        options = EngineOptions(context=context, slots=2, threads=1)
        async with running(kind, model, options, tmp_path) as engine:
            foretold = kind.needs(model, options)
            assert engine.memory <= foretold * 1.1
            assert foretold <= engine.memory * 2
