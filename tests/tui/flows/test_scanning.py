"""Scans from the app: in children, while one works elsewhere, stopped, and told of."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.models import Source
from engine.workspace import Workspace
from tests.support.trusting import trusted
from tests.tui.places import (
    TOKEN,
    MemoryApp,
    add_scanned,
    memory_app,
    readers,
    write_chats,
    write_rows,
)
from tests.tui.support import LARGE, SMALL, opened_app, press_all, text_of, wait_until
from tui.app import FinetuiApp
from tui.bridge.elsewhere import ScannedElsewhere
from tui.screens.curate import CurateScreen
from tui.screens.modals.confirm import ConfirmDialog
from tui.screens.modals.skips import SkipsDialog
from tui.screens.sources import SourcesScreen


def screen_of(app: FinetuiApp) -> SourcesScreen:
    """Return the Sources screen."""
    assert isinstance(app.stage, SourcesScreen)
    return app.stage


def title_of(app: FinetuiApp) -> str:
    """Return the title line of the stage in front."""
    return text_of(app.screen).splitlines()[0]


@pytest.fixture
def slow(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryApp]:
    """Return an app that is a source of the workspace and does not answer yet."""
    monkeypatch.setenv("FINETUI_MEMORY_TOKEN", TOKEN)
    with memory_app() as running:
        running.may_answer.clear()
        workspace.store.add_source("memory", running.address)
        trusted(workspace.root)
        yield running


async def test_a_scan_goes_on_while_one_works_elsewhere(
    workspace: Workspace, isolated_home: Path, slow: MemoryApp
) -> None:
    add_scanned(workspace, "conversations", write_chats(isolated_home / "chats.json"))
    async with opened_app(workspace) as (app, pilot):
        await wait_until(pilot, lambda: screen_of(app).rows.count > 0)
        await pilot.press("s")
        await wait_until(pilot, lambda: len(slow.asked) == 1)
        assert "scanning" in text_of(screen_of(app).rows)
        assert "X stop scan" in text_of(screen_of(app).cheat_line)
        await pilot.press("2")
        await wait_until(pilot, lambda: isinstance(app.stage, CurateScreen))
        assert "▶ scan 127.0.0.1" in title_of(app)
        await press_all(pilot, "a r")
        counts = workspace.store.counts()
        assert (counts.approved, counts.rejected, counts.total) == (1, 1, 12)
        screen = app.stage
        assert isinstance(screen, CurateScreen)
        here = screen.card.card
        slow.may_answer.set()
        await wait_until(pilot, lambda: "127.0.0.1: 20 examples" in screen.status_line.text)
        await wait_until(pilot, lambda: "▶" not in title_of(app))
        # The watch for other processes sees what the scan brought a moment later.
        screen.post_message(ScannedElsewhere(20))
        await pilot.pause()
        assert "127.0.0.1: 20 examples" in screen.status_line.text
        # What came is in the queue, and the card under the cursor is the same.
        assert screen.queue.count == 32
        assert here is not None
        assert screen.card.card is not None
        assert screen.card.card.example.id == here.example.id


async def test_stopping_asks_ends_the_child_and_says_what_was_stopped(
    workspace: Workspace, isolated_home: Path, slow: MemoryApp
) -> None:
    workspace.store.add_source("conversations", str(write_chats(isolated_home / "chats.json")))
    async with opened_app(workspace) as (app, pilot):
        screen = screen_of(app)
        await wait_until(pilot, lambda: screen.rows.count == 2)
        await pilot.press("s")
        await wait_until(pilot, lambda: len(slow.asked) == 1)
        assert len(readers()) == 1
        await press_all(pilot, "j s")
        await pilot.press("X")
        await wait_until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        assert "Stop scanning 127.0.0.1" in text_of(app.screen)
        assert "chats.json waits" in text_of(app.screen)
        await pilot.press("n")
        await wait_until(pilot, lambda: app.screen is screen)
        assert app.scans.active
        await press_all(pilot, "X y")
        await wait_until(pilot, lambda: not app.scans.active)
        assert readers() == []
        said = screen.status_line
        await wait_until(pilot, lambda: said.text.startswith("stopped scanning 127.0.0.1"))
        assert "its examples are as before the scan" in said.text
        assert "not read: chats.json" in said.text
        assert workspace.store.counts().total == 0
        await pilot.press("X")
        await wait_until(pilot, lambda: "no scan is running" in said.text)


async def test_escape_stops_no_scan(workspace: Workspace, slow: MemoryApp) -> None:
    async with opened_app(workspace) as (app, pilot):
        await wait_until(pilot, lambda: screen_of(app).rows.count == 1)
        await pilot.press("s")
        await wait_until(pilot, lambda: len(slow.asked) == 1)
        await press_all(pilot, "escape a escape escape")
        await wait_until(pilot, lambda: isinstance(app.screen, SourcesScreen))
        assert app.scans.active
        assert len(readers()) == 1


async def test_a_source_that_is_being_read_is_not_removed(
    workspace: Workspace, slow: MemoryApp
) -> None:
    async with opened_app(workspace) as (app, pilot):
        await wait_until(pilot, lambda: screen_of(app).rows.count == 1)
        await pilot.press("s")
        await wait_until(pilot, lambda: len(slow.asked) == 1)
        await pilot.press("x")
        await wait_until(pilot, lambda: "X stops that first" in screen_of(app).status_line.text)
        assert app.screen is screen_of(app)


async def test_nothing_is_said_of_what_was_not_read(
    workspace: Workspace, isolated_home: Path
) -> None:
    workspace.store.add_source("conversations", str(write_chats(isolated_home / "chats.json")))
    async with opened_app(workspace) as (app, pilot):
        screen = screen_of(app)
        await wait_until(pilot, lambda: "not known yet" in screen.pane.text)
        assert "0 examples" not in screen.pane.text
        await pilot.press("d")
        dialog = app.screen
        assert isinstance(dialog, SkipsDialog)
        await wait_until(pilot, lambda: "not scanned yet" in dialog.status_line.text)
        assert "skipped" not in dialog.status_line.text
        await press_all(pilot, "escape s")
        await wait_until(pilot, lambda: "12 new" in screen.status_line.text)
        await pilot.press("d")
        again = app.screen
        assert isinstance(again, SkipsDialog)
        await wait_until(pilot, lambda: "skipped nothing" in again.status_line.text)


async def test_what_is_asked_for_meanwhile_waits_for_its_turn(
    workspace: Workspace, isolated_home: Path, slow: MemoryApp
) -> None:
    workspace.store.add_source("conversations", str(write_chats(isolated_home / "chats.json")))
    async with opened_app(workspace) as (app, pilot):
        await wait_until(pilot, lambda: screen_of(app).rows.count > 0)
        await pilot.press("s")
        await wait_until(pilot, lambda: len(slow.asked) == 1)
        await pilot.press("s")
        assert "already being read" in screen_of(app).status_line.text
        await press_all(pilot, "j s")
        assert "will be read next" in screen_of(app).status_line.text
        assert workspace.store.counts().total == 0
        slow.may_answer.set()
        await wait_until(pilot, lambda: "2 sources read" in screen_of(app).status_line.text)
        assert workspace.store.counts().total == 32


async def test_leaving_ends_what_is_read(workspace: Workspace, slow: MemoryApp) -> None:
    async with opened_app(workspace) as (app, pilot):
        await wait_until(pilot, lambda: screen_of(app).rows.count > 0)
        await pilot.press("s")
        await wait_until(pilot, lambda: len(slow.asked) == 1)
        assert len(readers()) == 1
    assert readers() == []
    assert workspace.store.counts().total == 0


async def test_a_look_ends_with_its_dialog(workspace: Workspace, slow: MemoryApp) -> None:
    async with opened_app(workspace) as (app, pilot):
        await wait_until(pilot, lambda: screen_of(app).rows.count > 0)
        await pilot.press("o")
        await wait_until(pilot, lambda: app.screen is not app.stage)
        await pilot.press("ctrl+r")
        await wait_until(pilot, lambda: len(slow.asked) == 1)
        assert len(readers()) == 1
        await pilot.press("escape")
        await wait_until(pilot, lambda: readers() == [])


async def test_a_source_that_fails_hinders_no_other(
    workspace: Workspace, isolated_home: Path
) -> None:
    chats, rows = write_chats(isolated_home / "chats.json"), isolated_home / "rows.json"
    workspace.store.add_source("conversations", str(chats))
    workspace.store.add_source("instructions", str(write_rows(rows, {"Why?": "It was late."})))
    os.unlink(chats)
    async with opened_app(workspace) as (app, pilot):
        await wait_until(pilot, lambda: screen_of(app).rows.count > 0)
        await pilot.press("S")
        await wait_until(
            pilot, lambda: "1 of 2 sources not read" in screen_of(app).status_line.text
        )
        assert "nothing at ~/chats.json" in screen_of(app).status_line.text
        assert workspace.store.counts().total == 1


async def test_a_second_scan_says_what_changed(workspace: Workspace, isolated_home: Path) -> None:
    folder = isolated_home / "rows"
    folder.mkdir()
    for number in range(4):
        answers = {f"What lies in hold {number}?": f"Hold {number} is full of rope and tar."}
        write_rows(folder / f"{number}.json", answers)
    add_scanned(workspace, "instructions", folder)
    first, second, *_ = workspace.store.cards()
    workspace.store.append("approve", first.example.id, at=1.0)
    workspace.store.append("approve", second.example.id, at=2.0)
    write_rows(folder / "0.json", {"What lies in hold 0?": "Hold 0 is full of rope, tar and rats."})
    os.unlink(folder / "1.json")
    async with opened_app(workspace) as (app, pilot):
        await wait_until(pilot, lambda: screen_of(app).rows.count > 0)
        await pilot.press("s")
        said = screen_of(app).status_line
        await wait_until(pilot, lambda: "2 files unchanged" in said.text)
        assert "1 changed · 1 gone" in said.text
        pane = screen_of(app).pane
        await wait_until(pilot, lambda: "this scan:" in pane.text)
        assert "1 changed · 1 gone · 2 files unchanged" in pane.text
        assert "≠ 1 example that you decided on changed here since" in pane.text
        assert "† 1 example that you decided on is gone here" in pane.text


@pytest.fixture
def skipping(workspace: Workspace, isolated_home: Path) -> Source:
    """Return a source of which a hundred thousand things were skipped, for three reasons."""
    from engine.models import Skipped

    source = workspace.store.add_source("instructions", str(isolated_home))
    codes = ("no-answer", "empty", "malformed-json")
    skipped = [
        Skipped(source.id, "rows.jsonl", line, codes[line % 3 > 0], f"row {line} says nothing")
        for line in range(1, 99_999)
    ]
    skipped += [Skipped(source.id, "z.jsonl", 7, codes[2], "a comma is missing")] * 2
    workspace.store.record_scan(source.id, [], skipped, 100_000, at=1.0)
    return workspace.store.source(source.id)


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "160x45"])
async def test_a_hundred_thousand_skipped_things_are_read_as_they_come_in_sight(
    workspace: Workspace, skipping: Source, size: tuple[int, int]
) -> None:
    async with opened_app(workspace, size) as (app, pilot):
        await pilot.press("d")
        await wait_until(pilot, lambda: isinstance(app.screen, SkipsDialog))
        dialog = app.screen
        assert isinstance(dialog, SkipsDialog)
        await wait_until(pilot, lambda: dialog.rows.count == 100_000)
        assert "all 100,000   empty 66,666   no-answer 33,332" in text_of(dialog)
        assert "rows.jsonl:1" in text_of(dialog)
        pages = dialog.rows._pages
        assert pages is not None
        assert len(pages._pages) == 1
        await pilot.press("end")
        await wait_until(pilot, lambda: "z.jsonl:7" in text_of(dialog.rows))
        assert "100,000 of 100,000 items" in dialog.status_line.text
        assert len(pages._pages) == 2
        # The third reason is rare; it is a key or three away.
        await press_all(pilot, "right right right")
        await wait_until(pilot, lambda: dialog.rows.count == 2)
        assert "malformed-json" in text_of(dialog.rows)
        assert "empty" not in text_of(dialog.rows)
        await pilot.press("left")
        await wait_until(pilot, lambda: dialog.rows.count == 33_332)
