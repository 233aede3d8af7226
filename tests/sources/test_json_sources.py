from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.models import Document, Skipped
from engine.sources import read


def _talk(*contents: str) -> dict[str, Any]:
    roles = ("user", "assistant")
    return {
        "messages": [
            {"role": roles[index % 2], "content": content} for index, content in enumerate(contents)
        ]
    }


def _read(kind: str, root: Path) -> tuple[list[Document], list[Skipped]]:
    skipped: list[Skipped] = []
    return list(read(kind, root, "s", on_skip=skipped.append)), skipped


def test_a_folder_of_conversations(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"title": "Rope", **_talk("q", "a")}, indent=1))
    (tmp_path / "b.json").write_text(json.dumps([_talk("q", "b"), _talk("q")]))
    (tmp_path / "c.jsonl").write_text(json.dumps(_talk("q", "c", "r", "")) + "\n{oops\n")
    (tmp_path / "notes.txt").write_text("not this")
    (tmp_path / "empty.json").write_text("[]")
    documents, skipped = _read("conversations", tmp_path)
    assert [document.path for document in documents] == ["a.json", "b.json", "c.jsonl"]
    assert documents[0].title == "Rope"
    assert {(skip.path, skip.line, skip.code) for skip in skipped} == {
        ("b.json", 1, "no-answer"),
        ("c.jsonl", 1, "empty-answer"),
        ("c.jsonl", 2, "malformed-json"),
        ("notes.txt", 0, "not-json"),
        ("empty.json", 0, "empty"),
    }


def test_rows_of_different_conversations_are_different_documents(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps({"prompt": f"q{n}", "completion": "a"}) for n in range(3)))
    documents, skipped = _read("instructions", path)
    assert [document.start_line for document in documents] == [1, 2, 3]
    assert len({document.content_hash for document in documents}) == 3
    assert not skipped


def test_a_reason_says_which_record_it_means(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([_talk("q", "a"), {"title": "The rope", **_talk("q")}]))
    _, (skip,) = _read("conversations", path)
    assert "record 2 (The rope)" in skip.reason


def test_progress_counts_bytes_and_ends_at_the_total(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps(_talk("q", "a")) for _ in range(5)))
    seen: list[tuple[int, int]] = []
    list(read("instructions", path, "s", progress=lambda *step: seen.append(step)))
    size = path.stat().st_size
    assert seen[-1] == (size, size)
    assert seen == sorted(set(seen))
