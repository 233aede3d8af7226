"""Speed, memory and recall of near-duplicates: ``python -m tests.bench.bench_dedup``.

With the same vectors, finding the near-duplicates of 50,000 rows is compared with semhash,
which may be installed in an environment of its own (``--peer PYTHON``); it is left out where
it can't be imported. Each contender runs in a process of its own, in turns, and the best of
several rounds counts. Then: recall against brute force, of the index too; and the whole
stage on 100,000 examples whose vectors are already there.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from engine.child import child_environment
from engine.models import Example, Provenance, Turn, example_id
from engine.similarity import DEFAULT_THRESHOLD, FLOOR, embed
from engine.similarity.cache import VectorCache, cache_file
from engine.similarity.child import dedup_apart
from engine.similarity.encoder import locate
from engine.similarity.index import candidates
from engine.similarity.pairs import Side, Space, pairs_above
from engine.similarity.texts import key_of, normal_form
from engine.similarity.vectors import space_of
from engine.workspace import init_workspace, open_workspace
from tests.bench.duplicate_rows import DEFAULT_DATA, rows

PEER = Path(__file__).with_name("dedup_peer.py")
ROUNDS = 3
SAMPLE = 2_000


def prepare(data: Path, number: int, folder: Path, cache: Path) -> None:
    """Write the rows and their vectors, which are embedded once."""
    texts = rows(data, number)
    start, told = time.perf_counter(), 0

    def progress(done: int, total: int) -> None:
        nonlocal told
        if done - told >= 5_000:
            told = done
            print(f"  embedded {done:,} of {total:,}", file=sys.stderr, flush=True)

    vectors = embed(texts, cache=cache, progress=progress)
    taken = time.perf_counter() - start
    print(f"{len(texts):,} rows of {np.mean([len(text) for text in texts]):.0f} characters; ")
    print(f"embedded (or read from the cache) in {taken:.0f} s\n")
    np.save(folder / "vectors.npy", vectors)
    (folder / "texts.json").write_text(json.dumps(texts), "utf-8")


def contend(python: str, name: str, folder: Path, threshold: float) -> dict[str, float] | None:
    """Run a contender in a process of its own."""
    ran = subprocess.run(
        [python, str(PEER), name, str(folder), str(threshold)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **child_environment()},
    )
    if ran.returncode:
        print(f"{name} can't run: {ran.stderr.strip().splitlines()[-1]}\n")
        return None
    found: dict[str, float] = json.loads(ran.stdout.strip().splitlines()[-1])
    return found


def against(peer: str, folder: Path) -> None:
    """Print the table of the contenders."""
    t = DEFAULT_THRESHOLD
    runs = {
        f"finetui, pairs from {FLOOR:g} (what the product does)": (
            sys.executable,
            "finetui",
            FLOOR,
        ),
        f"finetui, pairs from {t:g}": (sys.executable, "finetui", t),
        f"semhash, threshold {t:g}": (peer, "semhash", t),
        f"plain blocked products, counting from {t:g}": (sys.executable, "plain", t),
    }
    best: dict[str, dict[str, float]] = {}
    for _ in range(ROUNDS):
        for label, (python, name, threshold) in list(runs.items()):
            found = contend(python, name, folder, threshold)
            if found is None:
                del runs[label]
            elif label not in best or found["seconds"] < best[label]["seconds"]:
                best[label] = found
    unit = next(value for label, value in best.items() if f"{FLOOR:g} " in label)
    print("| | seconds | ratio | of processor | ratio | peak memory | pairs |")
    print("|---|---|---|---|---|---|---|")
    for label, value in best.items():
        print(
            f"| {label} | {value['seconds']:.1f} | {value['seconds'] / unit['seconds']:.1f} | "
            f"{value['worked']:.1f} | {value['worked'] / unit['worked']:.1f} | "
            f"{value['peak'] / 1e6:.0f} MB | {value['pairs']:,.0f} |"
        )
    print(f"\nbest of {ROUNDS} rounds, in turns, each in a process of its own; the peak is that")
    print("of the process, with the vectors that it was given\n")


def recall(folder: Path) -> None:
    """Print the recall of pairs against brute force."""
    vectors = np.load(folder / "vectors.npy")
    print("| | rows | threshold | recall of pairs | seconds |\n|---|---|---|---|---|")
    space = Space(Side(vectors), floor=FLOOR)
    for threshold in (FLOOR, DEFAULT_THRESHOLD):
        start = time.perf_counter()
        found = set()
        for pairs in pairs_above(space, threshold):
            found.update((pairs.a * len(vectors) + pairs.b).tolist())
        taken = time.perf_counter() - start
        there, missed = _brute(vectors, np.arange(len(vectors)), threshold, found)
        print(
            f"| exact | {len(vectors):,} | {threshold:g} | {1 - missed / there:.6f} | {taken:.1f} |"
        )
    chance = np.random.default_rng(0)
    moved = vectors + chance.standard_normal(vectors.shape).astype(np.float32) * np.float32(0.02)
    moved /= np.linalg.norm(moved, axis=1, keepdims=True)
    many = np.concatenate([vectors, moved])
    space = Space(Side(many), floor=FLOOR)
    start = time.perf_counter()
    found = set()
    for pairs in candidates(space, FLOOR):
        found.update((pairs.a * len(many) + pairs.b).tolist())
    taken = time.perf_counter() - start
    sample = chance.choice(len(many), SAMPLE, replace=False)
    for threshold in (FLOOR, DEFAULT_THRESHOLD):
        there, missed = _brute(many, sample, threshold, found)
        print(f"| index | {len(many):,} | {threshold:g} | {1 - missed / there:.4f} | {taken:.1f} |")
    print("\nthe larger set has each row once more, moved by noise to a cosine of about 0.93; of")
    print(f"the index's, {SAMPLE:,} rows were compared with all others by brute force\n")


def _brute(
    vectors: np.ndarray[tuple[int, int], np.dtype[np.float32]],
    which: np.ndarray[tuple[int], np.dtype[np.int64]],
    threshold: float,
    found: set[int],
) -> tuple[int, int]:
    """Return how many near pairs the chosen rows have, and how many of them were not found."""
    there = missed = 0
    for start in range(0, len(which), 500):
        mine = which[start : start + 500]
        # What is at the very threshold may fall on either side by rounding.
        one, other = np.nonzero(vectors[mine] @ vectors.T >= threshold + 1e-5)
        a, b = mine[one], other
        apart = a != b
        low, high = np.minimum(a, b)[apart], np.maximum(a, b)[apart]
        numbers = set((low * len(vectors) + high).tolist())
        there += len(numbers)
        missed += len(numbers - found)
    return there, missed


def stage(folder: Path, number: int) -> None:
    """Print times and memory of the whole stage, with all vectors there."""
    vectors = np.load(folder / "vectors.npy")
    texts = json.loads((folder / "texts.json").read_text("utf-8"))
    cache, root = folder / "cache", init_workspace(folder / "space")
    plant(texts, vectors, 2 * (number + 1), cache)
    with open_workspace(root) as space:
        source = space.store.add_source("vault", "/notes")
        some = (_example(texts, n, source.id) for n in range(number))
        space.store.record_scan(source.id, some, [], number, at=1)
    print("| | seconds | of processor | peak memory | compared | embedded |")
    print("|---|---|---|---|---|---|")
    told: list[int] = []
    for label in ("first run", "nothing new", "one new example"):
        if label == "one new example":
            with open_workspace(root) as space:
                source = space.store.add_source("vault", "/more")
                one = _example(texts, number, source.id)
                space.store.record_scan(source.id, [one], [], 1, at=2)
        start = time.perf_counter()
        report, peak, worked = _measured(root, cache, told)
        taken = time.perf_counter() - start
        print(
            f"| {label} | {taken:.1f} | {worked:.1f} | {peak / 1e6:.0f} MB | "
            f"{report['compared']:,} | {report['embedded']:,} |"
        )
    print(f"\n{number:,} examples of a prompt and an answer; progress was told {len(told)} times\n")


def _measured(root: Path, cache: Path, told: list[int]) -> tuple[dict[str, int], int, float]:
    """Run the stage in its child and watch the child's memory and processor time."""
    import threading

    import psutil

    peak, worked, over = 0, 0.0, threading.Event()

    def watch() -> None:
        nonlocal peak, worked
        while not over.wait(0.05):
            for child in psutil.Process().children(recursive=True):
                try:
                    peak = max(peak, child.memory_info().rss)
                    times = child.cpu_times()
                    worked = max(worked, times.user + times.system)
                except psutil.Error:
                    continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        report = dedup_apart(root, cache=cache, progress=lambda done, total: told.append(done))
    finally:
        over.set()
        watcher.join()
    return {"compared": report.compared, "embedded": report.embedded}, peak, worked


