from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.sources import jsonwindow
from engine.sources.files import Item, Refused
from engine.sources.records import MAX_RECORD, records

_FILES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def _all(path: Path) -> tuple[list[tuple[int, Any]], list[tuple[int, str]]]:
    problems: list[tuple[int, str]] = []
    item = Item.of(path, path.name)
    found = records(item, lambda line, code, _: problems.append((line, code)))
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


def test_a_line_of_100_mb_is_left_out_and_the_next_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with path.open("wb") as handle:
        handle.write(b'{"a": 1}\n{"a": "')
        for _ in range(100):
            handle.write(b"x" * 1_000_000)
        handle.write(b'"}\n{"a": 3}\n')
    found, problems = _all(path)
    assert found == [(1, {"a": 1}), (3, {"a": 3})]
    assert problems == [(2, "too-long")]


_LONG = {"letters": b"x" * 1_000_000, "quotes": b'\\"' * 500_000, "brackets": b"]}" * 500_000}


@pytest.mark.parametrize("middle", _LONG.values(), ids=_LONG)
def test_an_element_of_100_mb_is_left_out_and_the_next_is_read(
    tmp_path: Path, middle: bytes
) -> None:
    path = tmp_path / "a.json"
    with path.open("wb") as handle:
        handle.write(b'[{"a": 1},\n{"a": "')
        for _ in range(100):
            handle.write(middle)
        handle.write(b'", "b": [{}]},\n{"a": 3}]')
    found, problems = _all(path)
    assert found == [(1, {"a": 1}), (3, {"a": 3})]
    assert problems == [(2, "too-long")]


@pytest.mark.parametrize("layout", ["[{}]", "[\n{}\n]", "{}\n"], ids=["line", "list", "jsonl"])
def test_a_record_that_is_too_long_is_named_and_keeps_its_number(
    tmp_path: Path, layout: str
) -> None:
    big: dict[str, Any] = {
        "title": "Big [first] talk",
        "messages": [{"role": "user", "title": "Not this"}],
    }
    big["text"] = "x" * (MAX_RECORD + 2_000_000)
    rows = [{"title": "Small"}, big, {"title": "Last"}, [1]]
    between = "\n" if layout == "{}\n" else ","
    path = tmp_path / ("a.jsonl" if between == "\n" else "a.json")
    path.write_text(layout.replace("{}", between.join(map(json.dumps, rows))))
    told: list[str] = []
    found = list(records(Item.of(path, path.name), lambda *problem: told.append(problem[2])))
    assert [(one.number, one.fields["title"]) for one in found] == [(1, "Small"), (3, "Last")]
    assert told[0].startswith("record 2 (Big [first] talk): ")
    assert told[1:] == ["record 4 is not a JSON object"]


def test_an_element_just_within_the_limit_is_read(tmp_path: Path) -> None:
    long = "x" * (MAX_RECORD - 1000)
    found, problems = _all(_file(tmp_path, "a.json", json.dumps([{"a": long}, {"a": 2}])))
    assert not problems
    assert [len(str(fields["a"])) for _, fields in found] == [len(long), 1]


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


_DAMAGED = {
    "word": '{"a": oops}',
    "open-string": '{"a": "no end}',
    "open": '{"a": 2',
    "closed-twice": '{"a": 2}}',
    "bracket-inside": '{"a": 2]}',
    "bracket-behind": '{"a": 2}]',
    "opened-twice": '{{"a": 2}',
    "raw-tab": '{"a": "a raw\ttab"}',
    "nul-in-text": '{"a": "\x00"}',
    "bad-escape": '{"a": "\\x"}',
    "open-list": '{"a": [{"a": {"b": 2}}',
    "deep": "[" * 100_000 + "]" * 100_000,
    "deep-and-open": '{"a":' * 100_000,
    "nul": "\x00\x00\x00",
}


