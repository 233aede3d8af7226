from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from engine.errors import SourceUnreadable
from engine.models import Document
from engine.sources import complete_path, detect
from engine.sources.files import MAX_TEXT_BYTES
from tests.support.privileges import without_privileges
from tests.support.vaults import read_vault, write_files

REFLECTION = "I thought about it for a long time, and then I wrote it down here.\n"


def _read(root: Path, **options: str) -> tuple[dict[str, Document], dict[str, tuple[str, str]]]:
    documents, skipped = read_vault(root, **options)
    return (
        {document.path: document for document in documents},
        {skip.path: (skip.code, skip.reason) for skip in skipped},
    )


def _hashes(root: Path) -> dict[str, tuple[str, int, int]]:
    return {
        str(path): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime_ns,
            path.stat().st_mode,
        )
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_notes_are_documents_and_everything_else_has_a_reason(tmp_path: Path) -> None:
    root = write_files(
        tmp_path / "v",
        {
            "a.md": f"---\ntags: [x]\n---\n# A\n{REFLECTION}",
            "b/c.markdown": REFLECTION,
            "empty.md": " \n\n",
            "front.md": "---\ntags: [x]\n---\n",
            "latin.md": b"caf\xe9 au lait\n",
            "utf16.md": "wide words".encode("utf-16"),
            "utf16-cut.md": b"\xff\xfe\x00\xd8",
            "binary.md": b"text\x00more",
            "pointer.md": "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
            "big.md": b"x" * (MAX_TEXT_BYTES + 1),
            "Templates/t.md": REFLECTION,
            "placeholder.md": "# {{title}}\n\ntext",
            "photo.png": b"\x89PNG",
            ".trash/old.md": REFLECTION,
        },
    )
    documents, skipped = _read(root)
    assert list(documents) == ["a.md", "utf16.md", "b/c.markdown"]
    assert documents["utf16.md"].text == "wide words"
    assert documents["a.md"].title == "A"
    assert documents["a.md"].start_line == 4
    assert {name: code for name, (code, _) in skipped.items()} == {
        "empty.md": "empty",
        "front.md": "empty",
        "latin.md": "not-utf8",
        "utf16-cut.md": "not-utf8",
        "binary.md": "binary",
        "pointer.md": "lfs-pointer",
        "big.md": "too-large",
        "Templates/t.md": "template",
        "placeholder.md": "template",
        "photo.png": "attachment",
        ".trash/": "hidden",
    }
    assert all(reason for _, reason in skipped.values())
    assert "line 1" in skipped["latin.md"][1]


def test_files_of_other_kinds_are_named(tmp_path: Path) -> None:
    root = write_files(
        tmp_path / "v",
        {
            "a.md": REFLECTION,
            "map.canvas": "{}",
            "view.base": "views: []",
            "sketch.excalidraw": "{}",
            "Sketch.excalidraw.md": REFLECTION,
            "drawn.md": f"---\nexcalidraw-plugin: parsed\n---\n{REFLECTION}",
            "old.org": "* words",
            "song.mp3": b"ID3",
        },
    )
    documents, skipped = _read(root)
    assert list(documents) == ["a.md"]
    assert {name: code for name, (code, _) in skipped.items()} == {
        "map.canvas": "canvas",
        "view.base": "base",
        "sketch.excalidraw": "drawing",
        "Sketch.excalidraw.md": "drawing",
        "drawn.md": "drawing",
        "old.org": "org",
        "song.mp3": "attachment",
    }


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_encodings_with_a_mark_are_read(tmp_path: Path, encoding: str) -> None:
    text = "---\r\ntags: [ö]\r\n---\r\nGrüße aus dem Țăran.\r\n"
    root = write_files(tmp_path / "v", {"a.md": text.encode(encoding)})
    document = _read(root)[0]["a.md"]
    assert (document.tags, document.text) == (("ö",), "Grüße aus dem Țăran.\n")


def test_mixed_encodings_are_refused_with_line_and_byte(tmp_path: Path) -> None:
    data = "Grüße\n".encode() + "Größe\n".encode("latin-1")
    _, skipped = _read(write_files(tmp_path / "v", {"a.md": data}))
    assert skipped["a.md"][0] == "not-utf8"
    assert "0xf6 in line 2" in skipped["a.md"][1]


def test_aliases_that_explode_are_reported(tmp_path: Path) -> None:
    laughs = "a0: &a0 [x]\n" + "".join(
        f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60)
    )
    root = write_files(tmp_path / "v", {"a.md": f"---\n{laughs}---\n{REFLECTION}"})
    documents, skipped = _read(root)
    assert documents["a.md"].text == REFLECTION
    assert skipped["a.md"][0] == "yaml-aliases"


def test_a_template_s_words_in_code_are_no_template(tmp_path: Path) -> None:
    root = write_files(
        tmp_path / "v", {"a.md": "I write `{{title}}` there.\n\n```\n<% tp.date %>\n```\n"}
    )
    assert list(_read(root)[0]) == ["a.md"]


