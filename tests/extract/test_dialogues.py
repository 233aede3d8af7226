from __future__ import annotations

import pytest

from engine.extract import extract
from engine.models import Document, Turn


def _document(count: int, *, system: bool = False, title: str = "") -> Document:
    spoken = [
        Turn("user" if number % 2 == 0 else "assistant", f"turn {number}")
        for number in range(count)
    ]
    turns = ([Turn("system", "be brief")] if system else []) + spoken
    return Document(
        "s", "a.json", title, "b2-0", turns=tuple(turns), start_line=7, date="2025-03-14"
    )


@pytest.mark.parametrize(
    ("count", "lengths"),
    [(2, [2]), (6, [6]), (8, [6, 2]), (12, [6, 6]), (14, [6, 6, 2])],
)
def test_long_conversations_are_cut_into_windows(count: int, lengths: list[int]) -> None:
    document = _document(count)
    examples = extract(document)
    assert [len(example.turns) for example in examples] == lengths
    # No turn is lost, and no answer is trained on twice.
    assert tuple(turn for example in examples for turn in example.turns) == document.turns


def test_the_system_turn_stands_before_each_window() -> None:
    examples = extract(_document(8, system=True))
    assert [example.turns[0].role for example in examples] == ["system", "system"]
    assert all(example.turns[1].role == "user" for example in examples)
    assert all(example.turns[-1].role == "assistant" for example in examples)


def test_one_exchange_without_a_title_is_an_instruction() -> None:
    assert extract(_document(2))[0].kind == "instruction"
    assert extract(_document(2, title="A talk"))[0].kind == "conversation"
    assert extract(_document(4))[0].kind == "conversation"


def test_the_place_is_kept() -> None:
    (example,) = extract(_document(2))
    place = example.provenance
    assert (place.path, place.start_line, place.date) == ("a.json", 7, "2025-03-14")
    assert example.reason == "messages layout, 1 exchange"
