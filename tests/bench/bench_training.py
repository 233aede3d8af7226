"""Tokens a second of a run against a bare script: ``python -m tests.bench.bench_training [VAULT]``.

Rows are the thoughts of a vault (the demo's without one), trained on the embedded base by four
sides, each in a child process of its own: finetui's trainer and a plain script of trl, then
finetui with the backend unsloth and a plain script of unsloth. The sides of a pair take turns, a
few steps each, so a machine that slows down slows both. Same base, rank, layers, rows, batch,
learning rate, precision (fp32), threads and a log line a step; evaluation and saving are off.

A rate is tokens that are no padding over what a turn took: the wall time, and the processor time
of the side's process, which other programs hardly change. Ratios are printed after each turn; the
last lines have their medians. ``--rows 12`` is three steps a side: five minutes of processor time
on one thread.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.bases import EMBEDDED, add, resolve
from engine.dataset import freeze
from engine.demo.bundle import prepare
from engine.demo.curator import curate
from engine.extract.scan import scan
from engine.runs.child import HEARTBEAT_S
from engine.telemetry import process_snapshot
from engine.tokens import Tokenizer
from engine.train.data import render_rows
from engine.train.devices import environment
from engine.workspace import init_workspace, open_workspace

PAIRS = (("finetui", "trl"), ("finetui-unsloth", "unsloth"))


@dataclass
class Side:
    """A child, and what its turns came to."""

    name: str
    process: subprocess.Popen[str]
    tokens: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    told: float = 0.0
    done: bool = False

    def turn(self, steps: int) -> None:
        """Let the child take some steps."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        said = self.hear()
        self.tokens.append(said["tokens"])
        self.places.append(said["places"])
        self.seconds.append(said["seconds"])
        self.cpu.append(said["cpu"])
        self.told += said["told"]
        self.done = said["done"]
        by_wall, by_cpu = said["tokens"] / said["seconds"], said["tokens"] / said["cpu"]
        print(f"  {self.name:16} {by_wall:6.1f} tokens/s {by_cpu:6.1f} a CPU second", flush=True)

    def rates(self, taken: Sequence[float]) -> list[float]:
        """Return tokens a second of each turn, by what the turns took."""
        return [tokens / seconds for tokens, seconds in zip(self.tokens, taken, strict=True)]

    def hear(self) -> dict[str, Any]:
        """Wait for the child's next word."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("TURN "):
                said: dict[str, Any] = json.loads(line[5:])
                return said
        raise SystemExit(f"{self.name} ended with {self.process.wait()}")


def main() -> None:
    """Make the rows, and let the pairs take turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("vault", nargs="?", default="")
    parser.add_argument("--rows", type=int, default=12, help="rows of the epoch; 0 takes all")
    parser.add_argument("--threads", type=int, default=1, help="threads of a side")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--accumulation", type=int, default=1)
    parser.add_argument("--turn", type=int, default=1, help="steps of a turn")
    parser.add_argument("--pair", type=int, choices=(0, 1), help="one pair alone")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = make_work(Path(folder), options)
        for number, names in enumerate(PAIRS):
            if options.pair in (None, number):
                compare(names, work, options)


def make_work(folder: Path, options: argparse.Namespace) -> Path:
    """Freeze the rows and write what the sides are told."""
    add(EMBEDDED)
    base = resolve(EMBEDDED)
    space = open_workspace(init_workspace(folder / "space"))
    if options.vault:
        source = space.store.add_source("vault", options.vault, {"take": "thoughts"})
        scan(space.store, source)
    else:
        prepare(space)
    curate(space)
    frozen = freeze(space, base=base, drop_refused=True, validation_fraction=0.2, seed=0)
    rows = render_rows(Tokenizer.load(base.directory), frozen.train_rows(), 512).rows
    space.close()
    # Every so many rows, so that a small set is as ragged as the whole.
    stride = max(1, len(rows) // options.rows) if options.rows else 1
    rows = rows[::stride][: options.rows or None]
    lengths = [len(row.ids) for row in rows]
    print(f"{len(rows)} rows of {min(lengths)} to {max(lengths)} tokens, {sum(lengths)} in all")
    work = folder / "work.json"
    told = {
        "base": str(base.directory),
        "rows": [[row.id, row.ids, row.labels] for row in rows],
        "batch": options.batch,
        "accumulation": options.accumulation,
    }
    work.write_text(json.dumps(told))
    return work


def compare(names: Sequence[str], work: Path, options: argparse.Namespace) -> None:
    """Start two sides, let them take turns through an epoch, and print what came of it."""
    ours, theirs = sides = [start(name, work, options.threads) for name in names]
    try:
        for side in sides:
            side.hear()
        while not all(side.done for side in sides):
            for side in sides:
                if not side.done:
                    side.turn(options.turn)
            print(f"  so far: {ratios(ours, theirs)}", flush=True)
    finally:
        for side in sides:
            if not side.done:
                side.process.kill()
            side.process.communicate("\n" if side.done else None)
    for side in sides:
        seconds, padding = sum(side.seconds), 1 - sum(side.tokens) / sum(side.places)
        print(
            f"{side.name:16} {sum(side.tokens) / seconds:7.1f} tokens/s"
            f"  {sum(side.tokens) / sum(side.cpu):7.1f} a CPU second  padding {padding:.1%}"
        )
    print(f"{ours.name} over {theirs.name}, {options.threads} threads: {ratios(ours, theirs)}")
    print(f"  events {ours.told / sum(ours.cpu):.3%} of a step, telemetry {telemetry():.3%}")


def ratios(ours: Side, theirs: Side) -> str:
    """Say how many times as fast a side is, by the wall's clock and by processor time."""
    said = []
    pairs = (("wall", ours.seconds, theirs.seconds), ("CPU", ours.cpu, theirs.cpu))
    for clock, mine, other in pairs:
        turns = [one / two for one, two in zip(ours.rates(mine), theirs.rates(other), strict=False)]
        whole = sum(ours.tokens) / sum(mine) * sum(other) / sum(theirs.tokens)
        said.append(f"by {clock} time median {statistics.median(turns):.2f}, whole {whole:.2f}")
    return f"{'; '.join(said)} ({len(ours.tokens)} turns)"


def telemetry() -> float:
    """Return the share of a thread that goes into a run's own figures, one at each heartbeat."""
    began = time.process_time()
    for _ in range(50):
        process_snapshot(os.getpid())
    return (time.process_time() - began) / 50 / HEARTBEAT_S


def start(name: str, work: Path, threads: int) -> Side:
    """Start a side's child."""
    command = [sys.executable, "-m", "tests.bench.bench_training_sides", name, str(work)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            **environment(os.environ),
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": str(threads),
        },
    )
    return Side(name, process)


if __name__ == "__main__":
    main()
