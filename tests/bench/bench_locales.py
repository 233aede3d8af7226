"""Personal data by locale: ``python -m tests.bench.bench_locales [--count N] [--show WHAT]``.

Addresses and telephone numbers come from Faker, the text around them from the public data
that ``--data`` names (Lingua's sentences) or, without it, from Faker too. An address is
*touched* if any flag meets it, and *whole* if one address flag covers it. Recall is of
addresses with a street and a number. Telephone numbers are those that phonenumbers takes for
valid in their country. ``--show address:fr_FR`` prints what was missed.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import phonenumbers
from faker import Faker

from engine.models import Flag, Turn
from engine.quality.personal import PersonalCheck

DEFAULT = Path(__file__).resolve().parents[3] / "shared" / "data"
LOCALES = (
    "en_US", "en_GB", "ro_RO", "de_DE", "fr_FR", "it_IT", "es_ES", "nl_NL", "pt_PT", "de_AT",
    "fr_CH", "en_CA", "en_AU", "pt_BR",
)  # fmt: skip
CHECK = PersonalCheck()


def sentences(data: Path, locale: str) -> list[str]:
    """Return sentences that somebody else wrote, in the locale's language where there are."""
    path = data / "langid-lingua-sentences" / f"{locale[:2]}.txt"
    if path.is_file():
        texts = path.read_text("utf-8").splitlines()
    elif (path := data / "qa-xquad" / "xquad.en.json").is_file():
        articles = json.loads(path.read_text("utf-8"))["data"]
        texts = [p["context"] for article in articles for p in article["paragraphs"]]
    else:
        fake = Faker(locale)
        fake.seed_instance(1)
        texts = [fake.paragraph(8) for _ in range(100)]
    found = [s for text in texts for s in re.split(r"(?<=[.!?]) ", text)]
    return [s for s in found if 20 < len(s) < 200 and not re.search(r"\d{4}", s)]


def placed(rng: random.Random, value: str, carriers: Sequence[str]) -> tuple[str, int]:
    """Return a text with a value, and where the value begins."""
    before, after = rng.sample(list(carriers), 2)
    words = before.rstrip(".!?").split()
    kind = rng.randrange(5)
    if kind == 0:
        start, end = before + " ", ". " + after
    elif kind == 1:
        start, end = before.rstrip(".!?") + " (", "). " + after
    elif kind == 2:
        start, end = before + "\n", "\n" + after
    elif kind == 3:
        # In a sentence, after a word in lower case.
        small = [at for at, word in enumerate(words) if word.islower() and word.isalpha()]
        at = (rng.choice(small) if small else 0) + 1
        start, end = " ".join(words[:at]) + " ", ", " + " ".join(words[at:]) + ". " + after
    else:
        start, end = before + "\n\n", "\n\n" + after
    return start + value + end, len(start)


def addresses(locale: str, seed: int, count: int) -> Iterator[tuple[str, bool]]:
    """Yield addresses in lines and with commas, and whether each has a street with a number."""
    fake = Faker(locale)
    fake.seed_instance(seed)
    rng = random.Random(seed)
    for _ in range(count):
        value = re.sub(r" +\n", "\n", fake.address())
        street = value.split("\n")[0]
        full = re.search(r"\d", street) is not None and not street.startswith(("PSC", "Unit"))
        yield value if rng.random() < 0.5 else value.replace("\n", ", "), full


def phones(locale: str, seed: int, count: int) -> Iterator[str]:
    """Yield telephone numbers that are valid in the locale's country."""
    fake = Faker(locale)
    fake.seed_instance(seed)
    region = locale[3:]
    found = 0
    for _ in range(count * 60):
        value = fake.phone_number()
        try:
            number = phonenumbers.parse(value, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            yield value
            found += 1
            if found == count:
                return


def flags_in(text: str, start: int, end: int) -> list[Flag]:
    """Return the flags that meet a stretch."""
    flags = CHECK.look([Turn("user", text)]).flags
    return [flag for flag in flags if flag.start < end and start < flag.end]


def covers(flags: Sequence[Flag], code: str, start: int, end: int) -> bool:
    """Return whether one flag of a code covers a stretch."""
    return any(f.code == code and f.start <= start and end <= f.end for f in flags)


def show(text: str, flags: Sequence[Flag], start: int, end: int) -> None:
    """Print what was not covered, with a little of what is around it."""
    print([text[f.start : f.end] for f in flags], "<<", repr(text[max(0, start - 15) : end + 12]))


def addresses_row(locale: str, options: argparse.Namespace) -> str:
    """Return the row of the table of addresses."""
    carriers = sentences(options.data, locale)
    rng = random.Random(options.seed)
    full = found = touched = whole = 0
    for value, is_full in addresses(locale, options.seed, options.count):
        text, start = placed(rng, value, carriers)
        end = start + len(value)
        hits = flags_in(text, start, end)
        covered = covers(hits, "address", start, end)
        full += is_full
        found += is_full and any(flag.code == "address" for flag in hits)
        touched += bool(hits)
        whole += covered
        if options.show == f"address:{locale}" and not covered:
            show(text, hits, start, end)
    return (
        f"| {locale} | {options.count} | {found / max(1, full):.2f} "
        f"| {touched / options.count:.2f} | {whole / max(1, touched):.3f} |"
    )


def phones_row(locale: str, options: argparse.Namespace) -> str:
    """Return the row of the table of telephone numbers."""
    carriers = sentences(options.data, locale)
    rng = random.Random(options.seed)
    total = found = whole = 0
    for value in phones(locale, options.seed, options.count):
        text, start = placed(rng, value, carriers)
        end = start + len(value)
        hits = flags_in(text, start, end)
        covered = covers(hits, "phone", start, end)
        total += 1
        found += any(flag.code == "phone" for flag in hits)
        whole += covered
        if options.show == f"phone:{locale}" and not covered:
            show(text, hits, start, end)
    return f"| {locale} | {total} | {found / max(1, total):.3f} | {whole / max(1, total):.3f} |"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", default="")
    options = parser.parse_args()
    print("| locale | addresses | recall | touched | whole, of touched |")
    print("|---|---:|---:|---:|---:|")
    for locale in LOCALES:
        print(addresses_row(locale, options))
    print("\n| locale | phones | recall | whole |\n|---|---:|---:|---:|")
    for locale in LOCALES:
        print(phones_row(locale, options))


if __name__ == "__main__":
    main()
