from __future__ import annotations

from pathlib import Path

import pytest

from engine.bases import Base
from engine.dataset import Row, gate
from engine.models import Turn
from engine.tokens import Tokenizer
from tests.support.tiny_base import make_tiny_base

USER, ANSWER = Turn("user", "Why?"), Turn("assistant", "Because.")


def row(*turns: Turn) -> Row:
    return Row("b2-1", turns)


@pytest.mark.parametrize(
    ("turns", "code"),
    [
        ((USER,), "no-answer"),
        ((USER, Turn("assistant", " \n")), "empty-answer"),
        ((Turn("user", ""), ANSWER), "empty-question"),
        ((USER, Turn("assistant", "a\udc80")), "not-unicode"),
    ],
)
def test_what_needs_no_tokens_is_refused_without_a_base(turns: tuple[Turn, ...], code: str) -> None:
    (refusal,) = gate([row(USER, ANSWER), row(*turns)])
    assert (refusal.example_id, refusal.code) == ("b2-1", code)
    assert refusal.reason
    assert refusal.hint


@pytest.mark.parametrize(
    ("turns", "code"),
    [
        ((Turn("user", "What is <|im_start|>?"), ANSWER), "control-tokens"),
        ((ANSWER,), "template"),
        ((Turn("user", "long " * 40), ANSWER), "no-trained-tokens"),
    ],
)
def test_what_needs_tokens_is_refused_with_a_base(
    base: Base, turns: tuple[Turn, ...], code: str
) -> None:
    assert gate([row(*turns)]) == []
    tokenizer = Tokenizer.load(base.directory)
    (refusal,) = gate([row(*turns)], tokenizer=tokenizer, max_length=64)
    assert refusal.code == code
    assert refusal.hint


def test_a_good_row_passes(base: Base) -> None:
    tokenizer = Tokenizer.load(base.directory)
    assert gate([row(USER, ANSWER), row(USER, ANSWER, USER)], tokenizer=tokenizer) == []


def test_a_template_that_trains_nothing_is_noticed(tmp_path: Path) -> None:
    template = "{% for message in messages %}{% if message.role == 'user' %}{{ message.content }}"
    template += "{% endif %}{% endfor %}"
    tokenizer = Tokenizer.load(make_tiny_base(tmp_path, template=template))
    (refusal,) = gate([row(USER, ANSWER)], tokenizer=tokenizer)
    assert refusal.code in ("template", "no-trained-tokens")
