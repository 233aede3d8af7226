"""Where an export goes: files and folders, what is there already, and what goes wrong."""

from __future__ import annotations

import hashlib
import json
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from engine.cli.main import main
from engine.dataset import FORMATS, export, freeze
from engine.dataset.formats import CONTAINERS, default_path
from engine.dataset.frozen import MANIFEST
from engine.errors import (
    DatasetMissing,
    DatasetRefused,
    DependencyMissing,
    FinetuiError,
    FormatUnknown,
    UsageError,
)
from engine.models import Document, Turn
from engine.sources import detect, read
from engine.workspace import Workspace
from tests.dataset.frozen_support import row, turns_of, write_frozen
from tests.dataset.support import Note, approve, note, notes

TALK = turns_of(("user", "Q1"), ("assistant", "A1"), ("user", "Q2"), ("assistant", "A2"))


@pytest.fixture
def frozen(tmp_path: Path) -> Path:
    """Eight rows to train on, two held out."""
    rows = [
        row(turns_of(("user", f"Whose is {n}?"), ("assistant", f"It is țara's, {n}.")), n)
        for n in range(10)
    ]
    return write_frozen(tmp_path / "d1", {"train": rows[:8], "validation": rows[8:]})


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def documents(out: Path) -> list[Document]:
    return list(read(detect(out).kind, out))


def hashes(out: Path) -> dict[str, str]:
    files = [out] if out.is_file() else sorted(p for p in out.rglob("*") if p.is_file())
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def test_a_folder_gets_each_side_and_a_file_the_side_that_is_asked_for(
    frozen: Path, tmp_path: Path
) -> None:
    both = export(frozen, "", "chat", tmp_path / "both")
    assert {path.name: rows for path, rows in both.files.items()} == {
        "train.jsonl": 8,
        "validation.jsonl": 2,
    }
    held = export(frozen, "", "chat", tmp_path / "v.jsonl", split="validation", metadata=True)
    assert held.rows == 2
    (first, _) = lines(tmp_path / "v.jsonl")
    assert first["metadata"]["id"] == f"b2-{8:032x}"
    one = export(frozen, "", "chat", tmp_path / "one", split="train")
    assert [path.name for path in one.files] == ["train.jsonl"]
    assert set(lines(tmp_path / "one" / "train.jsonl")[0]) == {"messages"}
    assert export(frozen, "", "chat", tmp_path / "all.parquet").rows == 10
    assert pq.read_table(tmp_path / "all.parquet").num_rows == 10
    parquet = export(frozen, "", "chat", tmp_path / "p", container="parquet")
    assert sorted(path.name for path in parquet.files) == ["train.parquet", "validation.parquet"]


def test_a_test_side_goes_where_the_others_go(tmp_path: Path) -> None:
    rows = [row(turns_of(("user", f"Q{n}"), ("assistant", "A")), n) for n in range(3)]
    parts = {"train": rows[:1], "validation": rows[1:2], "test": rows[2:]}
    three = write_frozen(tmp_path / "d1", parts)
    assert len(export(three, "", "alpaca", tmp_path / "a").files) == 3
    export(three, "", "alpaca", tmp_path / "b", container="hf")
    assert json.loads((tmp_path / "b" / "dataset_dict.json").read_text()) == {
        "splits": ["train", "validation", "test"]
    }
    export(three, "", "alpaca", tmp_path / "c.jsonl", split="test")
    assert lines(tmp_path / "c.jsonl")[0]["instruction"] == "Q2"


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_side_without_rows_is_written_and_read(tmp_path: Path, container: str) -> None:
    one = write_frozen(tmp_path / "d1", {"train": [row(TALK)], "validation": []})
    report = export(one, "", "sharegpt", tmp_path / "out", container=container)
    assert list(report.files.values()) == [1, 0]
    assert [document.turns for document in documents(tmp_path / "out")] == [TALK]


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("format", FORMATS)
def test_equal_rows_give_equal_bytes(
    frozen: Path, tmp_path: Path, format: str, container: str
) -> None:
    if FORMATS[format].container not in ("", container):
        return
    metadata = FORMATS[format].metadata
    for name in ("a", "b"):
        export(frozen, "", format, tmp_path / name, container=container, metadata=metadata)
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")


