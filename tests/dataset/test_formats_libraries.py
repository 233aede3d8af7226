"""Other trainers' libraries read what is exported: the real ones, offline."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.dataset import FORMATS, export
from engine.dataset.rows import Row
from engine.models import example_id
from tests.dataset.frozen_support import row, turns_of, write_frozen

MANY = 20_000


def made(number: int) -> Row:
    """Return rows that differ in what they have: a system message, later turns, metadata."""
    turns = turns_of(("user", f"Question {number}, țară?"), ("assistant", f"Answer {number}."))
    if number % 3 == 2:
        turns = (*turns, *turns_of(("user", "And then?"), ("assistant", "No more.")))
    if number % 4 == 3:
        turns = (*turns_of(("system", "You are Nova.")), *turns)
    extra = {"status": "done"} if number > MANY // 2 else {}
    return row(turns, number, **({"extra": extra} if extra else {}), tags=["a"] * (number % 2))


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [made(number) for number in range(12)]
    folder = tmp_path_factory.mktemp("frozen") / "d1"
    return write_frozen(folder, {"train": rows[:9], "validation": rows[9:]})


@pytest.mark.parametrize("format", FORMATS)
def test_datasets_loads_json_and_parquet_and_saved_folders(
    frozen: Path, tmp_path: Path, format: str
) -> None:
    import datasets

    metadata = FORMATS[format].metadata
    export(frozen, "", format, tmp_path / "j", metadata=metadata)
    files = {part: str(tmp_path / "j" / f"{part}.jsonl") for part in ("train", "validation")}
    loaded = [datasets.load_dataset("json", data_files=files, cache_dir=str(tmp_path / "c"))]
    if not FORMATS[format].container:
        export(frozen, "", format, tmp_path / "p", container="parquet", metadata=metadata)
        files = {part: str(tmp_path / "p" / f"{part}.parquet") for part in files}
        loaded.append(
            datasets.load_dataset("parquet", data_files=files, cache_dir=str(tmp_path / "c"))
        )
        export(frozen, "", format, tmp_path / "h", container="hf", metadata=metadata)
        loaded.append(datasets.load_from_disk(str(tmp_path / "h")))
    for found in loaded:
        assert {part: len(found[part]) for part in found} == {"train": 9, "validation": 3}
        named = [name for name in found["train"].column_names if name != "metadata"]
        assert named == list(FORMATS[format].columns)
        held = [[row[name] for name in named] for part in found.values() for row in part]
        assert held == [[row[name] for name in named] for part in loaded[0].values()
                        for row in part]  # fmt: skip


def test_one_split_is_one_dataset(frozen: Path, tmp_path: Path) -> None:
    import datasets

    report = export(frozen, "", "chat", tmp_path / "h", container="hf", split="train")
    assert dict(report.files) == {tmp_path / "h": 9}
    found = datasets.load_from_disk(str(tmp_path / "h"))
    assert isinstance(found, datasets.Dataset)
    assert len(found) == 9


def test_trl_knows_what_it_is_given(frozen: Path, tmp_path: Path) -> None:
    from trl.data_utils import is_conversational, is_conversational_from_value

    first = {}
    for format in FORMATS:
        export(frozen, "", format, tmp_path / format)
        first[format] = json.loads((tmp_path / format / "train.jsonl").read_text().splitlines()[0])
    for format in ("chat", "openai"):
        assert is_conversational(first[format])
    assert is_conversational_from_value(first["sharegpt"])
    for format in ("instruction", "completion", "chatml", "instruct-text"):
        assert not is_conversational(first[format])
    assert set(first["instruction"]) == {"prompt", "completion"}


def test_the_tokenizer_template_of_chatml_renders_the_same(frozen: Path, tmp_path: Path) -> None:
    from transformers.utils.chat_template_utils import render_jinja_template

    template = (
        "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' "
        "+ message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}"
    )
    export(frozen, "", "chatml", tmp_path / "t.jsonl")
    export(frozen, "", "chat", tmp_path / "m.jsonl")
    texts = [json.loads(line)["text"] for line in (tmp_path / "t.jsonl").open()]
    messages = [json.loads(line)["messages"] for line in (tmp_path / "m.jsonl").open()]
    rendered, _ = render_jinja_template(conversations=messages, chat_template=template)
    assert rendered == texts


def test_datasets_loads_files_of_several_blocks(tmp_path: Path) -> None:
    import datasets

    rows = [made(number) for number in range(MANY)]
    big = write_frozen(tmp_path / "d1", {"train": rows, "validation": []})
    for format in ("chat", "alpaca"):
        out = tmp_path / f"{format}.jsonl"
        export(big, "", format, out, metadata=True)
        # A block is 10 MB: columns that begin in a later one would not be known.
        found = datasets.load_dataset(
            "json", data_files=str(out), split="train", chunksize=1 << 18,
            cache_dir=str(tmp_path / "c"),
        )  # fmt: skip
        assert len(found) == MANY
        assert found[MANY - 1]["metadata"]["text_id"] == example_id(rows[-1].turns)
