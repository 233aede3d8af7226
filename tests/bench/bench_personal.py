"""How well personal data are found: ``python -m tests.bench.bench_personal [--data DIR]``.

DIR is a folder of public data (``../shared/data`` beside the checkout by default). Prints
markdown tables: precision and recall by type on sentences with marked spans, recall of drawn
secrets put into real notes, what is flagged in texts in which little is personal, and speed.
With ``--show CODE`` it prints the first findings of a code in the clean texts, for a look.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.models import Flag, Turn
from engine.quality.base import Check
from engine.quality.personal import CODES, PersonalCheck
from engine.quality.secrets import SecretsCheck
from tests.bench.bench_personal_texts import HELD_OUT, Marked, folders, marked
from tests.quality.made_secrets import later, made, unseen

DEFAULT = Path(__file__).resolve().parents[3] / "shared" / "data"
SEEDS = 40
SHOWN = 15

# Types of Presidio Research and what they are called here. ORGANIZATION, GPE, LOCATION,
# DATE_TIME, AGE, NRP, TITLE, DOMAIN_NAME and US_DRIVER_LICENSE have no counterpart.
TYPES = {
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "CREDIT_CARD": "card",
    "IBAN_CODE": "iban",
    "US_SSN": "us-ssn",
    "IP_ADDRESS": "ip-address",
    "PERSON": "person",
    "ADDRESS": "address",
    "STREET_ADDRESS": "address",
    "ZIP_CODE": "address",
}


def flags_of(check: Check, text: str) -> tuple[Flag, ...]:
    """Return what a check finds in one text."""
    return check.look([Turn("user", text)]).flags


def share(part: int, whole: int) -> str:
    """Return a share with two digits, or a dash where there is nothing to share."""
    return f"{part / whole:.2f}" if whole else "–"


def marked_table(name: str, sentences: Sequence[Marked]) -> None:
    """Print precision, recall and F1 by type."""
    check = PersonalCheck()
    gold: Counter[str] = Counter()
    hit: Counter[str] = Counter()
    exact: Counter[str] = Counter()
    right: Counter[str] = Counter()
    given: Counter[str] = Counter()
    for sentence in sentences:
        flags = flags_of(check, sentence.text)
        spans = [(TYPES[t], a, b) for t, a, b in sentence.spans if t in TYPES]
        for code, start, end in spans:
            gold[code] += 1
            hit[code] += any(f.code == code and f.start < end and start < f.end for f in flags)
            exact[code] += any((f.code, f.start, f.end) == (code, start, end) for f in flags)
        for flag in flags:
            given[flag.code] += 1
            right[flag.code] += any(
                code == flag.code and flag.start < end and start < flag.end
                for code, start, end in spans
            )
    print(f"\n{name}: {len(sentences):,} sentences\n")
    print("| type | marked | recall | same span | flagged | precision | F1 |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for code in sorted(gold, key=lambda c: -gold[c]):
        recall = hit[code] / gold[code]
        precision = right[code] / given[code] if given[code] else 0.0
        f1 = 2 * recall * precision / (recall + precision) if recall + precision else 0.0
        print(
            f"| {code} | {gold[code]} | {recall:.2f} | {share(exact[code], gold[code])} "
            f"| {given[code]} | {precision:.2f} | {f1:.2f} |"
        )
    rest = {code: n for code, n in given.items() if code not in gold}
    if rest:
        print(f"\nFlagged, of types that the data does not mark: {rest}")


def secrets_table(
    title: str,
    draw: Callable[[random.Random], list[tuple[str, str, str]]],
    notes: Sequence[str],
    first_seed: int,
) -> None:
    """Print the recall of drawn secrets that are put between lines of real notes."""
    check = SecretsCheck()
    total: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    same: Counter[str] = Counter()
    for seed in range(first_seed, first_seed + SEEDS):
        rng = random.Random(seed)
        for code, value, line in draw(rng):
            lines = rng.choice(notes).split("\n")
            place = rng.randrange(len(lines) + 1)
            text = "\n".join([*lines[:place], line, *lines[place:]])
            start = text.index(value)
            end = start + len(value)
            flags = flags_of(check, text)
            total[code] += 1
            whole[code] += any(f.start <= start and end <= f.end for f in flags)
            same[code] += any((f.start, f.end) == (start, end) for f in flags)
    print(f"\n{title}: {SEEDS} of each kind in notes of vault-jzhao\n")
    print("| kind | drawn | found whole | same span |")
    print("|---|---:|---:|---:|")
    total["**all**"], whole["**all**"], same["**all**"] = total.total(), whole.total(), same.total()
    for code, number in total.items():
        print(f"| {code} | {number} | {share(whole[code], number)} | {share(same[code], number)} |")


def clean_table(texts: dict[str, list[str]], show: str) -> None:
    """Print what is flagged a thousand texts, by folder."""
    checks: tuple[Check, ...] = (SecretsCheck(), PersonalCheck())
    rows: dict[str, Counter[str]] = {}
    shown = 0
    for name, folder in texts.items():
        rows[name] = Counter()
        for text in folder:
            for check in checks:
                for flag in flags_of(check, text):
                    rows[name]["secret" if flag.kind == "secret" else flag.code] += 1
                    if flag.code == show and shown < SHOWN:
                        shown += 1
                        before = text[max(0, flag.start - 40) : flag.start]
                        print(f"{name}: {before!r} >>{text[flag.start : flag.end]!r}")
    codes = [c for c in ("secret", *CODES) if any(row[c] for row in rows.values())]
    print("\nFlags a 1,000 texts (number of flags in brackets)\n")
    print("| texts | number | characters | " + " | ".join(codes) + " |")
    print("|---|---:|---:|" + "---:|" * len(codes))
    for name, row in rows.items():
        size = len(texts[name])
        if not size:
            continue
        cells = [f"{1000 * row[c] / size:.1f} ({row[c]})" if row[c] else "0" for c in codes]
        mark = " *" if name in HELD_OUT else ""
        average = sum(map(len, texts[name])) // size
        print(f"| {name}{mark} | {size:,} | {average:,} | " + " | ".join(cells) + " |")


def speed_table(texts: dict[str, list[str]]) -> None:
    """Print how many examples a second each check looks at."""
    checks: dict[str, Check] = {
        "secrets": SecretsCheck(),
        "personal": PersonalCheck(),
        "personal without names": PersonalCheck(names="none"),
    }
    for check in checks.values():
        flags_of(check, "call +40 721 234 567 about sk-a1" + "b2c3" * 12)
    print("\nSpeed on one core\n")
    print("| texts | characters | " + " | ".join(f"{c}, texts/s | MB/s" for c in checks) + " |")
    print("|---|---:|" + "---:|---:|" * len(checks))
    for name in ("xquad ro", "gsm8k", "arena-hard", "vault-jzhao"):
        folder = texts[name][:2000]
        size = sum(map(len, folder))
        cells = []
        for check in checks.values():
            start = time.perf_counter()
            for text in folder:
                flags_of(check, text)
            taken = time.perf_counter() - start
            cells.append(f"{len(folder) / taken:,.0f} | {size / taken / 1e6:.1f}")
        print(f"| {name} | {size // len(folder):,} | " + " | ".join(cells) + " |")


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--show", default="")
    options = parser.parse_args()
    data: Path = options.data
    if not (data / "pii-presidio").is_dir():
        print(f"{data} is not there: --data names a folder with pii-presidio, qa-xquad, …")
        return
    print(SecretsCheck().version)
    print(PersonalCheck().version)
    for name in ("generated_small.json", "synth_dataset_v2.json"):
        marked_table(name, marked(data / "pii-presidio" / name))
    texts = folders(data)
    secrets_table("Kinds that the rules were written for", made, texts["vault-jzhao"], 5000)
    second = "Forms that rules were added for after a first measurement"
    secrets_table(second, unseen, texts["vault-jzhao"], 6000)
    third = "Forms written after the rules, for which none was changed"
    secrets_table(third, later, texts["vault-jzhao"], 7000)
    clean_table(texts, options.show)
    speed_table(texts)


if __name__ == "__main__":
    main()
