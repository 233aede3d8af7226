"""What stands beside a message's content: flags of trainers, thoughts, other keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.models import Document, Skipped
from engine.sources import read
from engine.sources.flags import MAX_KEYS, gathered
from engine.tokens.thinking import split_thinking

KINDS = ("conversations", "instructions")


def _read(path: Path, kind: str) -> tuple[list[Document], list[Skipped]]:
    skipped: list[Skipped] = []
    return list(read(kind, path, "s", on_skip=skipped.append)), skipped


def _talk(*answers: dict[str, Any]) -> dict[str, Any]:
    said: list[dict[str, Any]] = []
    for number, beside in enumerate(answers):
        said.append({"role": "user", "content": f"Q{number}"})
        said.append({"role": "assistant", "content": f"A{number}", **beside})
    return {"messages": said}


def _write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


# As axolotl (train, train_detail, training), ms-swift (loss, loss_scale), OpenAI, Mistral and
# Together (weight) and torchtune (masked) document them.
OFF: list[dict[str, Any]] = [
    {"train": False},
    {"training": False},
    {"train": "false"},
    {"train_detail": [{"begin_offset": 0, "end_offset": 1, "train": False}]},
    {"loss": False},
    {"loss_scale": 0.0},
    {"weight": 0},
    {"weight": 0.0},
    {"masked": True},
]
ON: list[dict[str, Any]] = [
    {},
    {"train": True},
    {"train": None},
    {"train_detail": [{"begin_offset": 0, "end_offset": 1, "train": True}]},
    {"loss": True},
    {"weight": 1},
    {"masked": False},
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("off", OFF)
def test_an_answer_that_is_not_to_be_trained_goes_with_its_question(
    tmp_path: Path, kind: str, off: dict[str, Any]
) -> None:
    rows = [_talk(off, {}), _talk({}, off, {}), _talk(off)]
    documents, skipped = _read(_write(tmp_path / "a.jsonl", *rows), kind)
    texts = [[turn.content for turn in document.turns] for document in documents]
    assert texts == [["Q1", "A1"], ["Q0", "A0", "Q2", "A2"]]
    assert [skip.code for skip in skipped] == ["not-trained"] * 3


ROWS: list[dict[str, Any]] = [
    {"instruction": "Name a fruit.", "output": "Plum."},
    {"prompt": "Name a fruit.", "completion": "Plum."},
    {"prompt": [{"role": "user", "content": "Name a fruit."}],
     "completion": [{"role": "assistant", "content": "Plum."}]},
    {"text": "<|im_start|>user\nName a fruit.<|im_end|>\n<|im_start|>assistant\nPlum.<|im_end|>"},
    {"conversations": [{"from": "human", "value": "Name a fruit."},
                       {"from": "gpt", "value": "Plum."}]},
    {"Frage": "Name a fruit.", "Antwort": "Plum."},
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: next(iter(row)))
def test_a_row_that_is_not_to_be_trained_is_left_out(tmp_path: Path, row: dict[str, Any]) -> None:
    path = _write(tmp_path / "a.jsonl", *(row | one for one in [*OFF, *ON]))
    for kind in KINDS if "conversations" in row else ("instructions",):
        documents, skipped = _read(path, kind)
        assert len(documents) == len(ON)
        assert [skip.code for skip in skipped] == ["not-trained"] * len(OFF)


def test_a_table_says_in_words_which_rows_are_not_trained(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "question,answer,Train,weight,masked\n"
        "One?,Plum one.,True,1,False\nTwo?,Plum two.,False,1,False\n"
        "Three?,Plum three.,True,0.0,False\nFour?,Plum four.,True,0,False\n"
        "Five?,Plum five.,True,0.5,True\nSix?,Plum six.,,0.5,\n"
    )
    documents, skipped = _read(path, "instructions")
    assert [document.turns[0].content for document in documents] == ["One?", "Six?"]
    assert [(skip.line, skip.code) for skip in skipped] == [
        (line, "not-trained") for line in (3, 4, 5, 6)
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_other_answers_are_trained_whatever_is_said_beside_them(tmp_path: Path, kind: str) -> None:
    documents, skipped = _read(_write(tmp_path / "a.jsonl", *(_talk(one) for one in ON)), kind)
    assert len(documents) == len(ON)
    assert skipped == []


@pytest.mark.parametrize(
    "beside",
    [
        {"reasoning_content": "Hm. "},
        {"thinking": "Hm."},
        {"reasoning": "Hm."},
        {"content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "A0"}]},
        {"content": [{"type": "reasoning", "text": "Hm."}, {"type": "text", "text": "A0"}]},
    ],
)
def test_thoughts_beside_an_answer_are_kept_or_reported(
    tmp_path: Path, beside: dict[str, Any]
) -> None:
    path = _write(tmp_path / "a.jsonl", _talk(beside))
    (document,), skipped = _read(path, "instructions")
    assert split_thinking(document.turns[-1].content) == ("Hm.", "A0")
    assert skipped == []
    (document,), skipped = _read(path, "conversations")
    assert document.turns[-1].content == "A0"
    assert [skip.code for skip in skipped] == ["thoughts"]


@pytest.mark.parametrize("name", ["thinking", "reasoning_content", "Reasoning"])
def test_thoughts_beside_a_rows_answer_are_kept(tmp_path: Path, name: str) -> None:
    rows: list[dict[str, Any]] = [
        {"instruction": "Name a fruit.", "output": "Plum."},
        {"prompt": "Name a fruit.", "completion": "Plum."},
        {"question": "Name a fruit.", "answer": ["Plum.", "A plum."]},
        {"question": "Name a fruit.", "answer": "<think>\nHm.\n</think>\n\nPlum."},
    ]
    path = _write(
        tmp_path / "a.jsonl", *(row | {name: "Hm."} for row in rows), rows[1] | {name: True}
    )
    documents, skipped = _read(path, "instructions")
    assert documents.pop().turns[-1].content == "Plum."
    first, *others = [split_thinking(document.turns[-1].content) for document in documents]
    assert first == ("Hm.", "Plum.")
    assert [thoughts for thoughts, _ in others] == ["Hm."] * 3
    assert not any(name in document.metadata for document in documents)
    assert {skip.code for skip in skipped} <= {"list-guessed"}
    table = tmp_path / "b.csv"
    table.write_text(f"question,{name},answer\nName a fruit.,Hm.,Plum.\nName two.,,Figs.\n")
    documents, _ = _read(table, "instructions")
    assert [split_thinking(one.turns[-1].content) for one in documents] == [
        ("Hm.", "Plum."), ("", "Figs."),
    ]  # fmt: skip
    (document,), skipped = _read(_write(path, rows[0] | {name: ["a", 1]}), "instructions")
    assert document.turns[-1].content == "Plum."
    assert [skip.code for skip in skipped] == ["thoughts"]


def test_thoughts_that_stand_in_the_answer_too_are_not_doubled(tmp_path: Path) -> None:
    beside = {"content": "<think>\nHm.\n</think>\n\nA0", "reasoning_content": "Hm."}
    (document,), _ = _read(_write(tmp_path / "a.jsonl", _talk(beside)), "instructions")
    assert document.turns[-1].content == beside["content"]


def test_thoughts_that_are_no_text_are_reported(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.jsonl", _talk({"reasoning_details": [{"type": "encrypted"}]}))
    for kind in KINDS:
        (document,), skipped = _read(path, kind)
        assert document.turns[-1].content == "A0"
        assert [skip.code for skip in skipped] == ["thoughts"]


@pytest.mark.parametrize("kind", KINDS)
def test_keys_that_are_not_read_are_told_once_with_their_number(tmp_path: Path, kind: str) -> None:
    beside = {"emotion": "calm", "name": "Ana", "refusal": None, "id": "1", "timestamp": 1}
    for name in ("a.jsonl", "b.jsonl"):
        _write(tmp_path / name, *(_talk(beside, {"emotion": "sad"}) for _ in range(3)))
    _, skipped = _read(tmp_path, kind)
    assert {skip.code for skip in skipped} == {"unread-key"}
    told = [skip.reason for skip in gathered(skipped)]
    assert told == [
        "the key 'emotion' beside a message's content is not read (12 messages)",
        "the key 'name' beside a message's content is not read (6 messages)",
    ]


def test_of_many_different_keys_some_are_named(tmp_path: Path) -> None:
    rows = [_talk({f"key {number}": 1}) for number in range(MAX_KEYS + 9)]
    _, skipped = _read(_write(tmp_path / "a.jsonl", *rows), "instructions")
    assert len(skipped) == MAX_KEYS + 1
    assert skipped[-1].reason == "further keys are not read, 9 times"
