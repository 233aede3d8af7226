"""Hateful and benign text by other hands, from checkouts of public repositories in a folder.

``bench_safety --public DIR`` reads, and nothing of it is committed:

- ``CONAN`` (marcoguerini; for research): hate speech and the counter-narratives that experts
  wrote to it, English, French, Italian;
- ``TOXIGEN`` (microsoft; prompts by people, hateful and neutral, about 13 groups);
- ``Hatemoji`` (HannahKirk, CC-BY-4.0): a functional test with emoji, original and benign rows;
- ``GermEval-2018-Data`` (uds-lsv, CC-BY-4.0): German tweets;
- ``hate-speech-and-offensive-language`` (t-davidson, MIT): English tweets;
- ``Ethos-Hate-Speech-Dataset`` (intelligence-csd-auth-gr, GPL-3.0): English comments;
- ``unintended-ml-bias-analysis`` (conversationai, Apache-2.0): templates about identities.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Mapping
from pathlib import Path

Rows = list[dict[str, str]]
SAMPLE = 400
"""Texts of each set and side, drawn with a seed."""


def _rows(path: Path, delimiter: str = ",") -> Rows:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


Sides = tuple[list[str], list[str]]
"""Hateful and benign texts."""


def _conan(public: Path) -> Iterator[tuple[str, Sides]]:
    rows = _rows(public / "CONAN" / "Multitarget-CONAN" / "Multitarget-CONAN.csv")
    yield (
        "Multitarget CONAN: hate, counter-narratives",
        ([row["HATE_SPEECH"] for row in rows], [row["COUNTER_NARRATIVE"] for row in rows]),
    )
    rows = _rows(public / "CONAN" / "CONAN" / "CONAN.csv")
    for language in ("EN", "FR", "IT"):
        mine = [row for row in rows if row["cn_id"].startswith(language)]
        sides = [row["hateSpeech"] for row in mine], [row["counterSpeech"] for row in mine]
        yield f"CONAN {language.lower()}: hate, counter-narratives", sides


def _toxigen(public: Path) -> Iterator[tuple[str, Sides]]:
    sides: list[list[str]] = []
    for kind in ("hate", "neutral"):
        texts: list[str] = []
        for path in sorted((public / "TOXIGEN" / "prompts").glob(f"{kind}_*.txt")):
            text = path.read_text("utf-8", "replace").replace("\\n", "\n")
            texts += [line.strip(" -") for line in text.split("\n")]
        sides.append(texts)
    yield "ToxiGen prompts: hateful, neutral", (sides[0], sides[1])


def _tables(public: Path) -> Iterator[tuple[str, Sides]]:
    rows = _rows(public / "Hatemoji" / "HatemojiCheck" / "test.csv")
    hate = [row["text"] for row in rows if row["label_gold"] == "1" and row["set"] == "orig"]
    yield "HatemojiCheck", (hate, [row["text"] for row in rows if row["label_gold"] == "0"])
    rows = _rows(public / "hate-speech-and-offensive-language" / "data" / "labeled_data.csv")
    sides = [[row["tweet"] for row in rows if row["class"] == label] for label in ("0", "2")]
    yield "tweets (Davidson): hate, neither", (sides[0], sides[1])
    path = public / "Ethos-Hate-Speech-Dataset" / "ethos" / "ethos_data"
    rows = _rows(path / "Ethos_Dataset_Binary.csv", ";")
    yield (
        "Ethos",
        (
            [row["comment"] for row in rows if float(row["isHate"]) >= 0.5],
            [row["comment"] for row in rows if float(row["isHate"]) < 0.5],
        ),
    )
    for language in ("en", "de"):
        name = f"{language}_sentence_templates.csv"
        rows = _rows(public / "unintended-ml-bias-analysis" / "sentence_templates" / name)
        toxic = [row["phrase"] for row in rows if row["toxicity"] == "toxic"]
        yield (
            f"identity templates {language}: toxic, not",
            (toxic, [row["phrase"] for row in rows if row["toxicity"] == "nontoxic"]),
        )
    path = public / "GermEval-2018-Data" / "germeval2018.training.txt"
    lines = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
    lines = [line for line in lines if len(line) >= 3]
    yield (
        "GermEval 2018: abuse, other",
        (
            [line[0] for line in lines if line[2] == "ABUSE"],
            [line[0] for line in lines if line[2] == "OTHER"],
        ),
    )


def sets(public: Path) -> Mapping[str, Sides]:
    """Return the sets that a folder holds, each with a sample of its hateful and benign texts."""
    found: dict[str, Sides] = {}
    for read in (_conan, _toxigen, _tables):
        try:
            for name, sides in read(public):
                found[name] = _sampled(sides[0]), _sampled(sides[1])
        except FileNotFoundError as error:
            print(f"{error.filename} is not there: left out\n")
    return found


def _sampled(texts: list[str]) -> list[str]:
    once = sorted({text for text in texts if text.strip()})
    return once if len(once) <= SAMPLE else random.Random(5).sample(once, SAMPLE)
