"""Several questions in one text, and few exchanges among other passages."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from engine.sources.cache.guess import guesses
from engine.sources.cache.mapping import Exchange
from engine.sources.cache.places import parse
from engine.sources.cache.rows import Row
from engine.sources.items import Refused

FAQ = (("What is tea?", "A drink."), ("What is rope?", "Hemp, twisted."), ("And coal?", "A rock."))


def rows(*texts: str) -> list[Row]:
    return [Row(str(number), text, {}) for number, text in enumerate(texts)]


def read(found: Sequence[Row], question: str = "", answer: str = "") -> list[list[str]]:
    """Return what the likeliest mapping reads of rows."""
    said = [parse(place, "side") if place else None for place in (question, answer)]
    best = guesses(found, *said)[0].mapping
    exchanges: list[Exchange] = []
    for row in found:
        try:
            exchanges += best.exchanges(row).exchanges
        except Refused:
            continue
    return [[turn.content for turn in one.turns] for one in exchanges]


@pytest.mark.parametrize(
    "text",
    [
        "Q: {0[0]} A: {0[1]} Q: {1[0]} A: {1[1]} Q: {2[0]} A: {2[1]}",
        "Q: {0[0]}\nA: {0[1]}\n\nQ: {1[0]}\nA: {1[1]}\n\nQ: {2[0]}\nA: {2[1]}",
        "Întrebare: {0[0]} Răspuns: {0[1]} Întrebare: {1[0]} Răspuns: {1[1]} "
        "Întrebare: {2[0]} Răspuns: {2[1]}",
        "## {0[0]}\n\n{0[1]}\n\n## {1[0]}\n\n{1[1]}\n\n## {2[0]}\n\n{2[1]}",
        "**{0[0]}**\n{0[1]}\n**{1[0]}**\n{1[1]}\n**{2[0]}**\n{2[1]}",
        "1. {0[0]}\n{0[1]}\n\n2. {1[0]}\n{1[1]}\n\n3. {2[0]}\n{2[1]}",
        "{0[0]}\n{0[1]}\n\n{1[0]}\n{1[1]}\n\n{2[0]}\n{2[1]}",
        "{0[0]} {0[1]}\n{1[0]} {1[1]}\n{2[0]} {2[1]}",
    ],
)
def test_each_question_of_a_text_is_an_example(text: str) -> None:
    found = rows(*(text.format(*FAQ).replace("tea", f"tea {number}") for number in range(4)))
    assert read(found)[:3] == [["What is tea 0?", "A drink."], list(FAQ[1]), list(FAQ[2])]


def test_each_pair_of_a_list_in_json_is_an_example_and_turns_of_a_talk_are_one() -> None:
    pairs = [{"question": asked, "answer": answered} for asked, answered in FAQ]
    assert read(rows(json.dumps(pairs))) == [list(pair) for pair in FAQ]
    talk = [{"user": asked, "assistant": answered} for asked, answered in FAQ]
    assert read(rows(json.dumps(talk))) == [[said for pair in FAQ for said in pair]]


@pytest.mark.parametrize(
    "text",
    [
        "What is tea?\n\nA drink.\n\nWhy ask?\nNobody knows.\n\nSo it is.",
        "## What is tea?\n\nA drink.\n\n## And then?",
        "Q: What is tea?\nA: A drink. Ask: what does the answer: say?",
    ],
)
def test_a_question_inside_of_an_answer_stays_there(text: str) -> None:
    first, *_ = read(rows(*(text.replace("tea", f"tea {number}") for number in range(4))))
    assert first[1].splitlines()[-1].split()[-1] in text.split()[-1]
    assert len(read(rows(text))) == 1


@pytest.mark.parametrize(
    ("asked", "answered"),
    [("User", "AI"), ("Human", "Assistant"), ("Q", "A"), ("Întrebare", "Răspuns")],
)
def test_few_exchanges_among_passages_are_found(asked: str, answered: str) -> None:
    passages = [f"Command {number}:\n  run it with care\n" for number in range(56)]
    talks = [f"{asked}: say {number}\n{answered}: It is {number}." for number in range(21)]
    found = rows(*passages, *talks)
    assert len(read(found)) == len(talks)
    # Labels of any language are taken where a person names them.
    strange = rows(*(text.replace(f"{asked}:", "Tanong:") for text in passages + talks))
    named = ("document:after Tanong:", f"document:after {answered}:")
    assert len(read(strange, *named)) == len(talks)
    assert not guesses(rows(*passages))


def test_marks_of_apps_are_no_part_of_an_answer() -> None:
    texts = [f"Question: What is tea {n}?\nAnswer: A drink【{n}†source】." for n in range(4)]
    assert read(rows(*texts))[0] == ["What is tea 0?", "A drink."]
