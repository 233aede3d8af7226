"""Times of a whole scan: ``python -m tests.bench.bench_scan [NOTES] [FOLDER] [TAKE]``.

Copies of the notes of FOLDER (by default those of the demo), each made different by a line
of its own, are found, taken apart, and stored in a new workspace; then they are scanned
again unchanged, and once more with one note in a hundred changed. The peer, in the same
run, is a bare loop of python-frontmatter over the same files. At the end, a hundred
thousand short examples are taken over while another connection decides.
"""

from __future__ import annotations

import multiprocessing
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import frontmatter

from engine.extract.scan import ScanReport, scan
from engine.store import Store
from tests.bench.bench_store import examples

DEMO = Path(__file__).resolve().parent.parent.parent / "engine" / "demo" / "data"
CHANGED_SHARE = 0.01
LARGE = 100_000


def copies(folder: Path, number: int, into: Path) -> int:
    """Write copies of a folder's notes, and return how many bytes they are."""
    notes = sorted(path for path in folder.rglob("*.md") if path.is_file())
    total = 0
    for index in range(number):
        note = notes[index % len(notes)]
        path = into / f"{index // len(notes):04}" / note.relative_to(folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        data = note.read_bytes() + f"\nWritten for the {index}th time.\n".encode()
        path.write_bytes(data)
        total += len(data)
    return total


def seconds(call: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def bare(folder: Path) -> None:
    """Parse every note by python-frontmatter alone."""
    for path in folder.rglob("*.md"):
        frontmatter.load(str(path))


def main(number: int, folder: Path, take: str = "") -> None:
    """Print the times and their ratios."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "vault"
        size = copies(folder, number, root)
        print(f"{number:,} notes, {size / 1e6:.1f} MB")
        bare(root)
        peer = min(seconds(lambda: bare(root)) for _ in range(3))
        print(f"{'python-frontmatter alone':46} {peer:9.2f} s")
        # Files that were just written are hashed again by the next scan.
        time.sleep(2.1)
        with Store.open(Path(scratch) / "finetui.db") as store:
            source = store.add_source("vault", str(root), {"take": take} if take else {})

            def timed(label: str) -> tuple[float, ScanReport]:
                start = time.perf_counter()
                report = scan(store, source)
                taken = time.perf_counter() - start
                print(f"{label:46} {taken:9.2f} s  {taken / peer:6.2f} x the peer")
                return taken, report

            first, report = timed("first scan, with all that it stores")
            print(f"  {report.examples:,} examples: {dict(report.kinds)}")
            again, report = timed("scan again, nothing changed")
            assert report.files_read == 0
            print(f"  {first / again:.0f} times faster than the first")
            for path in random.Random(0).sample(sorted(root.rglob("*.md")), int(number / 100)):
                path.write_text(path.read_text("utf-8") + "\nChanged.\n", "utf-8")
            _, report = timed(f"scan again, {CHANGED_SHARE:.0%} changed")
            print(f"  {report.files_read:,} files read, {report.changed:,} examples changed")
        decide_meanwhile(Path(scratch) / "large.db")


def decide_meanwhile(path: Path) -> None:
    """Print how long a decision waits while another process takes many examples over."""
    waits: list[float] = []
    with Store.open(path) as store:
        source = store.add_source("vault", "/notes")
        store.record_scan(source.id, list(examples(source.id, 100, random.Random(0))), [], 1, at=1)
        known = store.queue_page()[0].example_id
    other = multiprocessing.get_context("spawn").Process(target=take_over_many, args=(path,))
    start = time.perf_counter()
    other.start()
    with Store.open(path) as mine:
        while other.is_alive():
            waits.append(seconds(lambda: mine.append("approve", known, at=time.time())))
            time.sleep(0.05)
    ordered = sorted(waits)
    print(f"{f'{LARGE:,} examples made and taken over':46} {time.perf_counter() - start:9.2f} s")
    print(
        f"  a decision meanwhile: median {statistics.median(ordered) * 1000:.1f} ms, "
        f"95 of 100 under {ordered[int(len(ordered) * 0.95)] * 1000:.0f} ms, "
        f"longest {ordered[-1] * 1000:.0f} ms, of {len(ordered)}"
    )


def take_over_many(path: Path) -> None:
    """Record a scan of very many examples."""
    with Store.open(path) as store:
        source = store.add_source("vault", "/more")
        many = examples(source.id, LARGE, random.Random(1))
        store.record_scan(source.id, many, [], 1, at=2)


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 10_000,
        Path(sys.argv[2]) if len(sys.argv) > 2 else DEMO,
        sys.argv[3] if len(sys.argv) > 3 else "",
    )
