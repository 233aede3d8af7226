"""Rows a second of export and import: ``python -m tests.bench.bench_formats [ROWS]``.

A made dataset of ROWS rows (100,000 by default; a third with a system message, a fifth with
a second question, 600 characters on average) is exported in each format, and read as
``finetui sources add`` reads it. Each is done in a process of its own, whose largest memory
is shown. The peer, in the same run, is a bare loop that parses each line of the dataset
as JSON and writes it again.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from engine.dataset import FORMATS, export
from engine.dataset.rows import Row
from engine.models import Turn
from engine.sources import detect, read
from tests.dataset.frozen_support import row, write_frozen

ROWS = 100_000
PLACES = [*((name, "jsonl") for name in FORMATS)]
PLACES += [(name, container) for container in ("parquet", "hf") for name in ("chat", "alpaca")]


def made(number: int) -> Row:
    """Return a row, different from all others."""
    turns: tuple[Turn, ...] = (
        Turn("user", f"What did the {number}th boat bring to the țărm, and who took it in?"),
        Turn("assistant", f"It is boat {number}. " + "It brought rope, tar and two letters. " * 12),
    )
    if number % 3 == 0:
        turns = (Turn("system", "You keep the harbour's book."), *turns)
    if number % 5 == 0:
        turns = (*turns, Turn("user", "And then?"), Turn("assistant", f"It left at {number}."))
    return row(turns, number, tags=["harbour"], title=f"Boat {number}", lines=[number, number + 3])


def prepared(folder: Path, number: int) -> int:
    """Write the dataset: nine tenths of the rows to train on."""
    held = number // 10
    parts = {"train": range(number - held), "validation": range(number - held, number)}
    write_frozen(folder, {name: list(map(made, part)) for name, part in parts.items()})
    return number


def bare(frozen: Path, out: Path) -> int:
    """Parse and write each line, and nothing else."""
    with out.open("w", encoding="utf-8") as written:
        for path in sorted(frozen.glob("*.jsonl")):
            with path.open("rb") as lines:
                for line in lines:
                    written.write(json.dumps(json.loads(line), ensure_ascii=False) + "\n")
    return 0


def exported(frozen: Path, out: Path, format: str, container: str) -> int:
    """Export once, with metadata where the format has it."""
    metadata = FORMATS[format].metadata
    report = export(frozen, "", format, out, container=container, metadata=metadata)
    return report.rows


def imported(out: Path) -> int:
    """Read all that was exported."""
    return sum(1 for _ in read(detect(out).kind, out))


def apart(call: Callable[..., int], *words: object) -> tuple[float, float, int]:
    """Return a call's seconds, its process's largest memory in MB, and what it gave."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=_timed, args=(theirs, call, words))
    child.start()
    found: tuple[float, float, int] = ours.recv()
    child.join()
    return found


def _timed(pipe: Connection, call: Callable[..., int], words: tuple[object, ...]) -> None:
    start = time.perf_counter()
    given = call(*words)
    taken = time.perf_counter() - start
    pipe.send((taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, given))


def main(number: int) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        frozen = root / "d1"
        # Apart as well: a child begins with its parent's largest memory.
        apart(prepared, frozen, number)
        size = sum(path.stat().st_size for path in frozen.glob("*.jsonl"))
        peer, memory, _ = apart(bare, frozen, root / "bare")
        print(f"{number:,} rows, {size / 1e6:.0f} MB; JSON alone: {peer:.1f} s, {memory:.0f} MB\n")
        print("| format | as | export rows/s | x the peer | MB | import rows/s | MB |")
        print("|---|---|---:|---:|---:|---:|---:|")
        for format, container in PLACES:
            out = root / f"{format}-{container}"
            wrote, most, rows = apart(exported, frozen, out, format, container)
            took, held_most, back = apart(imported, out)
            assert rows == back == number, (rows, back)
            print(
                f"| {format} | {container} | {rows / wrote:,.0f} | {wrote / peer:.1f} | {most:.0f} "
                f"| {back / took:,.0f} | {held_most:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
