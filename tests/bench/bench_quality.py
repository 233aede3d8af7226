"""How well the quality score tells sound answers from broken ones.

Run by ``python -m tests.bench.bench_quality [--data DIR] [--public DIR] [--most N] [--show SET]``;
what DIR of public repositories holds is in ``quality_public``. Real answers
are broken in seeded ways; printed are ROC AUCs (clean above broken, ties half), shares under
the line of 0.7, the correlation with length, models side by side, terse answers, and speed.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.models import Turn
from engine.quality.score import PARTS, QualityCheck, score_answer
from tests.bench import quality_public
from tests.bench.quality_sets import (
    BREAKERS,
    DEVELOPMENT,
    HELD_OUT,
    UNSEEN,
    Pair,
    answers_of,
    load,
)

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
PUBLIC = DATA.parent / "public"
LINE = 0.7
Measure = Callable[[str, str], float]


def by_score(prompt: str, answer: str) -> float:
    return score_answer(answer, prompt).score


def by_length(prompt: str, answer: str) -> float:
    return float(len(answer))


def by_zlib(prompt: str, answer: str) -> float:
    """Return compressed over raw size: what repeats itself is low."""
    data = answer.encode("utf-8", "replace")
    return len(zlib.compress(data)) / max(1, len(data))


MEASURES: dict[str, Measure] = {"score": by_score, "length": by_length, "zlib": by_zlib}


def ranks(values: Sequence[float]) -> list[float]:
    """Return ranks from 1, equal values sharing their mean rank."""
    order = sorted(range(len(values)), key=values.__getitem__)
    result = [0.0] * len(values)
    at = 0
    while at < len(order):
        past = at
        while past < len(order) and values[order[past]] == values[order[at]]:
            past += 1
        for place in order[at:past]:
            result[place] = (at + past + 1) / 2
        at = past
    return result


def auc(clean: Sequence[float], broken: Sequence[float]) -> float:
    """Return the chance that a clean value is above a broken one (Mann-Whitney U)."""
    if not clean or not broken:
        return float("nan")
    both = ranks([*clean, *broken])
    above = sum(both[: len(clean)]) - len(clean) * (len(clean) + 1) / 2
    return above / (len(clean) * len(broken))


def spearman(first: Sequence[float], second: Sequence[float]) -> float:
    """Return Spearman's rank correlation; 0 where one side is constant."""
    a, b = ranks(first), ranks(second)
    return statistics.correlation(a, b) if len(set(a)) > 1 and len(set(b)) > 1 else 0.0


class Tally:
    """Values of clean and broken answers by measure, set and breaker."""

    def __init__(self, layout: Mapping[str, quality_public.Breaker]) -> None:
        self.layout = layout
        self.clean: dict[tuple[str, str], list[float]] = defaultdict(list)
        self.broken: dict[tuple[str, str, str], list[float]] = defaultdict(list)
        self.pairs: dict[tuple[str, str, str], list[bool]] = defaultdict(list)

    def add(self, name: str, pairs: Sequence[Pair]) -> None:
        for index, (prompt, answer) in enumerate(pairs):
            clean = {m: call(prompt, answer) for m, call in MEASURES.items()}
            for measure, value in clean.items():
                self.clean[measure, name].append(value)
            for how, breaker in {**BREAKERS, **UNSEEN, **self.layout}.items():
                broken = breaker(prompt, answer, random.Random(f"{name} {index} {how}"))
                if broken is None or broken == answer or not broken.strip():
                    continue
                for measure, call in MEASURES.items():
                    value = call(prompt, broken)
                    self.broken[measure, name, how].append(value)

    def auc(self, measure: str, sets: Sequence[str], how: Sequence[str]) -> float:
        clean = [v for s in sets for v in self.clean[measure, s]]
        broken = [v for s in sets for h in how for v in self.broken[measure, s, h]]
        return auc(clean, broken)

    def low(self, sets: Sequence[str], how: Sequence[str] = ()) -> float:
        if how:
            values = [v for s in sets for h in how for v in self.broken["score", s, h]]
        else:
            values = [v for s in sets for v in self.clean["score", s]]
        return sum(v < LINE for v in values) / max(1, len(values))


def table(header: str, rows: Sequence[Sequence[object]]) -> None:
    print(f"\n| {header} |")
    print("|" + "---|" * (header.count("|") + 1))
    for row in rows:
        cells = [f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row]
        print("| " + " | ".join(cells) + " |")


