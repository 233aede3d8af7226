"""The trained tokens of a few conversations, written once for the children that score them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.errors import TemplateError
from engine.export.gates.rows import Row
from engine.paths import write_atomic
from engine.tokens import Tokenizer, render


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """A conversation to compute.

    Attributes:
        ids: Its tokens.
        positions: The positions in ``ids`` of the tokens that carry loss, rising, none the first.
    """

    ids: tuple[int, ...]
    positions: tuple[int, ...]


def probe_rows(
    tokenizer: Tokenizer, rows: Iterable[Row], *, tokens: int, trained: int, longest: int
) -> list[ProbeRow]:
    """Return conversations as training saw them, as many as there is room for.

    Args:
        tokenizer: The base's.
        rows: The conversations.
        tokens: How many tokens in all at most.
        trained: How many tokens that carry loss at most.
        longest: The longest sequence, in tokens.
    """
    found: list[ProbeRow] = []
    for row in rows:
        try:
            rendered = render(tokenizer, row.turns, max_length=longest)
        except TemplateError:
            continue
        ids = rendered.ids[:tokens]
        marks = rendered.trained[: len(ids)]
        positions = [at for at, carries in enumerate(marks) if carries and at][:trained]
        if not positions:
            continue
        ids = ids[: positions[-1] + 1]
        found.append(ProbeRow(ids, tuple(positions)))
        tokens -= len(ids)
        trained -= len(positions)
        if tokens < 2 or trained < 1:
            break
    return found


def write_rows(rows: Iterable[ProbeRow], path: Path) -> None:
    """Write rows for a child."""
    write_atomic(path, json.dumps([asdict(row) for row in rows]).encode())


def read_rows(path: Path) -> list[ProbeRow]:
    """Read what :func:`write_rows` wrote."""
    return [
        ProbeRow(tuple(row["ids"]), tuple(row["positions"]))
        for row in json.loads(path.read_text("utf-8"))
    ]
