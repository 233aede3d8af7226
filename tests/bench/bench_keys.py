"""What a key costs on a short and on a long queue: ``python -m tests.bench.bench_keys [N ...]``.

Queues of 10,000 and 1,000,000 examples (or of the given numbers) are made in a scratch folder
from real sentences. Each operation that a key leads to on the event loop is done fifty times at
places all over the queue; the table has the median in milliseconds. What follows in brackets runs
in a thread, and may take what it takes.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.models import Example, Filter, Provenance, Turn, example_id
from engine.store import Store
from engine.store.staging import ReadItem, ScannedItem, staged
from tests.bench.large_rows import ROOT, sentences
from tui.bridge.curation import measure
from tui.bridge.queue import QueuePages

TIMES = 50


def examples(number: int) -> Iterator[Example]:
    """Yield different examples of about 150 bytes; every fifth is of another kind."""
    draw = random.Random(0)
    pool = sentences(ROOT)
    for index in range(number):
        turns = (Turn("user", f"{draw.choice(pool)} {index}"), Turn("assistant", draw.choice(pool)))
        kind = "reflection" if index % 5 == 0 else "instruction"
        yield Example(example_id(turns), kind, turns, Provenance("", f"{index % 7}.jsonl", index))


def filled(path: Path, number: int) -> Store:
    """Return a store with so many examples, of which the first tenth is decided."""
    store = Store.open(path)
    source = store.add_source("instructions", "/rows")
    with store.stage() as stage:
        batch: list[Example] = []
        for example in examples(number):
            batch.append(example)
            if len(batch) == 1000:
                stage.take(ReadItem(ScannedItem("rows.jsonl"), list(map(staged, batch))))
                batch = []
        stage.take(ReadItem(ScannedItem("rows.jsonl"), list(map(staged, batch))))
        store.take_over(stage, source.id, fingerprint="", at=1.0)
    return store


def median(call: Callable[[], object]) -> float:
    """Return the median time of a call in milliseconds."""
    taken = []
    for _ in range(TIMES):
        start = time.perf_counter()
        call()
        taken.append(1000 * (time.perf_counter() - start))
    return statistics.median(taken)


def operations(store: Store) -> Iterator[tuple[str, float]]:
    """Yield the name of each operation and its median time."""
    draw = random.Random(1)
    pages = QueuePages(store)
    last = pages.size - 1

    def jump(shown: QueuePages, rank: int) -> None:
        shown._pages.clear()
        shown.row(rank)

    def somewhere() -> int:
        return draw.randrange(pages.size)

    def decide(action: str, rank: int) -> None:
        row = pages.row(rank)
        assert row is not None
        store.append(action, row.example_id, at=time.time())  # type: ignore[arg-type]
        card = store.card(row.example_id)
        pages.update(card)

    yield "go to the end", median(lambda: jump(pages, last))
    yield "go anywhere", median(lambda: jump(pages, somewhere()))
    yield "approve, anywhere", median(lambda: decide("approve", somewhere()))
    yield "undo", median(lambda: store.undo(at=time.time()))
    yield "next undecided", median(lambda: store.next_undecided(Filter(), somewhere()))
    kind = Filter(kinds=("reflection",), states=("undecided",))
    yield "choose a kind and a state", median(lambda: QueuePages(store, kind))
    some = QueuePages(store, kind)
    yield "go to the end of it", median(lambda: jump(some, some.size - 1))
    yield "rank in it", median(lambda: store.queue_rank(kind, somewhere()))
    yield "counts of the meter", median(lambda: measure(store, 100))
    started = time.perf_counter()
    found = QueuePages(store, Filter(text="the"))
    yield f"(search that finds {found.size:,})", 1000 * (time.perf_counter() - started)
    yield "go to the end of what is found", median(lambda: jump(found, found.size - 1))
    row = found.row(found.size // 2)
    assert row is not None
    card = store.card(row.example_id)
    yield "decide in what is found", median(lambda: found.update(card))
    yield "next undecided in it", median(lambda: found.next_undecided(somewhere()))


def main(numbers: list[int]) -> None:
    """Print a column for each number of examples."""
    columns: list[dict[str, float]] = []
    for number in numbers:
        with (
            tempfile.TemporaryDirectory() as folder,
            filled(Path(folder) / "finetui.db", number) as store,
        ):
            columns.append(dict(operations(store)))
    names = [name for name in columns[0] if not name.startswith("(")]
    head = f"milliseconds, median of {TIMES}"
    print(f"{head:36}", *(f"{number:>12,}" for number in numbers))
    for name in names:
        print(f"{name:36}", *(f"{column[name]:12.2f}" for column in columns))
    for column in columns:
        for name in (name for name in column if name.startswith("(")):
            print(f"{name:36} {column[name]:12.2f}")


if __name__ == "__main__":
    main([int(given) for given in sys.argv[1:]] or [10_000, 1_000_000])
