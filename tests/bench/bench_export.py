"""From an adapter to Q4_K_M: ``python -m tests.bench.bench_export [--turns 3] [--folder DIR]``.

A random model of TinyLlama-1.1B's shape in bfloat16 with a random LoRA of rank 16 on all linear
layers is merged, converted and quantised: by the engine's own steps, and by a plain script of
peft's merge in bfloat16, llama.cpp's converter and its quantiser. The sides take turns, the order
changing with each; each is a process whose children are watched. Medians of wall time, of
processor time, and of the most anonymous memory (RssAnon of /proc/PID/status, summed over the
processes, looked at 20 times a second). It takes 8 GB of disk.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.child import child_environment

HIDDEN, INNER, LAYERS, HEADS, KV_HEADS = 2048, 5632, 22, 32, 4
RANK = 16
_LOOK_S = 0.05


def make_model(folder: Path) -> None:
    """Write the model and, beside it, its adapter."""
    from tests.support.tiny_export import make_convertible_model

    small = make_convertible_model(folder / "small")
    base = folder / "base"
    shutil.copytree(small, base)
    config = json.loads((base / "config.json").read_text())
    config |= {
        "hidden_size": HIDDEN,
        "intermediate_size": INNER,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS,
        "head_dim": HIDDEN // HEADS,
        "max_position_embeddings": 2048,
        "tie_word_embeddings": False,
        "dtype": "bfloat16",
    }
    (base / "config.json").write_text(json.dumps(config))
    rng = np.random.default_rng(0)
    write_bf16(base / "model.safetensors", _base_tensors(int(config["vocab_size"])), rng)
    write_adapter(folder / "adapter", rng)


def _layers() -> Iterator[tuple[str, int, int]]:
    """Give name, outputs and inputs of each linear layer."""
    kv = HIDDEN // HEADS * KV_HEADS
    for layer in range(LAYERS):
        inside = f"model.layers.{layer}"
        for name, outputs in (("q", HIDDEN), ("k", kv), ("v", kv), ("o", HIDDEN)):
            yield f"{inside}.self_attn.{name}_proj", outputs, HIDDEN
        yield f"{inside}.mlp.gate_proj", INNER, HIDDEN
        yield f"{inside}.mlp.up_proj", INNER, HIDDEN
        yield f"{inside}.mlp.down_proj", HIDDEN, INNER


def _base_tensors(vocab: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield "model.embed_tokens.weight", (vocab, HIDDEN)
    for name, outputs, inputs in _layers():
        yield f"{name}.weight", (outputs, inputs)
    for layer in range(LAYERS):
        for norm in ("input_layernorm", "post_attention_layernorm"):
            yield f"model.layers.{layer}.{norm}.weight", (HIDDEN,)
    yield "model.norm.weight", (HIDDEN,)
    yield "lm_head.weight", (vocab, HIDDEN)


def write_bf16(
    path: Path, tensors: Iterator[tuple[str, tuple[int, ...]]], rng: np.random.Generator
) -> None:
    """Write random weights, without holding more than one tensor."""
    shapes = dict(tensors)
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in shapes.items():
        size = 2 * int(np.prod(shape))
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as out:
        out.write(len(text).to_bytes(8, "little") + text)
        for shape in shapes.values():
            values = rng.standard_normal(shape, dtype=np.float32)
            values *= np.float32(0.02)
            if len(shape) == 1:
                values += 1
            out.write((values.view(np.uint32) >> 16).astype(np.uint16).tobytes())


def write_adapter(folder: Path, rng: np.random.Generator) -> None:
    """Write a LoRA adapter as peft would."""
    from safetensors.numpy import save_file

    folder.mkdir()
    tensors = {}
    for name, outputs, inputs in _layers():
        layer = f"base_model.model.{name}"
        down = rng.standard_normal((RANK, inputs), dtype=np.float32)
        up = rng.standard_normal((outputs, RANK), dtype=np.float32)
        tensors[f"{layer}.lora_A.weight"] = down * np.float32(0.02)
        tensors[f"{layer}.lora_B.weight"] = up * np.float32(0.02)
    save_file(tensors, folder / "adapter_model.safetensors", {"format": "pt"})
    names = sorted({name.rpartition(".")[2] for name, _, _ in _layers()})
    config = {"peft_type": "LORA", "r": RANK, "lora_alpha": 32, "target_modules": names}
    (folder / "adapter_config.json").write_text(
        json.dumps(config | {"task_type": "CAUSAL_LM", "bias": "none", "lora_dropout": 0.0})
    )


def export(folder: Path, out: Path) -> None:
    """Do what an export does between adapter and Q4_K_M, by the recipe's own functions."""
    from engine.bases.check import fingerprint
    from engine.bases.template import chat_template
    from engine.export.making import Bench, make_tuned
    from engine.export.progress import Progress
    from engine.export.spec import ExportSpec
    from engine.export.steps import runner
    from engine.runs.child import Job
    from engine.tokens import Tokenizer

    base, run = folder / "base", out / "run"
    run.mkdir()
    (run / "adapter").symlink_to(folder / "adapter")
    job_dir = run / "exports" / "q4_k_m"
    job_dir.mkdir(parents=True)
    spec = ExportSpec(
        run_dir=run,
        base="tinyllama",
        base_dir=base,
        base_fingerprint=fingerprint(base),
        cache_dir=out / "cache",
        quants=("q4_k_m",),
        template=chat_template(base),
    )
    with Job(job_dir) as job:
        bench = Bench(
            spec=spec,
            job=job,
            step=runner(job),
            directory=job_dir,
            progress=Progress(job),
            tokenizer=Tokenizer.load(base),
        )
        made = make_tuned(bench)
        job.finish({"file": str(made.files["q4_k_m"])})
    if job.exit_status:
        raise SystemExit(job.exit_status)


