"""The app asks once whether a workspace is trusted, and uses nothing of it before."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from engine.trust import listed, trust
from engine.workspace import Workspace, open_workspace
from tests.support.pty_app import finetui
from tests.tui.support import opened_app, text_of, wait_until
from tui.screens.modals.trust import TrustDialog


def brought_along(root: Path, tmp_path: Path) -> None:
    (root / "finetui.toml").write_text(
        f'[curation]\neditor = "touch {tmp_path}/pwned \\u001b[31m[b]"\n', "utf-8"
    )


async def test_the_values_are_shown_inert_and_the_users_own_hold(
    filled: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought_along(filled.root, tmp_path)
    filled.store.add_source("memory", "https://app.example/export")
    monkeypatch.setenv("FINETUI_UNTRUSTED", "")  # what the app sets, the test takes back
    with open_workspace(filled.root, leave_out=True) as opened:
        async with opened_app(opened, stage="sources") as (app, pilot):
            assert isinstance(app.screen, TrustDialog)
            await wait_until(pilot, lambda: "asked about again" in text_of(app.screen))
            shown = text_of(app.screen)
            assert isinstance(app.screen, TrustDialog)
            assert f"touch {tmp_path}/pwned \\x1b[31m[b]" in app.screen.pane.text
            assert "https://app.example/export" in shown
            await pilot.press("enter")
            assert isinstance(app.screen, TrustDialog)
            await pilot.press("n")
            await wait_until(pilot, lambda: not isinstance(app.screen, TrustDialog))
            assert "opened without the workspace's curation.editor" in text_of(app.screen)
            assert app.workspace.settings.curation.editor == ""
            assert os.environ["FINETUI_UNTRUSTED"] == "ignore"  # its children see it
    assert listed() == []


def pollers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "poller"]


async def test_nothing_is_begun_before_the_answer(
    filled: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought_along(filled.root, tmp_path)
    monkeypatch.setenv("FINETUI_UNTRUSTED", "")
    monkeypatch.setattr("tui.app.SETTLE_SECONDS", 0.01)
    with open_workspace(filled.root, leave_out=True) as opened:
        async with opened_app(opened, stage="sources") as (app, pilot):
            await wait_until(pilot, lambda: "asked about again" in text_of(app.screen))
            assert pollers() == []
            await pilot.press("n")
            await wait_until(pilot, lambda: pollers() != [])


def test_in_a_terminal(closed: Path, tmp_path: Path) -> None:
    """Trusted, it opens anew and never asks again; left, nothing has happened."""
    brought_along(closed, tmp_path)
    with finetui(closed) as terminal:
        terminal.until("Do you trust this workspace")
        terminal.type("q")
        assert terminal.ended() == 0
    assert listed() == []
    with finetui(closed) as terminal:
        terminal.until("asked about again")
        terminal.type("y")
        terminal.until("first examples")
    assert [one.names for one in listed()] == [("curation.editor",)]
    with finetui(closed) as terminal:
        terminal.until("first examples")
        assert "Do you trust" not in terminal.text
    assert not (tmp_path / "pwned").exists()


def test_a_trusted_one_is_not_asked_about(filled: Workspace, tmp_path: Path) -> None:
    brought_along(filled.root, tmp_path)
    with open_workspace(filled.root, leave_out=True) as opened:
        trust(opened.root, opened.withheld)
    with open_workspace(filled.root, leave_out=True) as opened:
        assert opened.withheld == ()
