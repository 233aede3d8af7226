from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.bases import Base
from engine.dataset import Frozen, datasets, freeze, frozen, load, read_rows
from engine.errors import (
    DatasetMissing,
    DatasetRefused,
    DiskFull,
    NothingApproved,
    UsageError,
)
from engine.models import Turn
from engine.workspace import Workspace, init_workspace, open_workspace
from tests.dataset.support import NOW, approve, note, notes

Contents = dict[str, bytes]


def contents(made: Frozen) -> Contents:
    return {path.name: path.read_bytes() for path in made.directory.iterdir()}


def test_a_dataset_is_four_files_that_say_what_they_are(workspace: Workspace, base: Base) -> None:
    approve(workspace, notes(20))
    made = freeze(workspace, base=base, validation_fraction=0.2, max_length=64)
    assert made.name == "d1"
    assert made.directory == workspace.datasets_dir / "d1"
    assert set(contents(made)) == {"train.jsonl", "validation.jsonl", "manifest.json", "README.md"}
    assert (made.train, made.validation) == (16, 4)
    manifest = made.manifest
    assert manifest["settings"]["max_length"] == 64
    assert manifest["settings"]["seed"] == 0
    assert manifest["base"] == {"name": "tiny", "fingerprint": base.fingerprint}
    assert manifest["decisions"]["head"] == 20
    assert manifest["counts"]["approved"] == 20
    assert manifest["files"]["train.jsonl"]["rows"] == 16
    assert manifest["versions"]["finetui"]
    # "Answer NN." and the token that ends it, a byte a token.
    trained = manifest["tokens"]["train"]["trained"] + manifest["tokens"]["validation"]["trained"]
    assert trained == 9 * 10 + 11 * 11
    card = contents(made)["README.md"].decode()
    assert "| rows | 16 | 4 |" in card
    assert str(workspace.root) not in card


def test_rows_hold_the_text_as_it_was_approved(workspace: Workspace) -> None:
    first, second = approve(
        workspace,
        [
            note("a.md", "Q?", "Old.", tags=("x", "y"), line=3),
            note("b.md", "Q\u2028?", "Ünchanged\r\n\x1b[31m."),
        ],
    )
    edited = (Turn("system", "Own."), Turn("user", "Q?"), Turn("assistant", "New."))
    workspace.store.append("edit", first, turns=edited, at=NOW)
    workspace.store.append("approve", first, at=NOW)
    made = freeze(workspace, base=None, validation_fraction=0.5, system_prompt="Be kind.")
    rows = {row.id: row for row in (*made.train_rows(), *made.validation_rows())}
    assert rows[first].turns == edited
    assert rows[second].turns == (
        Turn("system", "Be kind."),
        Turn("user", "Q\u2028?"),
        Turn("assistant", "Ünchanged\r\n\x1b[31m."),
    )
    metadata = rows[first].metadata
    assert metadata["path"] == "a.md"
    assert metadata["lines"] == [3, 6]
    assert metadata["tags"] == ["x", "y"]
    assert metadata["edited"] is True
    assert "heading" not in metadata


def test_freezing_twice_is_freezing_once(workspace: Workspace, base: Base) -> None:
    ids = approve(workspace, notes(10))
    first = freeze(workspace, base=base)
    before = contents(first)
    # Decisions that come to the same change nothing.
    workspace.store.append("reject", ids[0], at=NOW)
    workspace.store.append("approve", ids[0], at=NOW)
    second = freeze(workspace, base=base)
    assert second == first
    assert contents(second) == before
    assert [path.name for path in workspace.datasets_dir.iterdir()] == ["d1"]


def test_equal_examples_give_equal_bytes_anywhere(tmp_path: Path, base: Base) -> None:
    made: list[Contents] = []
    for name, order in (("one", 1), ("two", -1)):
        with open_workspace(init_workspace(tmp_path / name)) as workspace:
            approve(workspace, notes(30)[::order])
            made.append(contents(freeze(workspace, base=base, seed=7)))
    assert made[0] == made[1]


