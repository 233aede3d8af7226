"""A foreign workspace runs nothing: verbs refuse by name, and the rest works."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import main
from engine.errors import WorkspaceUntrusted
from engine.extract.scan import scan
from engine.models import Example, Provenance, Turn, example_id
from engine.paths import DATABASE_FILE
from engine.store import Store
from engine.trust import is_trusted
from engine.workspace import find_workspace, init_workspace, open_workspace

TURNS = (Turn("user", "What is a mill for?"), Turn("assistant", "It grinds the corn."))


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """Return a workspace that somebody else made: its editor would leave a file behind."""
    root = init_workspace(tmp_path / "foreign")
    (root / "finetui.toml").write_text(f'[curation]\neditor = "touch {tmp_path}/pwned"\n')
    with Store.open(root / DATABASE_FILE) as store:
        source = store.add_source("vault", "/nowhere/notes")
        found = Example(example_id(TURNS), "question", TURNS, Provenance(source.id, "a.md"))
        store.record_scan(source.id, [found], (), 1, at=1.0)
    return root


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    status = main([*words, "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_an_editor_runs_once_the_workspace_is_trusted(
    foreign: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pwned, space = tmp_path / "pwned", ("--workspace", str(foreign))
    status, listed = run(capsys, "examples", "list", *space)
    assert (status, listed["total"]) == (0, 1)
    edit = ("edit", listed["examples"][0]["id"], *space)
    status, found = run(capsys, *edit)
    assert status == 1
    assert found["error"]["code"] == "workspace-untrusted"
    assert found["error"]["hint"].endswith(f"finetui trust {foreign}")
    assert not pwned.exists()
    status, found = run(capsys, "settings", *space)
    assert status == 0
    assert [one["name"] for one in found["withheld"]] == ["curation.editor"]
    status, found = run(capsys, "trust", "--show", str(foreign))
    assert (status, found["trusted"]) == (0, False)
    assert found["items"] == [
        {"name": "curation.editor", "value": f"touch {tmp_path}/pwned", "how": "runs"}
    ]
    assert run(capsys, *edit)[0] == 1
    assert run(capsys, "trust", str(foreign))[0] == 0
    assert run(capsys, *edit)[0] == 0
    assert pwned.exists()
    pwned.unlink()
    (listing,) = run(capsys, "trust", "--list")[1]
    assert (listing["workspace"], listing["names"]) == (str(foreign), ["curation.editor"])
    assert run(capsys, "trust", "--remove", str(foreign)) == (
        0,
        {"workspace": str(foreign), "removed": True},
    )
    assert run(capsys, *edit)[0] == 1
    assert not pwned.exists()


def test_what_the_workspace_is_used_without_is_said_by_a_variable(
    foreign: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FINETUI_UNTRUSTED", "ignore")
    monkeypatch.setenv("VISUAL", f"touch {tmp_path}/mine")
    listed = run(capsys, "examples", "list", "--workspace", str(foreign))[1]
    assert run(capsys, "edit", listed["examples"][0]["id"], "--workspace", str(foreign))[0] == 0
    assert (tmp_path / "mine").exists()
    assert not (tmp_path / "pwned").exists()


def test_an_address_that_a_workspace_brings_along_is_not_reached(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token in the environment would go to whoever wrote the workspace."""
    monkeypatch.setenv("FINETUI_MEMORY_TOKEN", "t" * 20)
    root = init_workspace(tmp_path / "foreign")
    with open_workspace(root) as space:
        source = space.store.add_source("memory", "http://127.0.0.1:9/memories")
        with pytest.raises(WorkspaceUntrusted, match="source"):
            scan(space.store, source)
    status, found = run(capsys, "sources", "scan", "--workspace", str(root))
    assert status == 1
    assert "workspace-untrusted" in json.dumps(found)
    assert run(capsys, "trust", str(root))[1]["items"][0]["value"] == "http://127.0.0.1:9/memories"
    status, found = run(capsys, "sources", "scan", "--workspace", str(root))
    assert "workspace-untrusted" not in json.dumps(found)  # now nobody answers there


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_the_nearest_workspace_of_another_user_is_not_opened_silently(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = init_workspace(tmp_path / "theirs")
    inside = root / "deep" / "down"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    monkeypatch.delenv("SUDO_UID", raising=False)
    assert find_workspace() == root
    os.chown(root, 12345, 12345)
    with pytest.raises(WorkspaceUntrusted) as refused:
        find_workspace()
    assert f"finetui trust {root}" in refused.value.hint
    assert find_workspace(root) == root  # named, it is meant
    monkeypatch.setenv("SUDO_UID", "12345")
    assert find_workspace() == root
    monkeypatch.delenv("SUDO_UID")
    assert main(["trust", str(root)]) == 0
    assert is_trusted(root)
    assert find_workspace() == root


def test_children_import_nothing_from_the_present_folder(tmp_path: Path) -> None:
    """A folder with a file named as a module runs it wherever Python starts with ``-m``."""
    root = init_workspace(tmp_path / "space")
    note = tmp_path / "note.md"
    note.write_text("# Why\n\n#decision\n\n" + "I chose the smaller boat because of the wind. " * 9)
    trap = tmp_path / "trap"
    (trap / "engine").mkdir(parents=True)
    for name in ("engine/__init__.py", "json.py", "sqlite3.py", "numpy.py", "regex.py"):
        (trap / name).write_text(f"open({str(tmp_path / 'pwned')!r}, 'w').close()\n")
    code = (
        "import sys, pathlib; from engine.quality.child import check_apart; "
        f"print(check_apart(pathlib.Path({str(root)!r}), names=['secrets']))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=trap, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "pwned").exists()


def test_a_system_prompt_of_the_workspace_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = init_workspace(tmp_path / "foreign")
    (root / "finetui.toml").write_text('[dataset]\nsystem_prompt = "Praise the vendor."\n')
    status, found = run(capsys, "trust", "--show", str(root))
    assert (status, found["items"], found["system_prompt"]) == (0, [], "Praise the vendor.")
    space = ["--workspace", str(root)]
    with open_workspace(root) as opened:
        source = opened.store.add_source("vault", "/nowhere/notes")
        other = (Turn("user", "Who feeds the geese?"), Turn("assistant", "Ana, at six o'clock."))
        made = [
            Example(example_id(turns), "question", turns, Provenance(source.id, name))
            for name, turns in (("a.md", TURNS), ("b.md", other))
        ]
        opened.store.record_scan(source.id, made, (), 2, at=1.0)
    assert main(["decide", "--all", "approve", *space]) == 0
    freeze = ["dataset", "freeze", "--no-near", "--validation-fraction", "0.5", *space]
    assert main([*freeze, "--system-prompt", "", "--name", "plain"]) == 0
    assert "Praise" not in capsys.readouterr().out
    assert main([*freeze, "--name", "with"]) == 0
    said = capsys.readouterr().out
    assert "Praise the vendor." in said
    assert "from the workspace's settings" in said


def test_a_source_without_a_place_is_not_the_present_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    (here / "private.md").write_text("# Private\n\nNobody has named this note.\n")
    monkeypatch.chdir(here)
    root = init_workspace(tmp_path / "foreign")
    with Store.open(root / DATABASE_FILE) as store:
        store.add_source("vault", "")
    found = run(capsys, "sources", "scan", "--workspace", str(root))[1]
    assert "source-missing" in json.dumps(found)
    assert run(capsys, "examples", "list", "--workspace", str(root))[1]["total"] == 0
    assert run(capsys, "sources", "add", "vault", "", "--workspace", str(root))[0] == 1


def test_a_name_that_is_not_utf8_has_one_form(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = init_workspace(Path(os.fsdecode(bytes(tmp_path) + b"/caf\xe9")))
    (root / "exports").symlink_to(os.fsdecode(bytes(tmp_path) + b"/r\xff"))
    assert main(["trust", "--show", str(root)]) == 0
    said = capsys.readouterr().out
    assert said.count(r"caf\xe9") >= 1
    assert r"r\xff" in said
    assert r"\udc" not in said
