"""How long a redaction takes: ``python -m tests.bench.bench_redact [--most N]``.

Prints a table of the time for one example with so many different values, in a workspace
that remembers them, and once more when each is known. Ratios against a quarter as many
values tell whether the time is linear (4.0) in them.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from pathlib import Path

from engine.models import Flag, Turn
from engine.quality.naming import WorkspacePlaceholders
from engine.quality.redact import redact
from engine.store import Store

SIZES = (1_000, 4_000, 16_000)


def example(number: int) -> tuple[Turn, list[Flag]]:
    """Return a turn with so many different values, each twice, and their flags."""
    rng = random.Random(number)
    lines, flags, at = [], [], 0
    for index in range(number):
        kind = ("email", "phone", "person", "address")[index % 4]
        value = {
            "email": f"p{index}.{rng.randrange(10**6)}@posta.ro",
            "phone": f"+40 721 {index // 1000:03} {index % 1000:03}",
            "person": f"Ana{_letters(rng)} Pop{_letters(rng)}",
            "address": f"Str. {_letters(rng).title()} nr. {index}, Iași",
        }[kind]
        line = f"Entry {index}: {value} was here, and {value} again.\n"
        start = at + line.index(value)
        flags.append(Flag("personal", kind, 0.9, "", 0, start, start + len(value)))
        lines.append(line)
        at += len(line)
    return Turn("user", "".join(lines)), flags


def _letters(rng: random.Random) -> str:
    return "".join(rng.choices("abcdefghijklmnoprstuvz", k=7))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--most", type=int, default=SIZES[-1])
    most = parser.parse_args().most
    print("| values | characters | first, s | again, s | against a quarter |")
    print("|---:|---:|---:|---:|---:|")
    before = 0.0
    for size in (size for size in SIZES if size <= most):
        turn, flags = example(size)
        with (
            tempfile.TemporaryDirectory() as folder,
            Store.open(Path(folder) / "finetui.db") as store,
        ):
            taken = []
            for _ in range(2):
                start = time.perf_counter()
                done = redact([turn], flags, names=WorkspacePlaceholders(store))
                taken.append(time.perf_counter() - start)
        assert len(done.replaced) == size
        ratio = f"{taken[0] / before:.1f}" if before else "–"
        print(f"| {size:,} | {len(turn.content):,} | {taken[0]:.2f} | {taken[1]:.2f} | {ratio} |")
        before = taken[0]


if __name__ == "__main__":
    main()
