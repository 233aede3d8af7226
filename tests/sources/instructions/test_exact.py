"""Rows that finetui exported come back as they were; rows of others are read as ever."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.models import Turn, example_id
from engine.sources import detect
from engine.sources.instructions.exact import conversations, exact
from tests.sources.instructions.golden import read

SPACED = (Turn("user", " Where? "), Turn("assistant", "Here.\n"))
ID = example_id(SPACED)
MESSAGES = [{"role": turn.role, "content": turn.content} for turn in SPACED]


def _write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


ROWS: list[dict[str, Any]] = [
    {"messages": MESSAGES},
    {"conversations": [{"from": "human", "value": " Where? "},
                       {"from": "gpt", "value": "Here.\n"}]},
    {"prompt": " Where? ", "completion": "Here.\n"},
    {"instruction": " Where? ", "input": "", "output": "Here.\n", "system": "", "history": []},
    {"text": "<|user|>\n Where? \n<|assistant|>\nHere.\n"},
    {"text": "<|im_start|>user\n Where? <|im_end|>\n<|im_start|>assistant\nHere.\n<|im_end|>\n"},
    {"text": "### Instruction:\n Where? \n\n### Response:\nHere.\n"},
]  # fmt: skip


@pytest.mark.parametrize("fields", ROWS)
def test_a_row_whose_text_has_the_id_it_names_is_taken_as_it_is(fields: dict[str, Any]) -> None:
    found = exact(fields | {"metadata": {"text_id": ID}})
    assert found is not None
    assert found.turns == SPACED
    (tidied,) = conversations(fields)
    assert [turn.content for turn in tidied.turns] == ["Where?", "Here."]


@pytest.mark.parametrize("fields", ROWS)
def test_a_row_that_was_changed_since_is_read_as_any_other(fields: dict[str, Any]) -> None:
    changed = json.loads(json.dumps(fields).replace("Here", "There"))
    assert exact(changed | {"metadata": {"text_id": ID}}) is None
    (found,) = conversations(changed | {"metadata": {"text_id": ID}})
    assert [turn.content for turn in found.turns] == ["Where?", "There."]


@pytest.mark.parametrize(
    "metadata",
    [None, "", "{", [], {}, {"text_id": None}, {"text_id": 5}, {"text_id": "x"}, {"id": ID}],
)
def test_a_row_without_an_id_is_none_of_ours(metadata: Any) -> None:
    assert exact({"messages": MESSAGES, "metadata": metadata}) is None


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"messages": "no list"},
        {"messages": [None, 5, "x"]},
        {"messages": [{"role": "user"}]},
        {"messages": [{"role": "captain", "content": "x"}]},
        {"messages": [{"role": "user", "content": [{"text": "x"}]}]},
        {"conversations": [{"from": "narrator", "value": "x"}]},
        {"text": 5},
        {"text": ""},
        {"text": "no markers"},
        {"text": "<|im_start|>user\nnever ends"},
        {"prompt": 1, "completion": 2},
        {"instruction": "a", "output": "b", "history": "none", "system": 5},
        {"instruction": "a", "output": "b", "history": [["a"], 5, [1, 2]]},
    ],
)
def test_damaged_rows_are_none_of_ours(fields: dict[str, Any]) -> None:
    assert exact(fields | {"metadata": {"text_id": ID}}) is None


def test_rows_of_ours_are_recognised_with_certainty(tmp_path: Path) -> None:
    told = {"metadata": {"id": "b2-0", "text_id": ID}}
    found = detect(_write(tmp_path / "a.jsonl", {"messages": MESSAGES} | told))
    assert (found.kind, found.confidence) == ("instructions", 1.0)


def test_rows_of_messages_alone_are_instructions_however_long(tmp_path: Path) -> None:
    talk = {"messages": MESSAGES * 4}
    assert detect(_write(tmp_path / "a.jsonl", talk, talk)).kind == "instructions"
    assert detect(_write(tmp_path / "train.jsonl", talk)).kind == "instructions"
    saved = talk | {"title": "At the harbour"}
    assert detect(_write(tmp_path / "b.jsonl", saved, saved)).kind == "conversations"


ODD = ["5", {"a": 1}, "[1", [None, 5], "[5, null]", "x" * 200_000, True]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("key", ["tags", "lines", "extra", "title", "date", "path", "edited"])
def test_metadata_that_was_edited_by_hand_breaks_nothing(
    tmp_path: Path, key: str, odd: Any
) -> None:
    told = {"text_id": ID, key: odd}
    (document,), skipped = read(
        _write(tmp_path / "a.jsonl", {"messages": MESSAGES, "metadata": told})
    )
    assert document.turns == SPACED
    assert not skipped
    assert all(isinstance(value, str) for value in document.metadata.values())
    assert all(isinstance(tag, str) for tag in document.tags)


def test_tags_and_lines_are_read_as_lists_and_as_json(tmp_path: Path) -> None:
    listed = {"tags": ["a b", "c"], "lines": [2, 5], "extra": {"status": "done"}}
    written = {key: json.dumps(value) for key, value in listed.items()}
    path = _write(
        tmp_path / "a.jsonl",
        *({"messages": MESSAGES, "metadata": told | {"text_id": ID}} for told in (listed, written)),
    )
    (first, second), _ = read(path)
    assert first.tags == second.tags == ("a b", "c")
    assert first.metadata == second.metadata
    assert first.metadata["lines"] == "2-5"
    assert first.metadata["status"] == "done"


def test_a_message_whose_text_holds_markers_is_no_row(tmp_path: Path) -> None:
    marked = "<|user|>\nQ\n<|assistant|>\nA"
    said = [{"role": "user", "content": marked}, {"role": "assistant", "content": "Both."}]
    (document,), skipped = read(_write(tmp_path / "a.jsonl", {"messages": said}))
    assert [turn.content for turn in document.turns] == [marked, "Both."]
    assert not skipped


def _weighed(*weights: int | None) -> dict[str, Any]:
    said = []
    for number, weight in enumerate(weights):
        answer: dict[str, Any] = {"role": "assistant", "content": f"A{number}"}
        answer |= {} if weight is None else {"weight": weight}
        said += [{"role": "user", "content": f"Q{number}"}, answer]
    return {"messages": said}


@pytest.mark.parametrize(
    ("weights", "kept", "codes"),
    [
        ((1, None), ["Q0", "A0", "Q1", "A1"], []),
        ((1, 0), ["Q0", "A0"], ["not-trained"]),
        ((0, 1), ["Q1", "A1"], ["not-trained"]),
        ((0, 1, 0, 0), ["Q1", "A1"], ["not-trained"]),
        ((0, 0), [], ["not-trained"]),
    ],
)
def test_answers_of_weight_0_are_not_taken_silently(
    tmp_path: Path, weights: tuple[int | None, ...], kept: list[str], codes: list[str]
) -> None:
    documents, skipped = read(_write(tmp_path / "a.jsonl", _weighed(*weights)))
    assert [turn.content for one in documents for turn in one.turns] == kept
    assert [skip.code for skip in skipped] == codes


SEEDS: list[tuple[dict[str, Any], list[str]]] = [
    (
        {"prompt": "Explică ce este RAG în română", "completion": "RAG este...",
         "metadata": {"type": "synthetic", "index": 3}},
        ["Explică ce este RAG în română", "RAG este..."],
    ),
    (
        {"messages": [{"role": "system", "content": "You are NOVA, a helpful AI assistant."},
                      {"role": "user", "content": "What is a transformer in AI?"},
                      {"role": "assistant", "content": "A transformer is a neural network..."}],
         "metadata": {"type": "synthetic", "index": 4}},
        ["You are NOVA, a helpful AI assistant.", "What is a transformer in AI?",
         "A transformer is a neural network..."],
    ),
    (
        {"text": "<|user|>\nCine ești?\n<|assistant|>\nSunt NOVA, un asistent AI..."},
        ["Cine ești?", "Sunt NOVA, un asistent AI..."],
    ),
    (
        {"text": "<|im_start|>system\nYou are Chirag.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
                 "<|im_start|>assistant\nHello.<|im_end|>\n"},
        ["You are Chirag.", "Hi", "Hello."],
    ),
    (
        {"instruction": "Explain this path.", "input": "line (0,0) (5,5)", "output": "A line."},
        ["Explain this path.\n\nline (0,0) (5,5)", "A line."],
    ),
    (
        {"text": "### Instruction:\nExplain.\n\n### Input:\nline\n\n### Response:\nA line.</s>"},
        ["Explain.\n\nline", "A line."],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "said"), SEEDS)
def test_the_forms_that_people_write_by_hand(
    tmp_path: Path, fields: dict[str, Any], said: list[str]
) -> None:
    path = _write(tmp_path / "qa.jsonl", fields)
    (document,), skipped = read(path)
    assert [turn.content for turn in document.turns] == said
    assert not skipped
    assert detect(path).kind == "instructions"
    if "metadata" in fields:
        assert document.metadata["type"] == "synthetic"