def test_every_row_of_an_export_has_the_same_columns(tmp_path: Path) -> None:
    plain = row(turns_of(("user", "Q"), ("assistant", "A")), 1)
    made = write_frozen(tmp_path / "d1", {"train": [plain], "validation": [row(TALK, 2)]})
    export(made, "", "alpaca", tmp_path / "out")
    (first,), (second,) = (lines(tmp_path / "out" / f"{n}.jsonl") for n in ("train", "validation"))
    assert first == {"instruction": "Q", "input": "", "output": "A", "history": []}
    assert list(first) == list(second)
    assert second["history"] == [["Q1", "A1"]]


def test_line_ends_of_unicode_divide_no_line(tmp_path: Path) -> None:
    turns = turns_of(("user", "a\u2028b\u2029c\x85d"), ("assistant", "A"))
    made = write_frozen(tmp_path / "d1", {"train": [row(turns)], "validation": []})
    out = tmp_path / "out.jsonl"
    export(made, "", "chat", out)
    assert len(out.read_text("utf-8").splitlines()) == 1
    assert documents(out)[0].turns == turns


def test_where_a_row_came_from_comes_back(tmp_path: Path) -> None:
    told = {"source": "b2-1", "path": "garden/Peas.md", "lines": [3, 9], "title": "Peas",
            "tags": ["garden", "spring"], "date": "2025-03-14", "edited": True, "question_by": "m",
            "heading": "When", "extra": {"status": "done"}}  # fmt: skip
    made = row(TALK, 7, **told)
    kept = write_frozen(tmp_path / "d1", {"train": [made], "validation": []})
    for number, (format, container) in enumerate(
        [("chat", "jsonl"), ("alpaca", "parquet"), ("chatml", "hf"), ("completion", "jsonl")]
    ):
        out = tmp_path / str(number)
        export(kept, "", format, out, container=container, metadata=True)
        assert detect(out).confidence == 1.0
        (document,) = documents(out)
        assert (document.title, document.tags) == ("Peas", ("garden", "spring"))
        assert document.date == "2025-03-14"
        expected = {"id": made.id, "kind": "reflection", "source": "b2-1",
                    "path": "garden/Peas.md", "lines": "3-9", "heading": "When", "edited": "true",
                    "question_by": "m", "status": "done"}  # fmt: skip
        assert expected.items() <= document.metadata.items()
        assert "text_id" not in document.metadata


def test_what_is_there_is_kept_unless_told(frozen: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.jsonl"
    out.write_text("mine")
    with pytest.raises(UsageError, match="there already") as caught:
        export(frozen, "", "chat", out)
    assert "--force" in caught.value.hint
    assert out.read_text() == "mine"
    assert export(frozen, "", "chat", out, overwrite=True).rows == 10


def test_a_saved_folder_is_replaced_when_told_and_another_never(
    frozen: Path, tmp_path: Path
) -> None:
    out = tmp_path / "saved"
    out.mkdir()
    export(frozen, "", "chat", out, container="hf")  # An empty folder is nobody's.
    with pytest.raises(UsageError, match="there already"):
        export(frozen, "", "chat", out, container="hf")
    export(frozen, "", "alpaca", out, container="hf", overwrite=True)
    assert documents(out)[0].metadata["layout"] == "instruction"
    (out / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="not a saved dataset alone"):
        export(frozen, "", "chat", out, container="hf", overwrite=True)
    assert (out / "thesis.txt").read_text() == "mine"
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match="not a saved dataset alone"):
        export(frozen, "", "chat", tmp_path / "file", container="hf", overwrite=True)
    (tmp_path / "dir.jsonl").mkdir()
    (tmp_path / "dir.jsonl" / "x").touch()
    with pytest.raises(UsageError, match="not a saved dataset alone"):
        export(frozen, "", "chat", tmp_path / "dir.jsonl", overwrite=True)


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"format": "alpacca"}, "no export format", "did you mean alpaca?"),
    ({"container": "parket"}, "no container", "did you mean parquet?"),
    ({"container": "csv"}, "no container", "jsonl, parquet, hf"),
    ({"split": "dev"}, "no split 'dev'", "train, validation"),
    ({"split": "test"}, "has no split 'test'", "train, validation"),
    ({"out": "x.json"}, "by its name it is a file", ".jsonl or .parquet"),
    ({"out": "x.csv"}, "by its name it is a file", ".jsonl"),
    ({"out": "x.jsonl", "container": "parquet"}, "no name for Parquet", "--as"),
    ({"out": "x.parquet", "container": "hf"}, "no name for a folder", "--as"),
    ({"format": "openai", "container": "hf"}, "JSON, a row a line alone", "format chat"),
    ({"format": "openai", "out": "x.parquet"}, "JSON, a row a line alone", "format chat"),
    ({"format": "openai", "metadata": True}, "can't have metadata", "--metadata"),
    ({"out": "file/x.jsonl"}, "can't be written", "another path"),
    ({"out": "a" * 300 + ".jsonl"}, "can't be written", "another path"),
]


