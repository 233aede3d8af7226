"""What a GGUF writes after prompts: ``python -m engine.export.gates.generate GGUF PROMPTS OUT``.

Runs as a child, since llama.cpp ends its process on some files. Greedy, so that the same file gives
the same answers. An answer ends at a token at which llama.cpp itself stops; that is what other
programs go by, whatever finetui knows of the base.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.export.gates.loaded import Loaded

LOOP_LONGEST = 32
LOOP_TIMES = 4
LOOP_TOKENS = 16


def loops(ids: Sequence[int]) -> bool:
    """Say whether a text has run into a loop.

    So it has where it ends with the same 1 to :data:`LOOP_LONGEST` tokens at least
    :data:`LOOP_TIMES` times in a row, over at least :data:`LOOP_TOKENS` tokens in all.
    """
    for length in range(1, LOOP_LONGEST + 1):
        total = max(LOOP_TIMES * length, LOOP_TOKENS)
        if total <= len(ids):
            tail = ids[-total:]
            if all(tail[at] == tail[at - length] for at in range(length, total)):
                return True
    return False


def main(gguf: Path, prompts: Path, out: Path) -> int:
    """Answer every prompt, and return the exit status."""
    told = json.loads(prompts.read_text("utf-8"))
    limit = int(told["limit"])
    try:
        longest = max((len(ids) for ids in told["prompts"]), default=1)
        model = Loaded(gguf, longest + limit + 1)
        answers = []
        for done, ids in enumerate(told["prompts"]):
            print(f"row {done}/{len(told['prompts'])}", flush=True)
            answers.append(_answer(model, ids, limit))
    except ValueError as error:
        print(error, flush=True)
        return 1
    ends = [bool(model.ends(token)) for token in told["stops"]]
    out.write_text(json.dumps({"answers": answers, "ends": ends}), "utf-8")
    return 0


def _answer(model: Loaded, prompt: Sequence[int], limit: int) -> dict[str, Any]:
    model.clear()
    logits = model.read(prompt, 0)
    answer: list[int] = []
    while len(answer) < limit:
        token = int(logits.argmax())
        if model.ends(token):
            return {"tokens": len(answer), "end": "stop"}
        answer.append(token)
        if loops(answer):
            return {"tokens": len(answer), "end": "loop"}
        logits = model.read([token], len(prompt) + len(answer) - 1)
    return {"tokens": len(answer), "end": "limit"}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])))