@pytest.mark.parametrize("damaged", _DAMAGED.values(), ids=_DAMAGED)
def test_a_damaged_element_on_a_line_of_all_costs_itself_alone(
    tmp_path: Path, damaged: str
) -> None:
    text = f'[{{"a": 1, "t": "}},{{"}}, {damaged}, {{"a": 3, "t": 0}}, {{"a": 4, "t": 0}}]'
    found, problems = _all(_file(tmp_path, "a.json", text))
    assert [fields["a"] for _, fields in found if fields != {"a": 2}] == [1, 3, 4]
    assert [line for line, _ in problems] == [1] * len(problems)
    assert problems


def test_the_first_element_may_be_the_damaged_one(tmp_path: Path) -> None:
    text = '[{"id": 1, "list": [{"id": oops}, {"x": 1}], "y": [}, {"id": 2, "list": []}]'
    found, problems = _all(_file(tmp_path, "a.json", text))
    assert found[-1] == (1, {"id": 2, "list": []})
    assert problems


@pytest.mark.parametrize(
    ("text", "line"),
    [('[\n{"a": 1},\n{"a"', 3), ('[\n{"a": 1},\n{"a": "x', 3), ('[\n{"a": 1}\n', 3)],
)
def test_a_file_that_is_cut_off_gives_its_whole_elements(
    tmp_path: Path, text: str, line: int
) -> None:
    found, problems = _all(_file(tmp_path, "a.json", text))
    assert found == [(2, {"a": 1})]
    assert problems[0] == (line, "malformed-json")


def test_a_container_that_is_cut_off_gives_its_whole_elements(tmp_path: Path) -> None:
    text = '{"version": 1,\n"conversations": [\n{"a": 1},\n{"a": 2},\n{"a"'
    found, problems = _all(_file(tmp_path, "a.json", text))
    assert found == [(3, {"a": 1}), (4, {"a": 2})]
    assert problems[0] == (5, "malformed-json")


TALK = '{"role": "user", "content": "x"}'


@pytest.mark.parametrize(
    ("name", "content", "count"),
    [
        ("one.json", '{\n "messages": []\n}', 1),
        ("lines.json", '{"a": 1}\n{"a": 2}\n', 2),
        ("array.jsonl", '[{"a": 1},\n {"a": 2}]', 2),
        ("pretty.jsonl", '{\n  "a": 1\n}', 1),
        ("several.jsonl", '{\n  "a": 1\n}\n{\n  "a": 2\n}\n', 2),
        ("box.json", '{"conversations": [{"messages": []}, {"messages": []}]}', 2),
        ("box.jsonl", '{"conversations": [{"messages": []}, {"messages": []}]}', 2),
        ("behind.json", '{"a": 1, "data": [{"b": 1}], "c": [1, 2], "items": []}', 1),
        ("talk.json", '{"conversations": [{"from": "human", "value": "x"}]}', 1),
        ("vectors.json", '{"data": [0.5, 0.25], "b": 1}', 1),
        ("bare.json", f"[{TALK}, {TALK}]", 1),
        ("bares.json", f"[[{TALK}], [{TALK}, {TALK}]]", 2),
        ("bare.jsonl", f"{TALK}\n{TALK}\n", 1),
        ("bares.jsonl", f"[{TALK}]\n[{TALK}, {TALK}]\n", 2),
        ("bom.json", b'\xef\xbb\xbf[{"a": 1}]', 1),
        ("bom.jsonl", b'\xef\xbb\xbf{"a": 1}\n{"a": 2}', 2),
        ("none.json", "[]", 0),
        ("crlf.json", '[\r\n{"a": 1},\r\n{"a": 2}\r\n]\r\n', 2),
        ("utf16.json", '[{"a": "é"}]'.encode("utf-16"), 1),
        ("utf16.jsonl", '{"a": "é"}\n{"a": 2}'.encode("utf-16"), 2),
        ("utf16-be.jsonl", b"\xfe\xff" + '{"a": 1}\n{"a": 2}'.encode("utf-16-be"), 2),
        ("utf32.json", '[{"a": 1}]'.encode("utf-32"), 1),
        ("utf16-bare.json", '[{"a": 1}]'.encode("utf-16-le"), 1),
    ],
)
def test_the_content_decides_how_a_file_is_read(
    tmp_path: Path, name: str, content: str | bytes, count: int
) -> None:
    found, problems = _all(_file(tmp_path, name, content))
    assert (len(found), problems) == (count, [])


