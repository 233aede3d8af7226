"""The same rows give the same conversations, whatever file they are written to."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from engine.invisible import is_blank
from engine.models import Turn
from engine.sources import detect_as
from engine.sources.columns import ROLES
from engine.sources.empties import is_empty_cell, is_no_value
from tests.sources.instructions.golden import read
from tests.support.properties import tries

_HERE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
Row = dict[str, str]

said = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r")
    | st.sampled_from(list(",;|\t\"'\n\\ ")),
    min_size=1,
    max_size=40,
).filter(lambda text: not is_blank(text) and "<|" not in text and "###" not in text)
plain = said.filter(
    lambda text: (
        not set(":：[") & set(text)
        # Such words are empty cells of a table of text; see test_empties.
        and not (is_empty_cell(text) or is_no_value(text))
    )
)
rows = st.lists(
    st.fixed_dictionaries(
        {"instruction": plain, "input": st.just("") | plain, "output": plain, "topic": plain}
    ),
    min_size=1,
    max_size=8,
)


def to_jsonl(made: list[Row], path: Path) -> None:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in made), encoding="utf-8")


def to_json(made: list[Row], path: Path) -> None:
    path.write_text(json.dumps(made, indent=1, ensure_ascii=False), encoding="utf-8")


def to_parquet(made: list[Row], path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(made), path, row_group_size=3)


def to_feather(made: list[Row], path: Path) -> None:
    feather.write_feather(pa.Table.from_pylist(made), path)


def to_arrow(made: list[Row], path: Path) -> None:
    table = pa.Table.from_pylist(made)
    with pa.ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=2)


def to_csv(made: list[Row], path: Path, **options: Any) -> None:
    stream = io.StringIO(newline="")
    encoding = options.pop("encoding", "utf-8")
    writer = csv.DictWriter(stream, list(made[0]), **options)
    writer.writeheader()
    writer.writerows(made)
    path.write_bytes(stream.getvalue().encode(encoding))


def turns_of(path: Path) -> list[tuple[Turn, ...]]:
    documents, skipped = read(path)
    assert not skipped
    return [document.turns for document in documents]


WRITERS: dict[str, Callable[[list[Row], Path], None]] = {
    "a.json": to_json,
    "a.parquet": to_parquet,
    "a.feather": to_feather,
    "a.arrow": to_arrow,
    "wrong.json": to_parquet,
    "none": to_jsonl,
}


@pytest.mark.parametrize("name", WRITERS)
@settings(_HERE, max_examples=tries(25))
@given(made=rows)
def test_rows_of_any_format(tmp_path: Path, name: str, made: list[Row]) -> None:
    to_jsonl(made, tmp_path / "a.jsonl")
    WRITERS[name](made, tmp_path / name)
    expected = turns_of(tmp_path / "a.jsonl")
    assert len(expected) == len(made)
    assert turns_of(tmp_path / name) == expected


@_HERE
@given(
    made=rows,
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    ending=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_tables_of_text(
    tmp_path: Path, made: list[Row], delimiter: str, quoting: int, ending: str, encoding: str
) -> None:
    to_jsonl(made, tmp_path / "a.jsonl")
    path = tmp_path / "a.csv"
    to_csv(
        made, path, delimiter=delimiter, quoting=quoting, lineterminator=ending, encoding=encoding
    )
    assert turns_of(path) == turns_of(tmp_path / "a.jsonl")


@_HERE
@given(made=rows)
def test_what_was_detected_can_be_set_and_changes_nothing(tmp_path: Path, made: list[Row]) -> None:
    path = tmp_path / "a.jsonl"
    to_jsonl(made, path)
    found = detect_as("instructions", path)
    assert set(found.options) <= set(ROLES)
    assert all(found.options[role] in found.choices[role] for role in found.options)
    assert read(path, found.options) == read(path)


@_HERE
@given(
    talk=st.lists(plain.map(str.strip), min_size=2, max_size=6).filter(lambda t: len(t) % 2 == 0),
    system=st.just("") | plain.map(str.strip),
)
def test_a_talk_in_any_layout(tmp_path: Path, talk: list[str], system: str) -> None:
    assume(all("\n" not in text for text in talk))
    roles = ["user", "assistant"] * (len(talk) // 2)
    pairs = [("system", system)] * bool(system) + list(zip(roles, talk, strict=True))
    names = {"user": "human", "assistant": "gpt", "system": "system"}
    chatml = "".join(f"<|im_start|>{role}\n{text}<|im_end|>\n" for role, text in pairs)
    llama = "".join(
        f"<|start_header_id|>{role}<|end_header_id|>\n\n{text}<|eot_id|>" for role, text in pairs
    )
    written: list[dict[str, Any]] = [
        {"messages": [{"role": role, "content": text} for role, text in pairs]},
        {"conversations": [{"from": names[role], "value": text} for role, text in pairs]},
        {"messages": json.dumps([{"role": role, "content": text} for role, text in pairs])},
        {"conversations": {"from": [r for r, _ in pairs], "value": [t for _, t in pairs]}},
        {"text": chatml},
        {"text": f"<|begin_of_text|>{llama}"},
        {"text": "".join(f"<|{role}|>\n{text}\n" for role, text in pairs)},
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in written), encoding="utf-8")
    found = turns_of(path)
    assert len(found) == len(written)
    assert set(found) == {tuple(Turn(role, text) for role, text in pairs)}  # type: ignore[arg-type]
