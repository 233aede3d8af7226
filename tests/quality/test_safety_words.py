"""Words out of their disguises, with their places."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.quality.safety.words import LONGEST, chunks, fold, words


@given(st.text(max_size=400))
def test_places_are_those_of_the_text(text: str) -> None:
    for start, chunk in chunks(text):
        assert text[start : start + len(chunk)] == chunk
        assert 0 < len(chunk) <= LONGEST
        for word in words(chunk):
            assert 0 <= word.start < word.end <= len(chunk)
            assert word.forms
            assert all(word.forms)


@given(st.text(max_size=200))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_diacritics_and_case_are_folded() -> None:
    assert fold("Țărănește ŁÓDŹ Straße") == "taraneste lodz strasse"


def test_words_of_a_run_are_told_apart() -> None:
    assert [word.forms[0] for word in words("well-known,")] == ["well", "known"]
    assert [word.forms[0] for word in words("don't")] == ["don", "t"]


def test_stretched_letters_are_shortened() -> None:
    (word,) = words("nooooo")
    assert {"no", "noo"} <= set(word.forms)


def test_a_digit_for_a_letter_is_read_as_one() -> None:
    assert any("orange" in word.forms and word.disguised for word in words("0r4nge"))


def test_hidden_letters_are_marked() -> None:
    (masked,) = [word.masked for word in words("or**ge") if word.masked]
    assert masked == "or??ge"
    assert not any(word.masked for word in words("a*b"))
    assert not any(word.disguised for word in words("**orange**"))


def test_t_and_z_may_be_one_letter() -> None:
    (word,) = words("tzaran")
    assert word.respelt == "taran"
    assert words("taran")[0].respelt == ""
