"""Exports that can really be loaded: two random two-layer models with the embedded vocabulary."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import tomli_w

from engine.bases.gguf_tokenizer import to_json, tokenizer_config, tokenizer_json
from engine.export.spec import ExportSpec, write_spec
from engine.runs import EventLog
from engine.workspace import Workspace
from tests.support.tiny_gguf import embedded_vocabulary, write_model

QUESTIONS = ("Why did you say no to the lead role?", "What did you take from the offsite?")
OWN_ANSWER = "It was two roles, and I wanted neither."


def make_models(folder: Path) -> Path:
    """Write a base directory's tokenizer and two GGUFs, ``base.gguf`` and ``tuned.gguf``."""
    vocabulary = embedded_vocabulary()
    hf = folder / "hf"
    hf.mkdir(parents=True)
    (hf / "tokenizer.json").write_text(tokenizer_json(vocabulary), "utf-8")
    (hf / "tokenizer_config.json").write_text(to_json(tokenizer_config(vocabulary)), "utf-8")
    write_model(folder / "base.gguf", seed=1)
    write_model(folder / "tuned.gguf", seed=2)
    return folder


def make_exported_run(
    workspace: Workspace, models: Path, run_id: str = "20250615-110000-3f2a", quant: str = "f16"
) -> Path:
    """Write a finished run with a dataset and a finished export at a quantisation.

    Args:
        workspace: Where the run belongs.
        models: What :func:`make_models` wrote.
        run_id: The run's id.
        quant: The quantisation that the export claims to have.
    """
    run = workspace.runs_dir / run_id
    if not run.is_dir():
        _make_run(run, models)
    job = run / "exports" / quant
    job.mkdir(parents=True)
    cache = run / "cache"
    cache.mkdir(exist_ok=True)
    spec = ExportSpec(
        run_dir=run, base="tiny", base_dir=models / "hf", base_fingerprint="b2-0",
        cache_dir=cache, quants=(quant,), template="", context=256,
    )  # fmt: skip
    write_spec(spec, job)
    shutil.copy(models / "tuned.gguf", spec.tuned_file(job))
    shutil.copy(models / "base.gguf", spec.base_file)
    size = spec.tuned_file(job).stat().st_size
    with EventLog(job) as log:
        log.write("run_started", pid=os.getpid())
        sides = {side: {"bytes": size, "tokens_per_s": 50.0} for side in ("base", "tuned")}
        log.write("run_finished", status="finished", result={"quant": quant, **sides})
    return job


def make_finished_export(workspace: Workspace, run_id: str, quant: str) -> None:
    """Write a finished run with an export whose two files are no models, but listed as such.

    Args:
        workspace: Where the run belongs.
        run_id: The run's id.
        quant: The quantisation that the export claims to have.
    """
    files = workspace.root / "no-models"
    (files / "hf").mkdir(parents=True, exist_ok=True)
    for side in ("base", "tuned"):
        (files / f"{side}.gguf").write_bytes(b"no model" * 1_000_000)
    make_exported_run(workspace, files, run_id, quant)


def _make_run(run: Path, models: Path) -> None:
    dataset = run / "dataset"
    dataset.mkdir(parents=True)
    _rows(dataset / "validation.jsonl", QUESTIONS[0])
    _rows(dataset / "train.jsonl", QUESTIONS[1])
    spec = {"base": "tiny", "base_dir": str(models / "hf"), "dataset": "notes"}
    (run / "spec.toml").write_text(tomli_w.dumps(spec), "utf-8")
    with EventLog(run) as log:
        log.write("run_started", pid=os.getpid())
        log.write("run_finished", status="finished", result={})


def _rows(path: Path, question: str) -> None:
    messages = [
        {"role": "user", "content": question},
        {"role": "assistant", "content": OWN_ANSWER},
    ]
    row = {"messages": messages, "id": "b2-1", "metadata": {}}
    path.write_text(json.dumps(row) + "\n", "utf-8")
