"""What was typed survives a workspace that can't be written: locked, read-only, without room."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from textual.widgets import TextArea

from engine.store import Store
from engine.workspace import Workspace
from tests.tui.support import SMALL, opened_app, press_all, text_of, wait_until
from tui.app import FinetuiApp
from tui.screens.curate import CurateScreen
from tui.screens.modals.edit import EditDialog


@pytest.fixture
def impatient(filled: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """Return the eight notes over a connection that waits for others only a moment."""
    monkeypatch.setattr("engine.curate.drafts.BUSY_SECONDS", 0.05)
    with Store.open(filled.store.path, busy_seconds=0.1) as store:
        yield Workspace(filled.root, filled.settings, store)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the database as another process does that writes for long."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@contextmanager
def read_only(store: Store) -> Iterator[None]:
    """Let SQLite refuse every write of a store as to a file that is read-only."""
    store._db.execute("PRAGMA query_only = ON")
    try:
        yield
    finally:
        store._db.execute("PRAGMA query_only = OFF")


def dialog_of(app: FinetuiApp) -> EditDialog:
    """Return the editing dialog."""
    assert isinstance(app.screen, EditDialog)
    return app.screen


async def test_a_draft_of_a_locked_workspace_is_offered_again(impatient: Workspace) -> None:
    first = next(impatient.store.cards()).example.id
    async with opened_app(impatient, SMALL, stage="curate") as (app, pilot):
        screen = app.stage
        assert isinstance(screen, CurateScreen)
        with locked(impatient.store.path):
            await press_all(pilot, "e x y z")
            dialog = dialog_of(app)
            await wait_until(pilot, lambda: "in memory only" in dialog.status_line.text)
            # Typing goes on while the writes fail.
            await press_all(pilot, "w")
            assert "\nxyzwI said no" in dialog.query_one(TextArea).text
            await pilot.press("escape")
            await wait_until(pilot, lambda: "in memory until you leave" in text_of(app.screen))
            assert "~ draft" in text_of(screen.card)
            await pilot.press("e")
            assert "\nxyzwI said no" in dialog_of(app).query_one(TextArea).text
            await pilot.press("escape")
        await press_all(pilot, "e v")
        await wait_until(
            pilot, lambda: "\nvxyzwI said" in (impatient.store.get_meta(f"draft:{first}") or "")
        )


async def test_an_edit_that_can_not_be_saved_stays_in_the_dialog(impatient: Workspace) -> None:
    async with opened_app(impatient, SMALL, stage="curate") as (app, pilot):
        screen = app.stage
        assert isinstance(screen, CurateScreen)
        await press_all(pilot, "e x y z")
        dialog = dialog_of(app)
        with locked(impatient.store.path):
            await pilot.press("ctrl+s")
            await wait_until(pilot, lambda: "another process" in dialog.status_line.text)
            assert app.screen is dialog
            assert "\nxyzI said no" in dialog.query_one(TextArea).text
            assert "try again" in dialog.status_line.text
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: app.screen is app.stage)
        card = next(impatient.store.cards())
        assert card.turns[1].content.startswith("xyzI said no")
        # Nothing is left of the draft.
        assert "~ draft" not in text_of(app.screen)


async def test_an_edit_of_a_read_only_workspace_stays_in_the_dialog(impatient: Workspace) -> None:
    async with opened_app(impatient, SMALL, stage="curate") as (app, pilot):
        await press_all(pilot, "e x y z")
        dialog = dialog_of(app)
        with read_only(impatient.store):
            await pilot.press("ctrl+s")
            await wait_until(pilot, lambda: "readonly" in dialog.status_line.text)
        assert "\nxyzI said no" in dialog.query_one(TextArea).text
        assert not impatient.store.counts().edited
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: bool(impatient.store.counts().edited))
