from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.sources import KINDS
from engine.sources.base import Detection, Survey
from engine.sources.items import Item
from tests.sources.memory.app import row
from tests.sources.memory.reading import READER, as_json

GOLDEN = Path(__file__).resolve().parent / "golden"


def look(path: Path) -> Detection | None:
    files = [path] if path.is_file() else sorted(path.glob("*.*"))
    items = tuple(Item.of(file, file.name) for file in files)
    return READER.detect(Survey(path, path.is_file(), items, frozenset()))


def of(tmp_path: Path, content: Any) -> float:
    path = tmp_path / "a.json"
    path.write_text(as_json(content))
    found = look(path)
    return found.confidence if found else 0.0


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("mara.json", "15 facts, a personality with 17 traits, 1 training row"),
        ("radu.jsonl", "6 facts, a personality with 4 traits, 3 training rows"),
        ("graph.json", "4 facts"),
    ],
)
def test_what_gives_a_memory_away(name: str, why: str) -> None:
    found = look(GOLDEN / name)
    assert found is not None
    assert found.why == why
    assert found.confidence > 0.5


def test_a_memory_is_surer_than_every_other_kind(tmp_path: Path) -> None:
    brain = tmp_path / "brain.json"
    brain.write_text((GOLDEN / "mara.json").read_text())
    survey = Survey(brain, True, (Item.of(brain, brain.name),), frozenset())
    others = [reader.detect(survey) for kind, reader in KINDS.items() if kind != "memory"]
    found = look(brain)
    assert found is not None
    assert all(other is None or other.confidence < found.confidence - 0.1 for other in others)


@pytest.mark.parametrize(
    "content",
    [
        {"facts": ["I keep bees.", "I fear geese."]},
        {"identity": {"name": "Mara"}, "traits": ["dry"], "preferences": {"tea": "linden"}},
        [{"content": "I keep bees.", "importance": 4, "category": "hobbies"}],
        {"results": [{"memory": "Keeps bees", "created_at": "2025-01-01"}]},
        [{"name": "Ana", "entityType": "person", "observations": ["Plays."]}],
    ],
)
def test_memories(tmp_path: Path, content: Any) -> None:
    assert of(tmp_path, content) > 0.5


@pytest.mark.parametrize(
    "content",
    [
        {"name": "kiln", "version": "1.0.0", "description": "A tool", "scripts": {"a": "b"}},
        {"compilerOptions": {"strict": True}, "include": ["src"]},
        {"identity": {"file_name": "identity.json", "columns": {"a": "b"}}},
        [{"title": "Talk", "mapping": {"a": {"message": None, "children": []}}}],
        [{"id": 1, "price": 4.5}, {"id": 2, "price": 3}],
        [[1, 2], [3, 4]],
        ["a", "b"],
        "text",
        7,
        {},
    ],
)
def test_what_is_no_memory(tmp_path: Path, content: Any) -> None:
    assert of(tmp_path, content) < 0.15


def test_training_rows_are_left_to_the_kind_that_is_for_them(tmp_path: Path) -> None:
    rows = [row("dinner?", "at eight"), {"instruction": "a", "input": "", "output": "b"}]
    assert of(tmp_path, rows) == 0.1
    assert of(tmp_path, [{**rows[0], "source": "core_memory"}]) > 0.4


def test_a_folder_where_memories_are_the_exception(tmp_path: Path) -> None:
    (tmp_path / "brain.json").write_text(as_json({"facts": ["I keep bees."]}))
    alone = look(tmp_path)
    for number in range(9):
        (tmp_path / f"{number}.md").write_text("# A note")
    among = look(tmp_path)
    assert alone is not None
    assert among is not None
    assert among.confidence < 0.15 < alone.confidence


def test_a_long_file_is_looked_at_in_part(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    line = json.dumps({"content": "I keep bees.", "importance": 3}) + "\n"
    path.write_text(line * 300)
    found = look(path)
    assert found is not None
    assert found.why == "200 facts, in the part that was looked at"
