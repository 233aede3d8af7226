"""A model and a run that are small enough to merge, convert and serve in a test."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from engine.bases import add
from engine.export.start import Options, start
from engine.runs import RunView, last_log_lines, state, wait_until_gone
from engine.runs.events import EventLog
from engine.workspace import init_workspace, open_workspace
from tests.support.trusting import trusted
from tests.support.waiting import wait_until

RUN = "20260101-000000-abcd"

# The prompts of the run's dataset; the first is held out.
HELD_OUT = "What did you take away from the meeting on Monday?"
SEEN = "Why did you choose the smaller flat?"


def make_convertible_model(folder: Path, *, seed: int = 0, hidden: int = 64) -> Path:
    """Write a random two-layer Llama with the tokenizer of the embedded base.

    llama.cpp's converter knows tokenizers by what they make of a text, so a tokenizer that
    was trained in a test can't be converted; that of the embedded base can.

    Args:
        folder: Where the model is written; it is made.
        seed: Seed of the weights.
        hidden: Width of the model; a multiple of 16.
    """
    import torch
    from gguf import GGUFReader
    from transformers import LlamaConfig, LlamaForCausalLM

    from engine.bases.embedded import embedded_gguf
    from engine.bases.gguf_tokenizer import (
        read_vocabulary,
        to_json,
        tokenizer_config,
        tokenizer_json,
    )

    vocabulary = read_vocabulary(GGUFReader(embedded_gguf()))
    config = LlamaConfig(
        vocab_size=len(vocabulary.tokens),
        hidden_size=hidden,
        intermediate_size=hidden * 2,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=vocabulary.bos,
        eos_token_id=vocabulary.eos,
        pad_token_id=vocabulary.padding,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config)
    folder.mkdir(parents=True, exist_ok=True)
    model.to(torch.float16).save_pretrained(folder)
    (folder / "tokenizer.json").write_text(tokenizer_json(vocabulary), "utf-8")
    (folder / "tokenizer_config.json").write_text(to_json(tokenizer_config(vocabulary)), "utf-8")
    return folder


def make_run(run_dir: Path, base_dir: Path, *, base: str, seed: int = 1) -> Path:
    """Write what a finished training run leaves: spec, dataset, adapter and events."""
    dataset = run_dir / "dataset"
    dataset.mkdir(parents=True)
    _rows(dataset / "validation.jsonl", HELD_OUT, "Less than I hoped.")
    _rows(dataset / "train.jsonl", SEEN, "For the light in the kitchen.")
    (dataset / "manifest.json").write_text(json.dumps({"name": "notes"}), "utf-8")
    spec = {
        "base": base,
        "base_dir": str(base_dir),
        "dataset": "notes",
        "dataset_dir": str(dataset),
        "preset": "small-cpu",
    }
    (run_dir / "spec.toml").write_text(tomli_w.dumps(spec), "utf-8")
    make_adapter(base_dir, run_dir / "adapter", seed=seed)
    log = EventLog(run_dir)
    log.write("run_started", pid=os.getpid())
    log.write("run_finished", status="finished", result={})
    log.close()
    return run_dir


def make_exported_workspace(folder: Path) -> Path:
    """Make a workspace with one run and export it, in a home of its own.

    Returns:
        The workspace; the base model is in ``folder / "base"``.

    Raises:
        AssertionError: The export did not finish.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CACHE", "STATE", "CONFIG", "DATA"):
            patch.setenv(f"XDG_{name}_HOME", str(folder / "home" / name.lower()))
        base_dir = make_convertible_model(folder / "base")
        base = add(str(base_dir))
        root = init_workspace(folder / "workspace")
        make_run(root / "runs" / RUN, base_dir, base=base.name)
        trusted(root)
        with open_workspace(root) as workspace:
            job = start(workspace, RUN, "f16", options=Options(keep="all"))
        view = wait_until(lambda: _ended(job), timeout=300, what="the export")
        assert view is not None
        assert view.status == "finished", (view.message, *last_log_lines(job, 20))
        # Copies of it are exported again, which a process that still ends would refuse.
        wait_until_gone(job)
    return root


def _ended(job: Path) -> RunView | None:
    view = state(job)
    return None if view.active else view


def make_adapter(base_dir: Path, folder: Path, *, seed: int, scale: float = 0.02) -> None:
    """Write a LoRA adapter with random weights, so that merging it changes the model."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base_dir, dtype=torch.float32)
    adapted: Any = get_peft_model(
        model, LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"])
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for name, weight in adapted.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(weight, std=scale)
    adapted.save_pretrained(folder)


def _rows(path: Path, question: str, answer: str) -> None:
    row = {
        "messages": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        ],
        "id": "b2-" + "0" * 32,
        "metadata": {},
    }
    path.write_text(json.dumps(row) + "\n", "utf-8")
