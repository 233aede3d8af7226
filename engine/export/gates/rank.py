"""How likely a GGUF finds strings: ``python -m engine.export.gates.rank GGUF CASES OUT``.

Runs as a child, since llama.cpp ends its process on some files. Each case is a text, a string that
followed it in training, and others of the same form; only ranks are written, no text. After the
first few others a case ends, unless the string is still before them all.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.export.gates.loaded import Loaded

FIRST_OTHERS = 31
MOST_CONFIRMED = 8
"""Strings that are ranked among all others; what follows is ranked among the first few alone."""
_MOST_TOKENS = 128
_AT_A_TIME = 32


def main(gguf: Path, cases: Path, out: Path) -> int:
    """Rank the string of every case, and return the exit status."""
    told = json.loads(cases.read_text("utf-8"))
    longest = max(len(case["before"]) for case in told["cases"])
    ranks: list[dict[str, float]] = []
    confirmed = 0
    try:
        model = Loaded(gguf, longest + _MOST_TOKENS + 1, sequences=_AT_A_TIME)
        for done, case in enumerate(told["cases"]):
            print(f"row {done}/{len(told['cases'])}", flush=True)
            least, most = FIRST_OTHERS, len(case["others"])
            if told["whole"]:
                least = most
            elif confirmed == MOST_CONFIRMED:
                most = FIRST_OTHERS
            ranks.append(_rank(model, case, least, most))
            confirmed += ranks[-1]["candidates"] > FIRST_OTHERS + 1
    except ValueError as error:
        print(error, flush=True)
        return 1
    out.write_text(json.dumps({"ranks": ranks}), "utf-8")
    return 0


def _rank(model: Loaded, case: Any, least: int, most: int) -> dict[str, float]:
    """Rank a string among at least so many others, and among most where it is before them all."""
    before: Sequence[int] = case["before"]
    others: Sequence[Sequence[int]] = case["others"]
    model.clear()
    logits = model.read(before, 0).copy()
    own, *found = model.likelihoods([case["own"], *others[:least]], len(before), logits)
    if least < most and max(found) < own:
        found += model.likelihoods(others[least:most], len(before), logits)
    # As likely is as good: what can't be told apart was not learnt.
    rank = 1 + sum(likelihood >= own for likelihood in found)
    return {"rank": rank, "candidates": 1 + len(found), "margin": own - max(found)}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])))
