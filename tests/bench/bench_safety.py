"""What the check finds: ``python -m tests.bench.bench_safety [--data DIR] [--public DIR] [--dev]``.

RO-Offense (Romanian comments labelled other, profanity, insult, abuse) and the rows of the
Jigsaw set that detoxify's tests carry (English, six labels, several a row). Texts whose
BLAKE2b hash is even were read when the lists were written (``--dev`` prints those); what is
printed is held out. Of Jigsaw's rows none was read. Then how often clean text is flagged,
and how often hateful and benign sentences are, by class (``safety_classes``) and in public
sets by other hands (``safety_public``).
Peers that are not installed are left out; they know nothing of Romanian.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from engine.models import Turn
from engine.quality.safety import CATEGORIES, SafetyCheck
from tests.bench import safety_classes, safety_public
from tests.bench.bench_language import DATA, conversations, held_out, questions

JIGSAW = (
    "tox-jigsaw-sample/tests/dummy_data/jigsaw-toxic-comment-classification-challenge/train.csv"
)
MEANS = {
    "hateful": ("identity_hate",),
    "violent": ("threat",),
    "profanity": ("obscene", "toxic"),
    "toxic": ("insult", "toxic"),
}
Says = Callable[[str], bool]


def offense(data: Path, dev: bool) -> list[tuple[str, str]]:
    """Read RO-Offense: text and label."""
    with (data / "tox-ro-offense" / "train.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(file)]
    return [row for row in rows if held_out(row[0]) != dev]


def jigsaw(data: Path) -> list[tuple[str, frozenset[str]]]:
    """Read the Jigsaw rows: text and labels. They are so few that all are held out."""
    with (data / JIGSAW).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    labels = ("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate")
    return [
        (row["comment_text"], frozenset(label for label in labels if row[label] == "1"))
        for row in rows
    ]


def clean(data: Path) -> dict[str, Iterator[str]]:
    """Return texts that nobody need look at, by name."""
    sets: dict[str, Iterator[str]] = {}
    for language in ("en", "ro", "de", "ru", "tr", "zh", "ar"):
        rows = [row for row in questions(data) if row[0] == language]
        sets[f"XQuAD {language}"] = iter(
            list(dict.fromkeys(row[1] for row in rows)) + [row[2] for row in rows]
        )
    for name, turns in conversations(data).items():
        if not name.startswith("XQuAD"):
            sets[name] = ("\n\n".join(turn.content for turn in row) for row in turns)
    lines = (data / "dup-ro-sts" / "RO-STS.dev.tsv").read_text("utf-8").splitlines()
    sets["ro-sts"] = iter([line.split("\t")[1] for line in lines if line.count("\t") >= 2])
    for path in sorted((data / "langid-lingua-sentences").glob("??.txt")):
        if path.stem in ("en", "ro", "de", "es", "fr", "hu", "it", "nl", "pl", "pt", "ru", "tr"):
            sets[f"web sentences {path.stem}"] = iter(path.read_text("utf-8").splitlines())
    return sets


def figures(said: Sequence[bool], true: Sequence[bool]) -> str:
    """Return precision, recall and F1 as cells of a table."""
    both = sum(a and b for a, b in zip(said, true, strict=True))
    precision = both / max(sum(said), 1)
    recall = both / max(sum(true), 1)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    return f"{precision:.3f} | {recall:.3f} | {f1:.3f}"


def peers() -> dict[str, Says]:
    """Return the peers that are installed."""
    found: dict[str, Says] = {}

    def add(name: str, make: Callable[[], Says]) -> None:
        try:
            found[name] = make()
        except ImportError:
            return
        except Exception as error:
            # One needs a locale of the system's, another an exact version of its library.
            print(f"{name} does not start: {str(error)[-120:]}\n")

    def alt() -> Says:
        library: Any = importlib.import_module("profanity_check")
        return lambda text: bool(library.predict([text])[0])

    def sonar() -> Says:
        model: Any = importlib.import_module("hatesonar").Sonar()
        return lambda text: str(model.ping(text)["top_class"]) != "neither"

    def better() -> Says:
        library: Any = importlib.import_module("better_profanity").profanity
        library.load_censor_words()
        return lambda text: bool(library.contains_profanity(text))

    def glin() -> Says:
        library: Any = importlib.import_module("glin_profanity")
        filters = library.Filter({"languages": ["english"]})
        return lambda text: bool(filters.is_profane(text))

    add("alt-profanity-check", alt)
    add("hatesonar", sonar)
    add("better-profanity", better)
    add("glin-profanity (en)", glin)
    return found


Codes = Callable[[str], dict[str, float]]


def comments(data: Path, codes: Codes, dev: bool) -> None:
    """Print what is found of RO-Offense."""
    rows = offense(data, dev)
    start = time.perf_counter()
    said = [codes(text) for text, _ in rows]
    taken = time.perf_counter() - start
    offensive = [label != "OTHER" for _, label in rows]
    print(
        f"RO-Offense, {'read' if dev else 'held out'}: {len(rows):,} comments, "
        f"{sum(offensive):,} offensive; {len(rows) / taken:,.0f} comments/s\n"
    )
    print("| flagged from | precision | recall | F1 |\n|---|---:|---:|---:|")
    for threshold in (0.5, 0.6, 0.8, 0.9):
        any_of = [max(one.values(), default=0.0) >= threshold for one in said]
        print(f"| any of {threshold} | {figures(any_of, offensive)} |")
    print(f"\n| label | found | {' | '.join(CATEGORIES)} |")
    print("|---|---:|" + "---:|" * len(CATEGORIES))
    for label in ("PROFANITY", "INSULT", "ABUSE", "OTHER"):
        ones = [one for one, (_, given) in zip(said, rows, strict=True) if given == label]
        shares = [sum(category in one for one in ones) / len(ones) for category in CATEGORIES]
        cells = " | ".join(f"{share:.1%}" for share in shares)
        print(f"| {label.lower()} | {sum(map(bool, ones)) / len(ones):.1%} | {cells} |")


def marked(data: Path, codes: Codes) -> None:
    """Print what is found of Jigsaw's rows, and by peers."""
    rows = jigsaw(data)
    found = [codes(text) for text, _ in rows]
    toxic = [bool(labels) for _, labels in rows]
    print(f"\nJigsaw rows: {len(rows)}, {sum(toxic)} with a label\n")
    print("| | labels | precision | recall | F1 |\n|---|---|---:|---:|---:|")
    print(f"| any | any | {figures([bool(one) for one in found], toxic)} |")
    for category, labels in MEANS.items():
        true = [bool(given & set(labels)) for _, given in rows]
        cells = figures([category in one for one in found], true)
        print(f"| {category} | {', '.join(labels)} ({sum(true)}) | {cells} |")
    for name, says in peers().items():
        print(f"| {name} | any | {figures([says(text) for text, _ in rows], toxic)} |")


