"""The verb ``ollama``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import main
from tests.support.fake_ollama import Fake, serving
from tests.support.go_templates import GoTemplates
from tests.support.modelfiles import read_modelfile
from tests.support.tiny_export import HELD_OUT, RUN
from tests.support.trusting import trusted


@pytest.fixture
def root(finished_export: Path, tmp_path: Path) -> Path:
    """Return a copy of the workspace with the tiny export."""
    copied = shutil.copytree(finished_export, tmp_path / "exported")
    trusted(copied)
    return copied


@pytest.fixture
def fake(tmp_path: Path, go: GoTemplates) -> Iterator[Fake]:
    with serving(tmp_path / "blobs", go) as server:
        yield server


@pytest.fixture
def call(root: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return what runs the verb and returns what it printed: output, and errors."""

    def run(*words: str, status: int = 0) -> tuple[str, str]:
        found = main(["ollama", *words, "--workspace", str(root)])
        captured = capsys.readouterr()
        assert found == status, captured
        return captured.out, captured.err

    return run


def test_without_ollama_there_are_the_files_and_what_to_paste(root: Path, call: Any) -> None:
    job = root / "runs" / RUN / "exports" / "f16"
    (job / "Modelfile").unlink()
    told = json.loads(call("last", "--json")[0])
    assert told["modelfile"] == str(job / "Modelfile")
    assert told["template"] is True
    assert told["remarks"] == []
    commands = dict(read_modelfile((job / "Modelfile").read_text("utf-8")))
    assert commands["from"] == f"./{RUN}-f16.gguf"
    assert "{{ range .Messages }}" in commands["template"]
    printed = call("last")[0]
    assert f"ollama run {told['name'].removesuffix(':latest')}" in printed
    for command in told["commands"]:
        assert command in printed


def test_a_model_is_made(call: Any, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", fake.url)
    made = json.loads(call(RUN, "--create", "me/kettle:small", "--json")[0])
    assert (made["name"], made["question"]) == ("me/kettle:small", HELD_OUT)
    assert made["prompt_tokens"] == made["trained_tokens"]
    assert not made["replaced"]
    assert list(fake.models) == ["me/kettle:small"]


def test_what_is_done_is_said(call: Any, fake: Fake) -> None:
    words = (RUN, "--create", "--host", fake.url)
    out, steps = call(*words)
    assert "send " in steps
    assert "Ollama: success" in steps
    assert "is in Ollama 0.21.1 at http://127.0.0.1" in out
    assert f"asked    {HELD_OUT}" in out
    assert "[ollama-name-taken]" in call(*words, status=1)[1]
    assert "in place of the one before" in call(*words, "--force")[0]


def test_another_quantisation_has_to_be_exported_first(call: Any) -> None:
    said = call(RUN, "--quant", "q8_0", status=1)[1]
    assert f"finetui export {RUN} --quant q8_0" in said


def test_an_address_that_is_none_is_refused_before_anything_is_read(call: Any) -> None:
    said = call("no-such-run", "--create", "--host", "http://me:secret@example.com", status=1)[1]
    assert "[ollama-address-invalid]" in said
    assert "secret" not in said
