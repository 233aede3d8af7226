"""The conversations of a run's dataset, as gates look at them."""

from __future__ import annotations

import heapq
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.bases.locate import shown
from engine.errors import DatasetMissing
from engine.export.held_out import dataset_dir, turns_of
from engine.models import Turn

TRAIN, HELD_OUT = "train.jsonl", "validation.jsonl"
_ODD = re.compile(r"[^\x20-\x7e\n]|<\||\[/?INST|</?s>|  |\n\n\n")


@dataclass(frozen=True, slots=True)
class Row:
    """A conversation of the dataset; ``id`` is its example's."""

    id: str
    turns: tuple[Turn, ...]

    @property
    def length(self) -> int:
        """How many characters it has."""
        return sum(len(turn.content) for turn in self.turns)

    @property
    def oddness(self) -> int:
        """How many places it has at which tokenizers tend to differ."""
        return sum(len(_ODD.findall(turn.content)) for turn in self.turns)


def rows(run_dir: Path, split: str) -> Iterator[Row]:
    """Yield the conversations of a split that end with an answer.

    Args:
        run_dir: The run.
        split: :data:`TRAIN` or :data:`HELD_OUT`.

    Raises:
        DatasetMissing: The dataset's folder is gone.
    """
    folder = dataset_dir(run_dir)
    if not folder.is_dir():
        raise DatasetMissing(
            f"the dataset of run {run_dir.name} is not at {shown(folder)}",
            hint="put it back, or freeze it again under the same name",
        )
    path = folder / split
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line) if line.strip() else None
            if not isinstance(row, dict):
                continue
            turns = turns_of(row.get("messages"))
            if len(turns) > 1 and turns[-1].role == "assistant":
                yield Row(str(row.get("id", "")), turns)


def sample(run_dir: Path, count: int) -> list[Row]:
    """Return some of a dataset's conversations: the longest, the oddest, then any.

    The same dataset gives the same ones.

    Args:
        run_dir: The run.
        count: How many at most.

    Raises:
        DatasetMissing: The dataset's folder is gone.
    """
    third = max(1, count // 3)
    longest: list[tuple[int, int, Row]] = []
    oddest: list[tuple[int, int, Row]] = []
    others: list[Row] = []
    chance = random.Random(0)
    for number, row in enumerate(_both(run_dir)):
        for heap, value in ((longest, row.length), (oddest, row.oddness)):
            heapq.heappush(heap, (value, -number, row))
            if len(heap) > third:
                heapq.heappop(heap)
        if len(others) < count:
            others.append(row)
        elif (place := chance.randrange(number + 1)) < count:
            others[place] = row
    first = [row for _, _, row in sorted(longest, reverse=True)]
    first += [row for _, _, row in sorted(oddest, reverse=True)]
    return list(dict.fromkeys([*first, *others]))[:count]


def _both(run_dir: Path) -> Iterator[Row]:
    yield from rows(run_dir, HELD_OUT)
    yield from rows(run_dir, TRAIN)
