"""Precision and recall for duplicates: ``python -m tests.bench.bench_duplicates``.

Labelled pairs, by threshold, with the rule about numbers and without it:

- RO-STS: Romanian sentences graded 0 to 5; a pair graded 4 and more is a duplicate.
- Variations of English questions: typos, words in another order, a greeting, another case are
  duplicates; another number or name is none.
- banking77: questions of different intents are no duplicates, though all are about a bank.
- XQuAD: English questions that differ are no duplicates; their translations are the same
  questions, which an English model can't see.
- Toolformer: one set as published at several levels of deduplication.

Each is split: the default threshold is chosen on the first part, and the tables show the other.
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.similarity import embed, normal_form
from engine.similarity.encoder import model_name
from engine.similarity.forest import Forest, components
from engine.similarity.linkage import NUMBERS_APART
from engine.similarity.pairs import Pairs, Side, Space, pairs_above
from engine.similarity.texts import signature
from tests.bench.duplicate_rows import (
    DEFAULT_DATA,
    banking,
    renumbered,
    ro_sts,
    swapped,
    toolformer,
    typo,
    xquad,
)

THRESHOLDS = (0.75, 0.8, 0.85, 0.88, 0.9, 0.92, 0.94, 0.96)
BASES = 500

Change = Callable[[str, random.Random], str]
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Labelled:
    """Pairs and whether they are duplicates."""

    name: str
    pairs: Sequence[tuple[str, str]]
    duplicate: Sequence[bool]


def greeted(text: str, chance: random.Random) -> str:
    """Return a question with a greeting before it or thanks after it."""
    return chance.choice(("Hello! {}", "{} Thanks!", "Please tell me: {}", "{} Thank you.")).format(
        text
    )


def two_typos(text: str, chance: random.Random) -> str:
    """Return a text with two typos."""
    return typo(typo(text, chance), chance)


def restyled(text: str, chance: random.Random) -> str:
    """Return a text in another case, with other signs and spaces."""
    return "  ".join(text.upper().rstrip("?.").split(" ")) + " !!"


def reordered(text: str, chance: random.Random) -> str:
    """Return a question with its last words first: "In 1998, who won?"."""
    found = re.search(r"^(.{12,}) ((?:in|on|at|during|after|before|for|from) .{4,40})\?$", text)
    return (
        f"{found[2][0].upper()}{found[2][1:]}, {found[1][0].lower()}{found[1][1:]}?"
        if found
        else text
    )


def contracted(text: str, chance: random.Random) -> str:
    """Return a question asked with other small words."""
    for old, new in (
        ("What is", "What's"), ("Who was", "Who is it that was"), ("How many", "What number of"),
        ("What year", "Which year"), ("What was", "Tell me what was"),
        ("What did", "What thing did"),
        ("Which", "What"), ("Where", "In what place"), ("When", "At what time"),
    ):  # fmt: skip
        if text.startswith(old):
            return new + text[len(old) :]
    return text


def renamed(text: str, chance: random.Random) -> str:
    """Return a text with a name in it, not at its beginning, changed."""
    names = list(re.finditer(r"(?<=[a-z] )[A-Z][a-z]{3,}", text))
    if not names:
        return text
    one = chance.choice(names)
    other = chance.choice(("Miller", "Novak", "Vienna", "Kenya", "Harvard", "Toronto", "Elena"))
    return text[: one.start()] + other + text[one.end() :]


SAME: tuple[tuple[str, Change], ...] = (
    ("case, signs, spaces", restyled),
    ("a typo", typo),
    ("two typos", two_typos),
    ("two words swapped", swapped),
    ("a greeting or thanks", greeted),
    ("the last words first", reordered),
    ("other small words", contracted),
)
OTHER: tuple[tuple[str, Change], ...] = (
    ("another number", renumbered),
    ("another name", renamed),
)


def variations(questions: Sequence[str], seed: int) -> list[Labelled]:
    """Return each kind of change as labelled pairs."""
    found = []
    for duplicate, kinds in ((True, SAME), (False, OTHER)):
        for name, change in kinds:
            chance = random.Random(seed)
            changed = [(text, change(text, chance)) for text in questions]
            pairs = [pair for pair in changed if pair[0] != pair[1]][:BASES]
            found.append(Labelled(name, pairs, [duplicate] * len(pairs)))
    return found


class Measure:
    """Similarities by one model."""

    def __init__(self, model: str, cache: Path) -> None:
        self._model, self._cache = model, cache

    def rows(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return vectors."""
        return embed(texts, model=self._model, cache=self._cache)

    def of(self, pairs: Sequence[tuple[str, str]]) -> tuple[Values, NDArray[np.bool_]]:
        """Return cosines, 1 for equal text, and whether a pair's numbers differ."""
        normals = [(normal_form(one), normal_form(other)) for one, other in pairs]
        left, right = self.rows([a for a, _ in normals]), self.rows([b for _, b in normals])
        cosines = (left.astype(np.float64) * right).sum(axis=1)
        cosines[[a == b for a, b in normals]] = 1.0
        marks = [(signature(a), signature(b)) for a, b in normals]
        apart = np.array([bool(a and b and a != b) for a, b in marks], bool)
        return cosines, apart


