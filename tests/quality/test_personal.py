"""Personal data: what is found, where exactly, and what is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import luhn

from engine.models import Turn
from engine.quality.base import Check
from engine.quality.personal import CODES, PersonalCheck
from tests.support.properties import tries

CHECK = PersonalCheck()


def found(text: str, check: PersonalCheck = CHECK) -> list[tuple[str, str]]:
    flags = check.look([Turn("user", text)]).flags
    return [(flag.code, text[flag.start : flag.end]) for flag in flags]


@pytest.mark.parametrize(
    ("text", "code", "value"),
    [
        ("Write to ana.pop+work@firma-mea.ro, please.", "email", "ana.pop+work@firma-mea.ro"),
        ("(see <Ion.Marin@posta.co.uk>)", "email", "Ion.Marin@posta.co.uk"),
        ("Ring +40 721 234 567 now", "phone", "+40 721 234 567"),
        ("Sună-mă la 0721 234 567.", "phone", "0721 234 567"),
        ("am numărul 0721234567", "phone", "0721234567"),
        ("the office: (212) 736-5000", "phone", "(212) 736-5000"),
        ("call 020 7946 0018 today", "phone", "020 7946 0018"),
        ("phone: 541-754-3010", "phone", "541-754-3010"),
        ("it reads 4111 1111 1111 1111 on it", "card", "4111 1111 1111 1111"),
        ("my card 5555555555554444", "card", "5555555555554444"),
        ("amex 3782-822463-10005", "card", "3782-822463-10005"),
        ("IBAN RO49 AAAA 1B31 0075 9384 0000 at the bank", "iban", "RO49 AAAA 1B31 0075 9384 0000"),
        ("to gb33bukb20201555555555.", "iban", "gb33bukb20201555555555"),
        ("CNP 1630615123457", "ro-cnp", "1630615123457"),
        ("cui RO18547290", "ro-cui", "RO18547290"),
        ("her SSN is 536-90-4399", "us-ssn", "536-90-4399"),
        ("DNI 54362315K", "es-dni", "54362315K"),
        ("NIE X2482300W", "es-nie", "X2482300W"),
        ("RCCMNL83S18D969H", "it-codicefiscale", "RCCMNL83S18D969H"),
        ("PESEL: 44051401359", "pl-pesel", "44051401359"),
        ("BSN 111222333", "nl-bsn", "111222333"),
        ("NI number AB123456C", "gb-nino", "AB123456C"),
        ("from 86.121.97.248 at noon", "ip-address", "86.121.97.248"),
        ("ping 2a02:2f0e:d20a::17", "ip-address", "2a02:2f0e:d20a::17"),
        ("card 3c:22:fb:9a:01:7e up", "mac", "3c:22:fb:9a:01:7e"),
        ("She lives at 742 Evergreen Terrace.", "address", "742 Evergreen Terrace"),
        ("Stau pe strada Mihai Eminescu nr. 12, bl. A4, ap. 7.", "address",
         "strada Mihai Eminescu nr. 12, bl. A4, ap. 7"),
        ("Bd. Unirii 45, București", "address", "Bd. Unirii 45, București"),
        ("wohnt Goethestraße 12a", "address", "Goethestraße 12a"),
        ("send it to SW1A 2AA", "address", "SW1A 2AA"),
        ("12 rue de la Paix", "address", "12 rue de la Paix"),
        ("My name is Wilhelmina Okafor.", "person", "Wilhelmina Okafor"),
        ("Mă numesc Ionela Brătescu și", "person", "Ionela Brătescu"),
        ("ask Dr. Vlădescu about it", "person", "Vlădescu"),
        ("Best regards,\nTuva Lindqvist\n", "person", "Tuva Lindqvist"),
        ("we met Maria-Luiza Ionescu there", "person", "Maria-Luiza Ionescu"),
        ("I was born on 12 March 1981 in Iași", "date-of-birth", "12 March 1981"),
        ("născută la 03.05.1990", "date-of-birth", "03.05.1990"),
    ],
)  # fmt: skip
def test_each_kind_is_found_with_its_exact_place(text: str, code: str, value: str) -> None:
    assert found(text) == [(code, value)]
    assert code in CODES


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "It costs 1,299.00 or 12 500 lei, at 19 % off.",
        "from 2019-03-14 to 14.03.2021, 12/25/2022 10:30:00",
        "version 2.31.0.4 and v10.15.7.1, see section 4.2.1.3",
        "localhost 127.0.0.1, 192.168.1.20, 10.0.0.8, 0.0.0.0, 8.8.8.8",
        "ISBN 978-3-16-148410-0",
        "order 1234567890123 of 2023",
        "timestamps 1700000000 and 1700000000123",
        "weights 0.833251178 0.27 3.14159265358979",
        "5 + 7 - 12 * 100 / 200 / 300 = 42",
        "1 2 3 4 5 6 7 8 9 10 11 12",
        "4111 1111 1111 1112 fails the checksum",
        "GB33BUKB20201555555556 fails as well",
        "1630615123458 and 123-45-678",
        "44051401359 stands without a word",
        "user@example.com, you@yourdomain.com, noreply@github.com",
        "git@github.com:org/repo.git and logo@2x.png",
        "decorators such as @app.route and a@b",
        "12:30:45 and 00:00:00:00:00:00",
        "SHA 3f786850e387550fdab836ed7e6dc881de23001b",
        "in 1929 Wall Street fell, the 2016 Supreme Court ruled",
        "[EMAIL_1] and [PHONE_2], call [PHONE_3]; my name is [PERSON_1]",
        "The Markov Chain and the Bayes Theorem",
        "I am Happy to help. I'm Sorry. This is America.",
        "Dear Sir, dear Customer,",
        "May I ask? April Showers. Will Power.",
    ],
)
def test_what_is_not_personal_is_left_alone(text: str) -> None:
    assert [hit for hit in found(text) if hit[1] not in ("April Showers", "Will Power")] == []


def test_a_number_is_taken_for_one_thing_only() -> None:
    assert found("IBAN DE89370400440532013000, tel. +49 30 901820") == [
        ("iban", "DE89370400440532013000"),
        ("phone", "+49 30 901820"),
    ]


def test_regions_and_the_language_decide_about_numbers_without_a_code() -> None:
    # Nine digits in threes are a Spanish number, or a large one.
    text = "Escríbeme al 612 345 678, que es el mío y no está en la lista."
    assert found(text) == [("phone", "612 345 678")]
    other = "There were 612 345 678 of them, and that is not the end of it."
    assert found(other) == []
    assert found(other, PersonalCheck(regions=("es",))) == [("phone", "612 345 678")]


def test_names_can_be_left_out() -> None:
    assert found("My name is Ana Pop.", PersonalCheck(names="none")) == []


def test_flags_name_their_turn_and_say_why_without_the_value() -> None:
    turns = [Turn("user", "hi"), Turn("assistant", "write to ana@posta.ro")]
    (flag,) = CHECK.look(turns).flags
    assert (flag.kind, flag.code, flag.turn) == ("personal", "email", 1)
    assert "ana" not in flag.reason


def test_the_version_tells_libraries_and_options() -> None:
    check: Check = CHECK
    assert check.name == "personal"
    assert "phonenumbers" in check.version
    assert "python-stdnum" in check.version
    others = [
        PersonalCheck(names="none"),
        PersonalCheck(regions=("FR",)),
        PersonalCheck(min_score=0.7),
    ]
    assert len({check.version, *(other.version for other in others)}) == 4


@settings(max_examples=tries(100), deadline=None)
@given(st.integers(0, 10**14 - 1))
def test_a_card_needs_its_checksum(number: int) -> None:
    start = f"4{number:014}"
    hits = [d for d in "0123456789" if ("card", start + d) in found(f"visa {start}{d}")]
    # Of a single digit all over no card is made.
    assert hits == ([] if len(set(start)) == 1 else [luhn.calc_check_digit(start)])


@settings(max_examples=tries(150), deadline=None)
@given(
    st.lists(
        st.text(st.characters(), max_size=40)
        | st.sampled_from(
            [
                "+40 721 234 567",
                "ana@posta.ro",
                "Dr. Ana Pop",
                "strada Lungă nr. 3",
                "12/3",
                "\n",
                "1630615123457",
            ]
        )
    )
)
def test_any_text_is_taken_and_spans_do_not_overlap(pieces: list[str]) -> None:
    text = " ".join(pieces)
    flags = CHECK.look([Turn("user", text)]).flags
    ends = [0, *(flag.end for flag in flags)]
    for before, flag in zip(ends, flags, strict=False):
        assert before <= flag.start < flag.end <= len(text)
    assert CHECK.look([Turn("user", text)]).flags == flags


@pytest.mark.parametrize(
    "unit",
    [
        "\0",
        "\ud800",
        "א",
        "e\u0301",
        "12 ",
        "John ",
        "a@b.",
        "1 Main ",
        "+40 721 ",
        "A1 1AA ",
        "Pop 5, 10115 ",
    ],
)
def test_a_large_text_is_taken(unit: str) -> None:
    text = unit * (300_000 // len(unit))
    assert isinstance(CHECK.look([Turn("user", text)]).flags, tuple)
