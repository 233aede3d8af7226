from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.models import Document
from engine.sources import Reading, candidates, detect, reader_of
from engine.sources.instructions.layout import split_of
from tests.sources.instructions.golden import read
from tests.support.hashes import hashes

ROWS = [{"instruction": f"q{n}", "input": "", "output": f"a{n}", "level": "A1"} for n in range(40)]


@pytest.fixture
def datasets() -> Any:
    """Return the library; loaded no sooner, since it asks at once whether it is offline."""
    import datasets as library

    library.disable_progress_bars()
    return library


def _splits(documents: list[Document]) -> dict[str, int]:
    found: dict[str, int] = {}
    for document in documents:
        split = document.metadata.get("split", "")
        found[split] = found.get(split, 0) + 1
    return found


def test_a_saved_data_set(tmp_path: Path, datasets: Any) -> None:
    root = tmp_path / "saved"
    made = datasets.Dataset.from_list(ROWS)
    made.save_to_disk(str(root), num_shards=3)
    (root / "cache-0123.arrow").write_bytes((root / "data-00000-of-00003.arrow").read_bytes())
    before = hashes(root)
    documents, skipped = read(root)
    assert [document.turns[0].content for document in documents] == [
        row["instruction"] for row in ROWS
    ]
    assert {(skip.path, skip.code) for skip in skipped} == {
        ("state.json", "description"),
        ("dataset_info.json", "description"),
        ("cache-0123.arrow", "cache"),
    }
    found = detect(root)
    assert found.kind == "instructions"
    assert found.why.startswith("a saved datasets folder; alpaca: instruction, input, output")
    assert hashes(root) == before


def test_a_saved_data_set_with_splits(tmp_path: Path, datasets: Any) -> None:
    made = datasets.Dataset.from_list(ROWS).train_test_split(test_size=0.25, seed=1)
    made.save_to_disk(str(tmp_path / "saved"))
    documents, _ = read(tmp_path / "saved")
    assert _splits(documents) == {"train": 30, "test": 10}


def test_classes_are_called_by_their_names(tmp_path: Path, datasets: Any) -> None:
    features = datasets.Features(
        {
            "conversations": datasets.Sequence(
                {"from": datasets.Value("string"), "value": datasets.Value("string")}
            ),
            "level": datasets.ClassLabel(names=["beginner", "expert"]),
        }
    )
    talk = {"from": ["human", "gpt"], "value": ["q", "a"]}
    made = datasets.Dataset.from_list([{"conversations": talk, "level": 1}], features=features)
    made.save_to_disk(str(tmp_path / "saved"))
    made.to_parquet(str(tmp_path / "a.parquet"))
    for root in (tmp_path / "saved", tmp_path / "a.parquet"):
        (document,), _ = read(root)
        assert [turn.content for turn in document.turns] == ["q", "a"]
        assert document.metadata["level"] == "expert"


def _hub_cache(root: Path) -> Path:
    """Make a folder as the hub's library keeps a data set: snapshots of links to blobs."""
    cache = root / "datasets--owner--name"
    (cache / "blobs").mkdir(parents=True)
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text("new")
    pq.write_table(pa.Table.from_pylist(ROWS), cache / "blobs" / "b1")
    (cache / "blobs" / "b2").write_text("# card")
    for revision in ("new", "old"):
        (cache / "snapshots" / revision / "data").mkdir(parents=True)
        link = cache / "snapshots" / revision / "data" / "train-00000-of-00001.parquet"
        os.symlink("../../../blobs/b1", link)
        os.symlink("../../blobs/b2", cache / "snapshots" / revision / "README.md")
    os.symlink("/etc/hostname", cache / "snapshots" / "new" / "data" / "test.jsonl")
    return cache


def test_a_cache_of_the_hub(tmp_path: Path) -> None:
    cache = _hub_cache(tmp_path)
    for root in (cache, cache / "snapshots" / "new"):
        documents, skipped = read(root)
        assert _splits(documents) == {"train": 40}
        assert ("outside", True) in {(s.code, s.path.endswith("test.jsonl")) for s in skipped}
    assert detect(cache).kind == "instructions"


