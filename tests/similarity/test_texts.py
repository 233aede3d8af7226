"""Normal forms: what they unite, what they keep apart, and that any text has one."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.models import Turn
from engine.similarity import TextPair, normal_form, parts
from engine.similarity.texts import key_of, signature

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is bread?", "what is  bread"),
        ("“Well,” she said…", '"Well", she said'),
        ("long – dash", "long - dash"),
        ("Ştefan şi ţara", "Ștefan și țara"),
        ("cafe\u0301", "café"),
        ("ｗｉｄｅ", "wide"),
        ("zero\u200bwidth and soft\u00adhyphen", "zerowidth and softhyphen"),
        ("one\r\n\ttwo\u00a0three", "one two three"),
        ("nul\0 here", "nul here"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("Wait!!! What?!", "wait what"),
        ("STRASSE", "straße"),
    ],
)
def test_near_exact_copies_are_one_text(one: str, other: str) -> None:
    assert normal_form(one) == normal_form(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3.5 kg", "35 kg"),
        ("x > 3", "x < 3"),
        ("a + b", "a - b"),
        ("resume", "résumé"),
        ("fata", "fată"),
        ("C", "C#"),
        ("f(x)", "f[x]"),
        ("10:30", "1030"),
        ("yes", "no"),
        ("well done", "welldone"),
    ],
)
def test_what_means_something_else_is_another_text(one: str, other: str) -> None:
    assert normal_form(one) != normal_form(other)


@given(ANY_TEXT)
def test_a_normal_form_can_be_written_and_is_stable(text: str) -> None:
    normal = normal_form(text)
    normal.encode("utf-8")
    assert "\0" not in normal
    assert normal == normal.strip()
    assert "  " not in normal
    assert len(key_of(normal)) == (16 if normal else 0)
    assert normal_form(text.upper().lower()) == normal_form(text.upper().lower() + "  ")


@given(st.text(st.characters(codec="utf-8", max_codepoint=0x2FF), max_size=60))
def test_composed_and_decomposed_text_is_the_same(text: str) -> None:
    assert normal_form(unicodedata.normalize("NFD", text)) == normal_form(
        unicodedata.normalize("NFC", text)
    )


def test_a_megabyte_of_marks_on_one_letter_has_a_normal_form() -> None:
    # Sorted all at once this would take minutes.
    normal = normal_form("a" + "\u0301\u0316" * 500_000)
    assert normal.startswith("á")
    assert len(normal) > 500_000


def test_numbers_count_and_their_order_does_not() -> None:
    assert signature("no number") == 0
    assert signature("in 1998 and 2004") == signature("2004, after 1998")
    assert signature("in 1998") != signature("in 1999")
    assert signature("3.5") != signature("35")
    assert 0 < signature("7") < 2**63


def test_parts_of_a_conversation() -> None:
    talk = [
        Turn("system", "Be kind."),
        Turn("user", "Hello"),
        Turn("assistant", "Hi!"),
        Turn("tool", "42"),
        Turn("assistant", "It is 42."),
    ]
    assert parts(talk) == TextPair("Hello\n\n42", "Hi!\n\nIt is 42.")
    assert parts([Turn("system", "Translate."), Turn("assistant", "Da.")]).prompt == "Translate."
    assert parts([]) == TextPair("", "")
    assert parts([Turn("assistant", "text alone")]) == TextPair("", "text alone")