def report(tally: Tally, groups: dict[str, list[str]]) -> None:
    seen = list(BREAKERS)
    for group, sets in groups.items():
        if not sets:
            continue
        clean = sum(len(tally.clean["score", s]) for s in sets)
        rows: list[list[object]] = []
        for how in [*seen, *UNSEEN, *tally.layout]:
            number = sum(len(tally.broken["score", s, how]) for s in sets)
            rows.append([how, number, *(tally.auc(m, sets, [how]) for m in MEASURES),
                         f"{tally.low(sets, [how]):.1%}"])  # fmt: skip
        number = sum(len(tally.broken["score", s, h]) for s in sets for h in seen)
        whole = "**all down to “random letters”**"
        rows.append([whole, number, *(tally.auc(m, sets, seen) for m in MEASURES),
                     f"{tally.low(sets, seen):.1%}"])  # fmt: skip
        print(f"\n{group}: {clean:,} clean answers, {tally.low(sets):.1%} of them under {LINE}")
        table("broken by | copies | AUC score | AUC length | AUC zlib | under 0.7", rows)
    rows = []
    for group, sets in groups.items():
        for name in sets:
            values, lengths = tally.clean["score", name], tally.clean["length", name]
            rows.append([name, group, len(values), statistics.fmean(values),
                         f"{tally.low([name]):.1%}", f"{tally.low([name], seen):.1%}",
                         tally.auc("score", [name], seen), spearman(values, lengths),
                         int(statistics.median(lengths))])  # fmt: skip
    table("set | group | clean | mean | clean under 0.7 | broken under 0.7 | AUC | "
          "Spearman with length | median length", rows)  # fmt: skip
    for group, sets in groups.items():
        values = [v for s in sets for v in tally.clean["score", s]]
        lengths = [v for s in sets for v in tally.clean["length", s]]
        if values:
            print(f"\n{group}: Spearman of score and length, all sets: "
                  f"{spearman(values, lengths):+.3f}")  # fmt: skip


def passages(public: Path) -> None:
    """Print how whole passages fare: of PDFs and pages as they are, of code as written."""
    clean = [by_score("", text) for text in quality_public.articles(public)]
    written = quality_public.functions()
    flat = [text for one in written if (text := quality_public.flattened(one))]
    groups: dict[str, tuple[list[float], Sequence[str]]] = {
        **{
            f"PDFs by {reader}": (clean, quality_public.pages_of(public, reader))
            for reader in quality_public.READERS
        },
        "Python flattened": ([by_score("", one) for one in written], flat),
    }
    rows: list[list[object]] = [
        [
            "articles as marked",
            len(clean),
            "",
            f"{sum(s < LINE for s in clean) / max(1, len(clean)):.1%}",
        ]
    ]
    for name, (whole, texts) in groups.items():
        broken = [by_score("", text) for text in texts]
        if broken and whole:
            low = sum(value < LINE for value in broken) / len(broken)
            rows.append([name, len(broken), auc(whole, broken), f"{low:.1%}"])
    table("passages | number | AUC against clean | under 0.7", rows)


# Published win rates, which the data does not hold: AlpacaEval 1 (judged by GPT-4, against
# text_davinci_003) and Arena-Hard 0.1 (judged by GPT-4 Turbo, against gpt-4-0314).
PUBLISHED: dict[str, dict[str, float]] = {
    "alpacaeval": {"vicuna-7b": 64.4, "text_davinci_003": 50.0, "alpaca-7b": 26.5},
    "arena-hard": {"gpt-4-0314": 50.0, "gpt-4-0613": 37.9, "gpt-3.5-turbo-0125": 23.3},
}


def models(data: Path) -> None:
    """Print the answers of models to the same prompts, side by side."""
    for contest, rates in PUBLISHED.items():
        kept = {name: dict(answers_of(contest, name, data)) for name in rates}
        rows: list[list[object]] = []
        for name, pairs in kept.items():
            answers = [score_answer(answer, prompt) for prompt, answer in pairs.items()]
            scores = [answer.score for answer in answers]
            lengths = [float(len(answer)) for answer in pairs.values()]
            low = {part: sum(a.parts[part] < 0.8 for a in answers) for part in PARTS}
            worst = ", ".join(f"{part} {number}" for part, number in low.items() if number)
            under = sum(value < LINE for value in scores) / len(scores)
            rows.append([name, f"{rates[name]:.1f}", len(pairs), statistics.fmean(scores),
                         f"{under:.1%}", int(statistics.fmean(lengths)),
                         spearman(scores, lengths), worst])  # fmt: skip
        table(f"{contest} model | win rate | answers | mean score | under 0.7 | "
              "mean length | Spearman | answers with a part under 0.8", rows)  # fmt: skip
        best, *others = kept
        for other in others:
            duel(best, kept[best], other, kept[other])


