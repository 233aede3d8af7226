from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.extract.reading import How, Task, read_one
from engine.models import Document, Skipped
from engine.sources import detect_as, read
from engine.sources.base import Detection, Reading
from engine.sources.conversations import ConversationsReader
from engine.sources.files import Item
from tests.support.hashes import hashes

EXPORTS = Path(__file__).resolve().parent / "chats" / "exports"


def _talk(*contents: str) -> dict[str, Any]:
    roles = ("user", "assistant")
    return {
        "messages": [
            {"role": roles[index % 2], "content": content} for index, content in enumerate(contents)
        ]
    }


def _read(root: Path, **options: str) -> tuple[list[Document], list[Skipped]]:
    skipped: list[Skipped] = []
    stream = read("conversations", root, "s", options=options, on_skip=skipped.append)
    return list(stream), skipped


def test_a_folder_of_conversations(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"title": "Rope", **_talk("q", "a")}, indent=1))
    (tmp_path / "b.json").write_text(json.dumps([_talk("q", "b"), _talk("q")]))
    (tmp_path / "c.jsonl").write_text(json.dumps(_talk("q", "c", "r", "")) + "\n{oops\n")
    (tmp_path / "d.json").write_text(json.dumps({"loss": 1}))
    (tmp_path / "notes.txt").write_text("not this")
    (tmp_path / "empty.json").write_text("[]")
    before = hashes(tmp_path)
    documents, skipped = _read(tmp_path)
    assert [document.path for document in documents] == ["a.json", "b.json", "c.jsonl"]
    assert documents[0].title == "Rope"
    assert {(skip.path, skip.line, skip.code) for skip in skipped} == {
        ("b.json", 1, "no-answer"),
        ("c.jsonl", 1, "empty-answer"),
        ("c.jsonl", 2, "malformed-json"),
        ("d.json", 1, "unknown-layout"),
        ("notes.txt", 0, "not-json"),
        ("empty.json", 0, "empty"),
    }
    assert hashes(tmp_path) == before


def test_a_reason_says_which_record_it_means(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([_talk("q", "a"), {"title": "The rope", **_talk("q")}]))
    _, (skip,) = _read(path)
    assert skip.reason == (
        "record 2 (The rope): 1 message left out: a question that was never answered"
    )


def test_branches_are_read_where_they_are_wanted() -> None:
    current, _ = _read(EXPORTS / "chatgpt.json")
    every, _ = _read(EXPORTS / "chatgpt.json", branches="all")
    assert [document for document in every if "branch" not in document.metadata] == current
    assert [document.metadata["branch"] for document in every if document not in current] == ["1"]


def test_an_export_as_it_was_downloaded(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(EXPORTS / "chatgpt.json", "conversations.json")
        archive.writestr("chat.html", "<html></html>")
        archive.writestr("user.json", '{"id": "u", "email": "a@example.org"}')
        archive.writestr("message_feedback.json", "[]")
        archive.writestr("dalle-generations/a.webp", b"RIFF")
    documents, skipped = _read(path)
    inside, _ = _read(EXPORTS / "chatgpt.json")
    assert [document.turns for document in documents] == [document.turns for document in inside]
    assert {document.path for document in documents} == {"conversations.json"}
    assert {(skip.path, skip.code) for skip in skipped if skip.line == 0} == {
        ("chat.html", "not-json"),
        ("user.json", "no-conversation"),
        ("message_feedback.json", "no-conversation"),
        ("dalle-generations/a.webp", "not-json"),
    }


def test_archives_in_a_folder_are_read_too(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "old.zip", "w") as archive:
        archive.write(EXPORTS / "claude.json", "data/conversations.json")
        archive.write(EXPORTS / "openai.jsonl", "data/rows.jsonl")
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and nothing else")
    (tmp_path / "conversations-000.json").write_text(json.dumps([_talk("q", "a")]))
    (tmp_path / "conversations-001.json").write_text(json.dumps([_talk("q", "b")]))
    documents, skipped = _read(tmp_path)
    assert {document.path for document in documents} == {
        "conversations-000.json",
        "conversations-001.json",
        "old.zip/data/conversations.json",
        "old.zip/data/rows.jsonl",
    }
    assert ("broken.zip", "damaged-archive") in {(skip.path, skip.code) for skip in skipped}


def test_a_file_that_changes_while_it_is_read_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    talks = [json.dumps(_talk(f"q{number}", "a" * 3000)) for number in range(2000)]
    path.write_text("\n".join(talks))
    item = Item.of(path, path.name)
    reader = ConversationsReader()
    how = How("conversations", Reading("s"), item.mtime_ns + 10**10)
    changed = False

    def change(_: int) -> None:
        nonlocal changed
        if not changed:
            changed = True
            with path.open("a") as handle:
                handle.write("\n" + talks[0])
            os.utime(path, ns=(item.mtime_ns + 1, item.mtime_ns + 1))

    parts = list(read_one(reader, Task(item), how, change))
    skips = [skip for part in parts for skip in part.skipped]
    assert changed
    assert [skip.code for skip in skips if skip.line == 0] == ["changing"]
    # Without a hash, the next scan reads it again.
    assert parts[-1].item.digest == ""


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("chatgpt.json", "ChatGPT export: 4 conversations with message trees"),
        ("claude.json", "Claude export: 2 conversations"),
        ("grok.json", "Grok export: 1 conversation with a message tree"),
        ("sillytavern.jsonl", "SillyTavern export: 1 chat"),
        ("openai.jsonl", "OpenAI messages: lists of messages in 5 of 5 records looked at"),
        (
            "conversations",
            "saved messages: lists of messages in 3 of 3 records looked at in 3 files",
        ),
    ],
)
def test_detection_names_the_format(name: str, why: str) -> None:
    assert detect_as("conversations", EXPORTS / name).why == why


