"""Rows for the benchmarks of near-duplicates: real questions and instructions, and variations."""

from __future__ import annotations

import csv
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

DEFAULT_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
LONGEST = 400  # characters

_BEFORE = ("Please, ", "Hi! ", "Quick question: ", "Could you tell me: ", "Hello, ", "OK, ")
_AFTER = (" Thanks!", " Please explain.", " Thank you.", " Be brief.", " I need it today.")


def real_rows(data: Path) -> list[str]:
    """Return the questions and instructions of the data, each once, in a fixed shuffled order."""
    found = list(dict.fromkeys(text for raw in _raw(data) if (text := raw.strip()[:LONGEST])))
    random.Random(0).shuffle(found)
    return found


def rows(data: Path, number: int) -> list[str]:
    """Return ``number`` rows: the real ones, then seeded variations of them, all shuffled."""
    real = real_rows(data)
    chance = random.Random(1)
    taken = dict.fromkeys(real[:number])
    while len(taken) < number:
        taken[vary(chance.choice(real), chance)] = None
    found = list(taken)
    random.Random(2).shuffle(found)
    return found


def vary(text: str, chance: random.Random) -> str:
    """Return a text with one to three small changes."""
    for _ in range(chance.randint(1, 3)):
        kind = chance.randrange(5)
        words = text.split(" ")
        if kind == 0:
            text = typo(text, chance)
        elif kind == 1 and len(words) > 4:
            del words[chance.randrange(len(words))]
            text = " ".join(words)
        elif kind == 2 and len(words) > 4:
            text = swapped(text, chance)
        elif kind == 3:
            text = chance.choice(_BEFORE) + text
        else:
            text = (
                renumbered(text, chance) if re.search(r"\d", text) else text + chance.choice(_AFTER)
            )
    return text[: LONGEST + 60]


def typo(text: str, chance: random.Random) -> str:
    """Return a text with two neighbouring letters of a word in the other order."""
    places = [i for i in range(len(text) - 1) if text[i].isalpha() and text[i + 1].isalpha()]
    if not places:
        return text
    at = chance.choice(places)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def swapped(text: str, chance: random.Random) -> str:
    """Return a text with two neighbouring words in the other order."""
    words = text.split(" ")
    if len(words) < 2:
        return text
    at = chance.randrange(len(words) - 1)
    words[at], words[at + 1] = words[at + 1], words[at]
    return " ".join(words)


def renumbered(text: str, chance: random.Random) -> str:
    """Return a text with one of its numbers changed."""
    numbers = list(re.finditer(r"\d+", text))
    if not numbers:
        return text
    one = chance.choice(numbers)
    other = str(int(one.group()) + chance.randint(1, 97))
    return text[: one.start()] + other + text[one.end() :]


def banking(data: Path, split: str) -> list[tuple[str, str]]:
    """Return the questions to a bank of a split, each with its intent."""
    path = data / "dup-banking77" / "banking_data" / f"{split}.csv"
    with path.open(encoding="utf-8", newline="") as handle:
        return [(row["text"], row["category"]) for row in csv.DictReader(handle)]


def xquad(data: Path, language: str) -> dict[str, str]:
    """Return the questions of a language by their ids, which are the same in all languages."""
    document = json.loads((data / "qa-xquad" / f"xquad.{language}.json").read_text("utf-8"))
    return {
        question["id"]: question["question"]
        for article in document["data"]
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
    }


def toolformer(data: Path, level: str) -> list[tuple[str, str]]:
    """Return the instructions and answers of one release of the Toolformer set."""
    name = f"toolformer-{level}-dataset.json"
    path = data / "instr-gpteacher-thresholds" / "Toolformer" / name
    # The long head of the instruction is the same in every row; the question comes as input.
    return [
        (f"{row['instruction']}\n{row.get('input', '')}", row.get("response") or row["output"])
        for row in json.loads(path.read_text("utf-8"))
    ]


def ro_sts(data: Path, split: str) -> list[tuple[float, str, str]]:
    """Return the graded pairs of Romanian sentences of a split."""
    lines = (data / "dup-ro-sts" / f"RO-STS.{split}.tsv").read_text("utf-8").splitlines()
    found = (line.split("\t") for line in lines)
    return [(float(row[0]), row[1], row[2]) for row in found if len(row) == 3]


def _raw(data: Path) -> Iterator[str]:
    for split in ("train", "test"):
        yield from (text for text, _ in banking(data, split))
    for language in ("en", "ro", "de"):
        yield from xquad(data, language).values()
    for path in sorted(data.glob("instr-*/**/*.json")):
        if "model_outputs" in path.name and "davinci" not in str(path):
            continue
        document = json.loads(path.read_text("utf-8"))
        if isinstance(document, list):
            yield from map(_instruction, document)
    for path in sorted(data.glob("instr-*/**/*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            if line.strip():
                yield _instruction(json.loads(line))


def _instruction(row: object) -> str:
    if not isinstance(row, dict):
        return ""
    if isinstance(row.get("instruction"), str):
        # Of an instruction that begins with pages of rules, the end says what is asked.
        whole = f"{row['instruction']} {row.get('input') or ''}".strip()
        return whole if len(whole) <= LONGEST else whole[-LONGEST:]
    turns = row.get("turns")
    if isinstance(turns, list) and turns and isinstance(turns[0], dict):
        return str(turns[0].get("content", ""))
    prompt = row.get("prompt")
    return prompt if isinstance(prompt, str) else ""
