from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.extract import extract
from engine.extract.dialogues import HOLLOW_SCORE, MAX_CHARACTERS, MAX_TURNS
from engine.models import HOLLOW, Alternative, Document, Turn, example_id


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


def test_a_document_may_say_of_what_kind_its_examples_are() -> None:
    document = replace(_document(2), kind="conversation", metadata={"format": "Claude"})
    (example,) = extract(document)
    assert (example.kind, example.reason) == ("conversation", "Claude, 1 exchange")


def test_windows_say_which_part_they_are_and_of_what() -> None:
    document = replace(_document(8), metadata={"format": "ChatGPT", "branch": "1"})
    assert [example.reason for example in extract(document)] == [
        "ChatGPT, 3 exchanges, part 1 of 2, another branch",
        "ChatGPT, 1 exchange, part 2 of 2, another branch",
    ]


def test_windows_are_cut_by_size_but_never_inside_an_exchange() -> None:
    half = MAX_CHARACTERS // 2
    sizes = [half - 10, 3, 10, 5, 2 * half, 2 * half, 1, 1, half, half]
    turns = tuple(
        Turn("assistant" if number % 2 else "user", "x" * size) for number, size in enumerate(sizes)
    )
    examples = extract(replace(_document(0), turns=turns))
    assert [len(example.turns) for example in examples] == [4, 2, 2, 2]
    assert tuple(turn for example in examples for turn in example.turns) == turns


def test_a_long_system_turn_leaves_less_room() -> None:
    document = _document(6, system=True)
    first = Turn("system", "x" * (MAX_CHARACTERS - 20))
    examples = extract(replace(document, turns=(first, *document.turns[1:])))
    assert [len(example.turns) for example in examples] == [3, 3, 3]


def test_alternatives_go_with_their_turn() -> None:
    document = _document(8, system=True)
    others = (Alternative(2, "a"), Alternative(2, "b"), Alternative(8, "c"), Alternative(99, "d"))
    first, second = extract(replace(document, alternatives=others))
    assert first.alternatives == (Alternative(2, "a"), Alternative(2, "b"))
    assert second.alternatives == (Alternative(2, "c"),)
    assert second.turns[2] == document.turns[8]


@given(
    sizes=st.lists(st.tuples(st.integers(1, 9000), st.integers(1, 9000)), max_size=14),
    system=st.booleans(),
    others=st.lists(st.integers(0, 30), max_size=6),
)
def test_windows_of_any_conversation(
    sizes: list[tuple[int, int]], system: bool, others: list[int]
) -> None:
    spoken = [
        turn
        for number, (asked, said) in enumerate(sizes)
        for turn in (Turn("user", f"{number}" * asked), Turn("assistant", f"{number}" * said))
    ]
    turns = (*([Turn("system", "be brief")] if system else []), *spoken)
    alternatives = tuple(
        Alternative(at, f"other {at}")
        for at in sorted(set(others))
        if at < len(turns) and turns[at].role == "assistant"
    )
    document = replace(_document(0), turns=turns, alternatives=alternatives)
    examples = extract(document)
    found = [turn for example in examples for turn in example.turns if turn.role != "system"]
    assert found == spoken
    for example in examples:
        said = [turn for turn in example.turns if turn.role != "system"]
        length = sum(len(turn.content) for turn in example.turns)
        assert len(said) <= MAX_TURNS
        assert length <= MAX_CHARACTERS or len(said) == 2
        assert example.turns[-1].role == "assistant"
    carried = [
        (other.content, example.turns[other.turn].content)
        for example in examples
        for other in example.alternatives
    ]
    assert carried == [(other.content, turns[other.turn].content) for other in alternatives]


def test_an_answer_that_speaks_of_what_is_not_there_scores_low() -> None:
    document = replace(_document(8), metadata={"format": "Claude", HOLLOW: "7"})
    first, second = extract(document)
    assert (first.score, second.score) == (1.0, HOLLOW_SCORE)
    assert "not there" in second.reason
    assert dict(second.metadata) == {"format": "Claude"}


def test_marks_that_were_pasted_into_a_note_are_taken_out() -> None:
    text = (
        "## Reflection\n\n#reflection I noticed that the river rises faster than I "
        "believed【4†source】, and I will ask the harbour next time before I go out alone.\n\n"
        ':::writing{variant="document" id="1"}\nI decided to keep a log of it.\n:::\n'
    )
    document = Document("s", "a.md", "River", "b2-0", text=text)
    (example,) = extract(document)
    answer = example.turns[-1].content
    assert "I believed, and I will" in answer
    assert "keep a log of it." in answer
    assert ":::" not in answer
    assert example.id == example_id(example.turns)
