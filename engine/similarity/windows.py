"""Long texts cut into what a model reads at once, and the one vector that stands for the pieces."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

WINDOWS = 8
"""How many windows of a long text are read."""

CHARACTERS = 2_000
"""The size of a window where tokens are not counted."""

LONGEST = WINDOWS * CHARACTERS
"""Of a longer text, in characters, the windows are samples."""

_WORD_END = re.compile(r"\s")


def slices(text: str) -> list[str]:
    """Cut a text by characters, where tokenising all of it would be waste; words stay whole."""
    number = min(WINDOWS, -(-len(text) // CHARACTERS))
    last = len(text) - CHARACTERS
    found = []
    for index in range(number):
        start = last * index // max(number - 1, 1)
        if start and (space := _WORD_END.search(text, start, start + 100)):
            start = space.end()
        found.append(text[start : start + CHARACTERS])
    return [piece for piece in found if piece.strip()] or [text[:CHARACTERS]]


def mean_of_windows(
    cut: Sequence[Sequence[str]], run: Callable[[Sequence[str]], NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Return the direction of the mean of each text's windows.

    Args:
        cut: Each text's windows.
        run: Returns the vectors of pieces, a row each; their lengths weigh the windows.

    Returns:
        Vectors of length 1, one row a text; NaN where there are no numbers.
    """
    pieces = [piece for windows in cut for piece in windows]
    owners = np.repeat(np.arange(len(cut)), [len(windows) for windows in cut])
    vectors = run(pieces)
    if vectors.ndim != 2 or len(vectors) != len(pieces):
        return np.full((len(cut), 1), np.nan, np.float32)
    sums = np.zeros((len(cut), vectors.shape[1]), np.float64)
    np.add.at(sums, owners, vectors.astype(np.float64))
    lengths = np.sqrt((sums * sums).sum(axis=1, keepdims=True))
    with np.errstate(all="ignore"):
        return np.where(lengths > 1e-6, sums / lengths, np.nan).astype(np.float32)