def test_messages_with_nothing_around_them_are_one_record(tmp_path: Path) -> None:
    lines = [
        {"session_id": 1, "role": "user", "content": "a"},
        {"session_id": 1, "role": "assistant", "content": "b"},
        {"session_id": 2, "role": "user", "content": "c"},
        {"prompt": "d", "completion": "e"},
    ]
    path = _file(tmp_path, "a.jsonl", "\n".join(json.dumps(line) for line in lines))
    found, problems = _all(path)
    assert not problems
    assert [(line, len(fields.get("messages", ""))) for line, fields in found] == [
        (1, 2),
        (3, 1),
        (4, 0),
    ]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"\xff\xfe", "empty"),
        (b"\x7fELF\x00\x00", "binary"),
        (b"\x00\x01\x02\x03\x04", "binary"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "lfs-pointer"),
    ],
)
def test_files_that_are_refused(tmp_path: Path, content: bytes, code: str) -> None:
    with pytest.raises(Refused) as caught:
        _all(_file(tmp_path, "a.json", content))
    assert caught.value.code == code


def test_a_file_without_permission(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.json", '[{"a": 1}]')
    path.chmod(0)
    item, before = Item.of(path, path.name), os.geteuid()
    if before == 0:
        # To the superuser, permissions mean nothing.
        os.seteuid(65534)
    try:
        with pytest.raises(Refused) as caught:
            list(records(item, lambda *_: None))
    finally:
        os.seteuid(before)
    assert caught.value.code == "unreadable"


def test_bytes_that_are_not_utf8_cost_their_element(tmp_path: Path) -> None:
    content = b'[\n{"a": "caf\xc3\xa9"},\n{"a": "caf\xe9"},\n{"a": "\xf0\x9f\x91\x8d"}\n]'
    found, problems = _all(_file(tmp_path, "a.json", content))
    assert found == [(2, {"a": "café"}), (4, {"a": "👍"})]
    assert problems == [(3, "not-utf8")]
    found, problems = _all(_file(tmp_path, "one.json", b'{"a": "\xff"}'))
    assert (found, problems) == ([], [(1, "not-utf8")])


def test_half_a_character_of_utf16_costs_its_element(tmp_path: Path) -> None:
    content = '[{"a": "\udc00"},\n{"a": 2}]'.encode("utf-16", "surrogatepass")
    assert _all(_file(tmp_path, "a.json", content)) == ([(2, {"a": 2})], [(1, "not-utf8")])


def test_escaped_halves_of_characters_are_kept_for_cleaning(tmp_path: Path) -> None:
    found, problems = _all(_file(tmp_path, "a.json", '[{"a": "\\ud83d"}]'))
    assert (found, problems) == ([(1, {"a": "\ud83d"})], [])


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_a_number_of_10_000_digits_costs_nothing(tmp_path: Path, name: str) -> None:
    digits = "1" * 10_000
    path = _file(tmp_path, name, f'{{"a": {digits}}}\n{{"a": 2}}')
    assert _all(path) == ([(1, {"a": digits}), (2, {"a": 2})], [])
    path = _file(tmp_path, name, f'[{{"a": {digits}}}, {{"a": 2}}]')
    assert _all(path) == ([(1, {"a": digits}), (1, {"a": 2})], [])


def test_what_a_crash_leaves_behind_is_reported(tmp_path: Path) -> None:
    found, problems = _all(_file(tmp_path, "a.json", b'[{"a": 1}]' + b"\x00" * 50))
    assert (found, problems) == ([(1, {"a": 1})], [(1, "malformed-json")])
    found, problems = _all(_file(tmp_path, "a.jsonl", b'{"a": 1}\n' + b"\x00" * 50))
    assert (found, problems) == ([(1, {"a": 1})], [(2, "malformed-json")])


def test_progress_is_told_in_bytes_and_ends_at_the_size(tmp_path: Path) -> None:
    for name, content in (("a.json", '[{"a": 1}, {"a": "é"}]'), ("a.jsonl", '{"a": 1}\n{"a": 2}')):
        path = _file(tmp_path, name, content)
        told: list[int] = []
        item = Item.of(path, name)
        list(records(item, lambda *_: None, on_bytes=told.append))
        assert told == sorted(told)
        assert told[-1] == path.stat().st_size


_TEXTS = st.text(max_size=12) | st.sampled_from(['"', "\\", "}, {", "]", "[{", "\n", "é👍", "\\u"])
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=8,
)
_RECORDS = st.lists(st.dictionaries(_TEXTS, _VALUES, min_size=1, max_size=3), max_size=5)


