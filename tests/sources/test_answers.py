"""What a list means where an answer is expected: by the shapes that data sets document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.models import Document, Skipped
from engine.sources import read


def found(
    path: Path, rows: list[Any], options: dict[str, str] | None = None
) -> tuple[list[Document], list[Skipped]]:
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    skipped: list[Skipped] = []
    documents = list(read("instructions", path, options=options or {}, on_skip=skipped.append))
    return documents, skipped


STEPS = ["1. Boil the water.", "", "2. Add the tea."]


@pytest.mark.parametrize(
    ("row", "answer", "others"),
    [
        # The features of SQuAD without its places, ELI5, NarrativeQA and TriviaQA.
        ({"question": "Where?", "answers": {"text": ["Bucharest", "in Bucharest"]}},
         "Bucharest", ["in Bucharest"]),
        ({"question": "Why?", "answers": {"text": ["So.", "Because."], "score": [3, 9]}},
         "Because.", ["So."]),
        ({"question": "Who?", "answers": [{"text": "Mark Hunter", "tokens": ["Mark", "Hunter"]},
                                          {"text": "He is Mark.", "tokens": []}]},
         "Mark Hunter", ["He is Mark."]),
        ({"question": "Who?", "answer": {"value": "Sinclair Lewis", "aliases": ["Harry Lewis"]}},
         "Sinclair Lewis", ["Harry Lewis"]),
        # Web Questions, BIG-bench, Super-NaturalInstructions, NQ Open.
        ({"question": "What is spoken?", "answers": ["Patois", "English"]}, "Patois", ["English"]),
        ({"input": "1 + 1 =", "target": ["2", "two"]}, "2", ["two"]),
        ({"instruction": "Say it.", "instances": [{"input": "x", "output": ["a b", "c d"]}]},
         "a b", ["c d"]),
        ({"question": "when was it", "answer": ["14 December 1972 UTC", "December 1972"]},
         "14 December 1972 UTC", ["December 1972"]),
        # Texts written as lists of their lines.
        ({"instruction": "Make tea.", "output": STEPS}, "\n".join(STEPS), []),
        ({"prompt": "Which primary colours are there?", "response": ["Red", "Yellow", "Blue"]},
         "Red\nYellow\nBlue", []),
        ({"question": "Which primary colours are there?", "answer": ["Red", "Yellow", "Blue"]},
         "Red\nYellow\nBlue", []),
        ({"prompt": "Show it.", "completion": ["def f():\n", "    return 1\n"]},
         "def f():\n    return 1", []),
    ],
)  # fmt: skip
def test_a_list_is_kept_whole(
    tmp_path: Path, row: dict[str, Any], answer: str, others: list[str]
) -> None:
    (document,), _ = found(tmp_path / "rows.jsonl", [row])
    assert document.turns[-1].content == answer
    assert [other.content for other in document.alternatives] == others


def test_a_guess_is_said_once_a_file_and_a_person_can_set_what_a_list_is(tmp_path: Path) -> None:
    rows = [
        {"question": f"Which {what}?", "answer": [f"{what} one", "another"]}
        for what in ("rope", "knot")
    ]
    documents, skipped = found(tmp_path / "rows.jsonl", rows)
    assert documents[0].turns[1].content == "rope one\nanother"
    (note,) = skipped
    assert (note.code, note.line) == ("list-guessed", 0)
    assert "2 records" in note.reason
    assert "lists=answers" in note.reason
    documents, skipped = found(tmp_path / "rows.jsonl", rows, {"lists": "answers"})
    assert [document.turns[1].content for document in documents] == ["rope one", "knot one"]
    assert not skipped


@pytest.mark.parametrize("layout", ["jsonl", "list", "indented", "nested"])
def test_what_pandas_writes_for_an_empty_cell_is_no_word(tmp_path: Path, layout: str) -> None:
    pandas = pytest.importorskip("pandas")

    cells = [None, "twice", float("inf"), float("-inf")]
    table = pandas.DataFrame(
        {
            "instruction": [f"Name {number} birds" for number in range(4)],
            "input": pandas.Series(cells, dtype=object).where(
                lambda held: held.notna(), float("nan")
            ),
            "output": ["Wren"] * 4,
        }
    )
    rows = table.to_dict("records")
    path = tmp_path / ("rows.jsonl" if layout == "jsonl" else "rows.json")
    text = json.dumps({"data": rows} if layout == "nested" else rows,
                      indent=1 if layout == "indented" else None)  # fmt: skip
    path.write_text("\n".join(map(json.dumps, rows)) if layout == "jsonl" else text)
    assert {"NaN", "-Infinity"} <= set(path.read_text().replace(",", " ").split())
    asked = [document.turns[0].content for document in read("instructions", path)]
    assert asked == ["Name 0 birds", "Name 1 birds\n\ntwice", "Name 2 birds", "Name 3 birds"]
