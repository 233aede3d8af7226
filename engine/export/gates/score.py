"""What a GGUF makes of trained tokens: ``python -m engine.export.gates.score GGUF ROWS TRUTH OUT``.

Runs as a child, since llama.cpp ends its process on some files. ROWS is what
:mod:`engine.export.gates.probe` writes, TRUTH a matrix of log-probabilities, or "-". Logits are
asked for at the trained positions alone, a small batch at a time.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.export.gates.divergence import Floats, token_score
from engine.export.gates.loaded import Loaded
from engine.export.gates.probe import ProbeRow, read_rows


def main(gguf: Path, rows: Path, truth: str, out: Path) -> int:
    """Score every trained token of the rows, and return the exit status."""
    told = read_rows(rows)
    try:
        model = Loaded(gguf, max(len(row.ids) for row in told) + 1)
        known = None if truth == "-" else np.load(truth, mmap_mode="r")
        result = _scores(model, told, known)
    except ValueError as error:
        print(error, flush=True)
        return 1
    out.write_text(json.dumps(result), "utf-8")
    return 0


def _scores(model: Loaded, rows: Sequence[ProbeRow], truth: Floats | None) -> dict[str, Any]:
    nll: list[float] = []
    kl: list[float] = []
    agrees: list[bool] = []
    for done, row in enumerate(rows):
        print(f"row {done}/{len(rows)}", flush=True)
        after = [position - 1 for position in row.positions]
        for position, logits in zip(row.positions, model.logits(row.ids, after), strict=True):
            known = None if truth is None else truth[len(nll)]
            score = token_score(logits, row.ids[position], known)
            nll.append(score.nll)
            kl.append(score.kl)
            agrees.append(score.agrees)
    return {"nll": nll, "kl": kl, "agrees": agrees}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4])))
