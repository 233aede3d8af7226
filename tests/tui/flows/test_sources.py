"""Sources by keys, on real files and a real scan."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from engine.workspace import Workspace
from tests.tui.support import SMALL, opened_app, press_all, text_of, wait_until
from tui.app import FinetuiApp
from tui.screens.modals.add import AddDialog, shared_beginning
from tui.screens.modals.confirm import ConfirmDialog
from tui.screens.modals.skips import SkipsDialog
from tui.screens.sources import SourcesScreen


def screen_of(app: FinetuiApp) -> SourcesScreen:
    """Return the Sources screen."""
    assert isinstance(app.stage, SourcesScreen)
    return app.stage


@pytest.fixture
def chats(isolated_home: Path) -> Path:
    """Return a file of saved conversations in the home folder."""
    path = isolated_home / "chats.json"
    conversations = [
        {
            "messages": [
                {"role": "user", "content": f"What is the tide at hour {hour} like?"},
                {"role": "assistant", "content": f"At hour {hour} it stands at {hour * 3} feet."},
                {"role": "user", "content": f"And is the boat dry at hour {hour}?"},
                {"role": "assistant", "content": f"Dry to the keel, {hour} times out of ten."},
            ]
        }
        for hour in range(1, 13)
    ]
    path.write_text(json.dumps(conversations), "utf-8")
    return path


async def test_an_empty_workspace_teaches_its_keys(workspace: Workspace) -> None:
    async with opened_app(workspace, SMALL) as (app, pilot):
        await wait_until(pilot, lambda: "Start here" in text_of(screen_of(app)))
        shown = text_of(screen_of(app))
        assert "a  to add your own" in shown
        assert "g  to start with the bundled demo" in shown
        cheat = text_of(screen_of(app).cheat_line)
        assert "g demo sources" in cheat
        assert "s scan" not in cheat


async def test_adding_a_file_by_path(workspace: Workspace, chats: Path) -> None:
    async with opened_app(workspace) as (app, pilot):
        await pilot.press("a")
        await wait_until(pilot, lambda: isinstance(app.screen, AddDialog))
        dialog = app.screen
        assert isinstance(dialog, AddDialog)
        await press_all(pilot, "c h")
        await wait_until(pilot, lambda: "chats.json" in text_of(dialog.proposals))
        await pilot.press("tab")
        assert dialog.field.value == "~/chats.json"
        await wait_until(pilot, lambda: "12 examples from 12 chats" in text_of(dialog.look))
        assert "conversations" in text_of(dialog.look)
        assert "tide at hour" in text_of(dialog.look)
        assert workspace.store.sources() == []
        await pilot.press("enter")
        await wait_until(pilot, lambda: "12 new" in screen_of(app).status_line.text)
        assert [source.kind for source in workspace.store.sources()] == ["conversations"]
        assert workspace.store.counts().undecided == 12
        await wait_until(pilot, lambda: "12 examples" in text_of(screen_of(app).pane))
        assert "~/chats.json" in text_of(screen_of(app).rows)


async def test_right_takes_the_proposal(workspace: Workspace, chats: Path) -> None:
    async with opened_app(workspace) as (app, pilot):
        await pilot.press("a")
        await wait_until(pilot, lambda: isinstance(app.screen, AddDialog))
        dialog = app.screen
        assert isinstance(dialog, AddDialog)
        await pilot.press("c")
        await wait_until(pilot, lambda: dialog.field._suggestion == "~/chats.json")
        await pilot.press("right")
        assert dialog.field.value == "~/chats.json"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("", None, "nothing at"),
        ("empty.json", b"", "is empty"),
        ("photo.json", b"\x89PNG\r\n\x1a\n\x00\x00\x00\xff\xfe", "can't be read"),
        ("shopping.dat", b"bread 2\n", "is neither"),
    ],
)
async def test_what_is_no_source_is_refused_in_the_dialog(
    workspace: Workspace, isolated_home: Path, name: str, content: bytes | None, words: str
) -> None:
    path = isolated_home / (name or "not-there")
    if content is not None:
        path.write_bytes(content)
    async with opened_app(workspace, SMALL) as (app, pilot):
        await pilot.press("a")
        await wait_until(pilot, lambda: isinstance(app.screen, AddDialog))
        dialog = app.screen
        assert isinstance(dialog, AddDialog)
        dialog.field.value = str(path)
        await pilot.press("enter")
        await wait_until(pilot, lambda: words in dialog.status_line.text)
        assert app.screen is dialog
        await pilot.press("escape")
        assert workspace.store.sources() == []


async def test_a_source_that_went_away_is_an_error_and_nothing_is_lost(
    workspace: Workspace, chats: Path
) -> None:
    source = workspace.store.add_source("conversations", str(chats))
    async with opened_app(workspace) as (app, pilot):
        await wait_until(pilot, lambda: screen_of(app).rows.count > 0)
        await pilot.press("s")
        await wait_until(pilot, lambda: "12 new" in screen_of(app).status_line.text)
        os.unlink(chats)
        await pilot.press("s")
        await wait_until(pilot, lambda: "nothing at" in screen_of(app).status_line.text)
        assert workspace.store.counts().total == 12
        assert workspace.store.source(source.id).examples == 12


async def test_skipped_items_are_listed_with_place_and_reason(filled: Workspace) -> None:
    async with opened_app(filled, SMALL) as (app, pilot):
        await wait_until(pilot, lambda: screen_of(app).rows.count > 0)
        await pilot.press("d")
        await wait_until(pilot, lambda: isinstance(app.screen, SkipsDialog))
        dialog = app.screen
        assert isinstance(dialog, SkipsDialog)
        shown = text_of(dialog)
        assert "broken-yaml" in shown
        assert "2025-03-02.md:4" in shown
        await press_all(pilot, "end home j")
        assert "2 of 2 items" in dialog.status_line.text
        await pilot.press("escape")
        await wait_until(pilot, lambda: isinstance(app.screen, SourcesScreen))


async def test_removing_asks_and_enter_is_no_answer(filled: Workspace) -> None:
    first = next(filled.store.cards()).example.id
    filled.store.append("approve", first, at=1.0)
    async with opened_app(filled, SMALL) as (app, pilot):
        await wait_until(pilot, lambda: screen_of(app).rows.count > 0)
        await pilot.press("x")
        await wait_until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("enter")
        assert isinstance(app.screen, ConfirmDialog)
        await pilot.press("n")
        await wait_until(pilot, lambda: isinstance(app.screen, SourcesScreen))
        assert len(filled.store.sources()) == 1
        await pilot.press("x")
        await wait_until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("y")
        await wait_until(pilot, lambda: "7 undecided" in screen_of(app).status_line.text)
        assert filled.store.sources() == []
        assert filled.store.counts().approved == 1


async def test_the_bundled_demo_fills_an_empty_workspace(workspace: Workspace) -> None:
    async with opened_app(workspace) as (app, pilot):
        await pilot.press("g")
        await wait_until(pilot, lambda: "3 sources read" in screen_of(app).status_line.text)
        assert {source.kind for source in workspace.store.sources()} == {
            "vault",
            "conversations",
            "instructions",
        }
        assert workspace.store.counts().total >= 100
        assert "g demo sources" not in text_of(screen_of(app).cheat_line)


def test_shared_beginning() -> None:
    assert shared_beginning(["~/notes/", "~/novel/"]) == "~/no"
    assert shared_beginning([]) == ""
    assert shared_beginning(["one"]) == "one"
