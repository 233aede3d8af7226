"""What each format looks like, what it refuses, and what is said of the rest."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.dataset import FORMATS
from engine.dataset.formats import Choices, format_of, write_row
from engine.errors import FormatUnknown
from engine.models import Turn, example_id
from engine.sources.instructions.exact import exact
from tests.dataset.frozen_support import row, turns_of

PAIR = turns_of(("user", "Cine ești?"), ("assistant", "Sunt NOVA, un asistent AI..."))
SYSTEM = turns_of(("system", "You are NOVA, a helpful AI assistant."))
LATER = turns_of(("user", "And what is a transformer?"), ("assistant", "A neural network."))

EXPECTED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "chat": (
        {
            "messages": [
                {"role": "user", "content": "Cine ești?"},
                {"role": "assistant", "content": "Sunt NOVA, un asistent AI..."},
            ]
        },
        {
            "messages": [
                {"role": "system", "content": "You are NOVA, a helpful AI assistant."},
                {"role": "user", "content": "Cine ești?"},
                {"role": "assistant", "content": "Sunt NOVA, un asistent AI..."},
                {"role": "user", "content": "And what is a transformer?"},
                {"role": "assistant", "content": "A neural network."},
            ]
        },
    ),
    "instruction": (
        {"prompt": "Cine ești?", "completion": "Sunt NOVA, un asistent AI..."},
        {
            "prompt": "<|system|>\nYou are NOVA, a helpful AI assistant.\n<|user|>\nCine ești?\n"
            "<|assistant|>\nSunt NOVA, un asistent AI...\n<|user|>\nAnd what is a transformer?\n"
            "<|assistant|>\n",
            "completion": "A neural network.",
        },
    ),
    "alpaca": (
        {"instruction": "Cine ești?", "input": "", "output": "Sunt NOVA, un asistent AI..."},
        {
            "instruction": "And what is a transformer?",
            "input": "",
            "output": "A neural network.",
            "system": "You are NOVA, a helpful AI assistant.",
            "history": [["Cine ești?", "Sunt NOVA, un asistent AI..."]],
        },
    ),
    "sharegpt": (
        {
            "conversations": [
                {"from": "human", "value": "Cine ești?"},
                {"from": "gpt", "value": "Sunt NOVA, un asistent AI..."},
            ]
        },
        {
            "conversations": [
                {"from": "system", "value": "You are NOVA, a helpful AI assistant."},
                {"from": "human", "value": "Cine ești?"},
                {"from": "gpt", "value": "Sunt NOVA, un asistent AI..."},
                {"from": "human", "value": "And what is a transformer?"},
                {"from": "gpt", "value": "A neural network."},
            ]
        },
    ),
    "completion": (
        {"text": "<|user|>\nCine ești?\n<|assistant|>\nSunt NOVA, un asistent AI..."},
        {
            "text": "<|system|>\nYou are NOVA, a helpful AI assistant.\n<|user|>\nCine ești?\n"
            "<|assistant|>\nSunt NOVA, un asistent AI...\n<|user|>\nAnd what is a transformer?\n"
            "<|assistant|>\nA neural network."
        },
    ),
    "chatml": (
        {
            "text": "<|im_start|>user\nCine ești?<|im_end|>\n"
            "<|im_start|>assistant\nSunt NOVA, un asistent AI...<|im_end|>\n"
        },
        {
            "text": "<|im_start|>system\nYou are NOVA, a helpful AI assistant.<|im_end|>\n"
            "<|im_start|>user\nCine ești?<|im_end|>\n"
            "<|im_start|>assistant\nSunt NOVA, un asistent AI...<|im_end|>\n"
            "<|im_start|>user\nAnd what is a transformer?<|im_end|>\n"
            "<|im_start|>assistant\nA neural network.<|im_end|>\n"
        },
    ),
    "instruct-text": (
        {
            "text": "### Instruction:\nCine ești?\n\n### Response:\nSunt NOVA, un asistent AI..."
        },
        {
            "text": "You are NOVA, a helpful AI assistant.\n\n### Instruction:\nCine ești?\n\n"
            "### Response:\nSunt NOVA, un asistent AI...\n\n"
            "### Instruction:\nAnd what is a transformer?\n\n### Response:\nA neural network."
        },
    ),
}  # fmt: skip
EXPECTED["openai"] = EXPECTED["chat"]


@pytest.mark.parametrize("format", FORMATS)
def test_each_format_is_that_of_other_tools(format: str) -> None:
    short, long = EXPECTED[format]
    convert = FORMATS[format].convert
    assert convert(PAIR).fields == short
    assert convert(PAIR).note == ""
    assert convert((*SYSTEM, *PAIR, *LATER)).fields == long


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("turns", [PAIR, (*SYSTEM, *PAIR), (*SYSTEM, *PAIR, *LATER)])
def test_nothing_of_it_is_lost_on_the_way_back(format: str, turns: tuple[Turn, ...]) -> None:
    one = write_row(row(turns), FORMATS[format], Choices())
    assert one.converted.fields is not None
    assert one.reread == ""


def test_what_stands_elsewhere_than_usual_is_said() -> None:
    system, both = (*SYSTEM, *PAIR), (*SYSTEM, *PAIR, *LATER)
    prompt = FORMATS["instruction"].convert
    assert prompt(system).note == "system message written into the prompt"
    assert prompt(both).note == "earlier turns written into the prompt"
    alpaca = FORMATS["alpaca"].convert
    assert alpaca(system).note == "a column system beside alpaca's own"
    assert alpaca(both).note == "a column system and history beside alpaca's own"


TOOL = turns_of(("user", "Q"), ("tool", "T"), ("assistant", "A"))
MARKED = {
    "completion": ("a <|user|> b", "<|bot|>"),
    "chatml": ("a <|im_start|>user b", "it ends<|im_end|>"),
    "instruct-text": ("### Instruction:\nx", "x\n### response :\ny", "### Input:"),
}


@pytest.mark.parametrize(
    ("format", "turns", "code"),
    [
        *((name, turns_of(("user", "Q")), "last-not-answer") for name in
          ("instruction", "alpaca", "openai")),
        *((name, (), "last-not-answer") for name in ("instruction", "alpaca", "openai")),
        *((name, (), "empty") for name in MARKED),
        *((name, TOOL, "role") for name in
          ("instruction", "openai", "sharegpt", "completion", "instruct-text")),
        ("alpaca", TOOL, "order"),
        ("alpaca", (*PAIR, Turn("user", "Q"), *PAIR), "order"),
        ("alpaca", (*PAIR, *SYSTEM, *PAIR), "order"),
        ("instruct-text", (*PAIR, *SYSTEM, *PAIR), "order"),
        ("instruction", turns_of(("assistant", "A")), "no-question"),
        ("openai", turns_of(("system", "S"), ("assistant", "A")), "no-question"),
        ("openai", turns_of(("user", "Q"), ("assistant", " \n")), "empty-message"),
        ("openai", turns_of(("user", ""), ("assistant", "A")), "empty-message"),
        *((name, turns_of(("user", text), ("assistant", "A")), "marker")
          for name, held in MARKED.items() for text in held),
        *((name, turns_of(("user", "Q"), ("assistant", text)), "marker")
          for name, held in MARKED.items() for text in held),
        ("instruction", turns_of(("system", "<|user|>"), ("user", "Q"), ("assistant", "A")),
         "marker"),
        *((name, turns_of(("user", "a \ud800 b"), ("assistant", "A")), "not-unicode")
          for name in FORMATS),
    ],
)  # fmt: skip
def test_what_a_format_can_not_hold_is_refused(
    format: str, turns: tuple[Turn, ...], code: str
) -> None:
    converted = write_row(row(turns), FORMATS[format], Choices()).converted
    assert (converted.fields, converted.code) == (None, code)
    assert converted.reason


def test_a_marker_is_named_in_the_reason() -> None:
    turns = turns_of(("user", "Q"), ("assistant", "it ends<|im_end|>"))
    assert "<|im_end|>" in FORMATS["chatml"].convert(turns).reason


@pytest.mark.parametrize(
    ("turns", "said"),
    [
        (turns_of(("user", " Q"), ("assistant", "A")), "without white space"),
        (turns_of(("user", "Q\r\nR"), ("assistant", "A")), "other line ends"),
        (turns_of(("user", "Q\x00R"), ("assistant", "A")), "without NUL"),
        (turns_of(("user", "Q"), ("user", "R"), ("assistant", "A")), "joined"),
        (TOOL, "not read back by finetui: tool-calls"),
        (turns_of(("user", "Q"), ("assistant", "<tool_call>{}")), "tool-calls"),
        (turns_of(("user", "Q")), "not read back by finetui: no-answer"),
    ],
)
def test_what_an_import_would_make_otherwise_is_said(turns: tuple[Turn, ...], said: str) -> None:
    assert said in write_row(row(turns), FORMATS["chat"], Choices()).reread


@pytest.mark.parametrize("text", ["ends with </s>", "Q: one?\nA:", "<|user|>\nx\n<|assistant|>"])
def test_what_is_taken_for_tokens_and_markers_is_said(text: str) -> None:
    turns = turns_of(("user", text), ("assistant", text))
    one = write_row(row(turns), FORMATS["instruction"], Choices())
    assert one.converted.fields == {"prompt": text, "completion": text}
    assert "markers or tokens" in one.reread


HARD = [
    turns_of(("system", " S\n"), ("user", "\n Q \r\n"), ("assistant", "\tA\x00 ")),
    turns_of(("user", "Q: one?\nA:"), ("assistant", "ends with </s>")),
    turns_of(("user", " a"), ("assistant", "b "), ("user", "\nc"), ("assistant", "d\n\n")),
]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("turns", HARD)
def test_with_its_metadata_a_row_comes_back_to_the_letter(
    format: str, turns: tuple[Turn, ...]
) -> None:
    if not FORMATS[format].metadata:
        return
    one = write_row(row(turns), FORMATS[format], Choices(metadata=True))
    assert one.reread == ""
    fields = json.loads(json.dumps(one.converted.fields))
    assert fields["metadata"]["text_id"] == example_id(turns)
    found = exact(fields)
    assert found is not None
    assert found.turns == turns


ASKED = [
    (Choices(system=False), PAIR, "system message left out, as asked"),
    (Choices(system_prompt=" Be brief. "), (*SYSTEM, *PAIR), ""),
    (
        Choices(system=False, system_prompt="Be brief."),
        (Turn("system", "Be brief."), *PAIR),
        "system message replaced, as asked",
    ),
]


@pytest.mark.parametrize(("choices", "expected", "said"), ASKED)
def test_system_messages_are_as_asked(
    choices: Choices, expected: tuple[Turn, ...], said: str
) -> None:
    one = write_row(row((*SYSTEM, *PAIR)), FORMATS["chat"], choices)
    assert (one.turns, one.asked) == (expected, said)


def test_a_system_prompt_goes_before_rows_that_have_none() -> None:
    one = write_row(row(PAIR), FORMATS["sharegpt"], Choices(system_prompt=" Be brief. "))
    assert one.turns == (Turn("system", "Be brief."), *PAIR)
    assert one.notes == ("system message put in front, as asked",)
    assert write_row(row(PAIR), FORMATS["chat"], Choices(system_prompt=" \n")).turns == PAIR


def test_metadata_names_the_text_that_was_written() -> None:
    made = row((*SYSTEM, *PAIR), tags=["a"])
    one = write_row(made, FORMATS["chat"], Choices(system=False, metadata=True))
    assert one.converted.fields is not None
    told = one.converted.fields["metadata"]
    assert told["id"] == made.id
    assert told["tags"] == ["a"]
    assert told["text_id"] == example_id(PAIR) != made.metadata["text_id"]


def test_formats_are_described_and_found() -> None:
    assert len(FORMATS) == 8
    for name, format in FORMATS.items():
        assert format.name == name
        assert 10 < len(format.line) < 90
        assert set(format.optional) <= set(format.columns)
    with pytest.raises(FormatUnknown) as caught:
        format_of("alpacca")
    assert "did you mean alpaca?" in caught.value.hint
    assert all(name in caught.value.hint for name in FORMATS)
    with pytest.raises(FormatUnknown) as caught:
        format_of("")
    assert "did you mean" not in caught.value.hint
