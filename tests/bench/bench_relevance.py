"""How well answers to other questions are found: ``python -m tests.bench.bench_relevance``.

Of each set of real pairs of question and answer, the answers are given to other questions of the
same set. Printed are the area under the ROC curve of the share of others that fit better, and
which part of the real and of the swapped pairs is marked at the default. A set is compared with
itself, as one source, or one language, of a workspace is.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from engine.extract.scan import scan
from engine.similarity.encoder import model_name
from engine.similarity.linkage import OFF_TOPIC
from engine.similarity.names import EMBEDDED
from engine.similarity.relevance import can_be_judged, shares_of
from engine.similarity.texts import TextPair, key_of, normal_form, parts
from engine.similarity.vectors import Embedder
from engine.workspace import init_workspace, open_workspace
from tests.bench.bench_levels import area
from tests.bench.duplicate_rows import DEFAULT_DATA, xquad
from tests.bench.quality_sets import DEVELOPMENT, HELD_OUT, Pair, load
from tests.similarity.support import sides_of

SETS = (
    "alpacaeval-davinci", "gpteacher", "selfinstruct-seeds", "selfinstruct-user", "gsm8k",
    "arena-gpt-4", "oasst", "xquad-en", "xquad-ro", "xquad-de", "xquad-tr", "xquad-ru",
    "llamafactory-zh",
)  # fmt: skip
VAULTS = ("vault-jzhao", "decisions-govuk-adr")


def spans(data: Path) -> Iterator[Pair]:
    """Yield English questions with the few words that answer them."""
    document = json.loads((data / "qa-xquad" / "xquad.en.json").read_text("utf-8"))
    for article in document["data"]:
        for paragraph in article["paragraphs"]:
            for one in paragraph["qas"][1:2]:
                yield one["question"], one["answers"][0]["text"]


def translations(data: Path) -> Iterator[Pair]:
    """Yield requests to translate into Romanian, with the translation."""
    romanian = xquad(data, "ro")
    for one, text in xquad(data, "en").items():
        yield f"Translate into Romanian: {text}", romanian[one]


def of_notes(vault: Path) -> Iterator[Pair]:
    """Yield what the program makes of a vault."""
    with tempfile.TemporaryDirectory() as folder:
        root = init_workspace(Path(folder) / "workspace")
        with open_workspace(root) as space:
            scan(space.store, space.store.add_source("vault", str(vault)))
            pairs = [parts(card.turns) for card in space.store.cards()]
    yield from ((pair.prompt, pair.answer) for pair in pairs)


def sets(data: Path, most: int) -> Iterator[tuple[str, list[Pair]]]:
    """Yield names and samples of the sets."""
    for name in SETS:
        yield name, load((DEVELOPMENT | HELD_OUT)[name], data, most)
    yield "xquad-en, spans", load(spans, data, most)
    yield "translations en-ro", load(translations, data, most)
    for name in VAULTS:
        yield f"notes of {name}", load(lambda _, at=name: of_notes(data / at), data, most)  # type: ignore[misc]


def measure(name: str, pairs: Sequence[Pair], embedder: Embedder, *, latin: bool) -> None:
    """Print a set's row."""
    number = len(pairs)
    other = list(range(number))
    random.Random(3).shuffle(other)
    swapped = [0] * number
    for at, next_ in zip(other, [*other[1:], other[0]], strict=True):
        swapped[at] = next_
    texts = {key_of(n): n for pair in pairs for n in map(normal_form, pair) if n}
    embedder.add(texts)
    sides = {at: sides_of(*pairs[at]) for at in range(number)}
    wrong = {number + at: sides_of(pairs[at][0], pairs[swapped[at]][1]) for at in range(number)}
    every = range(number)
    real = shares_of(every, every, sides, embedder.cache)
    # The right answer to a question, and an answer's own question, are not among the others: one
    # wrong row is harder to see than a column that is shifted.
    false = shares_of(list(wrong), every, sides | wrong, embedder.cache)
    values = np.array([*real.values(), *false.values()])
    truth = np.array([False] * len(real) + [True] * len(false), bool)

    def marked(at: int, answer: int, share: float) -> bool:
        pair = TextPair(pairs[at][0], pairs[answer][1])
        return share > OFF_TOPIC and can_be_judged(pair, latin=latin)

    kept = np.mean([marked(at, at, one) for at, one in real.items()])
    found = np.mean([marked(at - number, swapped[at - number], one) for at, one in false.items()])
    print(
        f"| {name} | {number} | {area(values, truth):.3f} | {kept:.1%} | {found:.0%} |", flush=True
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--model", default="")
    parser.add_argument("--most", type=int, default=60, help="pairs of a set")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "finetui-bench")
    options = parser.parse_args()
    if not (options.data / "qa-xquad").is_dir():
        print(f"this needs the folder of public data sets, and {options.data} is not it (--data)")
        return
    print(f"**{model_name(options.model)}**, marked from {OFF_TOPIC:.0%} of others\n")
    print("| set | pairs | area | real ones marked | swapped ones marked |\n|---|---:|---|---|---|")
    with Embedder(options.model, options.cache) as embedder:
        for name, pairs in sets(options.data, options.most):
            latin = model_name(options.model) == EMBEDDED
            measure(name, pairs, embedder, latin=latin)


if __name__ == "__main__":
    main()
