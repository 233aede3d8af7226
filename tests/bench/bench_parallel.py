"""Thoughts by their wording alone: ``python -m tests.bench.bench_parallel TATOEBA XQUAD``.

TATOEBA is the folder ``data/tatoeba/v1`` of github.com/facebookresearch/LASER: a thousand sentences
of Tatoeba (CC BY 2.0 FR) in each language, with their English. Those in which the English
speaks of "I" are shuffled by seed and joined to paragraphs of some eighty English words, the
same sentences in both languages; a language's recall is how many paragraphs it takes of those
that English takes. The sentences without a person make paragraphs that none should take.

XQUAD has ``xquad.CODE.json`` (github.com/google-deepmind/xquad, CC BY-SA 4.0): paragraphs
of an encyclopaedia in the third person, of which every one that is taken is a mistake.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from engine.extract.languages import languages
from engine.extract.letters import length, letters
from engine.extract.signals import Wording, judge, wording
from engine.extract.telling import tell

NAMES = {
    "ro": "ron", "de": "deu", "fr": "fra", "it": "ita", "es": "spa", "pt": "por", "nl": "nld",
    "ru": "rus", "zh": "cmn",
}  # fmt: skip
WORDS = 80
FEW = 30
SEEDS = 10
_ONESELF = re.compile(r"\b(?:I|me|my|mine|myself)\b")
_ANYBODY = re.compile(r"\b(?:I|me|my|mine|myself|we|us|our|ours|you|your|yours)\b", re.IGNORECASE)

Pair = tuple[str, str]


def pairs(folder: Path, name: str) -> list[Pair]:
    """Return sentences in English and in another language."""
    english, other = (
        (folder / f"tatoeba.{name}-eng.{side}").read_text("utf-8").splitlines()
        for side in ("eng", name)
    )
    return list(zip(english, other, strict=True))


def paragraphs(found: list[Pair], joint: str) -> Iterator[Pair]:
    """Yield sentences joined to paragraphs, shuffled in several ways."""
    for seed in range(SEEDS):
        shuffled = random.Random(seed).sample(found, len(found))
        taken: list[Pair] = []
        for pair in shuffled:
            taken.append(pair)
            text = " ".join(english for english, _ in taken)
            if length(text) >= WORDS:
                yield text, joint.join(other for _, other in taken)
                taken = []


def is_taken(said: Wording) -> bool:
    """Say whether a text is taken for its wording alone."""
    return judge([], said).taken


def contexts(path: Path) -> list[str]:
    """Return the paragraphs of an encyclopaedia."""
    data = json.loads(path.read_text("utf-8"))["data"] if path.is_file() else []
    return [part["context"] for article in data for part in article["paragraphs"]]


def told(folder: Path) -> None:
    """Print which languages short paragraphs in any language are told to be in."""
    for path in sorted(folder.glob("tatoeba.*-eng.*")):
        name = path.name.split(".")[1].removesuffix("-eng")
        if path.suffix != f".{name}":
            continue
        found: Counter[str] = Counter()
        text = ""
        for sentence in path.read_text("utf-8").splitlines():
            text = f"{text} {sentence}"
            if length(text) >= FEW:
                found[tell(letters((text,))[0], partial(str, text))] += 1
                text = ""
        asked = {code: count for code, count in found.items() if code in languages()}
        most = dict(found.most_common(3))
        print(f"{name}  {sum(found.values())} paragraphs; told {most}; asked in {asked}")


def main() -> None:
    """Print the figures."""
    tatoeba, xquad = map(Path, sys.argv[1:3])
    english = contexts(xquad / "xquad.en.json")
    print(f"en encyclopaedia {sum(is_taken(wording(text)) for text in english)} of {len(english)}")
    for code in (code for code in NAMES if code in languages()):
        found = pairs(tatoeba, NAMES[code])
        joint = "" if code == "zh" else " "
        own = list(paragraphs([pair for pair in found if _ONESELF.search(pair[0])], joint))
        said = [(wording(one), wording(other)) for one, other in own]
        taken = [is_taken(one) for one, _ in said]
        also = [is_taken(other) for _, other in said]
        both = sum(one and other for one, other in zip(taken, also, strict=True))
        first = [sum(side[at].first_person for side in said) / len(said) for at in (0, 1)]
        none = list(paragraphs([pair for pair in found if not _ANYBODY.search(pair[0])], joint))
        wrong = [sum(is_taken(wording(pair[at])) for pair in none) for at in (0, 1)]
        right = sum(other.language == code for _, other in said) / len(said)
        texts = contexts(xquad / f"xquad.{code}.json")
        public = sum(is_taken(wording(text)) for text in texts)
        print(
            f"{code}  told {right:.1%}; of {len(own)} paragraphs English takes {sum(taken)} "
            f"({first[0]:.3f} first person), {code} {sum(also)} ({first[1]:.3f}), both {both}; "
            f"of {len(none)} without a person {wrong[0]} and {wrong[1]}; "
            f"encyclopaedia {public} of {len(texts)}"
        )
    told(tatoeba)


if __name__ == "__main__":
    main()