@pytest.mark.parametrize(("words", "said", "hint"), WRONG)
def test_wrong_words_are_named_and_write_nothing(
    frozen: Path, tmp_path: Path, words: dict[str, Any], said: str, hint: str
) -> None:
    (tmp_path / "file").touch()
    before = sorted(tmp_path.rglob("*"))
    words = {"format": "chat", "out": "out"} | words
    out = tmp_path / words.pop("out")
    with pytest.raises((UsageError, FormatUnknown), match=said) as caught:
        export(frozen, "", words.pop("format"), out, **words)
    assert hint in caught.value.hint
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(("container", "package"), [("parquet", "pyarrow"), ("hf", "datasets")])
def test_a_package_that_is_not_installed_is_named(
    frozen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, container: str, package: str
) -> None:
    def find(name: str) -> object:
        return None if name == package else find_spec(name)

    monkeypatch.setattr("engine.dataset.formats.containers.find_spec", find)
    with pytest.raises(DependencyMissing, match=f"needs the package {package}") as caught:
        export(frozen, "", "chat", tmp_path / "x", container=container)
    assert "finetui doctor --fix" in caught.value.hint


def test_a_row_of_a_megabyte_fits_everywhere(tmp_path: Path) -> None:
    turns = turns_of(("user", "Q"), ("assistant", "țară " * 300_000 + "."))
    made = write_frozen(tmp_path / "d1", {"train": [row(turns)], "validation": []})
    for container in CONTAINERS:
        export(made, "", "chatml", tmp_path / container, container=container)
        assert documents(tmp_path / container)[0].turns == turns


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_without_permission_is_named(frozen: Path, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with pytest.raises(UsageError, match="can't be written: Permission denied"):
        export(frozen, "", "chat", closed / "x.jsonl")


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_format_that_fits_no_row_writes_nothing(tmp_path: Path, container: str) -> None:
    marked = row(turns_of(("user", "<|user|>"), ("assistant", "A")))
    made = write_frozen(tmp_path / "d1", {"train": [marked], "validation": []})
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DatasetRefused, match="no row of d1 fits the format completion: its text"):
        export(made, "", "completion", tmp_path / "out" / "y", container=container)
    left = set(tmp_path.rglob("*")) - set(before)
    assert all(path.is_dir() and not list(path.glob("*y*")) for path in left)


