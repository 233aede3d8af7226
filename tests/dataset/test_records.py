"""Which rows come from one record: by the record, not by the line that it stands on."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.dataset.candidates import Candidate
from engine.dataset.groups import group
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


def examples(
    path: Path, kind: str, options: Mapping[str, str], source: str = "source"
) -> Iterator[Example]:
    for document in read(kind, path, source, options=options):
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


def joined(found: list[Example]) -> list[set[str]]:
    """The same of the groups that a freeze makes."""
    rows = [
        Candidate(row_of(Card(example, example.turns, "approved", False, number)))
        for number, example in enumerate(found)
    ]
    made = group(rows, same_question=False, near_text=False).groups
    return sorted(({spoken_of(found[at]) for at in places} for places in made), key=sorted)


def app_of_today(name: str, exchanges: int) -> dict[str, Any]:
    return {"id": f"id of {name}", **messages(name, exchanges)}


def numbered(name: str, exchanges: int) -> dict[str, Any]:
    """A conversation of an app that numbers them, as many databases do."""
    number = ("ada", "bo", "cy").index(name)
    return {"session_id": number, **messages(name, exchanges), "title": f"About {name}"}


@pytest.mark.parametrize("record", [chat, app_of_today, numbered])
def test_an_older_and_a_newer_export_hold_the_same_conversations(
    tmp_path: Path, record: Any
) -> None:
    for folder, names, size in (("2024", ("ada", "bo"), 8), ("2025", ("cy", "bo", "ada"), 15)):
        (tmp_path / folder).mkdir()
        made = [record(name, size) for name in names]
        (tmp_path / folder / "conversations.json").write_text(json.dumps(made))
    apart = [{"ada"}, {"bo"}, {"cy"}]
    # One source of two files, and two sources.
    assert joined(list(examples(tmp_path, "conversations", {}))) == apart
    sources = [
        one
        for folder in ("2024", "2025")
        for one in examples(tmp_path / folder, "conversations", {}, folder)
    ]
    assert joined(sources) == apart


def test_rows_that_a_data_set_numbers_are_no_conversation(tmp_path: Path) -> None:
    for name in ("ada", "bo"):
        rows = [{"id": at, **messages(f"{name}{at}", 1)} for at in range(3)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert len(joined(list(examples(tmp_path, "instructions", {})))) == 6


def sharegpt(identifier: str, name: str) -> dict[str, Any]:
    said = [{"from": "human", "value": f"{name} asked"}, {"from": "gpt", "value": f"{name} said"}]
    return {"id": identifier, "conversations": said}


@pytest.mark.parametrize("kind", ["conversations", "instructions"])
def test_parts_of_a_conversation_have_one_id_and_a_running_number(
    tmp_path: Path, kind: str
) -> None:
    # As ShareGPT_Vicuna_unfiltered has them: "QWJhYvA_0", "QWJhYvA_1".
    path = tmp_path / "sharegpt.json"
    parts = [("QWJhYvA", 4), ("i6IyJda", 1), ("A5AbcES", 3)]
    path.write_text(json.dumps([
        sharegpt(f"{stem}_{at}", stem) for stem, count in parts for at in range(count)
    ]))  # fmt: skip
    found = [replace(one, id=f"{one.id}{at}") for at, one in enumerate(examples(path, kind, {}))]
    assert joined(found) == [{"A5AbcES"}, {"QWJhYvA"}, {"i6IyJda"}]
    # The seed tasks of self-instruct, as one file of messages.
    path.write_text(json.dumps([sharegpt(f"seed_task_{at}", f"task{at}") for at in range(9)]))
    assert len(joined(list(examples(path, kind, {})))) == 9


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
