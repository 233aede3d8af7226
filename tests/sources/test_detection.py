from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from engine.errors import (
    FinetuiError,
    SourceEmpty,
    SourceMissing,
    SourceTooLong,
    SourceUnknown,
    SourceUnreadable,
    UsageError,
)
from engine.sources import KINDS, detect, read

NOTE = "---\ntags: [a]\n---\nI wrote this.\n"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
ASKED = '{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}'


def _vault(root: Path, count: int = 10) -> Path:
    (root / ".obsidian").mkdir(parents=True)
    for day in range(1, count + 1):
        (root / f"2025-03-{day:02d}.md").write_text(NOTE)
    return root


def test_a_vault_says_what_gave_it_away(tmp_path: Path) -> None:
    (_vault(tmp_path) / "plain.md").write_text("no frontmatter")
    found = detect(tmp_path)
    assert found.kind == "vault"
    assert found.why == "frontmatter in 10 of 11 notes, daily notes, an .obsidian folder"
    assert 0.9 <= found.confidence <= 1


def test_a_plain_folder_of_notes_is_less_sure(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / f"{name}.md").write_text("words")
    found = detect(tmp_path)
    assert (found.kind, found.why) == ("vault", "3 notes")
    assert found.confidence < 0.9


def test_pictures_don_t_make_a_vault_less_sure(tmp_path: Path) -> None:
    _vault(tmp_path)
    before = detect(tmp_path).confidence
    for number in range(50):
        (tmp_path / f"{number}.png").write_bytes(b"\x89PNG")
    assert detect(tmp_path).confidence == before


def test_a_readme_makes_no_vault(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("about these files")
    (tmp_path / "rows.jsonl").write_text('{"prompt": "q", "completion": "a"}\n')
    assert detect(tmp_path).kind == "instructions"


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.json", f'[{{"title": "x", {ASKED[1:]}]', "conversations"),
        ("a.json", ASKED, "instructions"),
        ("a.jsonl", f'{ASKED}\n{{"prompt": "q", "completion": "a"}}\n', "instructions"),
        ("a.jsonl", '{"text": "<|user|>\\nq\\n<|assistant|>\\na"}\n', "instructions"),
        ("a.json", '[{"instruction": "q", "input": "", "output": "a"}]', "instructions"),
        ("talk.txt", f'{{"title": "x", {ASKED[1:]}', "conversations"),
        ("a.md", "a note", "vault"),
    ],
)
def test_files(tmp_path: Path, name: str, content: str, kind: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    found = detect(path)
    assert found.kind == kind
    assert 0 < found.confidence <= 1
    assert found.why


def test_a_path_with_a_tilde(isolated_home: Path) -> None:
    _vault(isolated_home / "notes")
    assert detect(Path("~/notes")).kind == "vault"


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("a.json", b"", SourceEmpty),
        ("a.bin", b"\x7fELF\x00\x00", SourceUnreadable),
        ("a.json", POINTER.encode(), SourceUnreadable),
        ("a.md", "größe".encode("latin-1"), SourceUnreadable),
        ("a.json", "{}".encode("utf-16"), SourceUnknown),
        ("a.txt", b"prose", SourceUnknown),
        ("a.json", b'{"loss": 1}', SourceUnknown),
        ("a.json", b"{oops", SourceUnknown),
        ("a.csv", b"a,b\n1,2\n", SourceUnknown),
    ],
)
def test_files_that_are_refused(
    tmp_path: Path, name: str, content: bytes, error: type[FinetuiError]
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(error) as caught:
        detect(path)
    assert caught.value.hint


def test_folders_that_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty" / "deep").mkdir(parents=True)
    with pytest.raises(SourceEmpty):
        detect(tmp_path / "empty" / "deep")
    with pytest.raises(SourceEmpty):
        detect(tmp_path / "empty")
    (tmp_path / "empty" / "a.csv").write_text("a,b")
    with pytest.raises(SourceUnknown, match=r"\.csv"):
        detect(tmp_path / "empty")
    with pytest.raises(SourceMissing):
        detect(tmp_path / "nothing")
    with pytest.raises(SourceMissing):
        detect(tmp_path / "empty" / "a.csv" / "below")
    with pytest.raises(SourceMissing):
        detect(Path("a\0b"))


def test_a_folder_of_pointers_says_how_to_fetch_them(tmp_path: Path) -> None:
    (tmp_path / "conversations.json").write_text(POINTER)
    with pytest.raises(SourceUnknown, match="Git LFS") as caught:
        detect(tmp_path)
    assert "git lfs pull" in caught.value.hint


def test_a_pipe_is_no_source(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceUnreadable):
        detect(tmp_path / "pipe")


def test_an_unknown_kind_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read("mind", tmp_path, "s")
    assert all(kind in caught.value.hint for kind in KINDS)


def test_detection_survives_files_that_are_not_what_their_names_say(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"\x00\x01")
    (tmp_path / "b.json").write_text("[[[[")
    (tmp_path / "c.json").write_text(json.dumps([1, "two", None]))
    (tmp_path / "d.json").write_text(ASKED)
    assert detect(tmp_path).kind == "instructions"


@pytest.mark.parametrize("layout", ["object", "line"])
def test_a_file_of_one_conversation_that_is_too_long_says_the_limit(
    tmp_path: Path, layout: str
) -> None:
    words = "so " * 4_200_000
    spoken = {
        name: {"message": {"author": {"role": role}, "content": {"parts": [words]}}, "parent": up}
        for name, role, up in (("a", "user", ""), ("b", "assistant", "a"))
    }
    text = json.dumps({"title": "Long", "mapping": spoken, "current_node": "b"})
    path = tmp_path / ("talk.jsonl" if layout == "line" else "talk.json")
    path.write_text(text + "\n" * (layout == "line"))
    with pytest.raises(SourceTooLong, match=r"line 1: .*24 MB"):
        detect(path)