def duel(one: str, first: dict[str, str], two: str, second: dict[str, str]) -> None:
    """Print which of two models is above where they score differently."""
    number = better = longer = 0
    for prompt in first.keys() & second.keys():
        a, b = by_score(prompt, first[prompt]), by_score(prompt, second[prompt])
        if a != b:
            number += 1
            better += a > b
            longer += (a > b) == (len(first[prompt]) > len(second[prompt]))
    if number:
        print(f"\n{one} and {two} score differently on {number} prompts: {one} is above in "
              f"{better / number:.0%}, the longer answer in {longer / number:.0%}.")  # fmt: skip


TERSE: tuple[Pair, ...] = (
    ("Capital of France?", "Paris"),
    ("Is 17 prime?", "Yes"),
    ("Is 18 prime?", "no"),
    ("What is 6 times 7?", "42"),
    ("Pi to 5 digits?", "3.14159"),
    ("Who wrote Luceafărul?", "Mihai Eminescu"),
    ("Care este capitala României?", "București"),
    ("Classify the sentiment: I loved it.", "Positive"),
    ("Sort: 3 1 2", "1 2 3"),
    ("List three colours", "- red\n- green\n- blue"),
    ("List three colours", "red, green, blue"),
    ("Python one-liner to reverse s", "s[::-1]"),
    ("Show all files", "`ls -la`"),
    ("Write hello world in Python", 'print("Hello, world!")'),
    ("Write add in Python", "```python\ndef add(a, b):\n    return a + b\n```"),
    ("Write add in C", "int add(int a, int b) {\n    return a + b;\n}"),
    ("SQL for all users", "SELECT * FROM users;"),
    ("JSON of a point", '{"x": 1, "y": 2}'),
    ("Regex for digits", r"^\d+$"),
    ("Solve x + 2 = 4", "x = 2"),
    ("Translate to German: house", "Haus"),
    ("日本の首都は？", "東京"),
    ("法国的首都是哪里？", "巴黎。"),
    ("Столица Франции?", "Париж"),
    ("ما عاصمة فرنسا؟", "باريس"),
    ("Thanks!", "You're welcome :)"),
    ("When does it start?", "At 9"),
    ("Give a title for a story of a lost dog", "The Long Way Home"),
    ("What is the boiling point of water?", "100 °C"),
    ("Date of the moon landing?", "1969-07-20"),
    ("Write a haiku", "Old pond at morning\na frog leaps into the sound\nof its own water"),
    ("Complete: The capital of France is ___.", "The capital of France is Paris."),
    ("Correct the grammar: he go home", "He goes home."),
    ("Which vitamin do carrots give?", "Vitamin A"),
    ("Link?", "https://example.org/a?b=c"),
)


def terse() -> None:
    rows = [[prompt, repr(answer), score_answer(answer, prompt).score] for prompt, answer in TERSE]
    whole = sum(row[2] == 1.0 for row in rows)
    print(f"\nTerse answers: {whole} of {len(rows)} score 1.0")
    table("prompt | answer | score", [r for r in rows if r[2] != 1.0] or [["(all)", "", 1.0]])


def short_ones(data: Path) -> None:
    """Print how short real answers fare."""
    rows: list[list[object]] = []
    everything = {**DEVELOPMENT, **HELD_OUT}
    for low, high in ((1, 20), (20, 60), (60, 150), (150, 500), (500, 1500), (1500, 10**9)):
        scores = [
            score_answer(a, p).score
            for name, loader in everything.items()
            for p, a in load(loader, data, 500)
            if low <= len(a) < high
        ]
        label = f"{low} to {high - 1}" if high < 10**9 else f"{low} and more"
        rows.append([label, len(scores), statistics.fmean(scores),
                     f"{sum(s < LINE for s in scores) / len(scores):.1%}",
                     f"{sum(s == 1 for s in scores) / len(scores):.1%}"])  # fmt: skip
    table("characters | clean answers | mean score | under 0.7 | exactly 1", rows)


