"""The database is removed or replaced under the open app: it says so, and loses nothing."""

from __future__ import annotations

import shutil

import pytest

from engine.store import Store
from engine.workspace import Workspace
from tests.tui.support import SMALL, opened_app, press_all, text_of, wait_until
from tui.screens.modals.lost import LostDialog


async def test_a_removed_database_is_noticed_without_a_key(filled: Workspace) -> None:
    async with opened_app(filled, SMALL, stage="curate") as (app, pilot):
        filled.store.path.unlink()
        await wait_until(pilot, lambda: isinstance(app.screen, LostDialog))
        assert "removed or moved away" in text_of(app.screen)


@pytest.fixture
def nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let keys come before the next look, whatever the machine does meanwhile."""
    monkeypatch.setattr("tui.bridge.elsewhere.Watch.start", lambda _: None)


@pytest.mark.usefixtures("nobody_looks")
async def test_what_was_decided_is_saved_and_can_be_taken_over(filled: Workspace) -> None:
    path = filled.store.path
    backup = path.with_name("backup.db")
    with Store.open(path) as other:
        other._db.copy_to(backup)
    async with opened_app(filled, SMALL, stage="curate") as (app, pilot):
        await press_all(pilot, "a")
        shutil.copy(backup, path.with_name("restored.db"))
        path.with_name("restored.db").replace(path)
        stage = app.stage
        assert stage is not None
        await pilot.press("r")
        await wait_until(pilot, lambda: isinstance(app.screen, LostDialog))
        assert "rejected" not in stage.status_line.text
        dialog = app.screen
        assert isinstance(dialog, LostDialog)
        await wait_until(pilot, lambda: "2 decisions of this session" in text_of(dialog))
        saved = filled.root.parent / "saved.jsonl"
        dialog.field.value = str(saved)
        await pilot.press("enter")
        await wait_until(pilot, lambda: "saved 2 decisions" in dialog.status_line.text)
        assert "leave finetui" in text_of(dialog)
    with Store.open(path) as restored:
        assert restored.counts().approved == 0
        assert restored.take_over_decisions(saved).taken == 2
        assert (restored.counts().approved, restored.counts().rejected) == (1, 1)


@pytest.mark.usefixtures("nobody_looks")
async def test_it_is_asked_once_and_not_for_each_key(filled: Workspace) -> None:
    async with opened_app(filled, stage="curate") as (app, pilot):
        stage = app.stage
        assert stage is not None
        filled.store.path.unlink()
        await pilot.press("a")
        await wait_until(pilot, lambda: isinstance(app.screen, LostDialog))
        await pilot.press("escape")
        await wait_until(pilot, lambda: app.screen is stage)
        await press_all(pilot, "a r")
        assert app.screen is stage
        assert "Nothing is stored in it" in stage.status_line.text
        assert "✓" not in text_of(stage.query_one("#queue"))
        # Leaving asks once more, for what was decided would be gone.
        await pilot.press("ctrl+q")
        await wait_until(pilot, lambda: isinstance(app.screen, LostDialog))
        await pilot.press("ctrl+q")
        await wait_until(pilot, lambda: not app.is_running)
