"""What a decision costs by key, alone, typed ahead, and while another process holds the workspace.

Usage: python -m tests.bench.bench_deciding [--keys 40] [--rows 1000] [--hold 3]

- one: from the key to the last byte of its answer, and the bytes; median of ``--keys``.
- ahead: ``--keys`` decisions typed at once, until the last is in the database; a decision each.
- held: another process holds the write lock for ``--hold`` seconds; until ``a`` says that it
  waits, until ``j`` is answered meanwhile, and until the decision is stored after the release.
- idle: bytes and processor time of ten seconds on Curate, where nothing changes.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import sys
import tempfile
import time
from pathlib import Path

from engine.paths import DATABASE_FILE
from tests.bench.bench_start import FIRST, ROOT, Terminal, workspace


def entries(root: Path) -> int:
    """Return how many entries the journal has, as another process reads it."""
    with sqlite3.connect(root / DATABASE_FILE) as db:
        return int(db.execute("SELECT count(*) FROM journal").fetchone()[0])


def until_stored(root: Path, count: int, terminal: Terminal) -> float:
    """Return the seconds until the journal has so many entries; the screen is read meanwhile."""
    start = time.perf_counter()
    while entries(root) < count:
        terminal.quiet(0.001)
        if time.perf_counter() - start > 60:
            raise TimeoutError(f"{entries(root)} of {count} are stored")
    return time.perf_counter() - start


def held(root: Path, terminal: Terminal, seconds: float) -> None:
    """Print what keys do while another process holds the workspace."""
    db = sqlite3.connect(root / DATABASE_FILE, isolation_level=None)
    known = entries(root)
    db.execute("BEGIN IMMEDIATE")
    begun = time.perf_counter()
    del terminal.sent[:]
    terminal.press("a")
    terminal.until("another process")
    said = time.perf_counter() - begun
    terminal.quiet(0.3)
    moved, _ = terminal.answer("j")
    while time.perf_counter() - begun < seconds:
        terminal.quiet(0.05)
    db.execute("ROLLBACK")
    db.close()
    stored = until_stored(root, known + 1, terminal)
    print(
        f"held: says that it waits after {1e3 * said:.0f} ms; j is answered in "
        f"{1e3 * moved:.0f} ms; stored {1e3 * stored:.0f} ms after the release, "
        f"{entries(root) - known} entry"
    )


def main() -> None:
    """Make a workspace and print everything."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--keys", type=int, default=40)
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--hold", type=float, default=3.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        environment = {"HOME": str(scratch), "FINETUI_CHECK__AUTOMATIC": "false"}
        root = workspace(scratch / "workspace", options.rows)
        command = [sys.executable, "-m", "tui", "--workspace", str(root)]
        terminal = Terminal(command, environment, ROOT)
        terminal.until(FIRST)
        terminal.press("2")
        terminal.until("word40")
        terminal.quiet(1.0)
        answers = [terminal.answer("a") for _ in range(options.keys)]
        times = sorted(1e3 * seconds for seconds, _ in answers)
        size = statistics.median(count for _, count in answers)
        print(
            f"one: best {times[0]:.1f}, quartile {times[len(times) // 4]:.1f}, "
            f"median {statistics.median(times):.1f} ms, {size:.0f} bytes"
        )
        known = entries(root)
        terminal.press("a" * options.keys)
        ahead = until_stored(root, known + options.keys, terminal)
        print(f"ahead: {1e3 * ahead / options.keys:.1f} ms each")
        terminal.quiet(1.0)
        held(root, terminal, options.hold)
        terminal.quiet(1.0)
        sent, cpu, _ = terminal.idle(10.0)
        print(f"idle: {sent} bytes, {1e3 * cpu:.0f} ms cpu in 10 s")
        terminal.end()


if __name__ == "__main__":
    main()
