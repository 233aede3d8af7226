"""Decisions while another process holds the workspace: nothing waits, is lost, or is done twice."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from textual import events
from textual.widgets import TextArea

from engine.store import Store
from engine.workspace import Workspace
from tests.tui.findings import link_some
from tests.tui.support import SMALL, opened_app, press_all, text_of, wait_until
from tui.app import FinetuiApp
from tui.screens.curate import CurateScreen
from tui.screens.modals.edit import EditDialog
from tui.screens.modals.near import NearDialog

HOLD = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
db.execute("ROLLBACK")
"""


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Let another process hold the write lock of a database while a block runs."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdin=pipe, stdout=pipe) as one:
        assert one.stdout is not None
        assert one.stdin is not None
        assert one.stdout.readline() == b"held\n"
        try:
            yield
        finally:
            one.stdin.close()


def curate_of(app: FinetuiApp) -> CurateScreen:
    """Return the Curate screen."""
    assert isinstance(app.stage, CurateScreen)
    return app.stage


def near_of(app: FinetuiApp) -> NearDialog:
    """Return the dialog of near-duplicates."""
    assert isinstance(app.screen, NearDialog)
    return app.screen


def type_all(app: FinetuiApp, keys: str) -> None:
    """Type keys as a person does who waits for nothing."""
    for key in keys:
        app.post_message(events.Key(key, key))


def entries(workspace: Workspace) -> list[tuple[str, int]]:
    """Return the journal as actions on places, oldest first, as another opening reads it."""
    with Store.open(workspace.store.path) as store:
        places = {card.example.id: at for at, card in enumerate(store.cards())}
        return [(one.action, places[one.example_id]) for one in reversed(store.journal())]


async def test_keys_go_on_while_another_process_writes(filled: Workspace) -> None:
    async with opened_app(filled, stage="curate") as (app, pilot):
        screen = curate_of(app)
        with held(filled.store.path):
            type_all(app, "aa")
            await wait_until(pilot, lambda: "2 not stored yet" in screen.status_line.text)
            assert "waiting for another process" in screen.status_line.text
            # Nothing is called approved that is not, and the cards that follow are shown.
            assert "✓" not in text_of(screen.queue)
            assert text_of(screen.queue).count("… ") == 2
            assert "Why I said no" in text_of(screen.card)
            await press_all(pilot, "j r")
            await wait_until(pilot, lambda: "3 not stored yet" in screen.status_line.text)
            await press_all(pilot, "home a")
            assert "not stored yet" in screen.status_line.text
            assert entries(filled) == []
        await wait_until(pilot, lambda: text_of(screen.queue).count("✓") == 2)
        await wait_until(pilot, lambda: text_of(screen.queue).count("✗") == 1)
        assert entries(filled) == [("approve", 0), ("approve", 1), ("reject", 3)]
        # The cursor is where the person left it.
        assert screen.queue.cursor == 0
        assert "…" not in text_of(screen.queue)


async def test_escape_gives_up_and_goes_back(filled: Workspace) -> None:
    async with opened_app(filled, SMALL, stage="curate") as (app, pilot):
        screen = curate_of(app)
        with held(filled.store.path):
            await press_all(pilot, "a r")
            await wait_until(pilot, lambda: "2 not stored yet" in screen.status_line.text)
            await pilot.press("escape")
            await wait_until(pilot, lambda: "not stored: approve" in screen.status_line.text)
            assert "and 1 later change" in screen.status_line.text
            assert screen.queue.cursor == 0
            assert "offsite" in text_of(screen.card)
        assert entries(filled) == []
        await press_all(pilot, "a")
        assert entries(filled) == [("approve", 0)]


