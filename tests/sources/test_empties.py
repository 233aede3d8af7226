"""Words for no value: empty cells of a table of text, and somebody's text elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.models import Skipped
from engine.sources import read

# What the documentation of pandas.read_csv lists for na_values, in its order.
NA_VALUES = (
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip


def _read(path: Path) -> tuple[list[list[str]], list[tuple[str, str]]]:
    skipped: list[Skipped] = []
    documents = list(read("instructions", path, "s", on_skip=skipped.append))
    texts = [[turn.content for turn in document.turns] for document in documents]
    return texts, [(skip.code, skip.reason) for skip in skipped]


@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_cells_that_pandas_takes_for_missing_are_empty(tmp_path: Path, delimiter: str) -> None:
    words = (*NA_VALUES, "inf", "-inf")
    rows = [["question", "answer", "input"]]
    rows += [[f"What is {at}?", word, ""] for at, word in enumerate(words)]
    rows += [["What is it about?", "Bread.", word] for word in words]
    rows += [["Which bread?", "Nan is a bread and None a word.", "info"]]
    path = tmp_path / "a.csv"
    path.write_text("".join(delimiter.join(row) + "\n" for row in rows))
    texts, skipped = _read(path)
    assert texts == [["What is it about?", "Bread."]] * len(words) + [
        ["Which bread?\n\ninfo", "Nan is a bread and None a word."]
    ]
    assert [code for code, _ in skipped].count("empty-answer") == len(words)
    (told,) = [reason for code, reason in skipped if code == "empty-cell"]
    assert told.startswith(f"{2 * len(words)} cells hold nothing but a word for no value")
    assert "answer, input" in told


def test_formats_with_an_empty_value_of_their_own_keep_answers_and_tell(tmp_path: Path) -> None:
    rows = [
        {"question": "Which of these is a mammal?", "answer": "None", "input": "nan"},
        {"question": "What is 1/0 in floats?", "answer": "inf", "input": "<noinput>"},
        {"question": "And what is missing?", "answer": None, "input": None},
    ]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    for name in ("a.jsonl", "a.parquet"):
        texts, skipped = _read(tmp_path / name)
        assert texts == [
            ["Which of these is a mammal?", "None"],
            ["What is 1/0 in floats?", "inf"],
        ]
        assert [code for code, _ in skipped[1:]] == ["empty-cell", "empty-cell"]
        assert "nan 1, <noinput> 1; in input" in skipped[1][1]
        assert "None 1; in answer" in skipped[2][1]
