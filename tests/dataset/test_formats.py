from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.dataset import FORMATS, export, freeze
from engine.dataset.formats import to_chat, to_completion, to_instruction
from engine.errors import DatasetRefused, FormatUnknown, UsageError
from engine.models import Role, Turn
from engine.sources.items import Item
from engine.sources.records import records
from engine.sources.turns import dialogues
from engine.workspace import Workspace
from tests.dataset.support import Note, approve, note, notes

MARKERS = re.compile(r"(?:^|\n)<\|(system|user|assistant)\|>\n")

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
plain = texts.filter(lambda text: "<|" not in text)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def parsed(text: str) -> tuple[Turn, ...]:
    """Read the completion form back, by its definition."""
    _, *parts = MARKERS.split(text)
    roles: dict[str, Role] = {"system": "system", "user": "user", "assistant": "assistant"}
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return tuple(Turn(roles[role], content) for role, content in pairs)


@given(st.lists(st.tuples(st.sampled_from(["system", "user", "assistant", "tool"]), texts)))
def test_chat_keeps_everything(made: list[tuple[Role, str]]) -> None:
    turns = tuple(Turn(role, content) for role, content in made)
    fields = json.loads(json.dumps(to_chat(turns).fields))
    assert tuple(Turn(m["role"], m["content"]) for m in fields["messages"]) == turns


@given(texts, texts)
def test_instruction_keeps_one_question_and_its_answer(question: str, answer: str) -> None:
    converted = to_instruction((Turn("user", question), Turn("assistant", answer)))
    assert converted.fields == {"prompt": question, "completion": answer}
    assert converted.note == ""


@given(st.lists(st.tuples(st.sampled_from(["system", "user", "assistant"]), plain), min_size=1))
def test_completion_keeps_what_it_accepts(made: list[tuple[Role, str]]) -> None:
    turns = tuple(Turn(role, content) for role, content in made)
    fields = to_completion(turns).fields
    assert fields is not None
    assert parsed(fields["text"]) == turns


def test_the_forms_are_those_of_other_tools() -> None:
    turns = (Turn("user", "Cine ești?"), Turn("assistant", "Sunt NOVA, un asistent AI..."))
    assert to_completion(turns).fields == {
        "text": "<|user|>\nCine ești?\n<|assistant|>\nSunt NOVA, un asistent AI..."
    }
    assert to_instruction(turns).fields == {
        "prompt": "Cine ești?",
        "completion": "Sunt NOVA, un asistent AI...",
    }
    assert to_chat(turns).fields == {
        "messages": [
            {"role": "user", "content": "Cine ești?"},
            {"role": "assistant", "content": "Sunt NOVA, un asistent AI..."},
        ]
    }


def test_what_comes_before_is_written_into_the_prompt_and_said() -> None:
    pair = (Turn("user", "Q1"), Turn("assistant", "A1"))
    talk = to_instruction((*pair, Turn("user", "Q2"), Turn("assistant", "A2")))
    assert talk.fields == {
        "prompt": "<|user|>\nQ1\n<|assistant|>\nA1\n<|user|>\nQ2\n<|assistant|>\n",
        "completion": "A2",
    }
    assert talk.note == "earlier turns written into the prompt"
    system = to_instruction((Turn("system", "S"), *pair))
    assert system.fields == {
        "prompt": "<|system|>\nS\n<|user|>\nQ1\n<|assistant|>\n",
        "completion": "A1",
    }
    assert system.note == "system message written into the prompt"