def test_the_template_folder_that_obsidian_is_set_to(tmp_path: Path) -> None:
    root = write_files(
        tmp_path / "v",
        {
            ".obsidian/templates.json": json.dumps({"folder": "Meta/Forms"}),
            "Meta/Forms/a.md": REFLECTION,
            "Meta/b.md": REFLECTION,
        },
    )
    documents, skipped = _read(root)
    assert list(documents) == ["Meta/b.md"]
    assert skipped["Meta/Forms/a.md"][0] == "template"


def test_broken_frontmatter_is_reported_and_the_note_is_read(tmp_path: Path) -> None:
    root = write_files(tmp_path / "v", {"a.md": f'---\ntitle: "open\n---\n{REFLECTION}'})
    documents, skipped = _read(root)
    assert documents["a.md"].text == REFLECTION
    code, reason = skipped["a.md"]
    assert code == "broken-yaml"
    assert "the note itself was read" in reason


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_line_ends_and_byte_order_marks(tmp_path: Path, end: str) -> None:
    text = "---\ntags: a\n---\n# T\n\nbody\n".replace("\n", end)
    root = write_files(tmp_path / "v", {"a.md": b"\xef\xbb\xbf" + text.encode()})
    document = _read(root)[0]["a.md"]
    assert document.tags == ("a",)
    assert document.text == "# T\n\nbody\n"


def test_links_are_never_followed(tmp_path: Path) -> None:
    root = write_files(tmp_path / "v", {"a.md": REFLECTION, "deep/b.md": REFLECTION})
    write_files(tmp_path / "outside", {"secret.md": REFLECTION})
    (root / "out.md").symlink_to(tmp_path / "outside" / "secret.md")
    (root / "outdir").symlink_to(tmp_path / "outside")
    (root / "deep" / "up").symlink_to(root)
    (root / "again.md").symlink_to(root / "a.md")
    (root / "nowhere.md").symlink_to(root / "missing.md")
    (root / "self.md").symlink_to(root / "self.md")
    documents, skipped = _read(root)
    assert list(documents) == ["a.md", "deep/b.md"]
    assert {name: code for name, (code, _) in skipped.items()} == {
        "out.md": "outside",
        "outdir": "outside",
        "deep/up": "link",
        "again.md": "link",
        "nowhere.md": "broken-link",
        "self.md": "broken-link",
    }


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    root = write_files(tmp_path / "v", {"a.md": REFLECTION})
    os.mkfifo(root / "pipe.md")
    documents, skipped = _read(root)
    assert list(documents) == ["a.md"]
    assert skipped["pipe.md"][0] == "not-a-file"


def test_names_that_are_not_utf8_are_shown_and_can_be_stored(tmp_path: Path) -> None:
    root = tmp_path / "v"
    root.mkdir()
    (root / os.fsdecode(b"caf\xe9.md")).write_text(REFLECTION)
    documents, _ = _read(root)
    assert list(documents) == ["caf\\xe9.md"]


def test_what_may_not_be_read_is_reported(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("open")
    root = write_files(
        folder / "v", {"a.md": REFLECTION, "shut.md": REFLECTION, "room/b.md": REFLECTION}
    )
    (root / "shut.md").chmod(0)
    (root / "room").chmod(0)
    with without_privileges(root):
        documents, skipped = _read(root)
        with pytest.raises(SourceUnreadable):
            detect(root / "shut.md")
        assert complete_path(f"{root}/room/") == []
    (root / "room").chmod(0o755)
    assert list(documents) == ["a.md"]
    assert {name: code for name, (code, _) in skipped.items()} == {
        "room/": "unreadable",
        "shut.md": "unreadable",
    }


def test_a_source_is_never_written_to(tmp_path: Path) -> None:
    fixture = Path(__file__).resolve().parent.parent / "fixtures" / "allotment"
    root = write_files(
        tmp_path / "v",
        {
            str(path.relative_to(fixture)): path.read_bytes()
            for path in fixture.rglob("*")
            if path.is_file()
        },
    )
    before = _hashes(root)
    folders = {str(path) for path in root.rglob("*")}
    _read(root)
    assert _hashes(root) == before
    assert {str(path) for path in root.rglob("*")} == folders


def test_one_note_is_a_source_too(tmp_path: Path) -> None:
    root = write_files(tmp_path, {"a.md": REFLECTION}) / "a.md"
    assert list(_read(root)[0]) == ["a.md"]


def test_the_page_of_a_folder_is_called_as_the_folder(tmp_path: Path) -> None:
    files = {"index.md": "a\n", "days/2024-01-03/index.md": "b\n", "mill/_index.md": "c\n"}
    documents, _ = _read(write_files(tmp_path / "v", files))
    named = {path: document.title for path, document in documents.items()}
    assert named == {
        "index.md": "index",
        "days/2024-01-03/index.md": "2024-01-03",
        "mill/_index.md": "mill",
    }
    assert documents["days/2024-01-03/index.md"].date == "2024-01-03"


def test_a_folder_s_page_has_the_folder_s_name(tmp_path: Path) -> None:
    names = ("index.md", "trips/2025-03-14 Delft/index.md", "trips/_index.md", "trips/b.md")
    found = _read(write_files(tmp_path / "v", dict.fromkeys(names, "I walked to the mill.")))[0]
    assert [found[name].title for name in names] == ["index", "2025-03-14 Delft", "trips", "b"]
    assert found[names[1]].date == "2025-03-14"