def speed(data: Path) -> None:
    """Print speeds in processor time, which other work on the machine hardly changes."""
    check = QualityCheck()
    rows: list[list[object]] = []
    for name in ("gsm8k", "llamafactory-en", "llamafactory-zh", "arena-gpt-4"):
        pairs = load({**DEVELOPMENT, **HELD_OUT}[name], data, 1000)
        all_turns = [(Turn("user", p), Turn("assistant", a)) for p, a in pairs]
        taken = seconds(check.look, all_turns)
        packed = seconds(lambda pair: by_zlib(*pair), pairs)
        size = sum(len(p) + len(a) for p, a in pairs)
        rows.append([name, int(size / len(pairs)), f"{len(pairs) / taken:,.0f}",
                     f"{size / taken / 1e6:.1f}", f"{taken / packed:.1f}"])  # fmt: skip
    table("set | characters each | examples/s | million characters/s | times zlib's time", rows)
    rows = []
    for name, text in monsters():
        turns = (Turn("user", "Why?"), Turn("assistant", text))
        taken = seconds(check.look, [turns])
        rows.append([name, f"{len(text):,}", f"{taken:.2f}"])
    table("answer | characters | seconds", rows)


def seconds(call: Callable[[Any], object], values: Sequence[Any]) -> float:
    """Return the least of three times that a call takes for some values."""
    times: list[float] = []
    for _ in range(3):
        start = time.process_time()
        for value in values:
            call(value)
        times.append(time.process_time() - start)
    return min(times)


def monsters() -> list[tuple[str, str]]:
    """Return answers of a megabyte."""
    rng = random.Random(0)
    words = ["".join(rng.choices("abcdefghij", k=rng.randint(2, 9))) for _ in range(5000)]
    prose = " ".join(rng.choices(words, k=150_000))
    return [
        ("1 MB of words", prose),
        ("1 MB of lines", prose.replace(" ", "\n")),
        ("1 MB, one word", "a" * 1_000_000),
        ("1 MB of hanzi", "".join(chr(rng.randint(0x4E00, 0x9000)) for _ in range(1_000_000))),
        ("1 MB of brackets", "([{<" * 250_000),
        ("1 MB of fences", "```\n" * 250_000),
        ("1 MB of mojibake", "Ã©" * 500_000),
        ("1 MB of surrogates and NULs", "\ud800\0" * 500_000),
        ("1 MB of backslashes", "\\n" * 500_000),
        ("1 MB of spaces", "a" + " " * 1_000_000 + "b"),
    ]


def show(name: str, data: Path, number: int) -> None:
    """Print clean answers of a set that fall under the line."""
    for prompt, answer in load({**DEVELOPMENT, **HELD_OUT}[name], data, 2000):
        found = score_answer(answer, prompt)
        if found.score < LINE and number > 0:
            number -= 1
            print("-----", round(found.score, 2), repr(prompt[:300]))
            print(repr(answer[:200]), "…", repr(answer[-200:]))
            for fault in found.faults:
                print("   ", fault.code, round(fault.weight, 2), fault.reason,
                      repr(answer[fault.start : fault.end][:80]))  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--public", type=Path, default=PUBLIC, help="public repositories")
    parser.add_argument("--most", type=int, default=120, help="clean answers of each set")
    parser.add_argument("--show", default="", help="print the low answers of a set")
    parser.add_argument("--only", default="", choices=["", "development", "held-out"])
    options = parser.parse_args()
    if not options.data.is_dir():
        print(f"{options.data} is not there: give the folder of data with --data")
        return 0
    if options.show:
        show(options.show, options.data, 25)
        return 0
    groups = {"development": list(DEVELOPMENT), "held out": list(HELD_OUT)}
    if options.only:
        groups = {k: v for k, v in groups.items() if k.replace(" ", "-") == options.only}
    tally = Tally(quality_public.breakers(options.public))
    for names in groups.values():
        for name in names:
            tally.add(name, load({**DEVELOPMENT, **HELD_OUT}[name], options.data, options.most))
    report(tally, groups)
    passages(options.public)
    if not options.only:
        models(options.data)
        terse()
        short_ones(options.data)
    speed(options.data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