@pytest.mark.parametrize(
    ("format", "turns", "code"),
    [
        ("instruction", (Turn("user", "Q"),), "last-not-answer"),
        ("instruction", (), "last-not-answer"),
        ("completion", (Turn("tool", "T"), Turn("assistant", "A")), "role"),
        ("completion", (Turn("user", "a <|user|> b"), Turn("assistant", "A")), "marker"),
        ("instruction", (Turn("tool", "T"), Turn("assistant", "A")), "role"),
    ],
)
def test_what_a_format_can_not_hold_is_refused(
    format: str, turns: tuple[Turn, ...], code: str
) -> None:
    converted = FORMATS[format](turns)
    assert (converted.fields, converted.code) == (None, code)
    assert converted.reason


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_exported_is_read_again_as_a_source(
    workspace: Workspace, tmp_path: Path, format: str
) -> None:
    approve(workspace, notes(10))
    made = freeze(workspace, base=None)
    out = tmp_path / "out.jsonl"
    report = export(workspace, made.name, format, out)
    assert (report.rows, dict(report.files), report.refused) == (10, {out: 10}, ())
    problems: list[object] = []
    found = [
        dialogue.turns
        for record in records(Item.of(out, out.name), lambda *problem: problems.append(problem))
        for dialogue in dialogues(record.fields)
    ]
    expected = [row.turns for row in (*made.train_rows(), *made.validation_rows())]
    assert [[t.content.strip() for t in turns] for turns in found] == [
        [t.content for t in turns] for turns in expected
    ]
    assert problems == []


def test_a_folder_gets_both_sides_and_a_file_the_side_that_is_asked_for(
    workspace: Workspace, tmp_path: Path
) -> None:
    approve(workspace, notes(10))
    made = freeze(workspace, base=None, validation_fraction=0.2)
    both = export(workspace, "d1", "chat", tmp_path / "both")
    assert {path.name: rows for path, rows in both.files.items()} == {
        "train.jsonl": 8,
        "validation.jsonl": 2,
    }
    export(workspace, "d1", "chat", tmp_path / "v.jsonl", split="validation", metadata=True)
    (first, _) = lines(tmp_path / "v.jsonl")
    assert first["metadata"]["id"] == made.validation_rows()[0].id
    one = export(made.directory, "", "chat", tmp_path / "one", split="train")
    assert [path.name for path in one.files] == ["train.jsonl"]
    assert set(lines(tmp_path / "one" / "train.jsonl")[0]) == {"messages"}


def test_what_was_left_out_or_changed_is_reported(workspace: Workspace, tmp_path: Path) -> None:
    talk = (
        Turn("user", "Q1"),
        Turn("assistant", "A1"),
        Turn("user", "Q2"),
        Turn("assistant", "A2"),
    )
    ids = approve(
        workspace,
        [
            note("a.md", "plain?", "yes."),
            Note("b.json", talk, kind="conversation"),
            Note("c.json", (*talk, Turn("user", "unanswered")), kind="conversation"),
        ],
    )
    freeze(workspace, base=None, validation_fraction=0.4)
    report = export(workspace, "d1", "instruction", tmp_path / "x.jsonl")
    assert report.rows == 2
    assert dict(report.notes) == {"earlier turns written into the prompt": 1}
    assert [(one.example_id, one.code) for one in report.refused] == [(ids[2], "last-not-answer")]


def test_wrong_words_are_named(workspace: Workspace, tmp_path: Path) -> None:
    approve(workspace, notes(4))
    freeze(workspace, base=None)
    with pytest.raises(FormatUnknown) as caught:
        export(workspace, "d1", "alpaca", tmp_path / "x.jsonl")
    assert "chat, instruction, completion" in caught.value.hint
    with pytest.raises(UsageError, match="split"):
        export(workspace, "d1", "chat", tmp_path / "x.jsonl", split="test")
    with pytest.raises(UsageError, match="by its name it is a file"):
        export(workspace, "d1", "chat", tmp_path / "x.json")


def test_files_that_are_there_are_kept_unless_told(workspace: Workspace, tmp_path: Path) -> None:
    approve(workspace, notes(4))
    freeze(workspace, base=None)
    out = tmp_path / "x.jsonl"
    out.write_text("mine")
    with pytest.raises(UsageError, match="there already"):
        export(workspace, "d1", "chat", out)
    assert out.read_text() == "mine"
    assert export(workspace, "d1", "chat", out, overwrite=True).rows == 4


def test_a_format_that_fits_no_row_writes_nothing(workspace: Workspace, tmp_path: Path) -> None:
    approve(workspace, [note(f"{n}.md", f"<|user|> {n}", "A") for n in range(3)])
    freeze(workspace, base=None)
    with pytest.raises(DatasetRefused, match="no row of d1 fits"):
        export(workspace, "d1", "completion", tmp_path / "x.jsonl")
    assert not (tmp_path / "x.jsonl").exists()
