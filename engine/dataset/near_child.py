"""The nearest rows by embeddings, in a process of its own: ``python -m engine.dataset.near_child``.

Texts that were embedded before are looked up; where one was not, PyTorch is loaded, which
takes seconds and hundreds of megabytes, so that no front end does it in its own process.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.child import end_with_caller, run_step, sparing
from engine.dataset.groups import is_long
from engine.dataset.rows import read_rows
from engine.similarity import embed, normal_form, parts
from engine.similarity.pairs import Side
from engine.similarity.texts import signature

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

# Two products of this many numbers are held at a time: 64 MB each.
_QUERIES = 1024
_ROWS = 16_384


def main(_: Sequence[str]) -> Any:
    """Compare the rows of two files, as standard input names them.

    Returns:
        For each row of the first file: the number and the similarity of the nearest row of
        the second by the lesser of question and answer, and the same by the answer alone;
        there a long answer is compared with long ones.
    """
    what = json.loads(sys.stdin.read())
    end_with_caller()
    # A person who types meanwhile goes first.
    os.nice(10)
    queries = [parts(row.turns) for row in read_rows(Path(what["queries"]))]
    rows = [parts(row.turns) for row in read_rows(Path(what["rows"]))]
    if not queries or not rows:
        return []
    pairs = [*queries, *rows]
    total = 2 * len(pairs) + len(queries)
    tell = sparing()

    def side(texts: Sequence[str], before: int) -> Side:
        def embedded(done: int, _: int) -> None:
            tell(before + done, total)

        return _side(texts, embed(texts, model=what["model"], progress=embedded))

    sides = (
        side([pair.prompt for pair in pairs], 0),
        side([pair.answer for pair in pairs], len(pairs)),
    )
    long = [is_long(pair.answer) for pair in pairs]
    found: list[Any] = []
    for start in range(0, len(queries), _QUERIES):
        stop = min(start + _QUERIES, len(queries))
        found += _nearest(*sides, slice(start, stop), range(len(queries), len(pairs)), long)
        tell(2 * len(pairs) + stop, total)
    return found


def _side(texts: Sequence[str], vectors: Vectors) -> Side:
    """Return texts as deduplication compares them, so that both say the same of a pair."""
    import numpy as np

    normals = [normal_form(text) for text in texts]
    empty = np.array([not normal for normal in normals])
    if empty.any():
        # An empty text is like another empty one, and like nothing else.
        vectors = np.hstack([vectors, empty.astype(np.float32)[:, None]])
    numbers = np.fromiter((signature(normal) for normal in normals), np.int64, len(normals))
    return Side(table=vectors, numbers=numbers)


def _nearest(
    prompts: Side, answers: Side, queries: slice, rows: range, long: Sequence[bool]
) -> list[tuple[int, float, int, float]]:
    import numpy as np

    size = queries.stop - queries.start
    places = np.arange(size)
    best = np.full(size, -2.0, np.float32), np.full(size, -2.0, np.float32)
    at = np.zeros(size, np.int64), np.zeros(size, np.int64)
    wants_long, is_short = np.array(long[queries]), ~np.array(long)
    for start in range(rows.start, rows.stop, _ROWS):
        block = slice(start, min(start + _ROWS, rows.stop))
        answer = answers.tile(queries, block)
        both = np.minimum(prompts.tile(queries, block), answer)
        answer[np.ix_(wants_long, is_short[block])] = -1.0
        for number, values in enumerate((both, answer)):
            nearest = values.argmax(axis=1)
            value = values[places, nearest]
            better = value > best[number]
            best[number][better] = value[better]
            at[number][better] = nearest[better] + start - rows.start
    return [
        (int(one), float(value), int(other), float(answer))
        for one, value, other, answer in zip(at[0], best[0], at[1], best[1], strict=True)
    ]


if __name__ == "__main__":
    sys.exit(run_step(main, sys.argv[1:]))
