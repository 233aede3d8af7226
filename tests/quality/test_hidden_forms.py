"""Personal data and secrets in other blanks, hyphens, compositions and with hidden characters."""

from __future__ import annotations

import random
import unicodedata
from itertools import pairwise

import pytest

from engine.dataset.metadata import Metadata
from engine.models import Card, Example, Provenance, Turn
from engine.quality.fields import column, flagged_fields
from engine.quality.naming import TemporaryPlaceholders
from engine.quality.normal import view_of
from engine.quality.personal import PersonalCheck
from engine.quality.redact import redact_by
from engine.quality.secrets import SecretsCheck
from engine.quality.secrets.names import is_secret_name
from tests.quality.made_secrets import LETTERS, made

_CHECKS = (SecretsCheck(), PersonalCheck(names="introduced"))
_BLANKS = "\t\u00a0\u2007\u2009\u202f\u3000"
_HIDDEN = "\u00ad\u200b\u200d\u2060\ufeff"
_RNG = random.Random(20261)


def _drawn(size: int) -> str:
    # Digits at both ends and in the middle, as a password or token that is drawn has.
    body = [_RNG.choice(LETTERS) for _ in range(size)]
    body[1], body[size // 2], body[-1] = "7", "4", "2"
    return "".join(body)


PASSWORD = _drawn(11)
TOKEN = _drawn(24)


def _clean(text: str) -> str:
    done = redact_by(_CHECKS, [Turn("user", text)], names=TemporaryPlaceholders())
    return done.turns[0].content


@pytest.mark.parametrize("blank", _BLANKS)
@pytest.mark.parametrize(
    ("text", "left"),
    [
        # The bank's example of ECBS, Ofcom's and ARCEP's numbers for films, Visa's test card.
        ("IBAN GB82~WEST~1234~5698~7654~32", "IBAN [IBAN_1]"),
        ("call +44~20~7946~0958", "call [PHONE_1]"),
        ("01~99~00~12~34", "[PHONE_1]"),
        ("card 4012~8888~8888~1881", "card [CARD_1]"),
        ("Frau~Annegret Vossberg", "Frau~[PERSON_1]"),
        ("My name is Cornelius~Ashdown", "My name is [PERSON_1]"),
        ("Ich wohne: Ahornallee~33, 14050~Berlin", "Ich wohne: [ADDRESS_1]"),
        ("née le 21~avril~1979", "née le [BIRTHDAY_1]"),
        (f"Mot de passe~: {PASSWORD}", "Mot de passe~: [SECRET_1]"),
    ],
)
def test_no_kind_of_blank_hides_a_value(blank: str, text: str, left: str) -> None:
    assert _clean(text.replace("~", blank)) == left.replace("~", blank)


@pytest.mark.parametrize("hyphen", "\u2010\u2011\u2013")
def test_no_kind_of_hyphen_hides_a_number(hyphen: str) -> None:
    text = f"SSN 401{hyphen}22{hyphen}6813, card 4012{hyphen}8888{hyphen}8888{hyphen}1881"
    assert _clean(text) == "SSN [NATIONAL_ID_1], card [CARD_1]"


def test_decomposed_names_go_whole_and_are_the_composed_ones() -> None:
    name = "Žofie Müllerová"
    text = f"My name is {name}. {unicodedata.normalize('NFD', name)} wrote; so did {name}."
    for form in ("NFC", "NFD"):
        left = "My name is [PERSON_1]. [PERSON_1] wrote; so did [PERSON_1]."
        assert _clean(unicodedata.normalize(form, text)) == left


@pytest.mark.parametrize("sign", _HIDDEN)
def test_hidden_characters_split_nothing(sign: str) -> None:
    tokens = {code: value for code, value, _ in made(random.Random(7))}
    token = tokens["github-token"]
    text = f"use {token[:9]}{sign}{token[9:]}, mail m.{sign}quist@borg-q.se"
    text += f", +46 8 123{sign} 456 78"
    assert _clean(text) == "use [SECRET_1], mail [EMAIL_1], [PHONE_1]"
    # The same value without them is the same one.
    both = f"password: {PASSWORD[:5]}{sign}{PASSWORD[5:]} and {PASSWORD}"
    assert _clean(both) == "password: [SECRET_1] and [SECRET_1]"


def test_the_cells_of_a_table_are_apart() -> None:
    text = "Tel\t0721 234 567\t0722 345 678\ncard\t4012888888881881\t77"
    assert _clean(text) == "Tel\t[PHONE_1]\t[PHONE_2]\ncard\t[CARD_1]\t77"


def test_full_width_digits_are_digits() -> None:
    wide = "4012888888881881".translate({ord(d): ord(d) + 0xFEE0 for d in "0123456789"})
    assert _clean(f"card {wide}, card 4012888888881881") == "card [CARD_1], card [CARD_1]"


def test_an_iban_over_a_line_end_is_one() -> None:
    assert _clean("to GB82 WEST 1234\n5698 7654 32 today") == "to [IBAN_1] today"


@pytest.mark.parametrize(
    "text",
    ["", "plain", "a\tb", "Zo\u00eb \u2013 1990\u20131995", "\u0301", "\u200b\u200b", "x\u200b",
     "\ud800e\u0301\u00ad", "\u1112\u1161\u11ab \u05d6\u05b0\u05bc",
     "\u2764\ufe0f\u200d\U0001f525 e\u0302\u0323"],
)  # fmt: skip
def test_a_view_has_a_place_for_each_character(text: str) -> None:
    view = view_of(text)
    places = [view.span(at, at + 1) for at in range(len(view.text))]
    assert all(start < end for start, end in places)
    assert all(one[1] <= other[0] or one == other for one, other in pairwise(places))
    assert not places or places[-1][1] <= len(text)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"ssh://eva:A@{PASSWORD}@db.intra-q.org/x", "ssh://eva:[SECRET_1]@db.intra-q.org/x"),
        # A password with the sign of a fragment, and an address that has neither.
        (f"pg://eva:{PASSWORD[:4]}#{PASSWORD}@h.q.io/d", "pg://eva:[SECRET_1]@h.q.io/d"),
        ("https://h.q.io:80?m=eva@borg-q.se", "https://h.q.io:80?m=[EMAIL_1]"),
        (f"Cookie: a=1; sessionid={TOKEN}; b=2", "Cookie: a=1; sessionid=[SECRET_1]; b=2"),
        (f"login eva password {PASSWORD[:6]}x7Q", "login eva password [SECRET_1]"),
        (f"api_key: >-\n  {TOKEN}\n", "api_key: >-\n  [SECRET_1]\n"),
        (f"password: |\n    {PASSWORD}", "password: |\n    [SECRET_1]"),
        (f"token = '''{TOKEN}'''", "token = '''[SECRET_1]'''"),
        (f"docker login -u eva -p {PASSWORD} r.q.io", "docker login -u eva -p [SECRET_1] r.q.io"),
        (
            f'<input type="password" value="{PASSWORD}">',
            '<input type="password" value="[SECRET_1]">',
        ),
        (
            f"| who | Password |\n|---|---|\n| eva | {PASSWORD} |",
            "| who | Password |\n|---|---|\n| eva | [SECRET_1] |",
        ),
        (
            f"net use X: \\\\nas\\a /user:eva {PASSWORD}",
            "net use X: \\\\nas\\a /user:eva [SECRET_1]",
        ),
        # The words of BIP39's own test vector.
        (
            "Seed phrase: letter advice cage absurd amount doctor acoustic avoid letter advice"
            " cage above",
            "Seed phrase: [SECRET_1]",
        ),
    ],
)
def test_a_layout_points_at_a_secret(text: str, left: str) -> None:
    assert _clean(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "Write the seed phrase down: twelve small words that you must never give away",
        "| field | password |\n|---|---|\n| type | string |\n| null | optional |",
        '<input type="password" value="">',
        "Cookie: theme=dark-blue-mode; lang=en",
        "docker login -u eva -p $TOKEN registry",
        "token = '''a text of several words'''",
        "-----BEGIN CERTIFICATE-----\n" + "\n".join(_drawn(64) for _ in range(9)) + "\n"
        "-----END CERTIFICATE-----",
        "-----BEGIN PGP PUBLIC KEY BLOCK-----\nComment: key\n\n" + _drawn(64) + "\n"
        "-----END PGP PUBLIC KEY BLOCK-----",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_layout_stays(text: str) -> None:
    assert _clean(text) == text


def test_a_token_beside_a_certificate_counts() -> None:
    block = "-----BEGIN CERTIFICATE-----\n" + _drawn(64) + "\n-----END CERTIFICATE-----"
    assert _clean(f"{block}\nsecret_key = '{TOKEN}'") == f"{block}\nsecret_key = '[SECRET_1]'"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("see _m.quist@borg-q.se_", "see _[EMAIL_1]_"),
        ("m.quist%40borg-q.se or quist&#64;borg-q.se", "[EMAIL_1] or [EMAIL_2]"),
        ("https://wa.me/46701234567", "https://wa.me/[PHONE_1]"),
        ("<a href='tel:+46812345678'>", "<a href='tel:[PHONE_1]'>"),
        ("nata il 3 giugno 1971", "nata il [BIRTHDAY_1]"),
        ("nací el 3 de junio de 1971", "nací el [BIRTHDAY_1]"),
        ("nasci em 3 de junho de 1971", "nasci em [BIRTHDAY_1]"),
        ("data de nascimento: 03/06/1971", "data de nascimento: [BIRTHDAY_1]"),
        ("Chamo-me Graça Teixeira", "Chamo-me [PERSON_1]"),
        ("Il mio nome è Ezio Brambilla", "Il mio nome è [PERSON_1]"),
        ("Nombre: Rocío Zabaleta", "Nombre: [PERSON_1]"),
        ("Atentamente,\nRocío Zabaleta", "Atentamente,\n[PERSON_1]"),
        ("Distinti saluti,\nEzio Brambilla", "Distinti saluti,\n[PERSON_1]"),
    ],
)
def test_personal_data_in_more_forms(text: str, left: str) -> None:
    assert _clean(text) == left


