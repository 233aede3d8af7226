from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import SourceMissing, UsageError
from engine.extract import extract
from engine.models import Document, Skipped
from engine.sources.base import Reading, Survey
from engine.sources.files import Item, Refused
from engine.sources.synthetic import SyntheticReader, look, shipped, write_template
from tests.sources.synthetic.support import SMALL
from tests.support.hashes import hashes

READER = SyntheticReader()


class Read:
    """What reading a file gave."""

    def __init__(self, path: Path | str, **options: str) -> None:
        self.skipped: list[Skipped] = []
        self.bytes: list[int] = []
        self.refused: Refused | None = None
        self.documents: list[Document] = []
        reading = Reading("s", options, self.skipped.append, self.bytes.append)
        for item in READER.items(str(path), reading):
            try:
                self.documents += READER.read(item, reading)
            except Refused as refused:
                self.refused = refused


def survey(path: Path) -> Survey:
    return Survey(path, True, (Item.of(path, path.name),), frozenset())


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL, "utf-8")
    return path


def test_a_hundred_examples_by_default() -> None:
    before = hashes(shipped().parent)
    read = Read(shipped())
    assert len(read.documents) == 100
    assert read.skipped == []
    assert hashes(shipped().parent) == before
    document = read.documents[1]
    assert document.kind == "synthetic"
    assert document.path == "identity.toml"
    assert document.start_line > 1
    assert [turn.role for turn in document.turns] == ["user", "assistant"]
    assert dict(document.metadata) == {
        "type": "synthetic",
        "topic": document.tags[0],
        "language": "ro",
        "template": document.metadata["template"],
        "seed": "0",
        "index": "1",
        "noise": "off",
        "layout": "template",
    }
    assert len({document.content_hash for document in read.documents}) == 100
    assert read.bytes[-1] == shipped().stat().st_size
    assert read.bytes == sorted(read.bytes)


def test_the_line_is_that_of_the_template() -> None:
    lines = shipped().read_text("utf-8").split("\n")
    for document in Read(shipped(), count="40").documents:
        assert lines[document.start_line - 1] == "[[topic.template]]"
        assert lines[document.start_line] == f'name = "{document.metadata["template"]}"'


def test_options_are_followed() -> None:
    options = {"count": "31", "seed": "5", "languages": " ro, en ", "noise": "strong"}
    documents = Read(shipped(), **options).documents
    assert [d.metadata["language"] for d in documents[:3]] == ["ro", "en", "ro"]
    assert sum(d.metadata["language"] == "ro" for d in documents) == 16
    assert {d.metadata["seed"] for d in documents} == {"5"}
    assert all(d.metadata["noise"].startswith("strong: ") for d in documents)


def test_examples_are_synthetic_and_named_by_what_they_say() -> None:
    examples = [example for d in Read(shipped(), count="50").documents for example in extract(d)]
    assert len({example.id for example in examples}) == 50
    assert {example.kind for example in examples} == {"synthetic"}
    assert all(example.metadata["type"] == "synthetic" for example in examples)


def test_a_shortage_is_told_with_its_numbers(small: Path) -> None:
    read = Read(small, count="9")
    assert len(read.documents) == 4
    (skip,) = read.skipped
    assert (skip.code, skip.path, skip.line) == ("repeats", "small.toml", 0)
    assert "9 were asked for" in skip.reason
    assert "2 of 5 in en, 2 of 4 in ro: the other 5 would repeat" in skip.reason


def test_repeats_are_made_when_asked_for_and_still_told(small: Path) -> None:
    read = Read(small, count="9", repeats="yes")
    assert len(read.documents) == 9
    assert sum(d.metadata.get("repeat") == "yes" for d in read.documents) == 5
    (skip,) = read.skipped
    assert skip.code == "repeats"
    assert "the other 5 repeat earlier questions" in skip.reason


