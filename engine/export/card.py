"""The card of an export: what the files are, what was found of them, and how to use them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.export.gates import Gate
from engine.export.gates.model import template_refused
from engine.export.metadata import TOOL, dataset_info
from engine.export.publish import Published
from engine.export.spec import ExportSpec
from engine.paths import shell_path
from engine.text import inert

CARD = "card.md"


def card(
    spec: ExportSpec,
    files: Sequence[Published],
    gates: Sequence[Gate],
    *,
    imatrix: str = "",
    merged: Path | None = None,
    ollama: Sequence[str] = (),
) -> str:
    """Return an export's card, in Markdown.

    Args:
        spec: The export.
        files: The finished files; none where the gates refused them.
        gates: What was found.
        imatrix: The name of the importance matrix beside the files.
        merged: The merged model, where it was kept.
        ollama: What to know before it is used with Ollama.
    """
    lines = [*_lines(spec, files, gates, imatrix, merged)]
    if files and ollama:
        lines += ["", "With Ollama:", "", *(f"- {_text(remark)}" for remark in ollama)]
    return "\n".join(lines) + "\n"


def _lines(
    spec: ExportSpec,
    files: Sequence[Published],
    gates: Sequence[Gate],
    imatrix: str,
    merged: Path | None,
) -> Iterator[str]:
    dataset = dataset_info(spec.run_dir)
    step = f", of step {spec.step:,}" if spec.step else ""
    yield f"# {_text(spec.name or spec.run_id)}"
    yield ""
    if not files:
        yield "**Not published**: a gate refused it (below)."
        yield ""
    yield f"- Base: {_text(spec.base)} (`{_text(spec.base_fingerprint)}`)"
    yield f"- Run: {_text(spec.run_id)}, the {spec.which} adapter{step}"
    known = f" (`{_text(dataset.content_hash)}`)" if dataset.content_hash else ""
    yield f"- Dataset: {_text(dataset.name) or 'unknown'}{known}"
    yield f"- Licence of the base: {_text(spec.licence) or 'not stated by the base'}"
    yield f"- Made by: {TOOL}"
    if imatrix:
        yield f"- Importance matrix, of the training text: `{_text(imatrix)}`"
    if files:
        yield ""
        yield "## Files"
        yield ""
        yield "| file | quantisation | bytes | SHA-256 |"
        yield "| --- | --- | ---: | --- |"
        for file in files:
            yield f"| {_text(file.path.name)} | {file.quant} | {file.bytes:,} | `{file.sha256}` |"
    yield ""
    yield "## Gates"
    yield ""
    yield from _gate_lines(gates)
    if files:
        yield from _use_lines(spec, files[0], merged, serves=not template_refused(gates))


def _gate_lines(gates: Sequence[Gate]) -> Iterator[str]:
    yield "| gate | result | what was found |"
    yield "| --- | --- | --- |"
    for gate in gates:
        yield f"| {gate.name} | {gate.state} | {_text(gate.says)} |"
    for gate in gates:
        if gate.figures:
            yield ""
            yield f"### {gate.name}"
            yield ""
            yield "```json"
            figures = json.dumps(dict(gate.figures), ensure_ascii=False, indent=2, default=str)
            yield _fenced(figures)
            yield "```"


def _use_lines(
    spec: ExportSpec, file: Published, merged: Path | None, *, serves: bool
) -> Iterator[str]:
    name = spec.ollama_name()
    path = shell_path(file.path.name)
    yield ""
    yield "## Use"
    yield ""
    yield "In this folder:"
    yield ""
    yield "```sh"
    yield f"ollama create {name} -f Modelfile && ollama run {name}"
    if serves:
        yield f"llama-server --model {path} --jinja"
    if merged is not None:
        yield f"vllm serve {shell_path(merged)}"
    yield "```"
    if not serves:
        yield ""
        yield "llama.cpp's own server does not take the chat template of these files: see `tokens`."
    if merged is None:
        yield ""
        yield (
            "vLLM takes the merged model, a Hugging Face folder, which is kept with "
            f"`finetui export {spec.run_id} --keep merged`."
        )


def _text(text: str) -> str:
    """Return foreign text for a line of Markdown: nothing in it is markup or control."""
    plain = inert(" ".join(text.split()))
    return "".join(f"\\{letter}" if letter in "|<>[]*`" else letter for letter in plain)


def _fenced(text: str) -> str:
    return "\n".join(inert(line) for line in text.split("\n")).replace("```", "'''")
