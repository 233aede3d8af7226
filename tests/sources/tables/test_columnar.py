from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from engine.sources import Item, Refused
from engine.sources.tables import rows
from engine.sources.tables.cells import MAX_ROW
from tests.sources.tables.support import table, written

TABLE = pa.table(
    {
        "prompt": [f"Question {n}? " * 40 for n in range(400)],
        "completion": [f"Answer {n}. " * 40 for n in range(400)],
    }
)


def _parquet(path: Path, made: pa.Table, **options: Any) -> Path:
    pq.write_table(made, path, compression="none", **options)
    return path


def _stream(path: Path, made: pa.Table, size: int = 100) -> Path:
    with pa.ipc.new_stream(path, made.schema) as writer:
        writer.write_table(made, max_chunksize=size)
    return path


def test_values_become_those_of_json(tmp_path: Path) -> None:
    made = pa.table(
        {
            "prompt": ["q"],
            "when": [datetime.datetime(2024, 5, 1, 12, tzinfo=datetime.UTC)],
            "day": [datetime.date(2024, 5, 1)],
            "price": pa.array(["1.50"], pa.string()).cast(pa.decimal128(5, 2)),
            "bytes": pa.array(["größe".encode()], pa.binary()),
            "nan": [float("nan")],
            "gone": pa.array([None], pa.string()),
            "talk": [[{"from": "human", "value": "q", "weight": None}]],
            "vector": [[0.5, 0.25]],
            "ids": pa.array([[1, 2]], pa.list_(pa.int32(), 2)),
        }
    )
    for path in (_parquet(tmp_path / "a.parquet", made), _stream(tmp_path / "a.arrow", made)):
        ((line, row),), problems = table(path)
        assert not problems
        assert line == 1
        assert row == {
            "prompt": "q",
            "when": "2024-05-01T12:00:00+00:00",
            "day": "2024-05-01",
            "price": "1.50",
            "bytes": "größe",
            "nan": None,
            "talk": [{"from": "human", "value": "q"}],
        }


def test_rows_are_numbered_over_groups_and_batches(tmp_path: Path) -> None:
    paths = [
        _parquet(tmp_path / "a.parquet", TABLE, row_group_size=150),
        _stream(tmp_path / "a.arrow", TABLE),
        tmp_path / "a.feather",
    ]
    feather.write_feather(TABLE, paths[2])
    for path in paths:
        found, problems = table(path)
        assert not problems
        assert [line for line, _ in found] == list(range(1, 401))
        assert found[399][1]["prompt"].startswith("Question 399?")


def test_progress_ends_near_the_size(tmp_path: Path) -> None:
    for path in (_parquet(tmp_path / "a.parquet", TABLE), _stream(tmp_path / "a.arrow", TABLE)):
        seen: list[int] = []
        _, stream = rows(Item.of(path, path.name), lambda *_: None, on_bytes=seen.append)
        list(stream)
        size = path.stat().st_size
        assert seen == sorted(seen)
        assert 0.9 * size <= seen[-1] <= size


def test_a_damaged_row_group_costs_itself(tmp_path: Path) -> None:
    path = _parquet(tmp_path / "a.parquet", TABLE, row_group_size=100, use_dictionary=False)
    place = pq.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    data = bytearray(path.read_bytes())
    data[place : place + 2000] = b"\xff" * 2000
    found, problems = table(written(tmp_path, "b.parquet", bytes(data)))
    assert problems == [(101, "damaged")]
    assert [line for line, _ in found] == [*range(1, 101), *range(201, 401)]


def test_a_stream_that_is_cut_off_gives_what_it_has(tmp_path: Path) -> None:
    data = _stream(tmp_path / "a.arrow", TABLE).read_bytes()
    found, problems = table(written(tmp_path, "b.arrow", data[: len(data) // 2]))
    assert 100 <= len(found) < 400
    assert problems == [(len(found) + 1, "damaged")]


@pytest.mark.parametrize("suffix", [".parquet", ".arrow", ".feather"])
def test_files_that_are_no_tables(tmp_path: Path, suffix: str) -> None:
    whole = _parquet(tmp_path / "w.parquet", TABLE).read_bytes()
    for content in (b"words", whole[: len(whole) // 2], b"ARROW1\x00\x00", b"\xff\xff\xff\xff" * 9):
        with pytest.raises(Refused) as caught:
            table(written(tmp_path, f"a{suffix}", content))
        assert caught.value.code == "damaged"


def test_bytes_that_are_no_text_cost_their_row(tmp_path: Path) -> None:
    made = pa.table({"prompt": pa.array([b"a", b"\xff", b"c"], pa.binary())})
    for path in (_parquet(tmp_path / "a.parquet", made), _stream(tmp_path / "a.arrow", made)):
        found, problems = table(path)
        assert [line for line, _ in found] == [1, 3]
        assert problems == [(2, "not-utf8")]


def test_a_large_row_costs_itself(tmp_path: Path) -> None:
    made = pa.table({"prompt": ["a", "x" * (10 * MAX_ROW), "c"]})
    for path in (_parquet(tmp_path / "a.parquet", made), _stream(tmp_path / "a.arrow", made)):
        found, problems = table(path)
        assert [line for line, _ in found] == [1, 3]
        assert problems == [(2, "too-long")]


@pytest.mark.parametrize(
    ("made", "code"),
    [
        ({"image": [{"bytes": b"x", "path": "a.png"}], "question": ["q"]}, "not-text"),
        ({"images": [[{"bytes": b"x", "path": "a.png"}]], "question": ["q"]}, "not-text"),
        ({"audio": [b"RIFF"], "text": ["q"]}, "not-text"),
        ({"x": [1], "y": [0.5]}, "no-text"),
        ({"input_ids": [[1, 2]], "labels": [[1, 2]]}, "no-text"),
    ],
)
def test_tables_of_something_else(tmp_path: Path, made: dict[str, Any], code: str) -> None:
    for path in (
        _parquet(tmp_path / "a.parquet", pa.table(made)),
        _stream(tmp_path / "a.arrow", pa.table(made)),
    ):
        with pytest.raises(Refused) as caught:
            table(path)
        assert caught.value.code == code