def watch(command: list[str]) -> tuple[float, float, float]:
    """Run a command; return its wall time, processor time, and most anonymous memory in MB."""
    began = time.monotonic()
    before = os.times()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    most = 0
    while child.poll() is None:
        most = max(most, sum(map(anonymous, tree(child.pid))))
        time.sleep(_LOOK_S)
    if child.returncode:
        raise SystemExit(f"{command} ended with {child.returncode}")
    after = os.times()
    processor = after.children_user - before.children_user
    processor += after.children_system - before.children_system
    return time.monotonic() - began, processor, most / 1000


def tree(pid: int) -> list[int]:
    """Return a process and all that came of it."""
    found = [pid]
    for parent in found:
        try:
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
        except OSError:
            continue
    return found


def anonymous(pid: int) -> int:
    """Return a process's anonymous memory in kB."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("RssAnon:")), 0)


def main() -> None:
    """Measure both sides in turns and print medians and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/bench-export"))
    parser.add_argument("--only", choices=["engine", "script"])
    parser.add_argument("--export", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    folder: Path = options.folder
    if options.export:
        export(folder, options.export)
        return
    os.environ.update(child_environment())
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if not (folder / "adapter").is_dir():
            make_model(folder)
        measure(folder, options.turns, [options.only] if options.only else ["engine", "script"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(folder: Path, turns: int, sides: list[str]) -> None:
    """Measure the sides in turns."""
    figures: dict[str, list[tuple[float, float, float]]] = {side: [] for side in sides}
    python = [sys.executable, "-m"]
    for turn in range(turns):
        for side in sides if turn % 2 == 0 else reversed(sides):
            out = folder / f"out-{side}"
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir()
            script = ["tests.bench.export_script", f"{folder / 'base'}", f"{folder / 'adapter'}"]
            own = ["tests.bench.bench_export", f"--folder={folder}", f"--export={out}"]
            command = [*python, *own] if side == "engine" else [*python, *script, str(out)]
            seconds, processor, memory = watch(command)
            figures[side].append((seconds, processor, memory))
            size = sum(path.stat().st_size for path in out.rglob("*q4_k_m.gguf"))
            print(
                f"{side:7} {seconds:7.1f} s  {processor:7.1f} s of processor  {memory:7.0f} MB"
                f"  ({size / 1e6:.0f} MB written)",
                flush=True,
            )
            shutil.rmtree(out)
    middle = {
        side: [statistics.median(column) for column in zip(*rows, strict=True)]
        for side, rows in figures.items()
    }
    for side, (seconds, processor, memory) in middle.items():
        print(f"median {side}: {seconds:.1f} s, {processor:.1f} s, {memory:.0f} MB")
    if len(middle) == 2:
        pairs = zip(middle["engine"], middle["script"], strict=True)
        wall, processor, memory = (own / other for own, other in pairs)
        print(f"engine by script: wall {wall:.2f}, processor {processor:.2f}, memory {memory:.2f}")


if __name__ == "__main__":
    main()