@_FILES
@given(
    rows=_RECORDS,
    indent=st.sampled_from([None, 0, 1, 2]),
    box=st.booleans(),
    ascii_only=st.booleans(),
    chunk=st.integers(1, 40),
)
def test_whatever_the_window_each_element_is_read_with_its_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rows: list[dict[str, Any]],
    indent: int | None,
    box: bool,
    ascii_only: bool,
    chunk: int,
) -> None:
    monkeypatch.setattr(jsonwindow, "CHUNK", chunk)
    whole = {"version": 1, "items": rows, "end": [1, "x"]} if box and rows else rows
    text = json.dumps(whole, indent=indent, ensure_ascii=ascii_only)
    path = _file(tmp_path, "a.json", text.encode("utf-8", "replace"))
    found, problems = _all(path)
    # An infinite number is no value of JSON, and an empty cell here.
    expected = json.loads(path.read_text(encoding="utf-8"), parse_constant=lambda _: None)
    expected = expected["items"] if isinstance(expected, dict) else expected
    assert not problems
    assert [fields for _, fields in found] == expected
    # Each line that is named is one on which an object begins.
    lines = path.read_bytes().split(b"\n")
    assert [line for line, _ in found] == sorted(line for line, _ in found)
    assert all(b"{" in lines[line - 1] for line, _ in found)
    if indent:
        assert len({line for line, _ in found}) == len(found)


_WORDS = st.text(st.sampled_from("abc é,:'"), max_size=8)


@_FILES
@given(
    rows=st.lists(_WORDS, min_size=3, max_size=6),
    at=st.integers(1, 100),
    where=st.integers(0, 1000),
    put=st.sampled_from(["", '"', "{", "}", "[", "]", ",", ":", "\\", "x", "\x00", '"}', "\n"]),
    indent=st.sampled_from([None, 2]),
    chunk=st.sampled_from([7, 64, 4 << 20]),
)
def test_damage_costs_the_element_that_it_is_in(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rows: list[str],
    at: int,
    where: int,
    put: str,
    indent: int | None,
    chunk: int,
) -> None:
    monkeypatch.setattr(jsonwindow, "CHUNK", chunk)
    texts = [
        json.dumps({"id": number, "talk": [{"role": word, "n": {}}]}, indent=indent)
        for number, word in enumerate(rows)
    ]
    at = at % (len(rows) - 1) + 1
    where %= len(texts[at])
    texts[at] = texts[at][:where] + put + texts[at][where + 1 :]
    border = ",\n  " if indent else ", "
    text = border.join(text.replace("\n", "\n  ") for text in texts)
    text = f"[\n  {text}\n]" if indent else f"[{text}]"
    found, problems = _all(_file(tmp_path, "a.json", text))
    read = [fields.get("id") for _, fields in found if "talk" in fields]
    others = [number for number in range(len(rows)) if number != at]
    assert [number for number in read if number in others] == others
    assert problems or len(found) == len(rows)


@_FILES
@given(
    data=st.binary(max_size=200)
    | st.text(st.sampled_from('[]{}",:\\ \n\x00a1é'), max_size=200).map(str.encode),
    name=st.sampled_from(["a.json", "a.jsonl", "a"]),
    chunk=st.sampled_from([1, 5, 4 << 20]),
)
def test_any_bytes_end_without_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, name: str, chunk: int
) -> None:
    monkeypatch.setattr(jsonwindow, "CHUNK", chunk)
    try:
        found, problems = _all(_file(tmp_path, name, data))
    except Refused:
        return
    assert all(line >= 1 for line, _ in (*found, *problems))
