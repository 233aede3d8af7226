"""The verbs, called as the command line calls them."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.models import Filter
from engine.store import Store
from engine.workspace import init_workspace
from tests.store.support import NOW, ids, turns
from tests.support.trusting import trusted

Run = Callable[..., tuple[int, str, str]]


def store_of(folder: Path) -> Store:
    return Store.open(folder / "finetui.db")


def states(folder: Path) -> str:
    with store_of(folder) as store:
        return "".join(row.state[0] for row in store.queue_page())


def document(run: Run, *words: str, stdin: str = "", status: int = 0) -> Any:
    got, out, err = run(*words, "--json", stdin=stdin)
    assert got == status, err
    return json.loads(out)


def test_init_makes_a_workspace_once(tmp_path: Path, run: Run) -> None:
    root = tmp_path / "new" / "space"
    assert document(run, "init", str(root)) == {"workspace": str(root), "made": True}
    assert (root / "finetui.toml").is_file()
    assert (root / "finetui.db").is_file()
    (root / "finetui.toml").write_text("[curation]\ntarget = 7\n")
    status, out, _ = run("init", str(root))
    assert status == 0
    assert "already" in out
    assert "target = 7" in (root / "finetui.toml").read_text()
    file = tmp_path / "file"
    file.write_text("")
    status, _, err = run("init", str(file))
    assert status == 1
    assert "workspace-error" in err


def test_init_means_here(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert document(run, "init")["workspace"] == str(tmp_path)
    assert document(run, "init", "--workspace", "other")["workspace"] == str(tmp_path / "other")


def test_settings_are_listed_from_the_schema(folder: Path, run: Run, isolated_home: Path) -> None:
    (folder / "finetui.toml").write_text('[curation]\ntarget = 7\n[keys]\n"curate.skip" = "x"\n')
    listed = document(run, "settings")
    by_name = {setting["name"]: setting for setting in listed["settings"]}
    assert by_name["curation.target"]["value"] == 7
    assert by_name["curation.target"]["default"] == 100
    assert by_name["keys"]["value"] == {"curate.skip": "x"}
    assert all(setting["help"] for setting in listed["settings"])
    assert listed["files"][1] == str(folder / "finetui.toml")
    _, out, _ = run("settings")
    assert "curation.target = 7  (default 100)" in out
    assert 'keys = { "curate.skip" = "x" }  (default {})' in out
    (folder / "finetui.toml").write_text("[curation]\ntarged = 7\n")
    status, _, err = run("settings")
    assert status == 1
    assert "did you mean curation.target?" in err


def test_settings_make_no_workspace(
    tmp_path: Path, run: Run, isolated_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(document(run, "settings")["files"]) == 1
    assert list(isolated_home.iterdir()) == []


def test_examples_are_listed(folder: Path, run: Run) -> None:
    listed = document(run, "examples", "list")
    assert listed["total"] == 6
    assert [row["position"] for row in listed["examples"]] == [1, 2, 3, 4, 5, 6]
    kinds = document(run, "examples", "list", "--kind", "decision")
    assert kinds["total"] == 2
    limited = document(run, "examples", "list", "--limit", "2")
    assert (limited["total"], len(limited["examples"])) == (6, 2)
    assert document(run, "examples", "list", "--tag", "#odd")["total"] == 1
    assert document(run, "examples", "list", "--state", "approved")["total"] == 0
    assert document(run, "examples", "list", "--edited")["total"] == 0
    source = listed["examples"][0]["id"][3:]
    assert document(run, "examples", "list", "--source", source, status=1)["error"]["code"]
    _, out, _ = run("examples", "list", "--limit", "3")
    assert "Question 0?" in out
    assert "3 of 6" in out
    _, out, _ = run("examples", "list")
    assert "\x1b" not in out
    assert r"Escape \x1b[31m and [bold]?" in out


def test_an_empty_list_says_why(folder: Path, run: Run, tmp_path: Path) -> None:
    _, out, _ = run("examples", "list", "--kind", "poem")
    assert "no example fits" in out
    empty = init_workspace(tmp_path / "empty")
    _, out, _ = run("examples", "list", "--workspace", str(empty))
    assert "finetui sources add" in out


def test_examples_are_searched(folder: Path, run: Run) -> None:
    assert document(run, "examples", "search", "answ", "3")["total"] == 1
    assert document(run, "examples", "search", '"bold] OR')["total"] == 0
    assert document(run, "examples", "search", '"bold]')["total"] == 1


def test_an_example_is_shown(folder: Path, run: Run) -> None:
    with store_of(folder) as store:
        first, *_, last = ids(store)
        store.append("edit", first, turns=turns("Edited?", "Yes."), at=NOW)
    shown = document(run, "examples", "show", first[:12])
    assert shown["messages"][0] == {"role": "user", "content": "Edited?"}
    assert shown["original"][0] == {"role": "user", "content": "Question 0?"}
    assert shown["provenance"]["path"] == "notes/000.md"
    assert (shown["state"], shown["edited"], shown["decided_at"]) == ("undecided", True, None)
    assert document(run, "examples", "show", last)["messages"][1]["content"] == "\ud83d nul\0"
    _, out, _ = run("examples", "show", first)
    for part in ("/notes  (vault)", "notes/000.md:1-5", "#work", "Mara", "Edited?", "edited"):
        assert part in out
    _, out, _ = run("examples", "show", first, "--original")
    assert "Question 0?" in out
    _, out, _ = run("examples", "show", last)
    assert "\x1b" not in out
    missing = document(run, "examples", "show", "ffffffffff", status=1)
    assert missing["error"]["code"] == "example-missing"
    with store_of(folder) as store:
        store.append("approve", first, at=NOW)
        store.remove_source(store.sources()[0].id)
    _, out, _ = run("examples", "show", first)
    assert "(removed)" in out


def test_examples_are_counted(folder: Path, run: Run) -> None:
    with store_of(folder) as store:
        store.append("approve", ids(store)[0], at=NOW)
        source = store.sources()[0].id
    stats = document(run, "examples", "stats")
    assert stats["total"] == 6
    assert stats["states"] == {"undecided": 5, "approved": 1, "rejected": 0, "skipped": 0}
    assert stats["kinds"] == {"decision": 2, "reflection": 4}
    assert stats["sources"] == {source: 6}
    assert stats["tags"] == {"odd": 1, "work": 5}
    _, out, _ = run("examples", "stats")
    assert "1 of 100 wanted are approved" in out


def test_curating_on_plain_lines(folder: Path, run: Run) -> None:
    status, out, _ = run("curate", stdin="a\nr\ns\nx\nu\ny\n\nA\nq\na\n")
    assert status == 0
    assert states(folder) == "arsauu"
    assert "\x1b" not in out
    assert "undo:" in out
    assert "redo:" in out
    assert document(run, "curate", stdin="a") == {"decided": 1, "approved": 3, "target": 100}


def test_curating_ends_with_the_input_or_the_queue(folder: Path, run: Run) -> None:
    assert run("curate", stdin="")[0] == 0
    _, out, _ = run("curate", "--kind", "decision", stdin="r\nr\na\n")
    assert "nothing is left to decide" in out
    assert states(folder) == "ururuu"
    run("curate", "--state", "rejected", stdin="u\na\nq\n")
    assert states(folder) == "uauuuu"


def test_undoing_shows_that_example_again(folder: Path, run: Run) -> None:
    run("curate", stdin="a\na\nu\nu\nu\nr\n")
    assert states(folder) == "ruuuuu"


def test_stray_bytes_are_no_letters(folder: Path, run: Run) -> None:
    status, _, _ = run("curate", stdin=b"\xff\xfe\n\x1b[A\naa\n\xc3\na\n")
    assert status == 0
    assert states(folder) == "auuuuu"


def test_editing_while_curating(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "sed -i s/Answer/Reply/")
    run("curate", stdin="e\na\n")
    with store_of(folder) as store:
        card = store.card(ids(store)[0])
    assert (card.state, card.turns[1].content) == ("approved", "Reply 0.")
    monkeypatch.setenv("EDITOR", "false")
    _, out, _ = run("curate", stdin="e\na\n")
    assert "status 1" in out
    assert states(folder) == "aauuuu"


def test_deciding_by_id(folder: Path, run: Run) -> None:
    with store_of(folder) as store:
        first, second, third = ids(store)[:3]
    decided = document(run, "decide", first[:12], second[3:12], "approve")
    assert [row["state"] for row in decided["decided"]] == ["approved", "approved"]
    assert decided["approved"] == 2
    assert document(run, "decide", third, "reject")["decided"][0]["id"] == third
    assert states(folder) == "aaruuu"
    assert document(run, "decide", first, "undo")["decided"][0]["state"] == "undecided"
    assert document(run, "decide", "redo")["decided"][0]["id"] == first
    assert document(run, "decide", "undo")["decided"][0]["id"] == third
    assert states(folder) == "aauuuu"
    _, out, _ = run("decide", third, "skip")
    assert "is skipped" in out
    assert "2 of 100 approved" in out


def test_a_wrong_id_decides_nothing(folder: Path, run: Run) -> None:
    with store_of(folder) as store:
        first = ids(store)[0]
    error = document(run, "decide", first, "ffffffff", "approve", status=1)["error"]
    assert error["code"] == "example-missing"
    assert states(folder) == "uuuuuu"


@pytest.mark.parametrize(
    "words",
    [
        ["approve"],
        ["ab12", "aprove"],
        ["ab12", "redo"],
        ["--all", "undo"],
        ["--all", "ab12", "approve"],
        ["--filter-kind", "qa", "ab12", "approve"],
        [],
    ],
)
def test_calls_that_mean_nothing(folder: Path, run: Run, words: list[str]) -> None:
    assert run("decide", *words)[0] == 2
    assert states(folder) == "uuuuuu"


def test_nothing_to_undo_is_said(folder: Path, run: Run) -> None:
    assert document(run, "decide", "undo", status=2)["error"]["code"] == "usage"
    assert document(run, "decide", "redo", status=2)["error"]["code"] == "usage"


def test_deciding_all(folder: Path, run: Run) -> None:
    with store_of(folder) as store:
        store.append("reject", ids(store)[1], at=NOW)
    assert document(run, "decide", "--all", "--filter-kind", "decision", "skip")["approved"] == 0
    assert states(folder) == "urusuu"
    run("decide", "--all", "--filter-tag", "odd", "reject")
    assert states(folder) == "urusur"
    assert document(run, "decide", "approve", "--all-undecided")["approved"] == 3
    assert states(folder) == "arasar"


def test_editing_from_a_file_and_from_stdin(folder: Path, run: Run, tmp_path: Path) -> None:
    with store_of(folder) as store:
        first, *_, last = ids(store)
    status, out, _ = run("edit", first, "--print")
    assert out == "--- user ---\nQuestion 0?\n--- assistant ---\nAnswer 0.\n"
    text = out.replace("Answer", "Reply")
    edited = document(run, "edit", first, "--file", "-", stdin=text)
    assert edited["messages"][1]["content"] == "Reply 0."
    assert edited["state"] == "undecided"
    file = tmp_path / "edited.md"
    file.write_text("--- user ---\nWhy?\n--- assistant ---\nBecause.\n")
    status, out, _ = run("edit", last, "--file", str(file))
    assert status == 0
    assert "edited" in out
    status, out, _ = run("edit", last, "--file", str(file))
    assert "nothing was changed" in out
    file.write_text("--- user ---\nWhy?\n--- assistant ---\n\n")
    assert run("edit", last, "--file", str(file))[0] == 1
    assert run("edit", last, "--file", str(tmp_path / "absent"))[0] == 1


def test_editing_in_an_editor(folder: Path, run: Run) -> None:
    (folder / "finetui.toml").write_text('[curation]\neditor = "sed -i s/Answer/Reply/"\n')
    trusted(folder)
    with store_of(folder) as store:
        first = ids(store)[0]
    assert document(run, "edit", first)["messages"][1]["content"] == "Reply 0."


def test_the_journal_is_listed(folder: Path, run: Run) -> None:
    _, out, _ = run("journal")
    assert "nothing is decided yet" in out
    with store_of(folder) as store:
        first, second = ids(store)[:2]
    run("decide", first, "approve")
    run("decide", second, "reject")
    run("decide", "undo")
    entries = document(run, "journal")
    assert [entry["action"] for entry in entries] == ["undo", "reject", "approve"]
    assert entries[0]["target"] == 2
    assert len(document(run, "journal", "--limit", "1")) == 1
    assert [entry["seq"] for entry in document(run, "journal", "--id", first)] == [1]
    _, out, _ = run("journal")
    assert "undo 2" in out


def test_a_filter_by_source_takes_a_prefix(folder: Path, run: Run) -> None:
    with store_of(folder) as store:
        source = store.sources()[0]
        expected = store.queue_size(replace(Filter(), source_id=source.id))
    assert document(run, "examples", "list", "--source", source.id[3:9])["total"] == expected == 6


def test_curate_ends_in_1_where_a_decision_could_not_be_stored(folder: Path, run: Run) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        status, out, _ = run("curate", stdin="a\nq\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert status == 1
    assert "no file be larger" in out
    status, out, _ = run("curate", "--json", stdin="a\nz\nq\n")
    assert (status, json.loads(out)["decided"]) == (0, 1)
