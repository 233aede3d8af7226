"""Workspaces and vectors for the tests of near-duplicates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.models import Link, Turn
from engine.similarity.cache import VectorCache, cache_file
from engine.similarity.encoder import locate
from engine.similarity.reading import Sides
from engine.similarity.texts import key_of, normal_form, signature
from engine.similarity.vectors import space_of
from engine.workspace import Workspace
from tests.store.support import NOW, example

Rows = NDArray[np.float32]


def unit(rows: NDArray[np.float64]) -> Rows:
    """Return rows of length 1."""
    found: Rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return found


def scattered(number: int, seed: int = 0, *, knots: int = 8, dimensions: int = 24) -> Rows:
    """Return rows around a few centres, near and far, so that all similarities occur."""
    chance = np.random.default_rng(seed)
    centres = chance.standard_normal((knots, dimensions))
    spread = chance.uniform(0.05, 1.2, (number, 1))
    return unit(
        centres[chance.integers(0, knots, number)]
        + spread * chance.standard_normal((number, dimensions))
    )


def embedded_space() -> str:
    """Return the name of the embedded model's vectors."""
    return space_of(locate(""))


def plant(vectors: Mapping[str, Sequence[float]], cache: Path | None = None) -> None:
    """Put vectors of texts where the embedded model's are looked up; no model is loaded."""
    size = 384
    kept = {}
    for text, values in vectors.items():
        row = np.zeros(size, np.float32)
        row[: len(values)] = values
        kept[key_of(normal_form(text))] = (row / np.linalg.norm(row)).astype(np.float32)
    with VectorCache(cache_file(embedded_space(), cache)) as opened:
        opened.keep(kept)


def fill(
    workspace: Workspace, texts: Sequence[Sequence[Turn]], root: str = "/notes", start: int = 0
) -> None:
    """Give a workspace one more source with these conversations."""
    source = workspace.store.add_source("vault", root)
    examples = [
        example(start + number, kind="qa", text=tuple(turns), source_id=source.id)
        for number, turns in enumerate(texts)
    ]
    workspace.store.record_scan(source.id, examples, [], len(examples), at=NOW)


def sides_of(prompt: str, answer: str) -> Sides:
    """Return an example's sides."""
    one, other = normal_form(prompt), normal_form(answer)
    numbers = signature(one), signature(other)
    return Sides(f"{prompt}/{answer}", key_of(one), key_of(other), *numbers, len(answer))


def partition(links: Sequence[Link], what: str, threshold: float) -> set[frozenset[int]]:
    """Return the clusters that links form, found by brute force."""
    groups: dict[int, set[int]] = {}
    for link in links:
        if link.what == what and link.similarity >= threshold:
            one = groups.get(link.a, {link.a}) | groups.get(link.b, {link.b})
            for position in one:
                groups[position] = one
    return {frozenset(group) for group in groups.values()}
