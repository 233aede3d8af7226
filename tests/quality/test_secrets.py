"""Secrets: what is found, where exactly, and what is left alone."""

from __future__ import annotations

import logging
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.models import Turn
from engine.quality.base import Check
from engine.quality.secrets import SecretsCheck
from tests.quality.made_secrets import later, made, private_key, unseen
from tests.support.properties import tries

ROWS = made(random.Random(11))


def found(text: str) -> list[tuple[str, str]]:
    finding = SecretsCheck().look([Turn("user", text)])
    return [(flag.code, text[flag.start : flag.end]) for flag in finding.flags]


@pytest.mark.parametrize(("code", "value", "text"), ROWS, ids=[row[2][:12] for row in ROWS])
def test_each_kind_is_found_with_its_exact_place(code: str, value: str, text: str) -> None:
    assert found(f"Remember for the server: ok.\n{text}\nThat is all.") == [(code, value)]


@pytest.mark.parametrize("seed", range(20))
def test_most_drawn_secrets_of_any_seed_are_found(seed: int) -> None:
    rows = made(random.Random(1000 + seed))
    missed = [code for code, value, text in rows if (value not in [v for _, v in found(text)])]
    assert len(missed) <= 1


FORMS = unseen(random.Random(12)) + later(random.Random(13))
NOT_FOUND = {"with a slash", "function call"}


@pytest.mark.parametrize(("form", "value", "text"), FORMS, ids=[row[0] for row in FORMS])
def test_forms_in_which_secrets_are_written(form: str, value: str, text: str) -> None:
    # What docs/checks-personal.md says is not found is here too, so that it stays true.
    assert (value in [v for _, v in found(f"A note.\n{text}\nMore.")]) == (form not in NOT_FOUND)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "your-api-key-here",
        "api_key = 'your-api-key-here'",
        "OPENAI_API_KEY=sk-...",
        "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "token: xxxx-xxxx-xxxx-xxxx",
        "export GITHUB_TOKEN=<your token>",
        "password: must be 8 characters long",
        "password = os.environ['PASSWORD']",
        "password = getpass.getpass()",
        "const password = req.body.password;",
        "postgres://user:password@localhost/db",
        "redis://default:${REDIS_PASSWORD}@cache:6379",
        "AKIAIOSFODNN7EXAMPLE",
        "commit 3f786850e387550fdab836ed7e6dc881de23001b",
        "sha256 token: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "session token 123e4567-e89b-12d3-a456-426614174000",
        "max_tokens: 2048, stop_token='</s>'",
        "Put the -----BEGIN PRIVATE KEY----- line first.",
        "-----BEGIN PRIVATE KEY-----\nMIIE...\n-----END PRIVATE KEY-----",
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n-----END PUBLIC KEY-----",
        "[SECRET_1]",
        "DB_PASSWORD=[SECRET_12]",
        "the keyboard's primary_key = customer_id_2024",
        "Keep your password secret: a token of trust.",
        "https://en.wikipedia.org/wiki/Supercalifragilisticexpialidocious_2",
        "a path like /usr/local/lib/python3.11/site-packages/detect_secrets/plugins",
    ],
)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert found(text) == []


def test_a_picture_in_base64_is_no_secret() -> None:
    rng = random.Random(3)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    data = "".join(rng.choice(letters) for _ in range(20_000))
    assert found(f'<img src="data:image/png;base64,{data}">') == []


def test_a_private_key_is_one_span_over_all_its_lines() -> None:
    key = private_key(random.Random(5), "OPENSSH ")
    assert found(f"first\n{key}\nlast\n{key}") == [("private-key", key)] * 2


def test_a_private_key_without_its_end_goes_as_far_as_its_body() -> None:
    whole = private_key(random.Random(6))
    cut = whole[: whole.index("-----END")].rstrip()
    assert found(f"{cut}\n\nÎmpreună, with other words.")[0][1].startswith(cut)


def test_a_private_key_in_json_is_one_span() -> None:
    escaped = private_key(random.Random(7)).replace("\n", "\\n")
    assert found(f'{{"key": "{escaped}"}}') == [("private-key", escaped)]


def test_secrets_of_all_turns_name_their_turn() -> None:
    value = ROWS[0][1]
    turns = [Turn("user", "hi"), Turn("assistant", value), Turn("user", f"thanks {value}")]
    assert [flag.turn for flag in SecretsCheck().look(turns).flags] == [1, 2]


def test_a_long_line_is_searched_to_its_end() -> None:
    code, value, _ = ROWS[3]
    assert found("word " * 40_000 + value + " word" * 1000) == [(code, value)]


def test_a_secret_is_found_wherever_a_window_may_cut() -> None:
    value = ROWS[1][1]
    for shift in range(3_850, 4_100, 7):
        assert (ROWS[1][0], value) in found("a " * (shift // 2) + value)


def test_reasons_and_logs_never_quote_a_secret(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    for _, value, text in ROWS:
        for flag in SecretsCheck().look([Turn("user", text)]).flags:
            assert value not in flag.reason
            assert value[-6:] not in flag.reason
    printed = capfd.readouterr()
    assert not caplog.records
    assert printed.out == printed.err == ""


def test_less_sure_findings_can_be_left_out() -> None:
    _, _, text = ROWS[-1]
    assert SecretsCheck(min_score=0.9).look([Turn("user", text)]).flags == ()


def test_the_version_tells_library_and_options() -> None:
    check: Check = SecretsCheck()
    assert check.name == "secrets"
    assert "detect-secrets" in check.version
    assert check.version != SecretsCheck(min_score=0.9).version


@settings(max_examples=tries(150), deadline=None)
@given(st.lists(st.text(st.characters(), max_size=60) | st.sampled_from([r[2] for r in ROWS])))
def test_any_text_is_taken_and_spans_are_in_it(pieces: list[str]) -> None:
    text = " ".join(pieces)
    flags = SecretsCheck().look([Turn("user", text)]).flags
    ends = [0, *(flag.end for flag in flags)]
    for before, flag in zip(ends, flags, strict=False):
        assert before <= flag.start < flag.end <= len(text)
        assert 0 < flag.score <= 1


@pytest.mark.parametrize(
    "unit", ["\0", "\ud800", "א", "e\u0301", "password: ", "://a:", "eyJ.", "sk-a1"]
)
def test_a_megabyte_is_taken(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    assert isinstance(SecretsCheck().look([Turn("user", text)]).flags, tuple)
