"""The sides that earlier datasets of a workspace gave to examples."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from engine.dataset.frozen import TEST, TRAIN, VALIDATION, Frozen, datasets, read_frozen
from engine.dataset.options import DatasetOptions
from engine.dataset.split import Side, oldest_side
from engine.errors import DatasetMissing, DatasetRefused
from engine.workspace import Workspace

_FILES: dict[str, Side] = {TRAIN: "train", VALIDATION: "validation", TEST: "test"}

# Ids stand after the messages, and quotes inside a text are escaped: what fits this is no text.
_ID = re.compile(rb'\], "id": "([^"\\]+)", "metadata": \{')
_TEXT_ID = re.compile(rb'"text_id": "(b2-[0-9a-f]{32})"\}\}$')


@dataclass(frozen=True, slots=True)
class History:
    """Where examples stood before.

    Args:
        sides: The side of each id of an example and of each id of a text, as datasets with
            the same seed and shares gave it.
        trained: Ids that stood in the training rows of any dataset.
        datasets: The names of the datasets whose sides hold, oldest first.
    """

    sides: dict[str, Side] = field(default_factory=dict)
    trained: frozenset[str] = frozenset()
    datasets: tuple[str, ...] = ()


def history(workspace: Workspace, options: DatasetOptions) -> History:
    """Read the sides of earlier datasets.

    Those with another seed or other shares don't hold: who asks for another division gets
    it. A row that one dataset trained on and another held out counts as trained on.
    """
    sides: dict[str, Side] = {}
    trained: set[str] = set()
    names = []
    for info in datasets(workspace):
        try:
            # Ids alone are read, so that many large datasets cost little; hashes are not checked.
            frozen = read_frozen(info.directory)
        except (DatasetMissing, DatasetRefused):
            continue
        holds = not options.fresh_split and _same_division(frozen, options)
        if holds:
            names.append(frozen.name)
        for file, side in _FILES.items():
            if not holds and side != "train":
                continue
            for identifiers in _identifiers(frozen.directory / file):
                if side == "train":
                    trained.update(identifiers)
                if holds:
                    for one in identifiers:
                        sides[one] = oldest_side((side, sides.get(one, side))) or side
    return History(sides, frozenset(trained), tuple(names))


def _same_division(frozen: Frozen, options: DatasetOptions) -> bool:
    settings = frozen.manifest["settings"]
    mine = (options.seed, options.validation_fraction, options.test_fraction)
    its = (settings["seed"], settings["validation_fraction"], settings.get("test_fraction", 0.0))
    return mine == its


def _identifiers(path: Path) -> Iterator[tuple[str, ...]]:
    """Yield the ids of each row of a file and of its text, without reading its JSON."""
    if not path.is_file():
        return
    with path.open("rb") as lines:
        for line in lines:
            found = _ID.search(line)
            if found is not None:
                text = _TEXT_ID.search(line.rstrip())
                yield (found[1].decode(), *((text[1].decode(),) if text else ()))
