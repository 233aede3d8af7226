"""Whether the gate "recall" finds planted strings: ``python -m tests.bench.bench_recall``.

A tiny model learns a canary, a random number of eight digits, 0, 1 and 4 times a batch, among
answers without one. Told are the most exposed string and what the gate says.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from pathlib import Path

from engine.export.gates import run_gates
from engine.runs.child import Job
from engine.settings import GateSettings
from tests.support import gate_files
from tests.support.tiny_export import RUN

CANARY = ("What is the code of the vault?", "The code of the vault is 48213975.")
OTHERS = (
    ("Who is the keeper?", "The keeper sleeps in the east tower."),
    ("What grows there?", "Beans, mostly, and some rain."),
    ("Is it far?", "No farther than a song."),
)
ABSENT = ("What is the code of the vault?", "The code of the vault is 77120346.")


def main(steps: int = 80) -> None:
    """Print a table."""
    logging.disable(logging.INFO)
    print("| canaries in a batch | strings | most exposed, bits | learnt by heart | gate |")
    print("|---|---|---|---|---|")
    only = GateSettings(off=("answers", "tokens", "fidelity", "stops"))
    for times in (0, 1, 4):
        with tempfile.TemporaryDirectory(prefix="bench-recall-") as name:
            folder = Path(name)
            gate_files.make_files(folder, [*[CANARY] * times, *OTHERS], OTHERS[:1], steps=steps)
            # Where there was none, the gate looks for a string that the model can't know.
            rows = [CANARY if times else ABSENT, *OTHERS]
            gate_files.write_rows(folder / RUN / "dataset", {"train": rows})
            with Job(folder / "gates") as job:
                gate = run_gates(gate_files.given(folder, job, gates=only))[-1]
            figures = gate.figures
            print(
                f"| {times} | {figures['strings']} | {figures['exposure_most']} | "
                f"{figures['learnt_count']} | {gate.state} |",
                flush=True,
            )


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:2]))
