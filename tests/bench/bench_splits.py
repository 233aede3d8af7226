"""How much a split leaks: ``python -m tests.bench.bench_splits [--data DIR] [--rows N]``.

Each set is divided 80/20 in three ways, three seeds each: rows at random; documents whole, as
copies of long answers are; and as a freeze divides it, with near-duplicates. The leak meter
then counts the held-out rows that ask, but for spelling, what a row to train on asks; that have a
near-duplicate among those (question and answer both at the threshold and more); or a long
answer that is alike. With ``--text`` only equal text counts, and nothing is embedded.

The demo's notes come along; the instruction sets are read from DIR (by default the folder of
data beside the checkout). At most N rows of a set are taken, the first ones.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.dataset import DatasetOptions, default_options, draft
from engine.dataset.candidates import approved
from engine.dataset.leak import LeakSummary, summarise
from engine.dataset.meter import by_text, nearest_rows
from engine.dataset.rows import Row
from engine.errors import FinetuiError
from engine.extract import extract
from engine.models import Example
from engine.similarity import DEFAULT_THRESHOLD, dedup, normal_form, parts
from engine.sources import read
from engine.workspace import Workspace, init_workspace, open_workspace

CHECKOUT = Path(__file__).resolve().parent.parent.parent
DEFAULT_DATA = CHECKOUT.parent / "shared" / "data"
SEEDS = range(3)
ROWS = 2_000

Split = tuple[Sequence[Row], Sequence[Row]]


@dataclass(frozen=True, slots=True)
class Way:
    """A way of dividing, by name."""

    name: str
    divide: Callable[[Workspace, int], Split]


def at_random(space: Workspace, seed: int) -> Split:
    """Divide row by row."""
    rows = [one.row for one in approved(space.store, "").candidates]
    random.Random(seed).shuffle(rows)
    held_out = round(0.2 * len(rows))
    return rows[held_out:], rows[:held_out]


def of(**changes: object) -> Callable[[Workspace, int], Split]:
    """Return what divides as a freeze does."""

    def divide(space: Workspace, seed: int) -> Split:
        options: DatasetOptions = replace(
            default_options(space),
            seed=seed,
            **changes,  # type: ignore[arg-type]
        )
        made = draft(space, base=None, options=options)
        return [one.row for one in made.train], [one.row for one in made.validation]

    return divide


WAYS = (
    Way("rows at random", at_random),
    Way("text alone", of(near_duplicates="no")),
    Way("with near-duplicates", of()),
)


def filled(root: Path, kind: str, place: Path, most: int) -> Workspace:
    """Return a workspace with all examples of a place approved."""
    space = open_workspace(init_workspace(root))
    source = space.store.add_source(kind, str(place))
    found: dict[str, Example] = {}
    for document in read(kind, place, source.id):
        for example in extract(document):
            found.setdefault(example.id, example)
        if len(found) >= most:
            break
    space.store.record_scan(source.id, list(found.values()), [], len(found), at=1.0)
    for example in found.values():
        try:
            space.store.append("approve", example.id, at=2.0)
        except FinetuiError:
            continue
    return space


def sets(data: Path) -> list[tuple[str, str, Path]]:
    """Return the sets that are there: name, kind, place."""
    found = [("demo notes", "vault", CHECKOUT / "engine" / "demo" / "data" / "vault")]
    teacher = data / "instr-gpteacher-thresholds" / "Toolformer"
    factory = data / "instr-llamafactory" / "data"
    for name, place in (
        *((path.stem, path) for path in sorted(teacher.glob("*.json"))),
        ("llamafactory alpaca_en_demo", factory / "alpaca_en_demo.json"),
        ("llamafactory glaive_toolcall_en_demo", factory / "glaive_toolcall_en_demo.json"),
        ("three models' answers", data / "instr-alpacaeval-outputs" / "results"),
        ("self-instruct seeds", data / "instr-selfinstruct" / "user_oriented_instructions.jsonl"),
    ):
        if place.exists():
            found.append((name, "instructions", place))
    return found


def measured(space: Workspace, way: Way, seed: int, *, text: bool) -> tuple[LeakSummary, int]:
    """Return how a division leaks, and how many held-out rows ask what is trained on."""
    train, held_out = way.divide(space, seed)
    asked = {question(row) for row in train}
    same = sum(question(row) in asked for row in held_out)
    found = by_text(held_out, train) if text else nearest_rows(held_out, train)
    return summarise(way.name, found, DEFAULT_THRESHOLD), same


def question(row: Row) -> str:
    """Return what a row asks, but for spelling."""
    return normal_form(parts(row.turns).prompt)


def main(data: Path, most: int, *, text: bool = False) -> None:
    """Print the table."""
    if not data.is_dir():
        print(f"only the demo's notes: no folder of data at {data}; name one with --data")
    print(f"held-out rows of 80/20 that leak, mean of {len(SEEDS)} seeds, at {DEFAULT_THRESHOLD}\n")
    print("| set | rows | division | held out | same question | near-duplicate | long answer |")
    print("|---|---:|---|---:|---:|---:|---:|")
    for name, kind, place in sets(data):
        with (
            tempfile.TemporaryDirectory() as scratch,
            filled(Path(scratch), kind, place, most) as space,
        ):
            if not text:
                dedup(space)
            rows = space.store.counts().approved
            for way in WAYS:
                both = [measured(space, way, seed, text=text) for seed in SEEDS]
                found = [one for one, _ in both]
                held_out = sum(one.rows for one in found)
                same = sum(count for _, count in both) / held_out
                over = sum(one.over for one in found) / held_out
                answers = sum(one.answers_over for one in found) / held_out
                print(
                    f"| {name} | {rows:,} | {way.name} | {held_out / len(found):,.0f} "
                    f"| {same:.1%} | {over:.1%} | {answers:.1%} |",
                    flush=True,
                )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--text", action="store_true", help="compare text alone, embed nothing")
    chosen = parser.parse_args()
    main(chosen.data, chosen.rows, text=chosen.text)