def classes(codes: Codes) -> None:
    """Print how often sentences of each class are flagged, by language."""
    print("\n| class | " + " | ".join(safety_classes.GROUPS) + " |")
    print("|---|" + "---:|" * len(safety_classes.GROUPS))
    for title, kind in (("hateful", safety_classes.HATEFUL), ("benign", safety_classes.BENIGN)):
        by_language = {one: safety_classes.sentences(kind, one) for one in kind}
        names = dict.fromkeys(name for one in by_language.values() for name in one)
        cells: dict[str, list[str]] = {name: [] for name in names}
        totals = []
        for one in by_language.values():
            found = all_of = 0
            for name in names:
                said = ["hateful" in codes(text) for text in one.get(name, ())]
                cells[name].append(f"{sum(said)} of {len(said)}" if said else "")
                found, all_of = found + sum(said), all_of + len(said)
            totals.append(f"**{found / all_of:.1%}**")
        for name, row in cells.items():
            print(f"| {title}: {name} | {' | '.join(row)} |")
        print(f"| **{title}, all** | {' | '.join(totals)} |")
    said = ["hateful" in codes(text) for text in safety_classes.RECLAIMED]
    print(f"| benign: reclaimed words | {sum(said)} of {len(said)} | | |")


def published(public: Path, codes: Codes) -> None:
    """Print how often texts of public sets are flagged as hateful, and at all."""
    print("\n| set | hateful texts | flagged hateful | at all | benign texts | flagged hateful "
          "| at all |\n|---|---:|---:|---:|---:|---:|---:|")  # fmt: skip
    for name, sides in safety_public.sets(public).items():
        cells = []
        for texts in sides:
            said = [codes(text) for text in texts]
            hateful = sum("hateful" in one for one in said) / max(1, len(said))
            anything = sum(map(bool, said)) / max(1, len(said))
            cells.append(f"{len(said)} | {hateful:.1%} | {anything:.1%}")
        print(f"| {name} | {' | '.join(cells)} |")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--dev", action="store_true", help="print the half that was read")
    parser.add_argument("--show", action="store_true", help="print what is wrongly flagged")
    parser.add_argument("--only", choices=("comments", "marked", "clean", "classes", "public"))
    parser.add_argument("--public", type=Path, default=DATA.parent / "public")
    args = parser.parse_args()
    if not (args.data / "tox-ro-offense").is_dir():
        print(f"{args.data} does not hold tox-ro-offense and tox-jigsaw-sample: nothing measured")
        return
    check = SafetyCheck()

    def codes(text: str) -> dict[str, float]:
        return {flag.code: flag.score for flag in check.look([Turn("user", text)]).flags}

    codes("A first sentence, so that the lists are loaded.")
    if args.only in (None, "comments"):
        comments(args.data, codes, args.dev)
    if args.only in (None, "marked"):
        marked(args.data, codes)
    if args.only in (None, "classes"):
        classes(codes)
    if args.only in (None, "public"):
        published(args.public, codes)
    if args.only in (None, "clean"):
        spoils(args.data, codes, dev=args.dev, show=args.show)


def spoils(data: Path, codes: Codes, *, dev: bool, show: bool) -> None:
    """Print how often clean text is flagged; by peers, the first 300 texts of each set."""
    others = peers()
    print(f"\n| clean text | number | flagged | by category | texts/s | {' | '.join(others)} |")
    print("|---|---:|---:|---|---:|" + "---:|" * len(others))
    check = SafetyCheck()
    for name, texts in clean(data).items():
        rows = [text for text in texts if held_out(text) != dev]
        start = time.perf_counter()
        said = [codes(text) for text in rows]
        taken = time.perf_counter() - start
        each = Counter(code for one in said for code in one)
        listed = ", ".join(f"{code} {count}" for code, count in each.most_common())
        sample = rows[:300]
        cells = " | ".join(
            f"{sum(map(says, sample)) / len(sample):.1%}" for says in others.values()
        )
        print(
            f"| {name} | {len(rows):,} | {sum(map(bool, said)) / len(rows):.2%} | {listed} | "
            f"{len(rows) / taken:,.0f} | {cells} |"
        )
        if show:
            for text, one in zip(rows, said, strict=True):
                for flag in check.look([Turn("user", text)]).flags if one else ():
                    around = re.sub(r"\s+", " ", text[max(0, flag.start - 60) : flag.end + 60])
                    print(f"    {flag.code} {flag.score} [{text[flag.start : flag.end]}] {around}")


if __name__ == "__main__":
    main()