@pytest.mark.parametrize("container", CONTAINERS)
def test_an_export_that_breaks_off_leaves_what_was_there(
    frozen: Path, tmp_path: Path, container: str
) -> None:
    out = tmp_path / "out"
    export(frozen, "", "chat", out, container=container)
    before = hashes(tmp_path)
    data = (frozen / "train.jsonl").read_bytes()
    broken = data[: len(data) * 2 // 3]
    (frozen / "train.jsonl").write_bytes(broken)
    manifest = json.loads((frozen / MANIFEST).read_text())
    manifest["files"]["train.jsonl"]["sha256"] = hashlib.sha256(broken).hexdigest()
    (frozen / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(DatasetRefused, match="is damaged"):
        export(frozen, "", "alpaca", out, container=container, overwrite=True)
    after = hashes(tmp_path)
    for name in ("d1/train.jsonl", f"d1/{MANIFEST}"):
        del before[name], after[name]
    assert after == before


def test_openai_is_warned_of_too_few_rows(frozen: Path, tmp_path: Path) -> None:
    (warning,) = export(frozen, "", "openai", tmp_path / "a", split="train").warnings
    assert "8 rows" in warning
    assert "10 or more" in warning
    assert not export(frozen, "", "openai", tmp_path / "all.jsonl").warnings


def test_what_was_left_out_or_changed_is_reported(tmp_path: Path) -> None:
    made = [
        row(turns_of(("user", "plain?"), ("assistant", "yes.")), 1),
        row(TALK, 2),
        row((*TALK, Turn("user", "unanswered")), 3),
        row(turns_of(("user", " wide "), ("assistant", "A")), 4),
    ]
    kept = write_frozen(tmp_path / "d1", {"train": made, "validation": []})
    report = export(kept, "", "instruction", tmp_path / "x.jsonl")
    assert report.rows == 3
    assert dict(report.notes) == {
        "earlier turns written into the prompt": 1,
        "read back without white space at the ends of its texts": 1,
    }
    assert [(one.example_id, one.code) for one in report.refused] == [
        (made[2].id, "last-not-answer")
    ]
    both = export(kept, "", "chat", tmp_path / "y.jsonl", system_prompt="Be kind.")
    assert both.notes["system message put in front, as asked"] == 4


def test_the_verb_writes_what_was_frozen_and_sources_add_takes_it_back(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    talk = (*turns_of(("system", "Be kind.")), *TALK)
    approve(
        workspace, [*notes(8), Note("b.json", talk, kind="conversation"), note("e.md", "?", "!")]
    )
    made = freeze(workspace, base=None)
    at = ["--workspace", str(workspace.root)]
    capsys.readouterr()
    out = tmp_path / "saved"
    words = ["dataset", "export", "--format", "sharegpt", "--as", "hf", "--out", str(out)]
    assert main([*words, "--metadata", *at]) == 0
    said = capsys.readouterr().out
    assert "saved/train: " in said
    assert main(["sources", "add", str(out), "--json", *at]) == 0
    added = json.loads(capsys.readouterr().out)
    assert added["scan"]["examples"] == 10
    rows = [*made.train_rows(), *made.validation_rows()]
    assert {d.turns for d in documents(out)} == {one.turns for one in rows}
    flat = ["dataset", "export", made.name, "--format", "instruction", "--no-system"]
    assert main([*flat, "--out", str(tmp_path / "x.jsonl"), "--json", *at]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["files"] == {str(tmp_path / "x.jsonl"): 10}
    assert told["notes"] == {
        "system message left out, as asked": 1,
        "earlier turns written into the prompt": 1,
    }
    assert (told["refused"], told["warnings"]) == ([], [])
    assert main([*flat, "--out", str(tmp_path / "x.jsonl"), *at]) == 2
    assert "there already" in capsys.readouterr().err


def test_an_export_that_names_no_path_goes_to_the_workspace(
    workspace: Workspace,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    approve(workspace, notes(8))
    made = freeze(workspace, base=None)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    words = ["dataset", "export", "--format", "chat", "--workspace", str(workspace.root), "--json"]
    assert main(words) == 0
    (path,) = json.loads(capsys.readouterr().out)["files"]
    assert Path(path) == workspace.exports_dir / f"{made.name}-chat.jsonl"
    assert Path(path).is_file()
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert default_path(workspace, "notes", "chat", "hf") == workspace.exports_dir / "notes-chat"


def test_the_verb_names_what_is_wrong(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["dataset", "export", "--out", str(tmp_path / "x"), "--workspace", str(workspace.root)]
    assert main([*words, "--format", "chat"]) == 1
    assert "there is no dataset yet" in capsys.readouterr().err
    with pytest.raises(DatasetMissing):
        export(workspace, "nothing", "chat", tmp_path / "x")
    with pytest.raises(FinetuiError):
        export(tmp_path, "", "chat", tmp_path / "x")
