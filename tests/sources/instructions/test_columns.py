from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.models import Document
from engine.sources import Detection, detect_as
from engine.sources.columns import Columns, known, value_at
from engine.sources.instructions.guess import guess
from tests.sources.instructions.golden import read

ASKED = [
    "What keeps the rope dry?",
    "How long does a splice take?",
    "Who checks the moorings?",
    "Describe the bell.",
]
ANSWERED = [
    "Tar keeps the water out of its strands, if it is renewed each year.",
    "About an hour where the rope is new, and two where it is not.",
    "The watch goes round every two hours and writes down what it finds.",
    "It is of bronze, weighs forty kilos, and hangs at the end of the pier.",
]


def _table(path: Path, names: tuple[str, str], *further: tuple[str, list[str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow([*(name for name, _ in further), *names])
        columns = [*(values for _, values in further), ASKED, ANSWERED]
        writer.writerows(zip(*columns, strict=True))
    return path


def _found(path: Path, **options: str) -> tuple[list[Document], list[str]]:
    documents, skipped = read(path, options)
    return documents, [skip.code for skip in skipped]


def _detected(path: Path) -> Detection:
    return detect_as("instructions", path)


@pytest.mark.parametrize(
    "names",
    [
        ("Frage", "Antwort"),
        ("Întrebare", "Răspuns"),
        ("intrebarea_clientului", "raspunsul"),
        ("Question posée", "Réponse"),
        ("Pregunta", "Respuesta"),
        ("Domanda", "Risposta"),
        ("Vraag", "Antwoord"),
        ("Pytanie", "Odpowiedź"),
        ("вопрос", "ответ"),
        ("Запитання", "Відповідь"),
        ("问题", "答案"),
        ("質問文", "回答文"),
        ("질문", "답변"),
        ("السؤال", "الجواب"),
        ("soru", "cevap"),
        ("userQuestion", "botAnswer"),
        ("customer_text", "agent_text"),
        ("Full Question", "Expert Answer (edited)"),
    ],
)
def test_names_in_many_languages(tmp_path: Path, names: tuple[str, str]) -> None:
    path = _table(tmp_path / "a.csv", names, ("id", list("1234")), ("level", ["A1", "A2"] * 2))
    found = _detected(path)
    assert (found.options["prompt"], found.options["answer"]) == names
    assert 0.75 <= found.confidence <= 0.95
    documents, codes = _found(path)
    assert [document.turns[0].content for document in documents] == ASKED
    assert [document.turns[1].content for document in documents] == ANSWERED
    assert documents[0].metadata["level"] == "A1"
    assert not codes


def test_columns_that_only_their_content_tells(tmp_path: Path) -> None:
    path = _table(tmp_path / "a.csv", ("c1", "c2"), ("c0", list("abcd")))
    found = _detected(path)
    assert dict(found.options) == {"prompt": "c1", "answer": "c2"}
    assert 0.3 <= found.confidence <= 0.5
    assert "by their content" in found.why
    assert [document.turns[0].content for document in _found(path)[0]] == ASKED


def test_a_third_column_that_may_be_meant_is_said(tmp_path: Path) -> None:
    other = [f"Some other text about number {n} entirely" for n in range(4)]
    path = _table(tmp_path / "a.csv", ("c1", "c2"), ("c0", other))
    found = _detected(path)
    assert found.options["answer"] == "c2"
    assert "or is it one of c0?" in found.why


def test_columns_that_nobody_can_tell_apart_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("english,german\nThe boat is red.,Das Boot ist rot.\nIt leaks.,Es leckt.\n")
    found = _detected(path)
    assert found.confidence < 0.3
    assert "english, german" in found.why
    assert _found(path) == ([], ["unknown-columns"])
    documents, codes = _found(path, prompt="german", answer="english")
    assert documents[0].turns[0].content == "Das Boot ist rot."
    assert not codes


def test_a_row_of_json_is_not_guessed_at_without_a_sign() -> None:
    assert guess([{"level": "INFO", "event": "pump started at dawn"}] * 3) is None
    unclear = guess([{"a": "some words here", "b": "and other words"}] * 3)
    assert unclear is None or not unclear.columns.whole


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"instruction": 1, "input": 2, "output": 3}, ("instruction", "output", "input")),
        ({"instruction": 1, "context": 2, "response": 3}, ("instruction", "response", "context")),
        ({"Question": 1, "Answer": 2}, ("Question", "Answer", "")),
        ({"system_prompt": 0, "question": 1, "response": 2}, ("question", "response", "")),
        ({"query": 1, "response": 2, "original_question": 3}, ("query", "response", "")),
        ({"problem": 1, "solution": 2, "answer": 3}, ("problem", "solution", "")),
        ({"inputs": 1, "targets": 2}, ("inputs", "targets", "")),
        ({"input": 1, "target": 2, "kind": 3}, ("input", "target", "")),
        ({"user": 1, "assistant": 2}, ("user", "assistant", "")),
        ({"prompt": 1, "completion": 2, "text": 3}, ("prompt", "completion", "")),
    ],
)
def test_usual_names(row: Mapping[str, Any], expected: tuple[str, str, str]) -> None:
    columns = known(row)
    assert columns is not None
    assert (columns.prompt, columns.answer, columns.input) == expected


