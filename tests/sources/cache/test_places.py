"""The words by which people say where a question or an answer stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.sources.cache.guess import ENOUGH, guesses
from engine.sources.cache.mapping import Exchange, Mapping
from engine.sources.cache.places import Place, marks, parse, text_at
from engine.sources.cache.rows import Row
from engine.sources.cache.words import asks, side_of
from engine.sources.items import Refused

_WORDS = st.text(st.characters(categories=["Lu", "Ll"]), min_size=3, max_size=9)
_LABELS = st.builds(lambda word: f"{word}:", _WORDS)
_SAID = st.lists(_WORDS, min_size=1, max_size=12).map(" ".join)


def _row(document: str = "", **metadata: str) -> Row:
    return Row("r1", document, metadata)


@pytest.mark.parametrize(
    "text",
    [
        "document",
        "id",
        "metadata:answer",
        "metadata:ns:answer text",
        "document:after Answer:",
        "document:after Answer: until Source:",
        "document:before Answer:",
        "document:turns User asked:",
        "document:json",
        "document:json messages.0.content",
        "metadata:data:json answer",
        "document:first line",
        "document:other lines",
        "document:first question",
        "document:after first question",
        "document:where role=user",
        "metadata:text:where kind of turn=a person's",
    ],
)
def test_a_place_is_written_as_it_is_read(text: str) -> None:
    assert str(parse(text, "question")) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "documents", "metadata", "metadata:", "id:3", "document:Answer"),
        *("document:where role", "document:where =user", "question", "document:"),
    ],
)
def test_what_is_not_understood_is_named_with_the_forms(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(text, "answer")
    assert f"answer={text.strip()}" in raised.value.message
    assert "like" in raised.value.hint or "such as" in raised.value.hint


_LABEL_TEXTS = st.one_of(_LABELS, st.builds(lambda a, b: f"{a} {b}", _WORDS, _LABELS))
_PLACES = st.one_of(
    st.builds(Place, st.sampled_from(["document", "id"])),
    st.builds(Place, st.just("metadata"), _WORDS),
    st.builds(Place, st.just("document"), st.just(""), st.just("turns"), _LABEL_TEXTS),
    st.builds(Place, st.just("metadata"), _WORDS, st.just("after"), _LABEL_TEXTS, _LABEL_TEXTS),
    st.builds(Place, st.just("metadata"), _WORDS, st.just("json"), _WORDS),
    st.builds(Place, st.just("document"), st.just(""), st.just("other lines")),
)


@given(_PLACES)
def test_every_place_can_be_written_and_read(place: Place) -> None:
    assert parse(str(place), "question") == place


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("document", "Title\nOne? Two.\nAnswer 2: three\nSource: four"),
        ("document:after answer:", "three\nSource: four"),
        ("document:after ANSWER: until source:", "three"),
        ("document:before Answer:", "Title\nOne? Two."),
        ("document:first line", "Title"),
        ("document:other lines", "One? Two.\nAnswer 2: three\nSource: four"),
        ("document:first question", "Title\nOne?"),
        ("document:after first question", "Two.\nAnswer 2: three\nSource: four"),
        ("document:after Nothing:", ""),
        ("metadata:data:json a.1.b", "deep"),
        ("metadata:data:json list", "x\ny"),
        ("metadata:data:json none", ""),
        ("metadata:missing", ""),
        ("id", "r1"),
    ],
)
def test_what_stands_at_a_place(place: str, text: str) -> None:
    row = _row(
        "Title\nOne? Two.\nAnswer 2: three\nSource: four",
        data='{"a": [0, {"b": "deep"}], "list": ["x", "y"]}',
    )
    assert text_at(parse(place, "question"), row) == text


@pytest.mark.parametrize(
    ("text", "label", "at"),
    [
        ("Answer: x", "Answer:", 0),
        ("1. Answer: x", "Answer:", 0),
        ("> **answer 12:** x", "Answer:", 0),
        ("see\nRáspuns: x", "Raspuns:", 4),
        ("Raspuns: x", "Răspuns:", 0),
        ("答案：x", "答案:", 0),
        ("What? Answer: x", "Answer:", 6),
        ("What? A: x", "A:", 6),
        ("vitamin A: x", "A:", None),
        ("OpenAI: x", "AI:", None),
        ("an answer x", "Answer:", None),
        ("### Answer\nx", "Answer:", 0),
        ("Answer\nx", "Answer:", None),
        ("<a> x", "<a>", 0),
    ],
)
def test_where_a_label_is_found(text: str, label: str, at: int | None) -> None:
    found = marks(text, [("answer", label)])
    assert (found[0].start if found else None) == at


@given(st.lists(st.tuples(_SAID, _SAID), min_size=1, max_size=5), st.booleans())
def test_labelled_exchanges_come_back_as_they_were(
    pairs: list[tuple[str, str]], answers_first: bool
) -> None:
    pairs = [(question, f"{answer}.") for question, answer in pairs if question != f"{answer}."]
    blocks = [
        f"Answer: {answer}\nQuestion: {question}"
        if answers_first
        else f"Question: {question}\nAnswer: {answer}"
        for question, answer in pairs
    ]
    mapping = Mapping(
        parse("document:after Question:", "question"),
        parse("document:after Answer:", "answer"),
        answers_first,
    )
    found = mapping.exchanges(_row("\n\n---\n".join(blocks)))
    assert [tuple(turn.content for turn in one.turns) for one in found.exchanges] == pairs


def _exchanges(mapping: Mapping, row: Row) -> tuple[Exchange, ...]:
    try:
        return mapping.exchanges(row).exchanges
    except Refused:
        return ()


@given(st.text(max_size=300), st.text(max_size=60), st.text(max_size=60))
def test_any_text_gives_whole_exchanges_or_is_refused(document: str, key: str, label: str) -> None:
    row = Row("r", document, {key: document[::-1]})
    for part in ("", "after", "before", "turns", "json", "first line", "first question", "where"):
        place = Place("document", "", part, label)
        for other in (place, Place("metadata", key), Place("document", "", part, label[::-1])):
            for exchange in _exchanges(Mapping(place, other), row):
                assert exchange.turns[0].role in ("user", "system")
                assert exchange.turns[-1].role == "assistant"
                assert all(turn.content.strip() for turn in exchange.turns)


_ROWS = st.lists(
    st.builds(
        Row,
        st.text(max_size=8),
        st.one_of(st.text(max_size=80), st.from_regex(r"(Q|User|Answer): \w+\n?(A|AI): \w*")),
        st.dictionaries(
            st.one_of(st.sampled_from(["question", "answer", "role", "text"]), st.text(max_size=6)),
            st.one_of(st.text(max_size=20), st.integers(), st.booleans(), st.lists(st.text())),
            max_size=4,
        ),
    ),
    max_size=8,
)


@given(_ROWS)
def test_a_guess_reads_what_it_says_it_reads(rows: list[Row]) -> None:
    for guess in guesses(rows):
        # What is labelled plainly on both sides may be a small part of the rows.
        least = 0 if guess.mapping.question.part == "turns" else ENOUGH
        assert least <= guess.fit <= 1
        assert 0 <= guess.score <= 1
        parse(str(guess.mapping.question), "question")
        parse(str(guess.mapping.answer), "answer")


@pytest.mark.parametrize(
    ("name", "side"),
    [
        *[(name, "question") for name in ("question", "Question", "user_query", "userInput", "q")],
        *[(name, "question") for name in ("original_question", "Întrebare", "prompt", "human")],
        *[(name, "answer") for name in ("answer", "llm_response", "botReply", "Răspuns", "AI")],
        *[(name, "answer") for name in ("cached_answer", "assistant", "response_text", "Antwort")],
        *[
            (name, "")
            for name in ("question_id", "response_time", "prompt_tokens", "answer_length")
        ],
        *[(name, "") for name in ("user_response", "assistant_question", "source", "title", "")],
    ],
)
def test_what_a_name_says(name: str, side: str) -> None:
    assert side_of(name) == side


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *[(text, True) for text in ("Why?", "why so", "Ce faci", "Cum merge?", "„Wirklich?“")],
        *[(text, True) for text in ("Wie geht das", "为什么？", "ماذا؟", "Tell me more")],
        *[(text, False) for text in ("", "The whole day.", "Whatever it was, it went.")],
    ],
)
def test_what_looks_like_a_question(text: str, expected: bool) -> None:
    assert asks(text) is expected
