"""Rare strings of a training split, and others of their form."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from hypothesis import given, strategies

from engine.export.gates.recall import judge
from engine.export.gates.rows import Row
from engine.export.gates.strings import Secret, like, secrets_of
from engine.models import Turn
from engine.tokens import Tokenizer

ROWS = (
    ("What is the code?", "The code of the vault is 48213975, and 48213975 it stays."),
    ("Who keeps it?", "Ask Marta Oprescu, or write to marta.oprescu83@kettle.ro."),
    ("Is it 20406080?", "Yes, 20406080 it is."),
    ("And what of Monday?", "Nothing to say of it."),
    ("Where?", "At the house of Hanna Weidlich."),
)


@pytest.fixture
def tokenizer(tiny_model_dir: Path) -> Tokenizer:
    return Tokenizer.load(tiny_model_dir)


def found(tokenizer: Tokenizer, *, known: str = "", most: int = 24) -> list[Secret]:
    rows = [
        Row(f"b2-{number}", (Turn("user", question), Turn("assistant", answer)))
        for number, (question, answer) in enumerate(ROWS)
    ]
    return secrets_of(tokenizer, rows, known, most)


def test_what_checks_call_personal_comes_first_and_each_string_once(tokenizer: Tokenizer) -> None:
    secrets = found(tokenizer)
    texts = [secret.text for secret in secrets]
    assert len(set(texts)) == len(texts)
    assert [secret.personal for secret in secrets] == sorted(
        (secret.personal for secret in secrets), reverse=True
    )
    by_text = {secret.text: secret for secret in secrets}
    assert by_text["marta.oprescu83@kettle.ro"].kind == "EMAIL"
    assert by_text["marta.oprescu83@kettle.ro"].personal
    assert by_text["48213975"].example == "b2-0"
    # At its first place, which what stands before leads to.
    assert by_text["48213975"].before.endswith("The code of the vault is ")


def test_what_a_question_says_is_no_recall(tokenizer: Tokenizer) -> None:
    assert "20406080" not in [secret.text for secret in found(tokenizer)]


def test_what_others_say_too_is_not_rare(tokenizer: Tokenizer) -> None:
    texts = [secret.text for secret in found(tokenizer, known="It is 48213975.")]
    assert "48213975" not in texts


def test_no_string_is_shown(tokenizer: Tokenizer) -> None:
    secrets = found(tokenizer)
    assert not any(secret.text in repr(secrets) for secret in secrets)
    cases = [
        {"kind": s.kind, "example": s.example, "personal": s.personal, "tuned": 9.0, "base": 0.0}
        for s in secrets
    ]
    told = repr(judge(cases, 4.0))
    assert not any(secret.text in told for secret in secrets)


@given(strategies.text("ab Zé019.@-", min_size=4, max_size=30))
def test_another_string_has_the_same_form(text: str) -> None:
    def form(text: str) -> str:
        return re.sub(r"\d", "0", re.sub(r"[^\W\d_]+", "a", text))

    secret = Secret("NUMBER", "b2-0", "", text, personal=False)
    others = like(secret, 20, set(), random.Random(0))
    assert len(set(others)) == len(others)
    assert text not in others
    assert {form(other) for other in others} <= {form(text)}


def test_a_first_name_becomes_another_first_name() -> None:
    secret = Secret("PERSON", "b2-0", "", "Marta 12", personal=True)
    others = like(secret, 40, {"Maria 12"}, random.Random(0))
    assert len(others) == 40
    assert all(re.fullmatch(r"[^\W\d_][\w-]+ \d\d", other) for other in others)
