"""Kills a process that saves checkpoints, again and again, at moments left to chance.

``python -m tests.bench.bench_checkpoint_kills [N]`` prints how many of N kills left a whole
checkpoint to resume from, no older than the newest that the log tells of.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

from tests.train.test_checkpoints import kill_while_saving


def main(kills: int) -> None:
    """Kill as many savers and count what is left."""
    chance = random.Random(0)
    whole = refused = 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(kills):
            run, size = Path(folder) / str(number), chance.randrange(1, 2_000_000)
            choice = kill_while_saving(
                run, chance.randint(1, 4), size, lambda: time.sleep(chance.random() / 5)
            )
            whole += 1
            refused += bool(choice.refused)
    print(f"{kills} kills while saving: {whole} whole checkpoints, {refused} beside a damaged one")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
