"""What an importance matrix gains: ``python -m tests.bench.bench_imatrix ROWS``.

ROWS is a JSON or JSON Lines file of ``instruction``, ``input`` and ``output``. Of a shuffle that is
always the same, the first rows are the training text and the last ones are held out. The embedded
base at f16 is quantised with and without a matrix of the training text; of the held-out rows each
file's negative log-likelihood a token, its KL divergence from f16 and how often both have the same
likeliest token are printed. Of the base's matrices only ``ffn_down`` has a width that k- and
i-quantisations take; all others fall back to larger types, with and without a matrix alike.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.bases import resolve
from engine.export.convert import convert, quantise
from engine.export.imatrix import collect, save
from engine.export.metadata import Metadata
from engine.export.spec import IMATRIX_CHUNK as CHUNK
from engine.export.steps import runner
from engine.models import Turn
from engine.runs.child import Job
from engine.tokens import Tokenizer, render

PLAIN = ("q2_k",)
WEIGHED = (*PLAIN, "iq2_xs")


def pieces_of(rows: list[dict[str, str]], tokenizer: Tokenizer, most: int) -> list[list[int]]:
    """Return the token ids of rows, each a conversation, up to a number of tokens."""
    found: list[list[int]] = []
    for row in rows:
        asked = "\n".join(part for part in (row["instruction"], row.get("input", "")) if part)
        turns = (Turn("user", asked), Turn("assistant", row["output"]))
        found.append(list(render(tokenizer, turns, max_length=CHUNK).ids))
        if sum(map(len, found)) >= most:
            return found
    return found


def log_probabilities(model: Any, piece: list[int]) -> NDArray[np.float32]:
    """Return the log probabilities of all tokens after each token of a piece."""
    model.reset()
    model.eval(piece)
    logits = np.array(model.scores[: len(piece)], np.float32)
    logits -= logits.max(axis=1, keepdims=True)
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return logits


def load(path: Path) -> Any:
    """Load a GGUF."""
    from llama_cpp import Llama

    return Llama(str(path), n_ctx=CHUNK, n_batch=CHUNK, logits_all=True, verbose=False, n_threads=1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--train-tokens", type=int, default=20_000)
    parser.add_argument("--held-out-tokens", type=int, default=4_000)
    options = parser.parse_args()
    text = options.rows.read_text("utf-8")
    rows = (
        json.loads(text)
        if text.lstrip().startswith("[")
        else list(map(json.loads, text.splitlines()))
    )
    random.Random(0).shuffle(rows)
    base = resolve("smollm2-135m-instruct")
    tokenizer = Tokenizer.load(base.directory)
    train = pieces_of(rows, tokenizer, options.train_tokens)
    held_out = pieces_of(rows[::-1], tokenizer, options.held_out_tokens)
    assert len(train) + len(held_out) < len(rows)
    with tempfile.TemporaryDirectory() as name:
        compare(make(Path(name), base.directory, tokenizer, train), held_out)


def make(folder: Path, base: Path, tokenizer: Tokenizer, train: list[list[int]]) -> dict[str, Path]:
    """Make the f16, the matrix and all quantisations; f16 comes first."""
    files = {"f16": folder / "f16.gguf"}
    quiet = lambda done, total: None  # noqa: E731
    with Job(folder / "job") as job:
        step = runner(job)
        convert(
            step, base, files["f16"], kind="f16", template=tokenizer.template,
            metadata=Metadata({"general.name": "base"}), report=quiet,
        )  # fmt: skip
        began = time.monotonic()
        found = collect(files["f16"], train)
        tokens = sum(map(len, train))
        print(f"matrix of {tokens:,} tokens in {time.monotonic() - began:.0f} s")
        matrix = folder / "imatrix.gguf"
        save(matrix, found.sums, found.counts, dataset="rows", chunks=len(train))
        for quant in PLAIN:
            files[quant] = folder / f"{quant}.gguf"
            quantise(step, files["f16"], files[quant], quant=quant, report=quiet)
        for quant in WEIGHED:
            label = f"{quant} with matrix"
            files[label] = folder / f"{quant}-i.gguf"
            quantise(step, files["f16"], files[label], quant=quant, imatrix=matrix, report=quiet)
    assert job.exit_status == 0
    return files


def compare(files: dict[str, Path], held_out: list[list[int]]) -> None:
    """Print a table of what each file loses on held-out pieces; one is loaded at a time."""
    truths: list[NDArray[np.float32]] = []
    count = sum(len(piece) - 1 for piece in held_out)
    print(f"held out: {len(held_out)} rows, {count:,} tokens")
    print(f"{'':22}{'MB':>8}{'NLL':>9}{'KL':>9}{'top-1':>9}", flush=True)
    for label, path in files.items():
        model = load(path)
        nll = divergence = agree = 0.0
        for number, piece in enumerate(held_out):
            own = log_probabilities(model, piece)[:-1]
            if label == "f16":
                truths.append(own)
            truth = truths[number]
            nll -= float(own[np.arange(len(own)), piece[1:]].sum())
            divergence += float((np.exp(truth) * (truth - own)).sum())
            agree += float((own.argmax(1) == truth.argmax(1)).sum())
        model.close()
        size = path.stat().st_size / 1e6
        figures = f"{nll / count:9.4f}{divergence / count:9.4f}{agree / count:9.1%}"
        print(f"{label:22}{size:8.1f}{figures}", flush=True)


if __name__ == "__main__":
    main()