def judged(cosines: Values, truth: NDArray[np.bool_], threshold: float) -> tuple[float, float]:
    """Return precision and recall at a threshold."""
    taken = cosines >= threshold
    right = int((taken & truth).sum())
    return right / max(int(taken.sum()), 1), right / max(int(truth.sum()), 1)


def table(title: str, found: dict[str, tuple[Values, NDArray[np.bool_]]]) -> None:
    """Print precision, recall and F1 of sets over thresholds."""
    print(f"**{title}**\n")
    print("| threshold | " + " | ".join(found) + " |\n|---" + "|---" * len(found) + "|")
    for threshold in THRESHOLDS:
        cells = []
        for cosines, truth in found.values():
            p, r = judged(cosines, truth, threshold)
            cells.append(f"{p:.3f} / {r:.3f} / {2 * p * r / max(p + r, 1e-9):.3f}")
        print(f"| {threshold:g} | " + " | ".join(cells) + " |")
    print("\nprecision / recall / F1\n")


def shares(title: str, found: dict[str, Values]) -> None:
    """Print which share of pairs counts as duplicates."""
    print(f"**{title}**\n")
    print("| | " + " | ".join(f"{t:g}" for t in THRESHOLDS) + " |\n|---" + "|---" * 8 + "|")
    for name, cosines in found.items():
        cells = " | ".join(f"{float(np.mean(cosines >= t)):.3f}" for t in THRESHOLDS)
        print(f"| {name} ({len(cosines):,}) | {cells} |")
    print()


def graded(measure: Measure, data: Path, split: str, most: int) -> None:
    """Print the table of the Romanian pairs."""
    pairs = ro_sts(data, split)[:most]
    cosines, apart = measure.of([(a, b) for _, a, b in pairs])
    truth = np.array([grade >= 4 for grade, _, _ in pairs], bool)
    table(
        f"RO-STS {split}, {len(pairs):,} pairs, {int(truth.sum()):,} of them duplicates",
        {"cosine": (cosines, truth), "with numbers": (cosines - NUMBERS_APART * apart, truth)},
    )


def varied(measure: Measure, questions: Sequence[str], seed: int) -> None:
    """Print the tables of the variations."""
    cosines: list[Values] = []
    ruled: list[Values] = []
    truths: list[bool] = []
    by_kind: dict[str, Values] = {}
    for labelled in variations(questions, seed):
        values, apart = measure.of(labelled.pairs)
        cosines.append(values)
        ruled.append(values - NUMBERS_APART * apart)
        truths += labelled.duplicate
        kind = "same" if labelled.duplicate[0] else "OTHER"
        by_kind[f"{kind}: {labelled.name}"] = values
        if apart.any():
            by_kind[f"{kind}: {labelled.name}, with numbers"] = ruled[-1]
    truth = np.array(truths, bool)
    table(
        f"Variations of English questions, {len(truth):,} pairs",
        {
            "cosine": (np.concatenate(cosines), truth),
            "with numbers": (np.concatenate(ruled), truth),
        },
    )
    shares("Share that counts as duplicates, by kind of variation", by_kind)


