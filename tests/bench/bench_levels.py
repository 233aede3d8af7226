"""The levels of nearness of an embedding model: ``python -m tests.bench.bench_levels [--model M]``.

For each model that has levels of its own, on labelled pairs (see ``bench_duplicates``): how well it
tells duplicates apart at any threshold (the area under the curve), where F1 is best, and precision
and recall at each level. Romanian pairs are graded by people; English ones are variations of
questions; questions to a bank show how many pairs of another intent a level takes in.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.similarity import threshold_of
from engine.similarity.encoder import model_name
from engine.similarity.levels import LEVELS
from engine.similarity.linkage import NUMBERS_APART
from tests.bench.bench_duplicates import Measure, Values, judged, variations
from tests.bench.duplicate_rows import DEFAULT_DATA, banking, ro_sts, xquad

Truth = NDArray[np.bool_]


def area(values: Values, truth: Truth) -> float:
    """Return the area under the ROC curve: how often a duplicate is nearer than another pair."""
    order = values.argsort(kind="stable")
    ranks = np.empty(len(values))
    ranks[order] = np.arange(1, len(values) + 1)
    for value in np.unique(values):  # ties share their mean rank
        same = values == value
        ranks[same] = ranks[same].mean()
    positive = int(truth.sum())
    above = float(ranks[truth].sum()) - positive * (positive + 1) / 2
    return above / (positive * (len(truth) - positive))


def best(values: Values, truth: Truth) -> tuple[float, float]:
    """Return the threshold at which F1 is best, to 0.01, and that F1."""
    found = []
    for threshold in np.arange(0.5, 1.0, 0.01):
        p, r = judged(values, truth, float(threshold))
        found.append((2 * p * r / max(p + r, 1e-9), float(threshold)))
    f1, at = max(found)
    return round(at, 2), f1


def recall_at(values: Values, truth: Truth, precision: float) -> tuple[float, float]:
    """Return the greatest recall at a precision, and its threshold."""
    order = np.argsort(-values, kind="stable")
    right = np.cumsum(truth[order])
    share = right / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(share >= precision)
    if not len(enough):
        return 0.0, 1.0
    last = int(enough[-1])
    return float(right[last] / truth.sum()), float(values[order[last]])


def row(name: str, values: Values, truth: Truth, model: str) -> None:
    """Print a set's row."""
    at, f1 = best(values, truth)
    cells = [name, f"{len(truth):,}", f"{area(values, truth):.3f}", f"{f1:.3f} at {at:.2f}"]
    for precision in (0.8, 0.7):
        recall, threshold = recall_at(values, truth, precision)
        cells.append(f"{recall:.3f} at {threshold:.2f}")
    for level in LEVELS:
        p, r = judged(values, truth, threshold_of(level, model))
        cells.append(f"{p:.3f} / {r:.3f}")
    print(f"| {' | '.join(cells)} |")


def graded(measure: Measure, data: Path, split: str, most: int) -> tuple[Values, Truth]:
    """Return the similarities of the Romanian pairs, and which of them are duplicates."""
    pairs = ro_sts(data, split)[:most]
    cosines, apart = measure.of([(a, b) for _, a, b in pairs])
    return cosines - NUMBERS_APART * apart, np.array([grade >= 4 for grade, _, _ in pairs], bool)


def varied(measure: Measure, questions: Sequence[str], seed: int) -> tuple[Values, Truth]:
    """Return those of variations of English questions."""
    values: list[Values] = []
    truth: list[bool] = []
    for labelled in variations(questions, seed):
        cosines, apart = measure.of(labelled.pairs)
        values.append(cosines - NUMBERS_APART * apart)
        truth += labelled.duplicate
    return np.concatenate(values), np.array(truth, bool)


def intents(measure: Measure, data: Path) -> tuple[Values, Truth]:
    """Return those of all pairs of questions to a bank, and which have one intent."""
    rows = dict(banking(data, "test"))
    vectors = measure.rows(list(rows)).astype(np.float64)
    upper = np.triu_indices(len(rows), 1)
    names = np.array(list(rows.values()))
    return (vectors @ vectors.T)[upper], names[upper[0]] == names[upper[1]]


def main() -> None:
    """Print the table of a model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--model", default="")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "finetui-bench")
    options = parser.parse_args()
    if not (options.data / "dup-ro-sts").is_dir():
        print(f"this needs the folder of public data sets, and {options.data} is not it (--data)")
        return
    measure = Measure(options.model, options.cache)
    named = ", ".join(f"{level} {threshold_of(level, options.model):.2f}" for level in LEVELS)
    print(f"**{model_name(options.model)}** ({named})\n")
    print(
        "| set | pairs | area | best F1 | recall at precision 0.8 | at 0.7 | "
        "copies: precision / recall | paraphrases |"
    )
    print("|---|---:|---|---|---|---|---|---|")
    row("RO-STS train", *graded(measure, options.data, "train", 2_000), options.model)
    row("RO-STS dev", *graded(measure, options.data, "dev", 10_000), options.model)
    questions = list(xquad(options.data, "en").values())
    random.Random(5).shuffle(questions)
    half = len(questions) // 2
    row("variations, choosing", *varied(measure, questions[:half], 1), options.model)
    row("variations, held out", *varied(measure, questions[half:], 2), options.model)
    values, truth = intents(measure, options.data)
    cells = [f"{judged(values, truth, threshold_of(one, options.model))[0]:.3f}" for one in LEVELS]
    area_ = area(np.round(values[::50], 4), truth[::50])
    print(f"\nbanking77 test: area {area_:.3f}; of the pairs at each level, of one intent: {cells}")


if __name__ == "__main__":
    main()
