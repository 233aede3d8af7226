"""The whole check stage on many examples: time, memory, going on after a stop, one new example.

Usage: python -m tests.bench.bench_check [COUNT] [--data DIR]

Examples are the instruction sets of the data folder, repeated with seeded variation (a number
and a shuffled order of sentences) until there are COUNT. The stage runs in its child process,
as the app runs it; memory is the sum of the peaks of that process and those it spread over.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from engine.models import Example, Provenance, Turn, example_id
from engine.quality.child import check_apart
from engine.quality.stage import CheckReport
from engine.workspace import Workspace, init_workspace, open_workspace

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
FIELDS = (("instruction", "output"), ("prompt", "completion"), ("instruction", "response"))


def pairs(data: Path) -> list[tuple[str, str]]:
    """Return the questions and answers of every JSON file of rows in the instruction sets."""
    found: dict[tuple[str, str], None] = {}
    for path in sorted(data.glob("instr-*/**/*.json")):
        try:
            rows = json.loads(path.read_text("utf-8"))
        except ValueError:
            continue
        for row in rows if isinstance(rows, list) else []:
            if not isinstance(row, dict):
                continue
            for ask, answer in FIELDS:
                texts = row.get(ask), row.get(answer)
                if all(isinstance(text, str) and text.strip() for text in texts):
                    found[(str(texts[0]), str(texts[1]))] = None
                    break
    return list(found)


def varied(real: list[tuple[str, str]], count: int) -> Iterator[Example]:
    """Yield so many different examples."""
    draw = random.Random(0)
    for number in range(count):
        ask, answer = real[number % len(real)]
        if number >= len(real):
            sentences = answer.split(". ")
            draw.shuffle(sentences)
            ask, answer = f"{ask} ({number})", ". ".join(sentences)
        turns = (Turn("user", ask), Turn("assistant", answer))
        yield Example(example_id(turns), "instruction", turns, Provenance("", "rows.json", number))


def add(space: Workspace, examples: Iterator[Example], root: str) -> None:
    """Put examples into a workspace as a scan would."""
    source = space.store.add_source("instructions", root)
    space.store.record_scan(source.id, examples, [], 1, at=time.time())


class Peak:
    """Watches the memory of this process's children, in bytes."""

    def __init__(self) -> None:
        self.bytes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        me = psutil.Process()
        while not self._stop.wait(0.2):
            total = 0
            for child in me.children(recursive=True):
                try:
                    # What copies of a process share is counted once for all of them.
                    total += child.memory_full_info().pss
                except psutil.Error:
                    continue
            self.bytes = max(self.bytes, total)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def timed(root: Path, stop_at: float = 2.0) -> tuple[CheckReport, float, int]:
    """Run the stage apart; stop it at a share of the work, if that is under one."""
    share = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal share
        share = done / total if total else 1.0

    started = time.monotonic()
    with Peak() as peak:
        report = check_apart(root, progress=progress, cancelled=lambda: share >= stop_at)
    return report, time.monotonic() - started, peak.bytes


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=100_000)
    parser.add_argument("--data", type=Path, default=DATA)
    arguments = parser.parse_args()
    real = pairs(arguments.data) if arguments.data.is_dir() else []
    if not real:
        print(f"needs folders instr-* with rows under {arguments.data.name}/ (--data DIR)")
        return
    with tempfile.TemporaryDirectory() as folder:
        root = init_workspace(Path(folder) / "ws")
        with open_workspace(root) as space:
            add(space, varied(real, arguments.count), "/rows.json")
            print(f"{space.store.queue_size():,} examples, {len(real):,} of them real\n")
            print(
                "| run | looked at | seconds | examples/s | memory, MB |\n|---|---:|---:|---:|---:|"
            )
            before = 0
            for name, stop_at in (("stopped on the way", 0.3), ("gone on with", 2.0)):
                _, seconds, memory = timed(root, stop_at)
                seen = len(space.store.check_versions("quality"))
                rate = (seen - before) / seconds
                print(
                    f"| {name} | {seen - before:,} | {seconds:.1f} | {rate:,.0f} "
                    f"| {memory / 1e6:,.0f} |"
                )
                before = seen
            one = (Turn("user", "What is new?"), Turn("assistant", "This one example is new."))
            new = Example(example_id(one), "instruction", one, Provenance("", "new.json", 1))
            add(space, iter([new]), "/new.json")
            for name in ("one new example", "nothing new"):
                report, seconds, memory = timed(root)
                print(f"| {name} | {report.looked:,} | {seconds:.1f} | | {memory / 1e6:,.0f} |")
            print("\n| flag | which | examples |\n|---|---|---:|")
            for kind, code, number in space.store.flag_counts():
                print(f"| {kind} | {code} | {number:,} |")


if __name__ == "__main__":
    main()