def test_each_mistake_is_told_with_its_line(small: Path) -> None:
    small.write_text(SMALL.replace("is {name}]?", "is {nam}]?").replace("ești|", "|||"), "utf-8")
    read = Read(small)
    assert read.documents == []
    assert [(skip.line, skip.code) for skip in read.skipped] == [
        (13, "unknown-slot"),
        (15, "empty-choice"),
    ]
    assert "did you mean name?" in read.skipped[0].reason
    assert read.refused is not None
    assert read.refused.code == "templates-broken"
    assert "2 errors" in read.refused.reason


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "templates-broken"),
        (b"\xff\xfe\xff", "not-utf8"),
        (b"a = 1\x00", "binary"),
        (SMALL.encode("latin-1", "replace") + b"\xe9", "not-utf8"),
        (b"#" * 1_000_001, "too-large"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "lfs-pointer"),
    ],
)
def test_files_that_are_no_templates(tmp_path: Path, data: bytes, code: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(data)
    read = Read(path)
    assert read.refused is not None
    assert read.refused.code == code


def test_windows_line_ends_and_a_mark_change_nothing(tmp_path: Path, small: Path) -> None:
    other = tmp_path / "windows.toml"
    other.write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert [d.turns for d in Read(other).documents] == [d.turns for d in Read(small).documents]


@pytest.mark.parametrize(
    "options",
    [
        {"count": "0"},
        {"count": "-5"},
        {"count": "many"},
        {"count": "1000001"},
        {"count": "9" * 5000},
        {"count": "²"},
        {"seed": "x"},
        {"noise": "loud"},
        {"repeats": "maybe"},
        {"languages": "fr"},
        {"languages": "en,eng"},
    ],
)
def test_options_that_mean_nothing_are_refused_before_anything_is_read(
    options: dict[str, str],
) -> None:
    with pytest.raises(UsageError) as caught:
        next(READER.items(str(shipped()), Reading(options=options)))
    assert caught.value.hint
    item = Item.of(shipped(), "identity.toml")
    with pytest.raises(UsageError):
        next(READER.read(item, Reading(options=options)))
    if "languages" not in options:
        with pytest.raises(UsageError):
            READER.check(options)


def test_options_can_be_checked_before_there_is_a_file() -> None:
    READER.check({})
    READER.check({"count": "5", "seed": "1", "languages": "fr", "noise": "light", "repeats": "no"})


def test_detection(tmp_path: Path, small: Path) -> None:
    seen = READER.detect(survey(small))
    assert seen is not None
    assert (seen.kind, seen.confidence) == ("synthetic", 0.99)
    assert seen.why == "1 template on 1 topic; questions that can be made: 2 in en and 2 in ro"
    assert seen.choices == {"languages": ("en,ro", "en", "ro")}
    small.write_text(SMALL.replace("[are you", "[[are you"), "utf-8")
    broken = READER.detect(survey(small))
    assert broken is not None
    assert "line 13" in broken.why
    other = tmp_path / "pyproject.toml"
    other.write_text('[project]\nname = "other"\n', "utf-8")
    assert READER.detect(survey(other)) is None
    folder = Survey(tmp_path, False, (Item.of(small, small.name),), frozenset())
    assert READER.detect(folder) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200))
def test_detection_takes_any_bytes(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "any.bin"
    path.write_bytes(b'format = "finetui-synthetic"\n' + data)
    seen = READER.detect(survey(path))
    assert seen is None or "but" in seen.why


def test_the_word_identity_means_the_shipped_ones() -> None:
    assert len(Read("identity", count="5").documents) == 5
    with pytest.raises(SourceMissing, match="no templates are called") as caught:
        Read("identty")
    assert "did you mean identity?" in caught.value.hint


def test_a_copy_to_edit_never_overwrites(tmp_path: Path) -> None:
    written = write_template(tmp_path / "mine.toml")
    assert written.read_bytes() == shipped().read_bytes()
    written.write_text("mine", "utf-8")
    with pytest.raises(UsageError, match="there already"):
        write_template(written)
    assert written.read_text("utf-8") == "mine"
    assert write_template(tmp_path) == tmp_path / "identity.toml"
    with pytest.raises(UsageError, match="there already"):
        write_template(tmp_path)
    link = tmp_path / "link.toml"
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="there already"):
        write_template(link)
    with pytest.raises(UsageError, match="can't be written"):
        write_template(tmp_path / "no" / "such" / "folder.toml")
    with pytest.raises(SourceMissing):
        shipped("../identity")


def test_a_look_shows_what_a_file_gives_or_what_is_wrong(small: Path) -> None:
    found = look(small, {"count": "3"})
    assert [made.question for made in found.first] != []
    assert found.problems == ()
    small.write_text("x = ", "utf-8")
    assert [problem.code for problem in look(small, {}).problems] == ["toml-syntax"]
