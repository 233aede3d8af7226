"""Texts cut into passages, with their places kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.language import weight
from engine.quality.language.passages import LONGEST, passages, prose, unquoted


@given(st.text(alphabet=st.sampled_from("ab é中.!?\n\t`<>$\"'„”()[]/=;{}"), max_size=300))
def test_blanking_keeps_every_place(text: str) -> None:
    for blanked in (prose(text), unquoted(text)):
        assert len(blanked) == len(text)
        assert all(now in (before, " ", "\n") for now, before in zip(blanked, text, strict=True))


@given(st.text(max_size=500))
def test_passages_lie_in_order_and_hold_every_letter(text: str) -> None:
    cut = passages(text)
    assert sum(passage.letters for passage in cut) == weight(text)
    end = 0
    for passage in cut:
        assert end <= passage.start <= passage.end <= len(text)
        assert text[passage.start : passage.end] == passage.text
        end = passage.end


def test_a_text_without_an_end_of_a_sentence_is_cut_all_the_same() -> None:
    cut = passages("word " * 2_000)
    assert len(cut) >= 5_000 // LONGEST
    assert all(passage.end - passage.start <= 3 * LONGEST for passage in cut)


def test_a_short_heading_goes_with_what_follows() -> None:
    (passage,) = passages(
        "Notes\n\nThe garden is quiet in the morning, before anybody else is awake."
    )
    assert passage.text.startswith("Notes")


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("See `the code` here", "the code"),
        ("A [link](https://example.org/of/the/day) here", "https://example.org/of/the/day"),
        ("Write to me@example.org now", "me@example.org"),
        ("The file src/main.rs holds it", "src/main.rs"),
        ("Call read_file or readFile", "read_file"),
        ("~~~\nprint('hello')\n~~~\nAfter", "print('hello')"),
        ("if (a) { b(); } else { c(); }", "else"),
    ],
)
def test_what_is_no_prose_is_blanked(text: str, gone: str) -> None:
    assert gone in text
    assert gone not in prose(text)


@pytest.mark.parametrize(
    "text",
    [
        "It is not; (they) are.",
        "Either/or is no path?",
        "She said (and I agree): no.",
        "A, b; c: d!",
    ],
)
def test_prose_with_signs_stays(text: str) -> None:
    kept = prose(text)
    assert sum(map(str.isalpha, kept)) >= sum(map(str.isalpha, text)) * 0.6


def test_a_sign_for_a_word_weighs_as_several_letters() -> None:
    assert weight("早上好") == 9
    assert weight("Dimineața 12!") == 9