def test_paths_into_a_row() -> None:
    row = {"a": {"b": [{"c": 1}]}, "a.b": 2}
    assert value_at(row, "a.b.0.c") == 1
    assert value_at(row, "a.b") == 2
    assert value_at(row, "a.b.9.c") is None
    assert value_at(row, "a.x") is None


ROW = {
    "meta": {"asked": "Is it open?", "told": "Until ten.", "level": "A1"},
    "persona": "You are the harbour.",
    "about": "the harbour",
    "prompt": "not this",
    "completion": "nor this",
}


def _rows(tmp_path: Path, *rows: Mapping[str, Any]) -> Path:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def test_columns_that_a_person_names_win(tmp_path: Path) -> None:
    path = _rows(tmp_path, ROW)
    documents, codes = _found(path, prompt="meta.asked", answer="meta.told", system="persona")
    (document,) = documents
    assert [(turn.role, turn.content) for turn in document.turns] == [
        ("system", "You are the harbour."),
        ("user", "Is it open?"),
        ("assistant", "Until ten."),
    ]
    assert document.metadata["prompt"] == "not this"
    assert not codes
    (partly,), _ = _found(path, answer="meta.told", input="about")
    assert [turn.content for turn in partly.turns] == ["not this\n\nthe harbour", "Until ten."]


def test_a_chosen_answer_of_preference_pairs_can_be_named(tmp_path: Path) -> None:
    path = _rows(tmp_path, {"question": "Which?", "chosen": "This.", "rejected": "That."})
    assert _found(path) == ([], ["preference"])
    (document,), _ = _found(path, prompt="question", answer="chosen")
    assert document.turns[1].content == "This."


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ({"prompt": "nowhere", "answer": "completion"}, "missing-column", "meta.asked"),
        ({"answer": "meta.nowhere"}, "missing-column", "its columns: meta.asked, meta.told"),
        ({"messages": "prompt", "text": "prompt"}, "columns-conflict", "not both"),
        ({"messages": "prompt", "answer": "prompt"}, "columns-conflict", "not both"),
    ],
)
def test_columns_that_are_not_there(
    tmp_path: Path, options: dict[str, str], code: str, said: str
) -> None:
    documents, skipped = read(_rows(tmp_path, ROW), options)
    assert not documents
    assert [skip.code for skip in skipped] == [code]
    assert said in skipped[0].reason


def test_a_row_without_a_named_column_costs_itself(tmp_path: Path) -> None:
    path = _rows(tmp_path, {"q": "a", "a": "b"}, {"q": "c"}, {"q": "d", "a": 5})
    documents, codes = _found(path, prompt="q", answer="a")
    assert [document.turns[1].content for document in documents] == ["b", "5"]
    assert codes == ["empty-answer"] or codes == ["no-answer"]


def test_messages_and_text_of_any_name(tmp_path: Path) -> None:
    talk = [{"speaker": "user", "text": "q"}, {"speaker": "assistant", "text": "a"}]
    path = _rows(tmp_path, {"exchange": talk, "body": "<|user|>\nx\n<|assistant|>\ny"})
    assert dict(_detected(path).options) == {"messages": "exchange"}
    assert _found(path)[0][0].turns[0].content == "q"
    assert _found(path, text="body")[0][0].turns[0].content == "x"


def test_other_answers_to_a_question_are_alternatives(tmp_path: Path) -> None:
    path = _rows(tmp_path, {"question": "Which rope?", "answer": ["Hemp.", "", "Wire.", "Hemp."]})
    (document,), _ = _found(path)
    assert document.turns[1].content == "Hemp."
    assert [(other.turn, other.content) for other in document.alternatives] == [(1, "Wire.")]


def test_further_columns_are_bounded(tmp_path: Path) -> None:
    further = {f"c{n}": "x" * 2000 for n in range(200)}
    (document,), _ = _found(_rows(tmp_path, {"prompt": "q", "completion": "a", **further}))
    assert len(document.metadata) <= 42
    assert max(map(len, document.metadata.values())) <= 500


def test_what_columns_are_used() -> None:
    assert Columns(prompt="a", answer="b").used() == {"a", "b"}
    assert not Columns(prompt="a").whole
    assert Columns(text="t").whole
