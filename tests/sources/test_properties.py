"""Whatever the bytes: nothing is raised, and all of it is a document or has a reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.extract import extract
from engine.models import Document
from engine.sources.blocks import blocks, plain
from engine.sources.files import Refused
from engine.sources.markdown import fenced, inline_tags, strip_comments
from engine.sources.notes import parse_note
from engine.sources.turns import dialogues, metadata_of
from tests.support.vaults import read_source, read_vault

_PROSE = "I thought the rope would hold, but in the end it turned out that I had to count again. "
_PIECES = st.sampled_from([
    "---\n", "#", " ", "\n", "\n\n", "- ", "[[", "]]", "![", "](", ")", "%%", "<!--", "-->", "`",
    "```\n", "**", "==", "> ", "> [!note] ", "::", "|", "[^1]", "[^1]: ", "tags: ", "{{", "1. ",
    "#reflection ", "## Why\n", "\t", "é", "\u2028", "2025-03-14", '"', "title: [", "\\", "$",
    _PROSE, _PROSE * 3,
])  # fmt: skip
_MARKDOWN = st.lists(_PIECES | st.text(max_size=8), max_size=60).map("".join)
_NOTE = _MARKDOWN.map(lambda text: text.replace("\r", "\n").replace("\x00", ""))
_FILES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
_KEYS = st.sampled_from([
    "messages", "role", "content", "prompt", "completion", "text", "instruction", "output", "input",
    "conversations", "from", "value", "instances", "label", "images", "metadata", "history", "chat",
])  # fmt: skip
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10)
    | st.sampled_from(["user", "assistant", "system", "<|user|>a<|assistant|>b"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=5),
    max_leaves=25,
)  # fmt: skip


@given(_NOTE)
def test_notes_of_any_text(text: str) -> None:
    note = parse_note(text, "2025-03-14")
    # The body is a part of the file, and stands at the line that is named.
    assert text.split("\n")[note.body_line - 1 :] == note.body.split("\n") or not note.body
    assert all(tag and not tag.startswith("#") for tag in note.tags)
    assert all(isinstance(value, str) for value in note.metadata.values())


@given(_NOTE)
def test_markdown_of_any_text(text: str) -> None:
    lines = text.split("\n")
    code = fenced(lines)
    assert len(code) == len(lines)
    assert len(strip_comments(lines, code)) == len(lines)
    plain(text)
    inline_tags(text)
    for block in blocks(lines):
        assert 0 <= block.line < len(lines)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


@given(_NOTE, st.sampled_from(["", "thoughts", "qa", "sections", "qa,sections"]))
def test_extraction_of_any_text(text: str, take: str) -> None:
    note = parse_note(text)
    document = Document(
        "s", "a.md", note.title, "b2-0", note.body, tags=note.tags, start_line=note.body_line
    )
    options = {"take": take} if take else {}
    lines = text.split("\n")
    examples = extract(document, options)
    assert examples == extract(document, options)
    for example in examples:
        place = example.provenance
        assert 1 <= place.start_line <= place.end_line <= len(lines)
        assert [turn.role for turn in example.turns] == ["user", "assistant"]
        assert all(turn.content.strip() for turn in example.turns)
        assert 0 <= example.score <= 1
        assert example.reason
        assert example.kind in ("reflection", "decision", "learning", "qa", "section")


# Marks that take words out of a line, move them or show others are left to the golden files.
_PLAIN_PIECES = st.sampled_from([
    "## Why is it so?\n", "## The rope\n", "### Notes\n", "\n", "\n\n", "- ", "> ", "> [!note] ",
    "Q: ", "A: ",
    "**Is it safe?**\n", "#reflection\n", "- Is it safe?\n  - ", "[[Mara]] ", "*", _PROSE,
    _PROSE * 3,
])  # fmt: skip


@given(st.lists(_PLAIN_PIECES, max_size=40).map("".join))
def test_every_word_of_an_answer_is_the_note_s(text: str) -> None:
    document = Document("s", "a.md", "Title", "b2-0", text)
    lines = text.split("\n")
    for example in extract(document):
        place = example.provenance
        # A line of tags alone is left out, and what stands around it is one paragraph.
        shown = [line for line in lines[place.start_line - 1 : place.end_line] if line[:2] != "#r"]
        source = _letters("\n".join(shown))
        for line in example.turns[1].content.split("\n"):
            for sentence in line.split(". "):
                assert _letters(sentence) in source


@given(st.dictionaries(_KEYS, _JSON, max_size=6))
def test_records_of_any_shape(fields: dict[str, Any]) -> None:
    try:
        found = dialogues(fields)
    except Refused:
        return
    assert found
    for dialogue in found:
        spoken = [turn.role for turn in dialogue.turns if turn.role != "system"]
        assert spoken == ["user", "assistant"] * (len(spoken) // 2)
        assert len(spoken) >= 2
        assert all(turn.content for turn in dialogue.turns)
        for turn in dialogue.turns:
            turn.content.encode()
    metadata_of(fields)


@_FILES
@given(data=st.binary(max_size=300) | _NOTE.map(lambda text: text.encode("utf-8", "replace")))
def test_a_note_of_any_bytes_is_a_document_or_has_a_reason(tmp_path: Path, data: bytes) -> None:
    root = tmp_path / "vault"
    root.mkdir(exist_ok=True)
    (root / "keep.txt").touch()
    (root / "a.md").write_bytes(data)
    documents, skipped = read_vault(root)
    about = [skip for skip in skipped if skip.path == "a.md"]
    assert len(documents) == 1 or about
    for document in documents:
        extract(document)


@_FILES
@given(
    lines=st.lists(
        st.dictionaries(_KEYS, _JSON, max_size=4).map(lambda value: json.dumps(value).encode())
        | st.binary(max_size=40).map(lambda data: data.replace(b"\n", b"").replace(b"\r", b"")),
        min_size=1,
        max_size=6,
    )
)
def test_each_line_of_jsonl_is_a_document_or_has_a_reason(
    tmp_path: Path, lines: list[bytes]
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"prompt": "q", "completion": "a"}\n' + b"\n".join(lines))
    documents, skipped = read_source("instructions", path)
    reached = {document.start_line for document in documents} | {skip.line for skip in skipped}
    if 0 in reached:
        return
    wanted = {number for number, line in enumerate(lines, 2) if line.strip()}
    assert wanted <= reached
