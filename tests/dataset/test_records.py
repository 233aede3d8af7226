"""Which rows come from one record: by the record, not by the line that it stands on."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.dataset.rows import Row, row_of
from engine.extract import extract
from engine.models import Card, Example
from engine.sources import read


def chat(name: str, exchanges: int) -> dict[str, Any]:
    """A conversation as ChatGPT exports it, whose last answer was asked for twice."""
    mapping: dict[str, Any] = {"root": {"message": None, "parent": None, "children": ["0"]}}
    parent = "root"
    for number in range(2 * exchanges):
        role = "assistant" if number % 2 else "user"
        parts = {"content_type": "text", "parts": [f"{name} said {number}"]}
        message = {"author": {"role": role}, "content": parts}
        mapping[str(number)] = {"message": message, "parent": parent}
        parent = str(number)
    other = {"content_type": "text", "parts": [f"{name} asked otherwise"]}
    mapping["other"] = {
        "message": {"author": {"role": "user"}, "content": other},
        "parent": mapping[str(2 * exchanges - 2)]["parent"],
    }
    answer = {"content_type": "text", "parts": [f"{name} answered otherwise"]}
    mapping["end"] = {
        "message": {"author": {"role": "assistant"}, "content": answer},
        "parent": "other",
    }
    return {"id": name, "title": "Chat", "mapping": mapping, "current_node": parent}


def messages(name: str, exchanges: int) -> dict[str, Any]:
    said = [f"{name} said {number}" for number in range(2 * exchanges)]
    roles = ("user", "assistant")
    return {
        "title": "Chat",
        "messages": [
            {"role": roles[at % 2], "content": text, "timestamp": at}
            for at, text in enumerate(said)
        ],
    }


def instances(name: str, exchanges: int) -> dict[str, Any]:
    """A task with several cases, as the seed tasks of self-instruct have them."""
    cases = [{"input": f"{name} in {at}", "output": f"out {at}"} for at in range(exchanges)]
    return {"name": name, "instruction": f"{name}?", "instances": cases}


def examples(path: Path, kind: str, options: Mapping[str, str]) -> Iterator[Example]:
    for document in read(kind, path, options=options):
        yield from extract(document)


def spoken_of(example: Example) -> str:
    """The record that an example comes from, by the name with which its first turn begins."""
    return next(turn.content.split()[0] for turn in example.turns).strip("?")


def groups(found: list[Example]) -> list[set[str]]:
    """The records of each group of rows; a record that is in several groups is there as often."""
    made: defaultdict[str, set[str]] = defaultdict(set)
    for number, example in enumerate(found):
        row: Row = row_of(Card(example, example.turns, "approved", False, number))
        made[row.group].add(spoken_of(example))
    return sorted(made.values(), key=sorted)


@pytest.mark.parametrize(
    ("kind", "record", "options"),
    [
        ("conversations", chat, {"branches": "all"}),
        ("conversations", messages, {}),
        ("instructions", instances, {}),
    ],
)
@pytest.mark.parametrize("layout", ["one line", "indented", "jsonl"])
def test_rows_of_one_record_are_one_group_however_the_file_is_written(
    tmp_path: Path, kind: str, record: Any, options: Mapping[str, str], layout: str
) -> None:
    made = [record(name, size) for name, size in (("ada", 8), ("bo", 1), ("cy", 4))]
    lines = "\n".join(map(json.dumps, made))
    text = json.dumps(made, indent=1 if layout == "indented" else None)
    path = tmp_path / ("all.jsonl" if layout == "jsonl" else "all.json")
    path.write_text(lines if layout == "jsonl" else text)
    found = list(examples(path, kind, options))
    assert len(found) > len(made)
    apart = [{"ada"}, {"bo"}, {"cy"}]
    assert groups(found) == apart
    # An export of another day has them in another order.
    path.write_text(json.dumps(made[::-1]))
    if record is chat:
        assert groups([*found, *examples(path, kind, options)]) == apart


def test_a_workspace_that_knows_no_records_goes_by_conversation_document_or_line(
    tmp_path: Path,
) -> None:
    def before(example: Example) -> Example:
        return replace(example, provenance=replace(example.provenance, record=""))

    chats, rows = tmp_path / "chats.json", tmp_path / "rows.jsonl"
    chats.write_text(json.dumps([chat("ada", 8), chat("bo", 1)]))
    found = [before(one) for one in examples(chats, "conversations", {"branches": "all"})]
    assert groups(found) == [{"ada"}, {"bo"}]
    said = [messages("ada", 8), messages("bo", 1)]
    chats.write_text(json.dumps(said))
    found = [before(one) for one in examples(chats, "conversations", {})]
    assert groups(found) == [{"ada"}, {"bo"}]
    rows.write_text("\n".join(json.dumps(instances(name, 3)) for name in ("zed", "ada", "bo")))
    found = [before(one) for one in examples(rows, "instructions", {})]
    assert [one for one in groups(found) if one != {"zed"}] == [{"ada"}, {"bo"}]
