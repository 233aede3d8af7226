"""What notes in ten languages give: ``python -m tests.bench.bench_languages LANGUAGE=PATH …``.

PATH is a folder of Markdown, or a git directory, whose Markdown is taken out to a folder that is
thrown away. :data:`VAULTS` names the public vaults and diaries that were measured; nothing of
their text is kept. For each the number of notes, of sections of 25 words, and of thoughts by kind
are printed, and how many questions are in their answer's language, in none, or in another: told
by the product's detector, and by lingua where it is installed. A question is judged without
what it quotes. With ``--sheets FOLDER`` the rows for people or models to judge are written there,
chosen by ``--seed``: ``lang-CODE.jsonl`` (a question, and the beginning of its answer) and
``thoughts-CODE.jsonl`` (a thought and its kind).
"""

from __future__ import annotations

import argparse
import importlib
import json
import random
import re
import subprocess
import tarfile
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from engine.extract.notes import extract_note
from engine.extract.prose import MIN_WORDS
from engine.extract.units import find_units
from engine.models import Example
from engine.quality.language import Detector
from engine.sources.base import Reading
from engine.sources.items import Refused
from engine.sources.vault import VaultReader

VAULTS = {
    "en": ("stefandesu/exo.pm", "256b093", "none stated"),
    "ro": ("blogdestare/blogdestare.github.io", "b432459", "none stated"),
    "de": ("danielsundermeier/knowledge", "8564a9e", "none stated"),
    "fr": ("thom4parisot/detour.studio", "d04025b", "Unlicense"),
    "it": ("dottorblaster/dottorblaster.github.io", "484730e", "MIT"),
    "es": ("Jorc0/bitacora", "51bc12d", "none stated"),
    "pt": ("brunopulis/personal-site", "164ba18", "MIT"),
    "nl": ("Pandaqi/Tiamo-Pastoor", "4dc5cda", "none stated"),
    "ru": ("yktoo/yktoo.com", "ff63e15", "CC BY-NC-SA 4.0"),
    "zh": ("yihong0618/gitblog", "094fda3", "MIT"),
}
"""For each language what was measured: repository, commit, licence."""

WORDS_SHOWN = 70
THOUGHT_SHOWN = 220
TOLD = 400
"""Of how many questions the language is told, chosen at random."""

_QUOTED = re.compile(r"[“„«「‘][^“”„«»「」]*[”“»」’]")
_SPACED = re.compile(r"\s+")
_SPACELESS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
Tell = Callable[[str], str]


@dataclass(slots=True)
class Found:
    """What was found in the notes of one language.

    Attributes:
        notes: How many notes there are, by the language told.
        sections: How many sections have enough words to be an answer.
        thoughts: The examples that are reflections, decisions and learnings.
        others: The examples that are sections under a question that was made up.
    """

    notes: Counter[str] = field(default_factory=Counter)
    sections: int = 0
    thoughts: list[Example] = field(default_factory=list)
    others: list[Example] = field(default_factory=list)


def taken_out(path: Path, into: Path) -> Path:
    """Return a folder with the Markdown of a folder or a git directory."""
    if not (path / "HEAD").is_file():
        return path
    git = ["git", "-C", str(path)]
    listed = subprocess.run(
        [*git, "ls-tree", "-r", "--name-only", "-z", "HEAD"], capture_output=True, check=True
    )
    names = [
        name for name in listed.stdout.decode("utf-8", "replace").split("\0") if name[-3:] == ".md"
    ]
    for at in range(0, len(names), 500):
        packed = subprocess.run(
            [*git, "archive", "HEAD", "--", *names[at : at + 500]], capture_output=True, check=True
        )
        with tarfile.open(fileobj=BytesIO(packed.stdout)) as archive:
            archive.extractall(into, filter="data")
    return into


def read(folder: Path, language: str, tell: Tell) -> Found:
    """Extract all notes of a folder; those in other languages are counted and left out."""
    found = Found()
    reader = VaultReader()
    for item in reader.items(str(folder), Reading("s")):
        if isinstance(item, Refused) or not hasattr(item, "path"):
            continue
        try:
            documents = list(reader.read(item, Reading("s")))
        except Refused:
            continue
        for document in documents:
            name = tell(document.text[:3000])
            found.notes[name] += 1
            if name != language:
                continue
            units = find_units(document.text)
            found.sections += sum(unit.words >= MIN_WORDS for unit in units)
            for example in extract_note(document, take=("thoughts", "sections")):
                (found.others if example.kind == "section" else found.thoughts).append(example)
    return found


def rest(question: str) -> str:
    """Return a question without what it quotes."""
    return _SPACED.sub(" ", _QUOTED.sub(" ", question)).strip(" :")


