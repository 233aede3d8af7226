from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import RunMissing, UsageError
from engine.runs import EventLog, find, make_run_dir, runs
from engine.runs.notes import set_name, set_note
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
    assert [run.view.status for run in found] == ["prepared", "finished"]
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


def test_a_name_that_a_person_gave_is_found_and_no_two_runs_have_it(workspace: Workspace) -> None:
    one = make(workspace, "20260101-000000-aaaa")
    two = make(workspace, "20260101-000001-bbbb")
    set_name(one, "  Grandme\u0301re  v2 ")
    assert find(workspace, "grandmére V2").id == one.name, "by its letters, not by their form"
    assert find(workspace, one.name).name == "Grandmére v2"
    with pytest.raises(UsageError, match="is named"):
        set_name(two, "GRANDMÉRE v2")
    set_name(one, "")
    set_name(two, "grandmére v2")
    assert find(workspace, "grandmére v2").id == two.name
    set_note(two, "a  note\nof two lines")
    assert find(workspace, "bbbb").note == "a note of two lines"
    assert find(workspace, "bbbb").name == "grandmére v2"


@pytest.mark.parametrize(
    "name", ["last", "LAST", "20260101-000000-aaaa", "-x", "a\x1b[2J", "x" * 41]
)
def test_a_name_that_would_be_taken_for_something_else_is_refused(
    workspace: Workspace, name: str
) -> None:
    one = make(workspace, "20260101-000000-aaaa")
    with pytest.raises(UsageError):
        set_name(one, name)
    assert find(workspace, "last").name == ""


@pytest.mark.parametrize("name", ["bbbb", "BBBB", "bbb", "20260101", "000001-bbbb", "aaaa"])
def test_a_name_that_is_a_part_of_an_id_is_refused(workspace: Workspace, name: str) -> None:
    one = make(workspace, "20260101-000000-aaaa")
    make(workspace, "20260101-000001-bbbb")
    with pytest.raises(UsageError, match="part of its id"):
        set_name(one, name)
    assert find(workspace, one.name).name == ""


def test_a_word_that_names_one_run_and_ends_the_id_of_another_means_neither(
    workspace: Workspace,
) -> None:
    one = make(workspace, "20260101-000000-aaaa")
    set_name(one, "bbbb")
    two = make(workspace, "20260101-000001-bbbb")
    with pytest.raises(RunMissing) as caught:
        find(workspace, "bbbb")
    assert f"{one.name} (named bbbb)" in caught.value.message
    assert two.name in caught.value.message
    assert find(workspace, two.name).dir == two


def test_no_new_run_ends_with_a_name(workspace: Workspace) -> None:
    set_name(make(workspace, "20260101-000000-aaaa"), "beef")
    drawn = iter(["beef", "cafe"])
    assert make_run_dir(workspace.runs_dir, digits=lambda: next(drawn)).name.endswith("-cafe")


@pytest.mark.parametrize("text", ["", "[]", '{"name": 1}', '{"name": "x", "note": []}'])
def test_damage_to_what_a_person_said_hides_no_run(workspace: Workspace, text: str) -> None:
    one = make(workspace, "20260101-000000-aaaa")
    (one / "person.json").write_text(text)
    assert (find(workspace, "last").name, find(workspace, "last").note) == ("", "")


@pytest.mark.parametrize("word", ["", "x", "last"])
def test_a_run_that_is_not_there_is_named_with_a_hint(workspace: Workspace, word: str) -> None:
    with pytest.raises(RunMissing) as caught:
        find(workspace, word)
    assert "finetui train" in caught.value.hint


def test_ids_differ_and_sort_by_time(tmp_path: Path) -> None:
    ids = [make_run_dir(tmp_path / "runs").name for _ in range(20)]
    assert len({run[-4:] for run in ids}) == 20
    assert sorted(ids, key=lambda run: run[:15]) == ids


def test_an_ending_that_a_run_has_is_not_given_again(tmp_path: Path) -> None:
    runs_dir = tmp_path / "runs"
    (runs_dir / "20260101-000000-aaaa").mkdir(parents=True)
    drawn = iter(["aaaa", "bbbb", "bbbb", "aaaa", "cccc"])
    made = [make_run_dir(runs_dir, digits=lambda: next(drawn)) for _ in range(2)]
    assert [run.name[-5:] for run in made] == ["-bbbb", "-cccc"]
    assert len(list(runs_dir.iterdir())) == 3


def test_two_that_draw_the_same_digits_at_once_get_folders_of_their_own(tmp_path: Path) -> None:
    """Every ending is taken, so that the same second and digits come again."""
    runs_dir = tmp_path / "runs"
    (runs_dir / "20260101-000000-aaaa").mkdir(parents=True)
    count = iter(range(10_000_000))

    def digits() -> str:
        return f"aaa{'ab'[next(count) > 3000]}"

    made = [make_run_dir(runs_dir, digits=digits) for _ in range(3)]
    assert len(set(made)) == 3
    assert all(run.is_dir() for run in made)
