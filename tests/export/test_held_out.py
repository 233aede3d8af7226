"""Prompts come out of a run's dataset, those that training never saw first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.errors import DatasetMissing
from engine.export.held_out import dataset_prompts
from engine.models import Turn


def write(run: Path, name: str, *rows: list[dict[str, Any]]) -> None:
    folder = run / "dataset"
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"messages": row, "id": f"b2-{index}"}) for index, row in enumerate(rows)]
    (folder / name).write_text("\n".join(lines) + "\n", "utf-8")


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def test_held_out_ones_come_first_with_what_was_written(tmp_path: Path) -> None:
    write(tmp_path, "train.jsonl", [user("seen"), assistant("yes")])
    write(tmp_path, "validation.jsonl", [user("unseen"), assistant("no")])
    prompts = dataset_prompts(tmp_path)
    assert [(item.text, item.held_out, item.answer) for item in prompts] == [
        ("unseen", True, "no"),
        ("seen", False, "yes"),
    ]


def test_of_a_conversation_the_last_question_is_asked_in_its_context(tmp_path: Path) -> None:
    talk = [user("a"), assistant("b"), user("c"), assistant("d")]
    write(tmp_path, "validation.jsonl", [{"role": "system", "content": "s"}, *talk])
    (prompt,) = dataset_prompts(tmp_path)
    assert prompt.turns == (
        Turn("system", "s"),
        Turn("user", "a"),
        Turn("assistant", "b"),
        Turn("user", "c"),
    )
    assert prompt.answer == "d"


def test_rows_without_a_question_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, "train.jsonl", [assistant("alone")], [user("no answer")], [])
    assert dataset_prompts(tmp_path) == []


def test_a_dataset_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetMissing, match="run"):
        dataset_prompts(tmp_path / "run")
