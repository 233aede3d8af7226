"""What an export leaves for Ollama: Modelfiles by quantisation, and what the card says."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.export.card import card
from engine.export.ollama.exported import exported_model, write_modelfile
from engine.export.ollama.modelfile import OllamaModel
from engine.export.publish import Published
from engine.export.spec import ExportSpec, load_spec
from tests.support.modelfiles import read_modelfile
from tests.support.tiny_export import RUN


@pytest.fixture(scope="module")
def job(finished_export: Path) -> Path:
    return finished_export / "runs" / RUN / "exports" / "f16"


@pytest.fixture(scope="module")
def spec(job: Path) -> ExportSpec:
    return load_spec(job)


def test_the_export_wrote_what_the_model_says(job: Path, spec: ExportSpec) -> None:
    gguf = spec.tuned_file(job, "f16")
    model = exported_model(spec, gguf)
    assert model.template
    assert model.remarks == ()
    told = dict(read_modelfile((job / "Modelfile").read_text("utf-8")))
    assert (told["template"], told["from"]) == (model.template, f"./{gguf.name}")


def test_each_quantisation_has_a_modelfile(spec: ExportSpec, tmp_path: Path) -> None:
    several = spec.model_copy(update={"quants": ("f16", "q8_0")})
    model = OllamaModel("", "", (), 0.7, reason="r")
    paths = [write_modelfile(several, model, tmp_path, quant) for quant in several.quants]
    assert [path.name for path in paths] == ["Modelfile", "Modelfile.q8_0"]
    for path, quant in zip(paths, several.quants, strict=True):
        assert dict(read_modelfile(path.read_text("utf-8")))["from"] == f"./{RUN}-{quant}.gguf"


def test_the_card_says_what_ollama_can_not_do(spec: ExportSpec) -> None:
    model = OllamaModel("", "", (), 0.7, reason="it changes what stands inside of messages")
    files = [Published("f16", Path("m.gguf"), 1, "0" * 64)]
    said = card(spec, files, (), ollama=model.remarks)
    assert "- no TEMPLATE: it changes what stands inside of messages; newer versions" in said
    assert "llama-server" in said
    assert "With Ollama:" not in card(spec, files, ())
    assert "With Ollama:" not in card(spec, (), (), ollama=model.remarks)
