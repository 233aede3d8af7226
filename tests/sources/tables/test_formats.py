from __future__ import annotations

import bz2
import gzip
import json
import lzma
import pickle
from pathlib import Path

import pytest

from engine.sources import Item, Refused
from engine.sources.items import MAX_RATIO
from engine.sources.tables import Record, format_of, rows
from tests.sources.tables.support import table, written

ROW = {"prompt": "q", "completion": "a"}
JSONL = f"{json.dumps(ROW)}\n"
CSV = "prompt,completion\nq,a\n"
MARKED = "<|user|>\nq\n<|assistant|>\na\n"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", CSV, "delimited"),
        ("a.json", CSV, "delimited"),
        ("a.txt", CSV, "delimited"),
        ("a", CSV, "delimited"),
        ("a.csv", JSONL, "json"),
        ("a.txt", f"[{JSONL}]", "json"),
        ("a.jsonl", JSONL, "json"),
        ("a.json", "{oops", "json"),
        ("a.txt", MARKED, "marked"),
        ("a.csv", '[note],"text"\nx,y\n', "delimited"),
        ("a.csv", "{id},text\nx,y\n", "delimited"),
        ("a.parquet", JSONL, "damaged"),
        ("a.txt", "Prose, and more of it.\nA second line, too.\n", "unknown-format"),
        ("a.json", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "lfs-pointer"),
        ("a.parquet", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "lfs-pointer"),
        ("a.json", b"", "empty"),
        ("a.csv", b" \n \n", "empty"),
        ("a.jsonl", lzma.compress(b"x"), "compressed"),
        ("a.jsonl", b"\x28\xb5\x2f\xfd0000", "compressed"),
        ("a.csv", b"PK\x03\x04rest", "compressed"),
        ("a.parquet", b"PAREsecret", "encrypted"),
        ("a.csv", b"SQLite format 3\x00", "database"),
        ("a.csv", pickle.dumps([ROW], protocol=4), "unsafe-format"),
        ("a.txt", b"a\x00b", "binary"),
    ],
)
def test_the_content_decides(
    tmp_path: Path, name: str, content: str | bytes, expected: str
) -> None:
    path = written(tmp_path, name, content)
    assert _told(path) == expected


def _told(path: Path) -> str:
    try:
        return format_of(Item.of(path, path.name))
    except Refused as refused:
        return refused.code


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
@pytest.mark.parametrize(("name", "content"), [("a.jsonl", JSONL), ("a.csv", CSV), ("a", JSONL)])
def test_packed_files_are_unpacked_as_they_are_read(
    tmp_path: Path, pack: type[bytes], name: str, content: str
) -> None:
    suffix = ".gz" if pack is gzip.compress else ".bz2"
    path = written(tmp_path, name + suffix, pack(content.encode()))
    found, problems = table(path)
    assert ([row for _, row in found], problems) == ([ROW], [])
    assert [entry.name for entry in tmp_path.iterdir() if entry.is_file()] == [path.name]


def test_progress_counts_the_packed_bytes(tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl.gz", gzip.compress(JSONL.encode() * 50_000))
    seen: list[int] = []
    _, stream = rows(Item.of(path, path.name), lambda *_: None, on_bytes=seen.append)
    assert sum(1 for _ in stream) == 50_000
    assert 0 < max(seen) <= path.stat().st_size


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    bomb = gzip.compress(b" " * 150_000_000)
    assert len(bomb) * MAX_RATIO < 150_000_000
    with pytest.raises(Refused) as caught:
        table(written(tmp_path, "a.jsonl.gz", bomb))
    assert caught.value.code in ("zip-bomb", "unknown-format")


def test_a_bomb_behind_a_good_beginning(tmp_path: Path) -> None:
    bomb = gzip.compress(JSONL.encode() * 10 + (b" " * 1_000_000 + b"\n") * 150)
    path = written(tmp_path, "a.jsonl.gz", bomb)
    with pytest.raises(Refused) as caught:
        table(path)
    assert caught.value.code == "zip-bomb"


def test_a_packed_file_that_is_cut_off_gives_what_it_has(tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl.gz", gzip.compress(JSONL.encode() * 5000)[:-20])
    _, stream = rows(Item.of(path, path.name), lambda *_: None)
    found: list[Record] = []
    with pytest.raises(Refused) as caught:
        found.extend(stream)
    assert caught.value.code == "damaged"
    assert found


def test_texts_with_markers_are_taken_apart(tmp_path: Path) -> None:
    talk = "<|im_start|>user\nq{0}<|im_end|>\n<|im_start|>assistant\na{0}\n---\nb<|im_end|>\n"
    system = "<|im_start|>system\ns<|im_end|>\n"
    content = "\n---\n".join(talk.format(n) for n in range(3)) + system + talk.format(3)
    found, _ = table(written(tmp_path, "a.txt", content))
    assert [line for line, _ in found] == [1, 9, 17, 23]
    assert all("b<|im_end|>" in row["text"] for _, row in found)
    path = written(tmp_path, "b.txt", MARKED.replace("\na\n", "\na<|endoftext|>\n") * 3)
    assert len(table(path)[0]) == 3


def test_a_marked_text_with_bytes_that_are_none(tmp_path: Path) -> None:
    part = b"### Instruction:\nq\n\n### Response:\n%s\n\n"
    content = part % b"a" + part % b"\xff" + part % b"b\x00" + part % b"c"
    found, problems = table(written(tmp_path, "a.txt", content))
    assert [line for line, _ in found] == [1, 19]
    assert problems == [(7, "not-utf8"), (13, "binary")]