def lingua(codes: Sequence[str]) -> Tell | None:
    """Return lingua, restricted to some languages; None where it is not installed."""
    try:
        library = importlib.import_module("lingua")
    except ImportError:
        return None
    chosen = [getattr(library.IsoCode639_1, code.upper()) for code in codes]
    detector = library.LanguageDetectorBuilder.from_iso_codes_639_1(*chosen).build()

    def tell(text: str) -> str:
        told = detector.detect_language_of(text)
        return told.iso_code_639_1.name.lower() if told else ""

    return tell


def shares(
    examples: Sequence[Example], language: str, tell: Tell
) -> tuple[float, float, float, Counter[str]]:
    """Return which share of questions is in its note's language, in none, and in another.

    A section in a second language may be asked for in its own. The last is what was asked in
    another language, by the text that was judged.
    """
    own = none = 0
    other: Counter[str] = Counter()
    for example in examples:
        asked = rest(example.turns[0].content)
        if sum(map(str.isalpha, asked)) < 2:
            none += 1
            continue
        told, answered = tell(asked), tell(example.turns[-1].content)
        if told and told in (answered, language):
            own += 1
        elif not told:
            none += 1
        else:
            other[f"{told} for {answered}: {asked}"] += 1
    total = max(len(examples), 1)
    return own / total, none / total, sum(other.values()) / total, other


def beginning(text: str, number: int = WORDS_SHOWN) -> str:
    """Return the first words of a text, or about as much of one without spaces."""
    spaceless = len(_SPACELESS.findall(text))
    if spaceless > len(text) / 4:
        return text[: number * 2]
    return " ".join(text.split()[:number])


def sheets(found: Found, language: str, folder: Path, seed: int, number: int) -> None:
    """Write what is to be judged; half of the questions ask for thoughts, if there are enough."""
    chance = random.Random(f"{seed} {language}")
    half = chance.sample(found.thoughts, min(number // 2, len(found.thoughts)))
    asked = half + chance.sample(found.others, min(number - len(half), len(found.others)))
    chance.shuffle(asked)
    rows = [
        {"n": n, "question": one.turns[0].content, "text": beginning(one.turns[-1].content)}
        for n, one in enumerate(asked, 1)
    ]
    thoughts = chance.sample(found.thoughts, min(number, len(found.thoughts)))
    kinds = [
        {"n": n, "kind": one.kind, "text": beginning(one.turns[-1].content, THOUGHT_SHOWN)}
        for n, one in enumerate(thoughts, 1)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in ((f"lang-{language}", rows), (f"thoughts-{language}", kinds)):
        written = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        (folder / f"{name}.jsonl").write_text(written, "utf-8")


def measured(pairs: Sequence[tuple[str, Path]], tell: Tell) -> Iterator[tuple[str, str, Found]]:
    """Yield language, name and findings of each pair of a language and a path."""
    for language, path in pairs:
        with tempfile.TemporaryDirectory() as scratch:
            name = path.parent.name if path.name == "repo" else path.name
            yield language, name, read(taken_out(path, Path(scratch)), language, tell)


def main() -> None:
    """Print the table, and write the sheets that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("vaults", nargs="*", metavar="LANGUAGE=PATH")
    parser.add_argument("--sheets", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--number", type=int, default=100)
    args = parser.parse_args()
    pairs = [(name, Path(path)) for name, _, path in (one.partition("=") for one in args.vaults)]
    if not pairs:
        for name, (repository, commit, licence) in VAULTS.items():
            print(f"{name}: {repository} at {commit} (licence: {licence})")
        return
    detector = Detector()

    def ours(text: str) -> str:
        return detector.tell(text).language

    peer = lingua(sorted(VAULTS))
    print(
        "| | vault | notes in it (all) | sections of 25 words | thoughts"
        " | reflection / decision / learning | questions | own language, none, other"
        " | the same by lingua |"
    )
    print("|---|---|---:|---:|---:|---|---:|---|---|")
    strange: dict[str, Counter[str]] = {}
    for language, name, found in measured(pairs, ours):
        kinds = Counter(example.kind for example in found.thoughts)
        asked = found.thoughts + found.others
        chosen = random.Random(language).sample(asked, min(TOLD, len(asked)))
        cells = []
        for teller in (ours, peer):
            if teller is None:
                cells.append("")
                continue
            own, none, other, texts = shares(chosen, language, teller)
            cells.append(f"{own:.1%}, {none:.1%}, {other:.1%}")
            strange[language] = strange.get(language, Counter()) + texts
        by_kind = " / ".join(str(kinds[kind]) for kind in ("reflection", "decision", "learning"))
        print(
            f"| {language} | {name} | {found.notes[language]:,} ({found.notes.total():,}) | "
            f"{found.sections:,} | {len(found.thoughts):,} | {by_kind} | {len(asked):,} | "
            f"{' | '.join(cells)} |",
            flush=True,
        )
        if args.sheets:
            sheets(found, language, args.sheets, args.seed, args.number)
    for language, texts in strange.items():
        for text, number in texts.most_common(8):
            print(f"{language}: {number} x {text}")


if __name__ == "__main__":
    main()
