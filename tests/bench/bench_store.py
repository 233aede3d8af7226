"""Times of the store on a large queue: ``python -m tests.bench.bench_store [ROWS]``.

Prints a line a call: the median, and its ratio to a peer in the same run, which is a
plain ``SELECT … WHERE rowid > ? LIMIT 200`` on the same file.
"""

from __future__ import annotations

import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.models import Action, Example, Filter, Provenance, Turn, example_id
from engine.store import Store

REPEATS = 25
WORDS = [f"{first}{last}" for first in "bdfgklmnprstvz" for last in ("ale", "orin", "une", "ist")]


def examples(source_id: str, number: int, rng: random.Random) -> Iterator[Example]:
    """Yield examples of about a hundred words, ten to a note."""
    kinds = ("reflection", "decision", "learning", "qa")
    for index in range(number):
        turns = (
            Turn("user", f"Question {index}: " + " ".join(rng.choices(WORDS, k=12)) + "?"),
            Turn("assistant", " ".join(rng.choices(WORDS, k=90)) + "."),
        )
        where = Provenance(
            source_id,
            f"notes/{index // 10:06}.md",
            start_line=index % 10 * 9 + 1,
            end_line=index % 10 * 9 + 8,
            heading=" ".join(rng.choices(WORDS, k=5)),
            tags=(rng.choice(("work", "home", "garden", "books")),),
        )
        yield Example(example_id(turns), rng.choice(kinds), turns, where)


def median(call: Callable[[], object]) -> float:
    """Return the median time of a call, in seconds."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def timed(label: str, call: Callable[[], object]) -> None:
    """Print how long a call takes once."""
    start = time.perf_counter()
    call()
    print(f"{label:46} {time.perf_counter() - start:9.2f} s", flush=True)


def decide_some(store: Store, rng: random.Random) -> None:
    """Decide a thousand examples, spread over the queue."""
    rows = store.queue_page(Filter(), limit=10**9)
    actions: tuple[Action, ...] = ("approve", "reject", "skip")
    for row in rng.sample(rows, min(1000, len(rows))):
        store.append(rng.choice(actions), row.example_id, at=time.time())


def calls(store: Store, rows: int) -> dict[str, Callable[[], object]]:
    """Return what is timed, by its name."""
    deep = rows * 9 // 10
    some = store.queue_window(Filter(), deep, 1)[0].example_id
    undecided = Filter(states=("undecided",))
    approved = Filter(states=("approved",))
    two = Filter(states=("undecided", "skipped"))
    kind = Filter(kinds=("decision",))
    word = Filter(text="bale norin")
    return {
        "queue_page, all, deep": lambda: store.queue_page(after=deep),
        "queue_page, undecided, deep": lambda: store.queue_page(undecided, after=deep),
        "queue_page, approved, first": lambda: store.queue_page(approved),
        "queue_page, two states, deep": lambda: store.queue_page(two, after=deep),
        "queue_page, kind, deep": lambda: store.queue_page(kind, after=deep),
        "queue_page, tag, deep": lambda: store.queue_page(Filter(tag="work"), after=deep),
        "queue_page, text": lambda: store.queue_page(word),
        "queue_page, one letter": lambda: store.queue_page(Filter(text="b")),
        "queue_before, undecided, deep": lambda: store.queue_before(undecided, before=deep),
        "queue_rank, all, deep": lambda: store.queue_rank(Filter(), deep),
        "queue_rank, undecided, deep": lambda: store.queue_rank(undecided, deep),
        "queue_rank, kind, deep": lambda: store.queue_rank(kind, deep),
        "queue_window, all, deep": lambda: store.queue_window(Filter(), deep, 200),
        "queue_window, undecided, deep": lambda: store.queue_window(undecided, deep, 200),
        "queue_window, two states, deep": lambda: store.queue_window(two, deep, 200),
        "queue_window, kind, deep": lambda: store.queue_window(kind, rows // 5, 200),
        "queue_size, all": lambda: store.queue_size(),
        "queue_size, undecided": lambda: store.queue_size(undecided),
        "queue_size, text": lambda: store.queue_size(word),
        "next_undecided, deep": lambda: store.next_undecided(after=deep),
        "counts": lambda: store.counts(),
        "counts, kind": lambda: store.counts(kind),
        "tags": lambda: store.tags(),
        "kinds": lambda: store.kinds(),
        "card": lambda: store.card(some),
        "card, prefix": lambda: store.card(some[:12]),
        "decision, durable": lambda: store.append("approve", some, at=time.time()),
        "undo, durable": lambda: store.undo(at=time.time()),
        "redo, durable": lambda: store.redo(at=time.time()),
    }


def main() -> None:
    """Fill a store and print the figures."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    rng = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.db"
        store = Store.open(path)
        source = store.add_source("vault", "/notes")
        found = list(examples(source.id, rows, rng))
        print(f"{rows:,} examples")
        timed("first scan", lambda: store.record_scan(source.id, found, [], rows // 10, at=1.0))
        timed("scan again", lambda: store.record_scan(source.id, found, [], rows // 10, at=2.0))
        timed("1,000 decisions", lambda: decide_some(store, rng))
        timed("all cards", lambda: sum(1 for _ in store.cards()))
        timed("open and close", lambda: Store.open(path).close())
        print(f"{'file':46} {path.stat().st_size / 1e6:9.1f} MB")
        plain = sqlite3.connect(path)
        query = "SELECT * FROM queue WHERE position > ? LIMIT 200"
        peer = median(lambda: plain.execute(query, [rows * 9 // 10]).fetchall())
        print(f"{'peer: plain select of 200 rows':46} {peer * 1e3:9.3f} ms")
        for name, call in calls(store, rows).items():
            taken = median(call)
            print(f"{name:46} {taken * 1e3:9.3f} ms   {taken / peer:7.1f} x peer", flush=True)
        plain.close()
        timed("remove the source", lambda: store.remove_source(source.id))
        store.close()


if __name__ == "__main__":
    main()
