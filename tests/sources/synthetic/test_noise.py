from __future__ import annotations

import unicodedata
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sources.synthetic.book import Piece
from engine.sources.synthetic.draw import Draw
from engine.sources.synthetic.noise import LEVELS, NEIGHBOURS, Noise, disturb, joined

QUESTION = [
    Piece("Poți să-mi explici, ", fixed=False),
    Piece("Șerban Țică", fixed=True),
    Piece(", cine ești și ce știi să faci?", fixed=False),
]

pieces = st.lists(
    st.builds(Piece, st.text("abcdeĂăâțșÎüß,.?! -'", min_size=1, max_size=15), st.booleans()),
    min_size=1,
    max_size=5,
).filter(lambda found: bool(joined(found)))


def bare(text: str) -> str:
    apart = unicodedata.normalize("NFD", text.casefold())
    return "".join(sign for sign in apart if not unicodedata.combining(sign))


def test_neighbours_are_those_of_the_keyboard() -> None:
    assert NEIGHBOURS["g"] == "bfhtvy"
    assert NEIGHBOURS["q"] == "aw"
    assert NEIGHBOURS["p"] == "lo"
    assert NEIGHBOURS["m"] == "jkn"
    assert all(a in NEIGHBOURS[b] for a, around in NEIGHBOURS.items() for b in around)


@given(pieces, st.integers())
def test_off_changes_nothing(question: list[Piece], key: int) -> None:
    assert disturb(question, "off", Draw(key)) == (joined(question), ())


@given(pieces, st.sampled_from(LEVELS), st.integers())
def test_noise_is_repeatable_leaves_something_and_says_what_it_did(
    question: list[Piece], level: Noise, key: int
) -> None:
    text, done = disturb(question, level, Draw(key))
    assert (text, done) == disturb(question, level, Draw(key))
    assert text == " ".join(text.split())
    assert text
    assert set(done) <= {"typo", "diacritics", "casing", "punctuation"}
    assert bool(done) or text == joined(question)


@given(st.sampled_from(["light", "strong"]), st.integers())
def test_what_came_from_a_slot_keeps_its_letters(level: Noise, key: int) -> None:
    text, _ = disturb(QUESTION, level, Draw(key))
    assert "serban tica" in bare(text)


@pytest.mark.parametrize(("level", "least", "most"), [("light", 0.7, 0.95), ("strong", 0.97, 1)])
def test_levels_differ_in_how_much_they_do(level: Noise, least: float, most: float) -> None:
    found = [disturb(QUESTION, level, Draw(key)) for key in range(500)]
    share = sum(bool(done) for _, done in found) / len(found)
    assert least <= share <= most
    kinds = Counter(kind for _, done in found for kind in done)
    assert set(kinds) == {"typo", "diacritics", "casing", "punctuation"}
    assert all(count > 100 for count in kinds.values())


@given(st.integers())
def test_light_makes_one_slip_at_most(key: int) -> None:
    plain = [Piece("what exactly does attention compute", fixed=False)]
    text, done = disturb(plain, "light", Draw(key))
    before, after = ["what", "exactly", "does", "attention", "compute"], text.lower().split()
    assert len(before) == len(after)
    wrong = sum(a != b for a, b in zip(before, after, strict=True))
    assert wrong == ("typo" in done)


def test_words_without_a_place_for_a_slip_stay() -> None:
    short = [Piece("so who am i", fixed=False)]
    assert all("typo" not in disturb(short, "strong", Draw(key))[1] for key in range(200))
