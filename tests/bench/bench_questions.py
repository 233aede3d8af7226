"""Judging questions and thoughts blind: sheets to mark, and what the marks say.

    python -m tests.bench.bench_questions sheet FOLDER OUT [--what thoughts] [--seed 1] [--key KEY]
    python -m tests.bench.bench_questions marks SHEET MARKS [MARKS]
    python -m tests.bench.bench_questions recall FOLDER …

A sheet has a random sample of a vault's examples, one JSON object a line: the question and the
beginning of the text, or the kind that a text is taken for and the text; never a title or a path.
Those go to KEY, for whoever reads the reasons afterwards. A file of marks has lines of
``number<TAB>1 or 0<TAB>reason``, by the rubric in ``docs/questions.md``.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.extract import extract
from engine.extract.headings import match_heading
from engine.extract.notes import TAKE
from engine.extract.prose import MIN_WORDS
from engine.extract.signals import tag_signs
from engine.extract.units import find_units
from engine.models import Document, Example
from tests.support.vaults import read_vault

KINDS = ("reflection", "decision", "learning")
_SHOWN = {"questions": 70, "thoughts": 220}
"""How many words of a text a sheet shows."""


def examples_of(folder: Path, what: str) -> list[Example]:
    """Return a vault's examples: all, or those that are taken for thoughts."""
    documents, _ = read_vault(folder)
    take = {"take": ",".join(TAKE)} if what == "questions" else {"take": "thoughts"}
    return [example for document in documents for example in extract(document, take)]


def row(number: int, example: Example, what: str) -> dict[str, object]:
    """Return a line of a sheet."""
    text = example.turns[1].content
    words = text.split()
    shown = " ".join(words[: _SHOWN[what]]) + (" […]" if len(words) > _SHOWN[what] else "")
    if what == "thoughts":
        return {"n": number, "kind": example.kind, "text": shown}
    return {"n": number, "question": example.turns[0].content, "text": shown}


def sheet(arguments: argparse.Namespace) -> None:
    """Write a sheet."""
    found = examples_of(arguments.folder, arguments.what)
    rng = random.Random(arguments.seed)
    picked = rng.sample(found, min(arguments.count, len(found)))
    lines = [row(number, example, arguments.what) for number, example in enumerate(picked, 1)]
    arguments.out.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    if arguments.key:
        keys = [
            {
                "n": number,
                "path": example.provenance.path,
                "heading": example.provenance.heading,
                "title": example.provenance.title,
                "kind": example.kind,
                "reason": example.reason,
            }
            for number, example in enumerate(picked, 1)
        ]
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in keys)
        arguments.key.write_text(text, "utf-8")
    print(f"{len(lines)} of {len(found)} {arguments.what}: {arguments.out}")


def read_marks(path: Path) -> dict[int, bool]:
    """Return the marks in a file by the lines' numbers."""
    marks: dict[int, bool] = {}
    for line in path.read_text("utf-8").splitlines():
        fields = line.split("\t")
        if len(fields) > 1 and fields[0].strip().isdigit() and fields[1].strip() in ("0", "1"):
            marks[int(fields[0])] = fields[1].strip() == "1"
    return marks


def kappa(first: Mapping[int, bool], second: Mapping[int, bool]) -> tuple[float, float]:
    """Return how often two judges agree, and Cohen's kappa (1 where both always say the same)."""
    both = first.keys() & second.keys()
    same = sum(first[number] == second[number] for number in both) / max(len(both), 1)
    yes = [sum(marks[number] for number in both) / max(len(both), 1) for marks in (first, second)]
    chance = yes[0] * yes[1] + (1 - yes[0]) * (1 - yes[1])
    return same, 1.0 if chance == 1 else (same - chance) / (1 - chance)


def marks(arguments: argparse.Namespace) -> None:
    """Print what judges say of a sheet."""
    lines = arguments.sheet.read_text("utf-8").splitlines()
    numbers = {int(json.loads(line)["n"]) for line in lines}
    judges = [
        {number: mark for number, mark in read_marks(path).items() if number in numbers}
        for path in arguments.marks
    ]
    shares = [
        f"{sum(judge.values())}/{len(judge)} = {sum(judge.values()) / max(len(judge), 1):.3f}"
        for judge in judges
    ]
    print(f"{len(numbers)} sampled; " + "; ".join(shares), end="")
    if len(judges) == 2:
        same, agreement = kappa(*judges)
        print(f"; agree {same:.3f}, kappa {agreement:.2f}")
    else:
        print()


def is_claimed(document: Document, heading: str, tags: Sequence[str]) -> bool:
    """Say whether a section's own tag or heading says outright that it is a thought."""
    match = match_heading(heading) if heading != document.title else None
    return bool(tag_signs(tags, 1.0, "")) or (match is not None and match.strong)


def recall(arguments: argparse.Namespace) -> None:
    """Print how many of the sections that are tagged or headed as thoughts are taken."""
    for folder in arguments.folders:
        documents, _ = read_vault(folder)
        total = taken = 0
        for document in documents:
            found = [e.provenance for e in extract(document, {"take": "thoughts"})]
            for unit in find_units(document.text):
                section = unit.section
                if unit.total < MIN_WORDS or not is_claimed(
                    document, section.heading, section.tags
                ):
                    continue
                first = document.start_line + section.start
                last = document.start_line + unit.end
                total += 1
                hit = any(first <= place.start_line <= last for place in found)
                taken += hit
                if not hit:
                    print(f"  missed: {document.path}, '{section.heading}', {unit.total} words")
        print(f"{folder}: {taken} of {total} tagged or headed sections of {MIN_WORDS} words")


def main() -> None:
    """Run one of the three."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("sheet")
    one.add_argument("folder", type=Path)
    one.add_argument("out", type=Path)
    one.add_argument("--what", choices=("questions", "thoughts"), default="questions")
    one.add_argument("--count", type=int, default=100)
    one.add_argument("--seed", type=int, default=1)
    one.add_argument("--key", type=Path)
    one.set_defaults(run=sheet)
    two = commands.add_parser("marks")
    two.add_argument("sheet", type=Path)
    two.add_argument("marks", type=Path, nargs="+")
    two.set_defaults(run=marks)
    three = commands.add_parser("recall")
    three.add_argument("folders", type=Path, nargs="+")
    three.set_defaults(run=recall)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
