from __future__ import annotations

from typing import Any

import pytest

from engine.sources.files import Refused
from engine.sources.turns import clean, date_of, dialogues, metadata_of, title_of

U, A, S = "user", "assistant", "system"


def _turns(fields: dict[str, Any]) -> list[tuple[str, str]]:
    (dialogue,) = dialogues(fields)
    return [(turn.role, turn.content) for turn in dialogue.turns]


def _said(*pairs: tuple[str, str]) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": content} for role, content in pairs]}


@pytest.mark.parametrize(
    "fields",
    [
        {"prompt": "q", "completion": "a"},
        {"prompt": "q", "response": "a"},
        {"question": "q", "answer": "a"},
        {"instruction": "q", "input": "", "output": "a"},
        {"instruction": "q", "output": "a"},
        {"text": "<|user|>\nq\n<|assistant|>\na"},
        {"text": "<|user|>q<|assistant|>a</s>"},
        {"text": "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\na<|im_end|>\n"},
        _said((U, "q"), (A, "a")),
        {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]},
        {"conversation": [{"from": "Human", "value": "q"}, {"from": "bot", "value": "a"}]},
        {"chat_messages": [{"sender": "human", "text": "q"}, {"sender": "assistant", "text": "a"}]},
        {"chat": _said((U, "q"), (A, "a"))},
        {
            "messages": [
                {"role": U, "content": [{"type": "text", "text": "q"}]},
                {"role": A, "content": [{"type": "text", "value": "a"}]},
            ]
        },
        {"prompt": [{"role": U, "content": "q"}], "completion": [{"role": A, "content": "a"}]},
    ],
)
def test_layouts(fields: dict[str, Any]) -> None:
    assert _turns(fields) == [(U, "q"), (A, "a")]


def test_input_follows_the_instruction_and_history_goes_before() -> None:
    fields = {
        "system": "be kind",
        "history": [["q1", "a1"]],
        "instruction": "translate",
        "input": "foc",
        "output": "fire",
    }
    assert _turns(fields) == [
        (S, "be kind"),
        (U, "q1"),
        (A, "a1"),
        (U, "translate\n\nfoc"),
        (A, "fire"),
    ]


def test_instances_each_give_a_dialogue_and_a_bad_one_costs_itself_alone() -> None:
    fields = {
        "instruction": "double",
        "instances": [{"input": "1", "output": "2"}, {"input": "2", "output": ""}, {"output": "6"}],
    }
    first, second = dialogues(fields)
    assert first.turns[0].content == "double\n\n1"
    assert second.turns[0].content == "double"
    assert [code for code, _ in first.dropped] == ["empty-answer"]


@pytest.mark.parametrize(
    ("said", "kept", "dropped"),
    [
        ([(U, "q"), (U, "more"), (A, "a")], [(U, "q\n\nmore"), (A, "a")], []),
        ([(A, "hello"), (U, "q"), (A, "a")], [(U, "q"), (A, "a")], ["no-question"]),
        ([(U, "q"), (A, "a"), (U, "q2")], [(U, "q"), (A, "a")], ["no-answer"]),
        ([(U, "q"), (A, " "), (U, "q2"), (A, "a")], [(U, "q2"), (A, "a")], ["empty-answer"]),
        ([(U, "q"), (A, "\u200b"), (U, "q2"), (A, "a")], [(U, "q2"), (A, "a")], ["empty-answer"]),
        ([(U, "q"), (A, "a"), (S, "new"), (U, "r"), (A, "b")], None, ["late-system"]),
        ([(S, ""), (U, "q"), (A, "a")], [(U, "q"), (A, "a")], []),
    ],
)
def test_turns_are_brought_into_order(
    said: list[tuple[str, str]], kept: list[tuple[str, str]] | None, dropped: list[str]
) -> None:
    (dialogue,) = dialogues(_said(*said))
    if kept is not None:
        assert [(turn.role, turn.content) for turn in dialogue.turns] == kept
    assert [code for code, _ in dialogue.dropped] == dropped


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        (_said((U, "q")), "no-answer"),
        (_said((U, "q"), (A, "")), "no-answer"),
        (_said((A, "a")), "no-question"),
        (_said(), "no-answer"),
        (_said((U, ""), (A, "a")), "empty-question"),
        (_said((U, "q"), ("oracle", "a")), "unknown-role"),
        ({"messages": [{"content": "q"}]}, "unknown-role"),
        (_said((U, "q"), ("tool", "x"), (A, "a")), "tool-calls"),
        ({"messages": [{"role": A, "tool_calls": [{"id": "1"}], "content": None}]}, "tool-calls"),
        ({"messages": [{"role": U, "content": [{"type": "image_url"}]}]}, "not-text"),
        ({"messages": [{"role": U, "content": 7}]}, "not-text"),
        ({**_said((U, "q"), (A, "a")), "images": ["x.png"]}, "not-text"),
        ({**_said((U, "q"), (A, "a")), "label": False}, "rejected-answer"),
        ({"prompt": "q", "chosen": "a", "rejected": "b"}, "preference"),
        ({"prompt": "q", "completion": ""}, "no-answer"),
        ({"prompt": "q", "completion": [7]}, "not-text"),
        ({"text": "only prose"}, "no-turns"),
        ({"loss": 0.3}, "unknown-layout"),
        ({}, "unknown-layout"),
    ],
)
def test_records_that_are_refused(fields: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused) as caught:
        dialogues(fields)
    assert caught.value.code in (code, "empty-answer" if code == "no-answer" else code)
    assert caught.value.reason


def test_halves_of_characters_become_replacements_and_pairs_are_joined() -> None:
    assert clean("a\ud800b\x00c\r\nd") == "a\ufffdb\ufffdc\nd"
    assert clean("\ud83d\ude00") == "😀"


def test_further_columns_are_metadata() -> None:
    fields = {
        "prompt": "q",
        "completion": "a",
        "topic": "rope",
        "index": 3,
        "good": True,
        "list": [1],
        "none": None,
        "metadata": {"type": "synthetic", "deep": {}},
    }
    assert metadata_of(fields) == {
        "topic": "rope",
        "index": "3",
        "good": "true",
        "type": "synthetic",
    }


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"created_at": "2024-03-13T14:48:37Z"}, "2024-03-13"),
        ({"create_time": 1750537482.97}, "2025-06-21"),
        ({"timestamp": 1750537482970}, "2025-06-21"),
        ({"timestamp": 12}, ""),
        ({"metadata": {"generated_at": "2026-01-02T11:38:50"}}, "2026-01-02"),
        ({"date": True}, ""),
        ({}, ""),
    ],
)
def test_dates(fields: dict[str, Any], expected: str) -> None:
    assert date_of(fields) == expected


def test_titles() -> None:
    assert title_of({"title": " The\nrope ", "name": "x"}) == "The rope"
    assert title_of({"title": "", "name": "x"}) == "x"
    assert title_of({"title": 3}) == ""