async def test_what_waits_too_long_is_said_and_drops_the_keys_behind_it(filled: Workspace) -> None:
    with Store.open(filled.store.path, busy_seconds=0.2) as store:
        impatient = Workspace(filled.root, filled.settings, store)
        async with opened_app(impatient, stage="curate") as (app, pilot):
            screen = curate_of(app)
            await pilot.press("j")
            with held(filled.store.path):
                type_all(app, "arar")
                await wait_until(pilot, lambda: "not stored: approve" in screen.status_line.text)
                assert "another process is writing" in screen.status_line.text
                await wait_until(pilot, lambda: app.keys_settled)
                assert screen.queue.cursor == 1
            assert entries(filled) == []
            await pilot.press("r")
            assert entries(filled) == [("reject", 1)]


async def test_two_keys_that_come_at_once_never_decide_one_card(filled: Workspace) -> None:
    """As where a slow machine hands a key on before the one ahead of it has been acted on."""
    async with opened_app(filled, stage="curate") as (app, pilot):
        screen = curate_of(app)
        screen.action_approve()
        screen.action_reject()
        screen.action_undo()
        screen.action_skip()
        await wait_until(pilot, lambda: len(filled.store.journal()) == 4)
        assert entries(filled) == [("approve", 0), ("reject", 1), ("undo", 1), ("skip", 1)]


async def test_undo_waits_its_turn_and_leaves_the_cursor(filled: Workspace) -> None:
    async with opened_app(filled, stage="curate") as (app, pilot):
        screen = curate_of(app)
        with held(filled.store.path):
            await press_all(pilot, "a u end")
            await wait_until(pilot, lambda: screen.queue.cursor == 7)
        await wait_until(pilot, lambda: "undid: approved" in screen.status_line.text)
        assert entries(filled) == [("approve", 0), ("undo", 0)]
        assert screen.queue.cursor == 7


@pytest.mark.parametrize("stored", [True, False])
async def test_leaving_stores_what_waits_or_says_that_it_did_not(
    filled: Workspace,
    stored: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("tui.app.LEAVE_SECONDS", 60.0 if stored else 0.1)
    async with opened_app(filled, stage="curate") as (app, pilot):
        screen = curate_of(app)
        with held(filled.store.path):
            await pilot.press("a")
            await wait_until(pilot, lambda: "not stored yet" in screen.status_line.text)
            await pilot.press("ctrl+q")
            if not stored:
                await wait_until(pilot, lambda: not app.is_running)
        await wait_until(pilot, lambda: not app.is_running)
    said = capsys.readouterr().err
    assert ("Not stored" in said and "approve" in said) != stored
    assert entries(filled) == ([("approve", 0)] if stored else [])


async def test_near_duplicates_are_decided_in_order(filled: Workspace) -> None:
    link_some(filled.store)
    async with opened_app(filled, stage="curate") as (app, pilot):
        await pilot.press("c")
        dialog = near_of(app)
        await wait_until(pilot, lambda: dialog.rows.count > 2)
        before = dialog.rows.cursor
        with held(filled.store.path):
            type_all(app, "r")
            await wait_until(pilot, lambda: "waiting for another" in dialog.status_line.text)
            type_all(app, "r")
            await wait_until(pilot, lambda: "is not stored yet" in dialog.status_line.text)
            assert dialog.rows.cursor == before
            await pilot.press("escape")
            await wait_until(pilot, lambda: "not stored: reject" in dialog.status_line.text)
            assert app.screen is dialog
        assert entries(filled) == []
        await pilot.press("r")
        assert [action for action, _ in entries(filled)] == ["reject"]
        assert dialog.rows.cursor == before + 1


async def test_an_edit_that_waits_can_be_given_up(filled: Workspace) -> None:
    async with opened_app(filled, stage="curate") as (app, pilot):
        await press_all(pilot, "e x y z")
        dialog = app.screen
        assert isinstance(dialog, EditDialog)
        with held(filled.store.path):
            app.post_message(events.Key("ctrl+s", None))
            await wait_until(pilot, lambda: "not saved yet" in dialog.status_line.text)
            app.post_message(events.Key("escape", None))
            await wait_until(pilot, lambda: "it was not saved" in dialog.status_line.text)
            assert "xyzI said no" in dialog.query_one(TextArea).text
        assert entries(filled) == []
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: app.screen is app.stage)
        assert entries(filled) == [("edit", 0)]
