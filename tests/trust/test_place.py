"""That a settings file which is no file is named, and no other workspace taken instead."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.cli.main import main
from engine.errors import SettingsError, WorkspaceError
from engine.paths import WORKSPACE_FILE, default_workspace, nearest_workspace
from engine.settings import read_toml
from engine.workspace import find_workspace, init_workspace


def _dangling(name: Path) -> None:
    name.symlink_to("not-there")


def _loop(name: Path) -> None:
    name.symlink_to(name.name)


MADE = {"a link": _dangling, "a loop": _loop, "a folder": Path.mkdir, "a pipe": os.mkfifo}


@pytest.mark.parametrize("what", MADE)
def test_a_settings_file_that_is_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    init_workspace(tmp_path)  # what would be taken in its place
    here = tmp_path / "here"
    here.mkdir()
    MADE[what](here / WORKSPACE_FILE)
    (here / "notes").mkdir()
    monkeypatch.chdir(here / "notes")
    for call in (
        lambda: nearest_workspace(Path.cwd()),
        find_workspace,
        lambda: find_workspace(here),
        lambda: init_workspace(here),
    ):
        with pytest.raises(WorkspaceError, match=WORKSPACE_FILE) as caught:
            call()
        assert "--workspace" in caught.value.hint
    for words in (["journal"], ["decide", "--all", "approve"], ["init", str(here)], ["settings"]):
        assert main(words) == 1, words
        assert WORKSPACE_FILE in capsys.readouterr().err
    assert main(["examples", "list", "--workspace", str(tmp_path)]) == 0
    assert not default_workspace().exists()
    with pytest.raises(SettingsError):
        read_toml(here / WORKSPACE_FILE)


def test_a_settings_file_behind_a_link_is_one(tmp_path: Path) -> None:
    init_workspace(tmp_path / "kept")
    here = tmp_path / "here"
    here.mkdir()
    (here / WORKSPACE_FILE).symlink_to(tmp_path / "kept" / WORKSPACE_FILE)
    assert find_workspace(here) == here


def test_a_settings_file_of_no_sensible_size_is_not_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    init_workspace(tmp_path)
    with (tmp_path / WORKSPACE_FILE).open("ab") as file:
        file.truncate(60_000_000)
    assert main(["examples", "list", "--workspace", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert WORKSPACE_FILE in said
    assert "60,000,000 bytes" in said
