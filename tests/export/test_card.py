"""An export's card says what the files are, and nothing foreign in it is markup."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from engine.export.card import card
from engine.export.gates import Gate
from engine.export.gates.model import TEMPLATE_REFUSED
from engine.export.ollama.modelfile import OllamaModel
from engine.export.publish import Published
from engine.export.spec import ExportSpec

GATES = (
    Gate("answers", "passed", "4 files loaded and answered"),
    Gate("fidelity", "overridden", "worse | than <b>base</b>", figures={"q8_0": {"nll": 1.25}}),
)


@pytest.fixture
def spec(tmp_path: Path) -> ExportSpec:
    """Return the spec of an export, whose dataset has a hostile name."""
    run = tmp_path / "20260101-000000-abcd"
    (run / "dataset").mkdir(parents=True)
    manifest = {"name": "no|tes\n# \x1b[31m<script>", "content_hash": "b2-0123"}
    (run / "dataset" / "manifest.json").write_text(json.dumps(manifest))
    return ExportSpec(
        run_dir=run,
        base="tiny",
        base_dir=tmp_path,
        base_fingerprint="b2-9",
        cache_dir=tmp_path,
        quants=("q8_0",),
        template="",
        name="notes-tiny",
        licence="apache-2.0",
    )


def test_it_is_markdown_with_the_files_and_the_gates(spec: ExportSpec, tmp_path: Path) -> None:
    path = tmp_path / "a b.gguf"
    path.write_bytes(b"model")
    digest = hashlib.sha256(b"model").hexdigest()
    text = card(spec, [Published("q8_0", path, 5, digest)], GATES)
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    assert html.count("<h1>") == 1
    assert "<script>" not in html
    assert "<b>" not in html
    assert "\x1b" not in text
    for part in ("apache-2.0", "b2-0123", "b2-9", digest, "overridden", "llama-server --model"):
        assert part in html, part
    # Each row of a table has its cells, whatever is in them.
    rows = [row.count("<td") for row in html.split("<tr>") if "<td" in row]
    assert rows == [4, 3, 3]


def test_no_program_is_named_that_refused_the_files(spec: ExportSpec, tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(b"model")
    gate = Gate("tokens", "overridden", "Unknown statement: with", "", {"code": TEMPLATE_REFUSED})
    text = card(spec, [Published("q8_0", path, 5, "0")], [gate])
    assert "llama-server" not in text
    assert "does not take the chat template" in text
    model = OllamaModel("", "", (), 0.7, reason="it says too much")
    assert "llama-server --jinja" in model.remarks[0]
    assert "llama-server" not in replace(model, served=False).remarks[0]


def test_files_that_a_gate_refused_are_called_that(spec: ExportSpec) -> None:
    text = card(spec, [], GATES)
    assert "**Not published**" in text
    assert "llama-server" not in text
