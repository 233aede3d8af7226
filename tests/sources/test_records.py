from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.sources.files import MAX_TEXT_BYTES, Refused
from engine.sources.records import records


def _all(path: Path) -> tuple[list[tuple[int, Any]], list[tuple[int, str]]]:
    problems: list[tuple[int, str]] = []
    found = records(path, lambda line, code, _: problems.append((line, code)))
    return [(record.line, dict(record.fields)) for record in found], problems


def _file(tmp_path: Path, name: str, content: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_jsonl_line_by_line(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.jsonl", '{"a": 1}\n\n{"a": 2}\r\n{"a": 3}')
    assert _all(path) == ([(1, {"a": 1}), (3, {"a": 2}), (4, {"a": 3})], [])


def test_a_damaged_line_costs_itself_alone(tmp_path: Path) -> None:
    lines = [b'{"a": 1}', b'{"a": ', b"[1]", b'{"a": "\xff"}', b"[" * 100_000, b'{"a": 5}']
    found, problems = _all(_file(tmp_path, "a.jsonl", b"\n".join(lines)))
    assert found == [(1, {"a": 1}), (6, {"a": 5})]
    assert problems == [
        (2, "malformed-json"),
        (3, "not-a-record"),
        (4, "not-utf8"),
        (5, "malformed-json"),
    ]


def test_a_line_without_end_is_left_out_and_the_next_is_read(tmp_path: Path) -> None:
    long = b'{"a": "' + b"x" * MAX_TEXT_BYTES + b'"}'
    found, problems = _all(_file(tmp_path, "a.jsonl", b'{"a": 1}\n' + long + b'\n{"a": 3}\n'))
    assert found == [(1, {"a": 1}), (3, {"a": 3})]
    assert problems == [(2, "too-long")]


def test_an_array_gives_each_element_its_line(tmp_path: Path) -> None:
    text = json.dumps([{"a": 1}, {"a": 2}], indent=2)
    assert _all(_file(tmp_path, "a.json", text))[0] == [(2, {"a": 1}), (5, {"a": 2})]
    assert _all(_file(tmp_path, "b.json", '[{"a": 1}, {"a": 2}]'))[0] == [
        (1, {"a": 1}),
        (1, {"a": 2}),
    ]


def test_a_damaged_element_of_an_indented_array_costs_itself_alone(tmp_path: Path) -> None:
    text = '[\n  {\n    "a": 1\n  },\n  {\n    "a": oops\n  },\n  {\n    "a": 3\n  }\n]'
    found, problems = _all(_file(tmp_path, "a.json", text))
    assert found == [(2, {"a": 1}), (8, {"a": 3})]
    assert problems == [(6, "malformed-json")]


def test_a_file_that_is_cut_off(tmp_path: Path) -> None:
    found, problems = _all(_file(tmp_path, "a.json", '[\n{"a": 1},\n{"a"'))
    assert found == [(2, {"a": 1})]
    assert problems == [(3, "malformed-json")]


@pytest.mark.parametrize(
    ("name", "content", "count"),
    [
        ("one.json", '{\n "messages": []\n}', 1),
        ("lines.json", '{"a": 1}\n{"a": 2}\n', 2),
        ("array.jsonl", '[{"a": 1},\n {"a": 2}]', 2),
        ("pretty.jsonl", '{\n  "a": 1\n}', 1),
        ("box.json", '{"conversations": [{"messages": []}, {"messages": []}]}', 2),
        ("talk.json", '{"conversations": [{"from": "human", "value": "x"}]}', 1),
        ("bom.json", b'\xef\xbb\xbf[{"a": 1}]', 1),
        ("bom.jsonl", b'\xef\xbb\xbf{"a": 1}\n{"a": 2}', 2),
        ("none.json", "[]", 0),
    ],
)
def test_the_content_decides_how_a_file_is_read(
    tmp_path: Path, name: str, content: str | bytes, count: int
) -> None:
    found, problems = _all(_file(tmp_path, name, content))
    assert (len(found), problems) == (count, [])


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b'{"a": "\x00"}', "binary"),
        ('{"a": 1}'.encode("utf-16"), "not-utf8"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "lfs-pointer"),
        (b'[{"a": "caf\xe9"}]', "not-utf8"),
    ],
)
def test_files_that_are_refused(tmp_path: Path, content: bytes, code: str) -> None:
    with pytest.raises(Refused) as caught:
        _all(_file(tmp_path, "a.json", content))
    assert caught.value.code == code
