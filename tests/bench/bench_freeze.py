"""Times of a freeze of many examples: ``python -m tests.bench.bench_freeze [ROWS]``.

A workspace of made-up examples, ten to a note, all approved, one in ten linked to another as a
near-duplicate. No base and no embedding model: tokens and vectors have benchmarks of their own.
The peer, in the same run, reads the approved examples and writes them as JSON lines, with
nothing looked at. Memory is the process's highest, with all that is imported.
"""

from __future__ import annotations

import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from engine.dataset import default_options, draft, freeze, row_of
from engine.dataset.rows import encode_rows
from engine.models import Filter, Link
from engine.workspace import Workspace, init_workspace, open_workspace
from tests.bench.bench_store import examples

ROWS = 100_000
APPROVED = Filter(states=("approved",))


def filled(root: Path, number: int) -> Workspace:
    """Return a workspace of approved examples with links."""
    space = open_workspace(init_workspace(root))
    source = space.store.add_source("vault", "/notes")
    rng = random.Random(0)
    space.store.record_scan(source.id, examples(source.id, number, rng), [], 1, at=1.0)
    linked = {}
    for card in list(space.store.cards()):
        space.store.append("approve", card.example.id, at=2.0)
        linked[card.position] = f"{card.example.id}||"
    places = sorted(linked)
    pairs = {tuple(sorted(rng.sample(places, 2))) for _ in range(number // 10)}
    links = [Link("both", a, b, 0.95) for a, b in pairs]
    space.store.save_links("made-up", linked=linked, links=links)
    return space


def timed(label: str, call: Callable[[], object], peer: float = 0.0) -> float:
    """Print how long a call takes, and the highest memory so far."""
    start = time.perf_counter()
    call()
    taken = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    ratio = f"{taken / peer:5.1f} x" if peer else ""
    print(f"| {label} | {taken:.1f} s | {ratio} | {memory:,.0f} MB |", flush=True)
    return taken


def main(number: int) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as scratch, filled(Path(scratch), number) as space:
        print(f"{number:,} approved examples\n")
        print("| step | time | to the peer | highest memory |")
        print("|---|---:|---:|---:|")

        def written() -> None:
            rows = (row_of(card) for card in space.store.cards(APPROVED))
            (Path(scratch) / "peer.jsonl").write_bytes(encode_rows(rows))

        peer = timed("peer: read, and write as JSON lines", written)
        options = default_options(space)
        timed("draft", lambda: draft(space, base=None, options=options), peer)
        timed("freeze", lambda: freeze(space, base=None), peer)
        timed("freeze again, nothing changed", lambda: freeze(space, base=None), peer)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
