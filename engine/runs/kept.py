"""The adapters that a run leaves: the best, by the loss on the validation split, and the last.

``best/`` is written by an evaluation that is the best so far, ``adapter/`` at the end. Both are
folders as peft writes them; ``best/`` also holds ``best.json``, which says what it is. Runs of
earlier versions, and runs without a validation split, have the last alone.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.errors import RunUnfinished
from engine.plain import read_plain

ADAPTER_DIR = "adapter"
BEST_DIR = "best"
BEST_FILE = "best.json"

Which = Literal["best", "last"]

_CONFIG = "adapter_config.json"


@dataclass(frozen=True, slots=True)
class Best:
    """What the best adapter is: the step after which it was saved, and its loss then.

    ``loss`` is in nats a trained token of the validation split, or of its fixed part.
    """

    step: int
    loss: float


@dataclass(frozen=True, slots=True)
class Kept:
    """An adapter that a run has left. ``step`` is None for the last, which does not say it."""

    which: Which
    path: Path
    step: int | None = None


def read_best(folder: Path) -> Best | None:
    """Return what a folder ``best/`` holds; None where it is not there, or is not whole."""
    try:
        value = json.loads(read_plain(folder / BEST_FILE))
        best = Best(step=int(value["step"]), loss=float(value["loss"]))
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    whole = (folder / _CONFIG).is_file() and math.isfinite(best.loss) and best.step > 0
    return best if whole else None


def kept(run_dir: Path) -> list[Kept]:
    """Return the adapters that a run has left, the one to be taken first."""
    found = []
    best = read_best(run_dir / BEST_DIR)
    if best is not None:
        found.append(Kept("best", run_dir / BEST_DIR, best.step))
    if (run_dir / ADAPTER_DIR / _CONFIG).is_file():
        found.append(Kept("last", run_dir / ADAPTER_DIR))
    return found


def choose_adapter(run_dir: Path, which: Which | None = None) -> Kept:
    """Return the adapter to export.

    Args:
        run_dir: The run's folder.
        which: The one that is asked for; None takes the best, else the last.

    Raises:
        RunUnfinished: The run has not left it.
    """
    found = kept(run_dir)
    fitting = [one for one in found if which in (None, one.which)]
    if fitting:
        return fitting[0]
    if found:
        raise RunUnfinished(
            f"run {run_dir.name} has left no {which} adapter",
            hint=f"take the one it has: --adapter {found[0].which}",
        )
    raise RunUnfinished(
        f"run {run_dir.name} has left no adapter",
        hint=f"see why with: finetui runs show {run_dir.name}, and train again",
    )