def plant(
    texts: list[str],
    vectors: np.ndarray[tuple[int, int], np.dtype[np.float32]],
    number: int,
    cache: Path,
) -> None:
    """Keep a vector for each of so many texts: those of the rows, moved a little."""
    chance = np.random.default_rng(1)
    with VectorCache(cache_file(space_of(locate("")), cache)) as kept:
        for start in range(0, number, 5_000):
            some = np.arange(start, min(start + 5_000, number))
            moved = vectors[some % len(vectors)]
            moved = moved + chance.standard_normal(moved.shape).astype(np.float32) * 0.02
            moved /= np.linalg.norm(moved, axis=1, keepdims=True)
            keys = [key_of(normal_form(_text(texts, int(n)))) for n in some]
            kept.keep(dict(zip(keys, moved.astype(np.float32), strict=True)))


def _text(texts: list[str], number: int) -> str:
    return f"{texts[number % len(texts)]} and {number} more"


def _example(texts: list[str], number: int, source_id: str) -> Example:
    turns = (
        Turn("user", _text(texts, 2 * number)),
        Turn("assistant", _text(texts, 2 * number + 1)),
    )
    where = Provenance(source_id, f"{number}.md")
    return Example(example_id(turns), "qa", turns, where)


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--examples", type=int, default=100_000)
    parser.add_argument("--peer", default=sys.executable, help="a Python that has semhash")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "finetui-bench")
    parser.add_argument("--only", choices=["against", "recall", "stage"], default="")
    options = parser.parse_args()
    if not (options.data / "dup-banking77").is_dir():
        print(f"this needs the folder of public data sets, and {options.data} is not it (--data)")
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        prepare(options.data, options.rows, folder, options.cache)
        if options.only in ("", "against"):
            against(options.peer, folder)
        if options.only in ("", "recall"):
            recall(folder)
        if options.only in ("", "stage"):
            stage(folder, options.examples)


if __name__ == "__main__":
    main()
