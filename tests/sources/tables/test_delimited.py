from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.sources import Refused
from engine.sources.tables.delimited import MAX_LINES, MAX_ROW
from tests.sources.tables.support import table, written

_HERE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
HEAD = "prompt,completion\n"


def _pairs(path: Path) -> list[tuple[str, str]]:
    return [(row["prompt"], row["completion"]) for _, row in table(path)[0]]


@pytest.mark.parametrize(
    "content",
    [
        'prompt,completion\nIs it wet?,"Yes, very."\n',
        "prompt;completion\nIs it wet?;Yes, very.\n",
        "prompt\tcompletion\nIs it wet?\tYes, very.",
        "prompt|completion\r\nIs it wet?|Yes, very.\r\n",
        "sep=;\nprompt;completion\nIs it wet?;Yes, very.\n",
        "prompt,completion\n'Is it wet?','Yes, very.'\n'a, b','c'\n'd','e'\n",
        '"prompt","completion"\r"Is it wet?","Yes, very."\r',
        '\ufeffprompt,completion\nIs it wet?,"Yes, very."\n',
        ' prompt , completion \nIs it wet?,"Yes, very."\n',
        'prompt,completion,,\nIs it wet?,"Yes, very.",,\n',
        '\n\nprompt,completion\n\nIs it wet?,"Yes, very."\n\n',
    ],
)
def test_separators_and_quotes_are_told_from_the_content(tmp_path: Path, content: str) -> None:
    for number, encoding in enumerate(("utf-8", "utf-16")):
        data = content.removeprefix("\ufeff" if number else "").encode(encoding)
        assert _pairs(written(tmp_path, "a.csv", data))[0] == ("Is it wet?", "Yes, very.")


def test_a_quote_that_a_backslash_escapes(tmp_path: Path) -> None:
    content = HEAD + '"say \\"hi\\", please","ok, hi"\n"b","c"\n'
    assert _pairs(written(tmp_path, "a.csv", content))[0] == ('say "hi", please', "ok, hi")


def test_a_quote_in_the_middle_of_a_cell_is_one(tmp_path: Path) -> None:
    path = written(tmp_path, "a.tsv", 'prompt\tcompletion\nsay "hi\tok\n5" wide\tyes\n')
    assert _pairs(path) == [('say "hi', "ok"), ('5" wide', "yes")]


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", HEAD + 'a,"one\ntwo\nthree"\n\nb,c\n"x\n\ny",z\n')
    found, problems = table(path)
    assert [line for line, _ in found] == [2, 6, 7]
    assert found[0][1]["completion"] == "one\ntwo\nthree"
    assert not problems


def test_a_row_of_another_length_costs_itself_alone(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", HEAD + 'a,b\na,b,c\na\n"a","b",\nc,d\n')
    found, problems = table(path)
    assert [line for line, _ in found] == [2, 5, 6]
    assert problems == [(3, "ragged-row"), (4, "ragged-row")]


def test_a_quote_that_never_closes_costs_its_line_alone(tmp_path: Path) -> None:
    lines = [f"q{number},a{number}\n" for number in range(200)]
    lines[20] = 'q20,"a20\n'
    found, problems = table(written(tmp_path, "a.csv", HEAD + "".join(lines)))
    assert problems == [(22, "open-quote")]
    assert [row["prompt"] for _, row in found] == [f"q{n}" for n in range(200) if n != 20]


def test_rows_between_two_stray_quotes_are_read(tmp_path: Path) -> None:
    lines = [f"q{number},a{number}\n" for number in range(200)]
    lines[20] = 'q20,"a20\n'
    lines[150] = 'q150,"a150"\n'
    found, problems = table(written(tmp_path, "a.csv", HEAD + "".join(lines)))
    assert problems == [(22, "open-quote")]
    assert len(found) == 199


def test_a_long_cell_is_left_out_with_one_reason(tmp_path: Path) -> None:
    prose = "It rained, and rained, and then it stopped\n" * (MAX_LINES + 10)
    path = written(tmp_path, "a.csv", f'{HEAD}a,b\n"{prose}",c\nd,e\n')
    found, problems = table(path)
    assert problems == [(3, "open-quote")]
    assert [line for line, _ in found] == [2, MAX_LINES + 14]


def test_a_line_of_a_hundred_megabytes(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", f"{HEAD}a,b\nx,{'y' * (10 * MAX_ROW)}\nc,d\n")
    found, problems = table(path)
    assert [line for line, _ in found] == [2, 4]
    assert problems == [(3, "too-long")]


def test_bytes_that_are_no_text_cost_their_row(tmp_path: Path) -> None:
    content = HEAD.encode() + b"a,b\ngr\xf6\xdfe,c\nd,\x00\ne,f\n"
    found, problems = table(written(tmp_path, "a.csv", content))
    assert [line for line, _ in found] == [2, 5]
    assert problems == [(3, "not-utf8"), (4, "binary")]


def test_two_columns_of_one_name_are_both_kept_and_said(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "prompt,note,note,completion\na,x,y,b\n")
    found, problems = table(path)
    assert found == [(2, {"prompt": "a", "note": "x", "note 2": "y", "completion": "b"})]
    assert problems == [(1, "duplicate-column")]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("", "empty"),
        ("What is a rope?,Strands.\nWhat is tar?,Pitch.\n", "no-header"),
        ("1,2\n3,4\n", "no-header"),
        ("a,b\na,b\nc,d\n", "no-header"),
        (",,\n1,2,3\n", "no-header"),
        (f"{'long ' * 30},b\nc,d\n", "no-header"),
        (b"fr\xe4ge,antwort\na,b\n", "not-utf8"),
        (b"\xff\xfep\x00r\x00\x00", "not-utf8"),
        ("prompt,completion\na,b\n".encode("utf-16-le"), "binary"),
    ],
)
def test_tables_that_are_refused(tmp_path: Path, content: str | bytes, code: str) -> None:
    with pytest.raises(Refused) as caught:
        table(written(tmp_path, "a.csv", content))
    assert caught.value.code == code


@_HERE
@given(st.binary(max_size=200) | st.text("ab,;\"'\n\r\t\\|", max_size=200).map(str.encode))
def test_every_line_of_any_bytes_is_read_or_reported(tmp_path: Path, data: bytes) -> None:
    path = written(tmp_path, "a.csv", HEAD.encode() + data)
    try:
        found, problems = table(path)
    except Refused:
        return
    assert all(set(row) == {"prompt", "completion"} for _, row in found)
    lines = data.decode("utf-8", "surrogateescape")
    expected = [
        row for row in csv.reader(io.StringIO(lines, newline="")) if any(map(str.strip, row))
    ]
    assert found or problems or not expected


_USUAL = [("Is it wet, or dry?", f"It is {word} today.") for word in ("wet", "dry")] * 6


_CELL = st.text('ab,"\n;', min_size=1, max_size=6).filter(str.strip)


@_HERE
@given(st.lists(st.lists(_CELL, min_size=1, max_size=4), max_size=5))
def test_each_row_of_any_width_is_read_or_reported(tmp_path: Path, made: list[list[str]]) -> None:
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows([["prompt", "completion"], *_USUAL, *made])
    found, problems = table(written(tmp_path, "a.csv", stream.getvalue()))
    assert [tuple(row.values()) for _, row in found[:12]] == _USUAL
    del found[:12]
    assert len(found) + len(problems) == len(made)
    assert [list(row.values()) for _, row in found] == [row for row in made if len(row) == 2]
