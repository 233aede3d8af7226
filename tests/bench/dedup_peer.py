"""One contender of bench_dedup, in a process of its own: ``dedup_peer.py NAME FOLDER THRESHOLD``.

The peer may be installed in another environment, so this imports finetui only for its own.
Prints one JSON document: seconds, seconds of processor, peak memory in bytes, pairs found.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Vectors = Any


def finetui(vectors: Vectors, texts: list[str], floor: float) -> int:
    """Find all pairs and their forest, as the product does."""
    from engine.similarity.forest import Forest
    from engine.similarity.pairs import Side, Space, pairs_above

    forest, found = Forest(len(vectors)), 0
    for pairs in pairs_above(Space(Side(vectors), floor=floor), floor):
        forest.add(pairs)
        found += len(pairs)
    forest.edges()
    return found


def semhash(vectors: Vectors, texts: list[str], threshold: float) -> int:
    """Index and deduplicate with semhash's defaults; its own model is never asked."""
    from semhash import SemHash  # type: ignore[import-not-found]

    index = SemHash.from_embeddings(embeddings=vectors, records=texts, model=None)
    result = index.self_deduplicate(threshold=threshold)
    return len(result.filtered)


def plain(vectors: Vectors, texts: list[str], threshold: float) -> int:
    """Multiply everything by everything in blocks, and count: the truth to compare with."""
    found = 0
    for start in range(0, len(vectors), 2_000):
        near = vectors[start : start + 2_000] @ vectors.T >= threshold
        found += int(np.triu(near, start + 1).sum())
    return found


CONTENDERS: dict[str, Callable[[Vectors, list[str], float], int]] = {
    "finetui": finetui,
    "semhash": semhash,
    "plain": plain,
}


def main(name: str, folder: Path, threshold: float) -> None:
    """Run one contender and print what it took."""
    vectors = np.load(folder / "vectors.npy")
    texts = json.loads((folder / "texts.json").read_text("utf-8"))
    # Imported before the clock starts.
    if name == "semhash":
        importlib.import_module("semhash")
    else:
        for module in ("engine.similarity.forest", "scipy.sparse.csgraph", "threadpoolctl"):
            importlib.import_module(module)
    start, worked = time.perf_counter(), time.process_time()
    found = CONTENDERS[name](vectors, texts, threshold)
    taken, worked = time.perf_counter() - start, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": taken, "worked": worked, "peak": peak, "pairs": found}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]))