@pytest.mark.parametrize("name", [path.name for path in EXPORTS.iterdir()])
def test_the_apps_are_recognised_more_surely_than_rows(name: str) -> None:
    found = detect_as("conversations", EXPORTS / name)
    if " export: " in found.why:
        assert found.confidence > 0.9
    else:
        assert 0.4 < found.confidence <= 0.95


def test_detection_of_a_long_list_reads_its_beginning_only(tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    one = json.loads((EXPORTS / "chatgpt.json").read_text("utf-8"))[0]
    path.write_text(json.dumps([one] * 3000))
    read_bytes = 0

    class Counted(Item):
        def open(self) -> Any:
            return _Counting(super().open(), count)

    def count(size: int) -> None:
        nonlocal read_bytes
        read_bytes += size

    found = _detect([Counted.of(path, path.name)], path)
    assert found is not None
    assert found.why == "ChatGPT export: 25 or more conversations with message trees"
    assert 0 < read_bytes < path.stat().st_size / 2


class _Counting:
    """A stream that tells how much is read of it."""

    def __init__(self, stream: Any, count: Any) -> None:
        self._stream = stream
        self._count = count

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._stream.read(size)
        self._count(len(data))
        return data

    def __enter__(self) -> _Counting:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()


def _detect(items: list[Item], path: Path) -> Detection | None:
    from engine.sources.base import Survey

    survey = Survey(path, True, tuple(items), frozenset())
    return ConversationsReader().detect(survey)


def test_a_few_exports_among_many_notes_make_no_source_of_conversations(tmp_path: Path) -> None:
    (tmp_path / "chat.json").write_text((EXPORTS / "claude.json").read_text("utf-8"), "utf-8")
    alone = detect_as("conversations", tmp_path).confidence
    for number in range(60):
        (tmp_path / f"{number}.md").write_text("words")
    assert detect_as("conversations", tmp_path).confidence < 0.2 < alone


def test_a_file_without_an_ending_is_json_by_its_first_character(tmp_path: Path) -> None:
    (tmp_path / "What is a nonagon").write_bytes((EXPORTS / "aistudio").read_bytes())
    (tmp_path / "LICENSE").write_text("You may.")
    documents, skipped = _read(tmp_path)
    assert [document.path for document in documents] == ["What is a nonagon"]
    assert ("LICENSE", "not-json") in {(skip.path, skip.code) for skip in skipped}


def _records(count: int) -> Iterator[str]:
    for number in range(count):
        yield json.dumps({"id": number, **_talk(f"q{number}", "a")})


def test_what_is_told_of_progress_ends_at_the_size(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("[" + ",".join(_records(50)) + "]")
    told: list[int] = []
    reader = ConversationsReader()
    reading = Reading("s", on_bytes=told.append)
    for item in reader.items(str(path), reading):
        assert len(list(reader.read(item, reading))) == 50
    assert told == sorted(told)
    assert told[-1] == path.stat().st_size


@pytest.mark.nightly
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    one = json.dumps(json.loads((EXPORTS / "chatgpt.json").read_text("utf-8"))[1])
    with path.open("w") as handle:
        handle.write("[")
        for number in range(100_000_000 // len(one)):
            handle.write(one if number == 0 else ", " + one)
        handle.write("]")
    command = [sys.executable, "-m", "tests.bench.bench_conversations", "read", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["documents"] == 100_000_000 // len(one)
    # What is left out is told, and the telling is kept: that is what grows here.
    assert found["peak"] - found["before"] < path.stat().st_size / 1e6