def test_columns_that_hold_a_secret_by_their_name() -> None:
    names = (
        "pin pin_code otp session_id sessionId sas connection_string seed_phrase mnemonic"
        " recovery_code wifi_key hmac salt CVV cvc"
    )
    assert [name for name in names.split() if not is_secret_name(name)] == []
    others = "id session spin salted_caramel opinion connection phrase code count prefix_id"
    assert [name for name in others.split() if is_secret_name(name)] == []


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("name", "Rocío Zabaleta", "person"),
        ("First_Name", "Rocío", "person"),
        ("lastName", "zabaleta", "person"),
        ("username", "rzab77", "person"),
        ("dob", "1971-06-03", "date-of-birth"),
        ("date_of_birth", "03.06.1971", "date-of-birth"),
        ("phone", "46701234567", "phone"),
        ("ssn", "219099999", "us-ssn"),
        ("iban", "8212345698765432", "iban"),
    ],
)
def test_columns_that_are_personal_by_their_name(name: str, value: str, code: str) -> None:
    found = flagged_fields(_CHECKS[1], [column(name, value)])
    assert [(flag.code, flag.start, flag.end) for _, flag in found] == [(code, 0, len(value))]


@pytest.mark.parametrize(
    ("name", "value"),
    [("file_name", "Rocío"), ("model", "zabaleta"), ("name", "[PERSON_1]"), ("phone", "none")],
)
def test_other_columns_are_not(name: str, value: str) -> None:
    assert flagged_fields(_CHECKS[1], [column(name, value)]) == []


def test_what_is_written_of_personal_columns_is_placeholders() -> None:
    columns = {
        "name": "Roc\u00edo\u00a0Zabaleta",
        "Phone": "46701234567",
        "dob": "1971-06-03",
        "pin_code": "4711",
        "remark": "asked by Rocio Zabaleta",
        "topic": "lakes",
    }
    turns = (Turn("user", "Which lake is deepest?"), Turn("assistant", "Baikal."))
    where = Provenance("s", "rows.jsonl")
    example = Example("b2-1", "instruction", turns, where, metadata=columns)
    card = Card(example, turns, "undecided", False, 0)
    told = Metadata(_CHECKS, TemporaryPlaceholders()).of(card)
    assert told.extra == {
        "name": "[PERSON_1]",
        "Phone": "[PHONE_1]",
        "dob": "[BIRTHDAY_1]",
        "remark": "asked by [PERSON_1]",
        "topic": "lakes",
    }