@pytest.mark.parametrize(
    "change",
    [
        lambda workspace, base: freeze(workspace, base=base, seed=1),
        lambda workspace, base: freeze(workspace, base=base, validation_fraction=0.5),
        lambda workspace, base: freeze(workspace, base=base, system_prompt="Other."),
        lambda workspace, base: freeze(workspace, base=base, max_length=99),
        lambda workspace, base: freeze(workspace, base=None),
    ],
    ids=["seed", "fraction", "system", "length", "base"],
)
def test_other_settings_are_another_dataset(
    workspace: Workspace, base: Base, change: Callable[[Workspace, Base], Frozen]
) -> None:
    approve(workspace, notes(10))
    first = freeze(workspace, base=base)
    second = change(workspace, base)
    assert second.name == "d2"
    assert second.content_hash != first.content_hash
    assert [info.name for info in datasets(workspace)] == ["d1", "d2"]
    assert change(workspace, base).name == "d2"


def test_another_decision_is_another_dataset(workspace: Workspace) -> None:
    ids = approve(workspace, notes(10))
    assert freeze(workspace, base=None).name == "d1"
    workspace.store.append("reject", ids[0], at=NOW)
    assert freeze(workspace, base=None).name == "d2"
    workspace.store.append("approve", ids[0], at=NOW)
    assert freeze(workspace, base=None).name == "d1"


def test_settings_of_the_workspace_hold_where_nothing_is_said(tmp_path: Path) -> None:
    root = init_workspace(tmp_path / "own")
    (root / "finetui.toml").write_text(
        '[dataset]\nvalidation_fraction = 0.5\nseed = 3\nsystem_prompt = "Short."\n'
    )
    with open_workspace(root) as workspace:
        approve(workspace, notes(10))
        made = freeze(workspace, base=None)
    assert (made.train, made.validation) == (5, 5)
    assert made.manifest["settings"]["seed"] == 3
    assert made.train_rows()[0].turns[0] == Turn("system", "Short.")


def test_a_name_of_one_s_own(workspace: Workspace) -> None:
    ids = approve(workspace, notes(10))
    assert freeze(workspace, base=None, name="mine").name == "mine"
    assert freeze(workspace, base=None, name="mine").name == "mine"
    workspace.store.append("reject", ids[0], at=NOW)
    with pytest.raises(DatasetRefused, match="holds something else"):
        freeze(workspace, base=None, name="mine")
    for name in ("../up", "a/b", ".hidden", "-x", "x" * 65, "a b"):
        with pytest.raises(UsageError, match="dataset's name"):
            freeze(workspace, base=None, name=name)
    (workspace.datasets_dir / "taken").mkdir()
    with pytest.raises(DatasetRefused):
        freeze(workspace, base=None, name="taken")


def test_copies_after_edits_are_left_out_and_counted(workspace: Workspace) -> None:
    ids = approve(workspace, notes(6))
    same = (Turn("user", "Question 1?"), Turn("assistant", "Answer 1."))
    workspace.store.append("edit", ids[4], turns=same, at=NOW)
    workspace.store.append("approve", ids[4], at=NOW)
    made = freeze(workspace, base=None)
    assert made.manifest["counts"]["duplicates"] == 1
    assert made.train + made.validation == 5


def test_nothing_approved_is_a_named_error(workspace: Workspace) -> None:
    with pytest.raises(NothingApproved, match="no example is approved"):
        freeze(workspace, base=None)
    assert not workspace.datasets_dir.exists()


def test_one_document_can_not_be_divided(workspace: Workspace) -> None:
    approve(workspace, notes(5, per_file=100))
    with pytest.raises(DatasetRefused, match="from one document") as caught:
        freeze(workspace, base=None)
    assert "at least 2 documents" in caught.value.hint


