from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import RunMissing
from engine.runs import EventLog, find, new_run_id, runs
from engine.workspace import Workspace


def make(workspace: Workspace, name: str, *, base: str = "tiny") -> Path:
    folder = workspace.runs_dir / name
    folder.mkdir(parents=True)
    (folder / "spec.toml").write_text(f'base = "{base}"\ndataset = "notes"\npreset = "p"\n')
    return folder


def test_runs_are_listed_newest_first_with_what_their_spec_says(workspace: Workspace) -> None:
    assert runs(workspace) == []
    first = make(workspace, "20260101-000000-aaaa")
    make(workspace, "20260102-000000-bbbb")
    (workspace.runs_dir / "not a run").mkdir()
    with EventLog(first) as log:
        log.write("run_started", pid=1)
        log.write("run_finished", status="finished", result={})
    found = runs(workspace)
    assert [run.id for run in found] == ["20260102-000000-bbbb", "20260101-000000-aaaa"]
    assert [run.view.status for run in found] == ["created", "finished"]
    assert (found[0].base, found[0].dataset, found[0].preset) == ("tiny", "notes", "p")


def test_a_run_with_a_damaged_spec_is_still_listed(workspace: Workspace) -> None:
    make(workspace, "20260101-000000-aaaa", base='"\x1b[')
    assert runs(workspace)[0].base == ""


def test_a_run_is_found_by_id_prefix_ending_and_last(workspace: Workspace) -> None:
    one = make(workspace, "20260101-000000-aaaa")
    two = make(workspace, "20260101-000001-bbbb")
    assert find(workspace, one.name).dir == one
    assert find(workspace, "20260101-000000").dir == one
    assert find(workspace, "aaaa").dir == one
    assert find(workspace, "last").dir == two
    with pytest.raises(RunMissing, match="fits 2 runs"):
        find(workspace, "2026")


@pytest.mark.parametrize("word", ["", "x", "last"])
def test_a_run_that_is_not_there_is_named_with_a_hint(workspace: Workspace, word: str) -> None:
    with pytest.raises(RunMissing) as caught:
        find(workspace, word)
    assert "finetui train" in caught.value.hint


def test_ids_differ_and_sort_by_time() -> None:
    ids = [new_run_id() for _ in range(20)]
    assert len(set(ids)) == 20
    assert sorted(ids, key=lambda run: run[:15]) == ids