def merged(measure: Measure, rows: Sequence[tuple[str, str]], name: str) -> None:
    """Print how far different labels are merged."""
    texts = list(dict.fromkeys(text for text, _ in rows))
    label = dict(rows)
    normals = [normal_form(text) for text in texts]
    marks = np.array([signature(normal) for normal in normals], np.int64)
    vectors = measure.rows(texts)
    print(f"**{name}, {len(texts):,} questions**\n")
    print("| threshold | pairs | of them of two intents | rows in clusters | in mixed clusters |")
    print("|---|---|---|---|---|")
    floor = THRESHOLDS[0]
    found = list(pairs_above(Space(Side(vectors, marks), floor=floor), floor))
    a = np.concatenate([one.a for one in found])
    b = np.concatenate([one.b for one in found])
    near = np.concatenate([one.similarity for one in found])
    labels = np.array([hash(label[text]) for text in texts])
    forest = Forest(len(texts))
    for one in found:
        forest.add(one)
    edges = forest.edges()
    for threshold in THRESHOLDS:
        taken = near >= threshold
        mixed = int((labels[a[taken]] != labels[b[taken]]).sum())
        inside, impure = _clusters(edges.a, edges.b, edges.similarity >= threshold, labels)
        print(f"| {threshold:g} | {int(taken.sum()):,} | {mixed:,} | {inside:,} | {impure:,} |")
    print()


def _clusters(
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    taken: NDArray[np.bool_],
    labels: NDArray[np.int64],
) -> tuple[int, int]:
    """Return how many rows are in clusters, and in clusters of more than one label."""
    edges = Pairs(a[taken], b[taken], np.ones(int(taken.sum()), np.float32))
    of = components(edges, len(labels))
    sizes = np.bincount(of)
    kinds = np.array([0] * len(sizes))
    for cluster, _ in {(int(c), int(one)) for c, one in zip(of, labels, strict=True)}:
        kinds[cluster] += 1
    return int(sizes[sizes > 1].sum()), int(sizes[(sizes > 1) & (kinds > 1)].sum())


def translated(measure: Measure, data: Path) -> None:
    """Print what becomes of questions and their translations."""
    english = xquad(data, "en")
    found: dict[str, Values] = {}
    for language in ("ro", "de"):
        others = xquad(data, language)
        found[f"en-{language}: the same question"] = measure.of(
            [(text, others[one]) for one, text in english.items()]
        )[0]
    vectors = measure.rows(list(english.values()))
    upper = np.triu_indices(len(vectors), 1)
    found["en-en: different questions"] = (vectors @ vectors.T)[upper].astype(np.float64)
    shares("XQuAD: share that counts as duplicates", found)


def levels(measure: Measure, data: Path) -> None:
    """Print how many rows of a set stay, beside what was published."""
    whole = toolformer(data, "dedupe-only")
    questions = [question.split(")\n", 1)[-1] for question, _ in whole]
    texts = [f"{question}" for question in questions]
    normals = [normal_form(text) for text in texts]
    marks = np.array([signature(normal) for normal in normals], np.int64)
    vectors = measure.rows(texts)
    forest = Forest(len(texts))
    for one in pairs_above(Space(Side(vectors, marks), floor=0.6), 0.6):
        forest.add(one)
    edges = forest.edges()
    print("**Toolformer, rows that stay of the set, of one cluster one**\n")
    print("| published level | rows published | rows here at the same threshold |\n|---|---|---|")
    for level in ("0.9", "0.8", "0.7", "0.6"):
        published = len(toolformer(data, f"similarity-{level}"))
        here = len(texts) - int((edges.similarity >= float(level)).sum())
        print(f"| {level} | {published:,} | {here:,} |")
    print(f"\n{len(texts):,} rows before; compared is the question without the tool's description,")
    print("which thousands share; how the published levels were measured is not known\n")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--model", default="")
    parser.add_argument("--choose", action="store_true", help="the part for choosing, not the rest")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "finetui-bench")
    options = parser.parse_args()
    if not (options.data / "dup-ro-sts").is_dir():
        print(f"this needs the folder of public data sets, and {options.data} is not it (--data)")
        return
    measure = Measure(options.model, options.cache)
    part = "the part that the threshold is chosen on" if options.choose else "the held-out part"
    print(f"model: {model_name(options.model)}; {part}\n")
    questions = list(xquad(options.data, "en").values())
    random.Random(5).shuffle(questions)
    half = len(questions) // 2
    if options.choose:
        graded(measure, options.data, "train", 2_000)
        varied(measure, questions[:half], 1)
        merged(measure, banking(options.data, "train"), "banking77 train")
        return
    graded(measure, options.data, "dev", 10_000)
    varied(measure, questions[half:], 2)
    merged(measure, banking(options.data, "test"), "banking77 test")
    translated(measure, options.data)
    levels(measure, options.data)


if __name__ == "__main__":
    main()