def test_what_the_gate_refuses_stops_the_freeze_or_is_left_out(
    workspace: Workspace, base: Base
) -> None:
    approve(workspace, notes(10))
    (bad,) = approve(workspace, [note("z.md", "End?", "With <|im_end|>.")], root="/other")
    with pytest.raises(DatasetRefused, match=bad) as caught:
        freeze(workspace, base=base)
    assert "control-tokens" in caught.value.message
    assert "--drop-refused" in caught.value.hint
    assert datasets(workspace) == []
    made = freeze(workspace, base=base, drop_refused=True)
    assert made.manifest["refused"] == {bad: "control-tokens"}
    assert made.manifest["counts"]["refused"] == {"control-tokens": 1}
    assert made.train + made.validation == 10


def test_nothing_left_after_the_gate_is_refused(workspace: Workspace, base: Base) -> None:
    approve(workspace, [note(f"{number}.md", "Q", f"<|im_end|>{number}") for number in range(8)])
    with pytest.raises(DatasetRefused, match="and 3 more"):
        freeze(workspace, base=base, drop_refused=True)


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5])
def test_a_share_out_of_range_is_refused(workspace: Workspace, fraction: float) -> None:
    approve(workspace, notes(4))
    with pytest.raises(UsageError):
        freeze(workspace, base=None, validation_fraction=fraction)


def test_a_disk_that_fills_up_leaves_nothing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    approve(workspace, notes(10))
    sync, calls = os.fsync, 0

    def full(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise OSError(28, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFull):
        freeze(workspace, base=None)
    assert list(workspace.datasets_dir.iterdir()) == []
    monkeypatch.setattr(os, "fsync", sync)
    assert freeze(workspace, base=None).name == "d1"


def test_too_little_room_is_noticed_before_writing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    approve(workspace, notes(10))
    usage = shutil.disk_usage(workspace.root)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DiskFull, match="freezing the dataset"):
        freeze(workspace, base=None)
    assert not workspace.datasets_dir.exists()


def test_a_file_that_was_changed_is_noticed(workspace: Workspace) -> None:
    approve(workspace, notes(10))
    made = freeze(workspace, base=None)
    made.train_file.write_bytes(made.train_file.read_bytes().replace(b"Answer", b"answer", 1))
    with pytest.raises(DatasetRefused, match="changed after the freeze"):
        load(workspace, "d1")
    # The same examples are frozen anew beside it.
    assert freeze(workspace, base=None).name == "d2"
    made.train_file.unlink()
    with pytest.raises(DatasetMissing):
        load(workspace, "d1")


def test_a_damaged_manifest_is_named_and_not_listed(workspace: Workspace) -> None:
    approve(workspace, notes(10))
    path = freeze(workspace, base=None).directory / "manifest.json"
    manifest = json.loads(path.read_text())
    for text in ("{", "[]", json.dumps(manifest | {"counts": {}}), json.dumps(manifest | {"v": 9})):
        path.write_text(text)
        assert datasets(workspace) == []
        with pytest.raises(DatasetRefused):
            load(workspace, "d1")


def test_a_dataset_that_is_not_there_says_which_are(workspace: Workspace) -> None:
    with pytest.raises(DatasetMissing) as caught:
        load(workspace, "d7")
    assert "finetui dataset freeze" in caught.value.hint
    approve(workspace, notes(4))
    freeze(workspace, base=None)
    for name in ("d7", "../d1", ""):
        with pytest.raises(DatasetMissing) as caught:
            load(workspace, name)
        assert "d1" in caught.value.hint
    assert datasets(workspace)[0].train == load(workspace, "d1").train


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b'{"messages": 3}',
        b'{"messages": [{"role": "pirate", "content": "x"}], "id": "a", "metadata": {}}',
        b"\xff",
    ],
)
def test_a_damaged_row_is_named_with_its_line(tmp_path: Path, line: bytes) -> None:
    good = b'{"messages": [{"role": "user", "content": "x"}], "id": "a", "metadata": {}}\n'
    path = tmp_path / frozen.TRAIN
    path.write_bytes(good + line + b"\n")
    with pytest.raises(DatasetRefused, match="line 2"):
        read_rows(path)
