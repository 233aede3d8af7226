"""Engines that are programs of others: their documented options, and how they are kept."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest
import yaml

from engine.errors import DependencyMissing, EngineFailed, EngineUnfit, WorkerDied
from engine.serve.engines.base import EngineOptions, Served
from engine.serve.engines.choice import choose
from engine.serve.engines.native import Native
from engine.serve.engines.vllm import Vllm, vllm_arguments, vllm_config
from tests.support.waiting import wait_until

PROGRAMS = Path(__file__).parent / "programs"
NO_TENSORS = (2).to_bytes(8, "little") + b"{}"
OPTIONS = EngineOptions(context=512, slots=2, threads=1)


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the stand-ins on the path, before this environment's own programs."""
    folders = (str(PROGRAMS), str(Path(sys.executable).parent), os.environ["PATH"])
    monkeypatch.setenv("PATH", os.pathsep.join(folders))
    return PROGRAMS


async def test_llama_server_answers_like_the_wheel(
    programs: Path, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLAMA_ARG_HOST", "0.0.0.0")
    monkeypatch.setenv("LLAMA_API_KEY", "another")
    body = {"prompt": "Hello", "max_tokens": 8, "temperature": 0}
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    texts, prompts = [], []
    for kind in (Native(), Native(wheel=False)):
        engine = await kind.start(Served("tiny:f16", model_file), OPTIONS)
        answer = (await engine.client.post("/v1/completions", json=body)).json()
        assert answer["model"] == "tiny:f16"
        assert (engine.context, engine.slots) == (512, 2)
        texts.append(answer["choices"][0]["text"])
        rendered = await engine.client.post("/apply-template", json={"messages": turns})
        prompts.append(rendered.json()["prompt"])
        await engine.close()
    assert texts[0] == texts[1]
    assert prompts[0] == prompts[1]
    assert prompts[0].endswith("b<|im_end|>\n<|im_start|>assistant\n")


async def test_a_program_is_kept_and_its_key_is_in_no_argument(
    programs: Path, model_file: Path
) -> None:
    engine = await Native(wheel=False).start(Served("tiny:f16", model_file), OPTIONS)
    (program,) = psutil.Process(engine.pid).children()
    key = engine.client.headers["Authorization"].removeprefix("Bearer ")
    assert not [part for part in program.cmdline() if key in part]
    assert key not in engine.log.read_text()
    assert program.net_connections("inet") == []
    assert engine.memory > program.memory_info().rss
    os.kill(program.pid, signal.SIGSEGV)
    error = await engine.ended()
    assert isinstance(error, WorkerDied)
    assert "SIGSEGV" in error.message
    await engine.close()
    assert not engine.socket.parent.exists()


async def test_a_program_ends_with_its_keeper(programs: Path, model_file: Path) -> None:
    engine = await Native(wheel=False).start(Served("tiny:f16", model_file), OPTIONS)
    (program,) = psutil.Process(engine.pid).children()
    os.kill(engine.pid, signal.SIGKILL)
    wait_until(lambda: _gone(program))
    await engine.close()


def test_neither_wheel_nor_program_is_named(
    model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DependencyMissing, match="llama-server") as caught:
        Native(wheel=False).require(Served("x", model_file))
    assert "pip install xllamacpp" in caught.value.hint
    with pytest.raises(DependencyMissing, match="vLLM") as caught:
        choose("vllm", Served("x", model_file))
    assert "pip install vllm" in caught.value.hint


async def test_vllm_serves_an_adapter_under_the_models_name(
    programs: Path, tmp_path: Path, tiny_model_dir: Path
) -> None:
    (tmp_path / "adapter_config.json").write_text('{"r": 12}')
    (tmp_path / "adapter_model.safetensors").write_bytes(NO_TENSORS)
    model = Served("brief", tiny_model_dir, adapter=tmp_path)
    engine = await choose("vllm", model).start(model, OPTIONS)
    assert (engine.name, engine.context, engine.slots) == ("vllm", 512, 2)
    body = {"model": "brief", "prompt": "Hello"}
    answer = (await engine.client.post("/v1/completions", json=body)).json()
    assert answer["model"] == "brief"
    body["model"] = "another"
    assert (await engine.client.post("/v1/completions", json=body)).status_code == 404
    (program,) = psutil.Process(engine.pid).children()
    key = engine.client.headers["Authorization"].removeprefix("Bearer ")
    assert not [part for part in program.cmdline() if key in part]
    await engine.close()
    wait_until(lambda: _gone(program))


async def test_what_vllm_says_at_its_end_is_passed_on(programs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    for name in ("config.json", "tokenizer.json"):
        (folder / name).write_text("{}")
    (folder / "model.safetensors").write_bytes(NO_TENSORS)
    with pytest.raises(EngineFailed, match="no supported architecture"):
        await Vllm().start(Served("x", folder), OPTIONS)


def test_vllms_command_line(tmp_path: Path) -> None:
    model = Served("brief:q4", tmp_path / "m.gguf", tokenizer_dir=tmp_path / "base")
    assert vllm_arguments(model, OPTIONS) == [
        "serve",
        str(tmp_path / "m.gguf"),
        "--uds",
        "{socket}",
        "--served-model-name",
        "brief:q4",
        "--max-model-len",
        "512",
        "--max-num-seqs",
        "2",
        "--disable-uvicorn-access-log",
        "--dtype",
        "float16",
        "--tokenizer",
        str(tmp_path / "base"),
    ]
    config = yaml.safe_load(vllm_config(model, OPTIONS))
    assert config["host"] == "127.0.0.1"
    assert config["max-num-seqs"] == 2
    assert "key" not in " ".join(config)


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineUnfit, match=r"config\.json"):
        choose("vllm", Served("x", tmp_path))


def _gone(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