def test_a_downloaded_repository(tmp_path: Path) -> None:
    (tmp_path / "set" / "data").mkdir(parents=True)
    for split in ("train", "validation"):
        name = f"{split}-00000-of-00001-a3ecf92756993583.parquet"
        pq.write_table(pa.Table.from_pylist(ROWS[:3]), tmp_path / "set" / "data" / name)
    (tmp_path / "set" / "README.md").write_text("---\nlicense: mit\n---\n# Card\n")
    (tmp_path / "set" / "rows.xlsx").write_bytes(b"PK\x03\x04")
    documents, skipped = read(tmp_path / "set")
    assert _splits(documents) == {"train": 3, "validation": 3}
    assert {(skip.path, skip.code) for skip in skipped} == {
        ("README.md", "not-rows"),
        ("rows.xlsx", "not-rows"),
    }
    assert "CSV" in next(skip.reason for skip in skipped if skip.path == "rows.xlsx")
    assert candidates(tmp_path / "set")[0].kind == "instructions"


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train.jsonl", "train"),
        ("data/nava_instruct_eval.jsonl", "validation"),
        ("gsm_8k_train.json", "train"),
        ("test/data-00000-of-00001.arrow", "test"),
        ("default/train/0000.parquet", "train"),
        ("data/train_sft-00000-of-00003-a3ecf92756993583.parquet", "train"),
        ("train_tickets.csv", ""),
        ("rows.jsonl.gz", ""),
        ("dev.tsv", "validation"),
    ],
)
def test_splits_by_name(name: str, split: str) -> None:
    assert split_of(name) == split


def test_each_file_of_a_folder_is_told_by_itself(tmp_path: Path) -> None:
    root = tmp_path / "mixed"
    root.mkdir()
    (root / "a.csv").write_text("Frage;Antwort\nWas?;Das.\nWer?;Wir.\n")
    (root / "b.jsonl").write_text(json.dumps({"prompt": "q", "completion": "a"}))
    (root / "c.txt").write_text("<|user|>\nq2\n<|assistant|>\na2\n")
    (root / "d.csv").write_text("name,phone\nAna,0721\nBogdan,0722\n")
    (root / "e.json").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    (root / "f.jsonl.gz").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    (root / "notes.txt").write_text("Prose.\n")
    documents, skipped = read(root)
    assert [document.turns[0].content for document in documents] == ["Was?", "Wer?", "q", "q2"]
    assert {(skip.path, skip.code) for skip in skipped} == {
        ("d.csv", "unknown-columns"),
        ("e.json", "lfs-pointer"),
        ("f.jsonl.gz", "lfs-pointer"),
        ("notes.txt", "not-rows"),
    }
    found = detect(root)
    assert not found.options
    assert {"Frage", "prompt", "text"} <= set(found.choices["prompt"])


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.csv", "text,category\nWhere is it?,card\nI lost it,card\n", "labels-only"),
        ("a.csv", "text\nOnly prose stands here.\nAnd more of it.\n", "no-turns"),
        ("a.csv", "prompt,completion\n", "empty"),
    ],
)
def test_tables_of_another_sort_are_refused_once(
    tmp_path: Path, name: str, content: str, code: str
) -> None:
    (tmp_path / name).write_text(content)
    documents, skipped = read(tmp_path / name)
    assert not documents
    assert [(skip.line, skip.code) for skip in skipped] == [(0, code)]


def test_a_file_that_can_not_be_opened(tmp_path: Path) -> None:
    path = tmp_path / "set" / "a.jsonl"
    path.parent.mkdir()
    path.write_text('{"prompt": "q", "completion": "a"}\n')
    items = list(reader_of("instructions").items(str(path.parent), Reading()))
    path.unlink()
    found: list[Any] = []
    with pytest.raises(Exception, match="went away") as caught:
        found.extend(reader_of("instructions").read(items[0], Reading()))
    assert getattr(caught.value, "code", "") == "unreadable"
    assert not found
