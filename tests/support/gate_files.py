"""A tiny model that was trained on a few answers, as the files that gates look at."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.export.convert import convert
from engine.export.gates import GateInput
from engine.export.merge.merging import merge
from engine.export.metadata import Metadata
from engine.export.progress import Progress
from engine.export.spec import ExportSpec
from engine.export.steps import runner
from engine.models import Turn
from engine.runs.child import Job
from engine.settings import GateSettings
from engine.tokens import Tokenizer, render
from tests.support.tiny_export import RUN, make_convertible_model

Pair = tuple[str, str]


def train_by_heart(base: Path, adapter: Path, pairs: Sequence[Pair], *, steps: int = 60) -> float:
    """Train a LoRA adapter until it knows answers by heart, and return the last loss.

    Args:
        base: The base's folder.
        adapter: Where the adapter is written.
        pairs: Questions and answers, all in one batch.
        steps: Steps of AdamW.
    """
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    tokenizer = Tokenizer.load(base)
    rendered = [render(tokenizer, [Turn("user", q), Turn("assistant", a)]) for q, a in pairs]
    longest = max(len(row.ids) for row in rendered)
    ids = torch.tensor([[*row.ids, *[0] * (longest - len(row.ids))] for row in rendered])
    labels = torch.tensor([[*row.labels, *[-100] * (longest - len(row.ids))] for row in rendered])
    loss: Any = None
    with torch.random.fork_rng():
        torch.manual_seed(0)
        loaded = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
        model: Any = get_peft_model(loaded, LoraConfig(r=16, lora_alpha=64, target_modules=targets))
        optimiser = torch.optim.AdamW(
            [weight for weight in model.parameters() if weight.requires_grad], lr=1e-3
        )
        for _ in range(steps):
            loss = model(input_ids=ids, labels=labels).loss
            loss.backward()
            optimiser.step()
            optimiser.zero_grad()
    model.save_pretrained(adapter)
    return float(loss.detach())


def make_files(
    folder: Path, trained: Sequence[Pair], held_out: Sequence[Pair], *, steps: int = 60
) -> None:
    """Make base, run and GGUFs; :func:`given` takes them up.

    Args:
        folder: Where they are made.
        trained: Pairs of the training split, which the adapter learns.
        held_out: Pairs of the held-out split.
        steps: Steps of the training.
    """
    base, run = make_convertible_model(folder / "base"), folder / RUN
    _sharpen(base / "model.safetensors")
    write_rows(run / "dataset", {"train": trained, "validation": held_out})
    train_by_heart(base, run / "adapter", trained, steps=steps)
    merge(base, run / "merged", adapter=run / "adapter")
    (run / "spec.toml").write_text(f'dataset_dir = "{run / "dataset"}"\n', "utf-8")
    with Job(folder / "made") as job:
        for name, source in (("tuned", run / "merged"), ("base", base)):
            convert(
                runner(job),
                source,
                folder / f"{name}.gguf",
                kind="f16",
                metadata=Metadata(),
                template=Tokenizer.load(base).template,
                report=lambda done, total: None,
            )
    assert job.exit_status == 0


def _sharpen(weights: Path) -> None:
    """Let a random model be sure of something: its logits are within 1 of one another else."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(weights)
    tensors["model.norm.weight"] *= 16
    save_file(tensors, weights, metadata={"format": "pt"})


def write_rows(dataset: Path, splits: Mapping[str, Sequence[Pair]]) -> None:
    """Write a dataset's splits, with ids that say where a row stands."""
    dataset.mkdir(parents=True, exist_ok=True)
    for split, pairs in splits.items():
        lines = [
            json.dumps(
                {
                    "id": f"b2-{split}{number:02}",
                    "messages": [
                        {"role": "user", "content": question},
                        {"role": "assistant", "content": answer},
                    ],
                }
            )
            for number, (question, answer) in enumerate(pairs)
        ]
        (dataset / f"{split}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")


def given(
    folder: Path,
    job: Job,
    *,
    gates: GateSettings | None = None,
    tuned: Path | None = None,
    run_dir: Path | None = None,
) -> GateInput:
    """Return what gates get of the files of :func:`make_files`.

    Args:
        folder: Where these are.
        job: The job.
        gates: Limits other than the defaults.
        tuned: Another file in place of the merged model's.
        run_dir: Another run's folder in place of that one.
    """
    base = folder / "base"
    tokenizer = Tokenizer.load(base)
    spec = ExportSpec(
        run_dir=run_dir or folder / RUN,
        base="base",
        base_dir=base,
        base_fingerprint="",
        cache_dir=folder,
        quants=("f16",),
        template=tokenizer.template,
        gates=gates or GateSettings(),
    )
    merged = tuned or folder / "tuned.gguf"
    return GateInput(
        spec=spec,
        job=job,
        directory=job.directory,
        tokenizer=tokenizer,
        f16=merged,
        tuned={"f16": merged},
        base_f16=folder / "base.gguf",
        base={"f16": folder / "base.gguf"},
        progress=Progress(job),
    )
