"""National numbers: every class of them that the law or python-stdnum knows is found."""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from importlib import import_module

import pytest
from faker import Faker

from engine.models import Turn
from engine.quality.personal import PersonalCheck

CHECK = PersonalCheck()
LETTERS = string.ascii_uppercase


def found(text: str) -> list[tuple[str, str]]:
    flags = CHECK.look([Turn("user", text)]).flags
    return [(flag.code, text[flag.start : flag.end]) for flag in flags]


def cnp(first: str, birthday: str, county: str, serial: str) -> str:
    """Return a CNP with the control digit by the law's constant, 279146358279."""
    digits = first + birthday + county + serial
    left = sum(int(a) * int(b) for a, b in zip("279146358279", digits, strict=True)) % 11
    return digits + ("1" if left == 10 else str(left))


@pytest.mark.parametrize("first", "123456789")
@pytest.mark.parametrize("county", ["01", "12", "40", "46", "47", "51", "52", "70"])
def test_cnps_of_every_class_are_found(first: str, county: str) -> None:
    rng = random.Random(first + county)
    year = rng.randrange(0, 26) if first in "56" else rng.randrange(79, 100)
    birthday = f"{year:02}{rng.randrange(1, 13):02}{rng.randrange(1, 29):02}"
    number = cnp(first, birthday, county, f"{rng.randrange(1, 1000):03}")
    if first == "9" and year in (78, 79):
        return
    assert found(f"She wrote {number} there.") == [("ro-cnp", number)]
    assert found(f"CNP: {number}") == [("ro-cnp", number)]


def test_cnps_of_foreigners_are_of_any_century() -> None:
    # 29 February 2000 was a day, that of 1900 was none.
    for first in "789":
        number = cnp(first, "000229", "40", "017")
        assert found(number) == [("ro-cnp", number)]
    for first in "1234":
        assert found(cnp(first, "000229", "40", "017")) == []


def test_an_isbn_is_no_cnp_unless_a_word_says_so() -> None:
    # Born on 21 May 1978, and a bar code of a book by its beginning.
    number = cnp("9", "780521", "22", "123")
    assert found(f"a book, {number}") == []
    assert found(f"CNP {number}") == [("ro-cnp", number)]


def test_cnps_of_another_generator_are_found() -> None:
    fake = Faker("ro_RO")
    fake.seed_instance(5)
    numbers = [fake.ssn() for _ in range(60)]
    assert {number[0] for number in numbers} >= set("125678")
    for number in numbers:
        assert found(f"numărul {number},") == [("ro-cnp", number)]


def digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choices("0123456789", k=count))


def birthday(rng: random.Random) -> tuple[str, str, str]:
    return f"{rng.randrange(30, 99)}", f"{rng.randrange(1, 13):02}", f"{rng.randrange(1, 29):02}"


def nir(rng: random.Random) -> str:
    year, month, _ = birthday(rng)
    month = rng.choice([month, month, "20", "42", "50", "99"])
    place = rng.choice(["2A", "2B", "75", "13", "97", "98", "99", "01"])
    return f"{rng.choice('123478')}{year}{month}{place}{digits(rng, 8)}"


def fiscal_code(rng: random.Random) -> str:
    year, _, day = birthday(rng)
    number = list(year + rng.choice("ABCDEHLMPRST") + f"{int(day) + rng.choice([0, 40])}".zfill(2))
    tail = list(rng.choice("ABCDFGHILMZ") + digits(rng, 3))
    letters = dict(zip("0123456789", "LMNPQRSTUV", strict=True))
    for at in rng.sample([1, 2, 3], rng.randrange(0, 4)):
        tail[at] = letters[tail[at]]
    return "".join(rng.choices("BCDFGLMNPRSTV", k=6) + number + tail) + rng.choice(LETTERS)


def hetu(rng: random.Random) -> str:
    year, month, day = birthday(rng)
    if (sign := rng.choice("+-YXWVUABCDEF")) in "ABCDEF":
        year = f"{rng.randrange(0, 25):02}"
    return (
        f"{day}{month}{year}{sign}{digits(rng, 3)}{rng.choice('0123456789ABCDEFHJKLMNPRSTUVWXY')}"
    )


FORMS: list[tuple[str, str, str, Callable[[random.Random], str]]] = [
    ("us-ssn", "us.ssn", "SSN", lambda r: f"{digits(r, 3)}-{digits(r, 2)}-{digits(r, 4)}"),
    ("us-ssn", "us.ssn", "SSN", lambda r: f"{digits(r, 3)} {digits(r, 2)} {digits(r, 4)}"),
    ("fr-nir", "fr.nir", "", nir),
    ("it-codicefiscale", "it.codicefiscale", "", fiscal_code),
    ("it-codicefiscale", "it.codicefiscale", "codice fiscale", lambda r: fiscal_code(r).lower()),
    ("es-dni", "es.dni", "", lambda r: digits(r, 8) + r.choice(LETTERS)),
    ("es-dni", "es.dni", "DNI", lambda r: digits(r, 8) + "-" + r.choice(LETTERS.lower())),
    ("es-nie", "es.nie", "", lambda r: r.choice("XYZ") + digits(r, 7) + r.choice(LETTERS)),
    ("es-nif", "es.nif", "NIF", lambda r: r.choice("KLM") + digits(r, 7) + r.choice(LETTERS)),
    ("gb-nhs", "gb.nhs", "NHS number", lambda r: f"{digits(r, 3)} {digits(r, 3)} {digits(r, 4)}"),
    ("de-idnr", "de.idnr", "Steuer-ID", lambda r: digits(r, 11)),
    ("nl-bsn", "nl.bsn", "BSN", lambda r: digits(r, 9)),
    ("pt-nif", "pt.nif", "NIF", lambda r: digits(r, 9)),
    ("fi-hetu", "fi.hetu", "", hetu),
    ("ch-ssn", "ch.ssn", "", lambda r: f"756.{digits(r, 4)}.{digits(r, 4)}.{digits(r, 2)}"),
    ("pl-pesel", "pl.pesel", "PESEL", lambda r: digits(r, 11)),
    ("se-personnummer", "se.personnummer", "personnummer",
     lambda r: "".join(birthday(r)) + "-" + digits(r, 4)),
    ("be-nn", "be.nn", "rijksregisternummer", lambda r: "".join(birthday(r)) + digits(r, 5)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "module", "word", "draw"), FORMS, ids=[f"{c}-{w or 'free'}" for c, _, w, _ in FORMS]
)
def test_numbers_of_every_class_of_a_country_are_found(
    code: str, module: str, word: str, draw: Callable[[random.Random], str]
) -> None:
    is_valid = import_module(f"stdnum.{module}").is_valid
    rng = random.Random(11)
    wanted = 30
    for _ in range(60_000):
        number = draw(rng)
        if not is_valid(number.replace(" ", "")):
            continue
        text = f"Here, {word} {number} is written." if word else f"It reads {number} here."
        assert (code, number) in found(text)
        wanted -= 1
        if not wanted:
            break
    assert wanted < 10
