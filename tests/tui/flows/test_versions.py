"""Examples whose source changed, and examples with several answers, by keys."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.models import Turn
from engine.workspace import Workspace
from tests.tui.places import add_scanned, write_rows, write_tree
from tests.tui.support import LARGE, SMALL, opened_app, press_all, text_of, wait_until
from tui.app import FinetuiApp
from tui.screens.curate import CurateScreen
from tui.screens.modals.answers import AnswersDialog
from tui.screens.modals.filter import FilterDialog
from tui.screens.modals.versions import VersionsDialog

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "160x45"])
FERNS = "Ferns, and nothing that sulks without sun."
HOSTAS = "Hostas. They like the damp there."
MOSS = "Moss is there already; let it have the wall."


def screen_of(app: FinetuiApp) -> CurateScreen:
    """Return the Curate screen."""
    assert isinstance(app.stage, CurateScreen)
    return app.stage


@pytest.fixture
def changed(workspace: Workspace, isolated_home: Path) -> Workspace:
    """Return a workspace with two decided examples, one changed since and one gone."""
    folder = isolated_home / "rows"
    folder.mkdir()
    answers = {0: "rope and tar", 1: "salt", 2: "lamp oil"}
    for number, held in answers.items():
        row = {f"What lies in hold {number}?": f"Hold {number} is full of {held}, to the hatch."}
        write_rows(folder / f"{number}.json", row)
    add_scanned(workspace, "instructions", folder)
    first, second, _ = workspace.store.cards()
    workspace.store.append("approve", first.example.id, at=1.0)
    workspace.store.append("reject", second.example.id, at=2.0)
    row = {"What lies in hold 0?": "Hold 0 is full of rope and rats, to the hatch."}
    write_rows(folder / "0.json", row)
    os.unlink(folder / "1.json")
    add_scanned(workspace, "instructions", folder)
    return workspace


@SIZES
async def test_the_queue_and_the_card_say_what_became_of_it(
    changed: Workspace, size: tuple[int, int]
) -> None:
    async with opened_app(changed, size, stage="curate") as (app, pilot):
        screen = screen_of(app)
        await pilot.press("home")
        assert "≠ changed" in text_of(screen.card)
        await pilot.press("j")
        assert "† gone" in text_of(screen.card)
        await pilot.press("end")
        assert "≠ new version" in text_of(screen.card)
        await press_all(pilot, "i")
        assert "a new version of" in text_of(app.screen)
        await press_all(pilot, "escape")
        if size == SMALL:
            await pilot.press("tab")
            await pilot.pause()
        rows = text_of(screen.queue).splitlines()
        assert [line for line in rows if "≠" in line and "hold 0" in line]
        assert [line for line in rows if "†" in line and "hold 1" in line]
        assert not [line for line in rows if "hold 2" in line and ("≠" in line or "†" in line)]


@SIZES
async def test_two_versions_side_by_side(changed: Workspace, size: tuple[int, int]) -> None:
    async with opened_app(changed, size, stage="curate") as (app, pilot):
        screen = screen_of(app)
        await pilot.press("end")
        newer = screen.card.card
        assert newer is not None
        await pilot.press("v")
        await wait_until(pilot, lambda: isinstance(app.screen, VersionsDialog))
        dialog = app.screen
        assert isinstance(dialog, VersionsDialog)
        await wait_until(pilot, lambda: "rope and tar" in dialog.left.text)
        assert "rope and tar" in dialog.left.text
        assert "rope and rats" in dialog.right.text
        await wait_until(pilot, lambda: "✓ approved" in text_of(dialog))
        # Enter goes to the older one, and from there v comes back.
        await pilot.press("enter")
        await wait_until(pilot, lambda: app.screen is screen)
        assert screen.card.card is not None
        assert screen.card.card.example.id == newer.example.follows
        await pilot.press("v")
        await wait_until(pilot, lambda: isinstance(app.screen, VersionsDialog))
        await pilot.press("enter")
        await wait_until(pilot, lambda: app.screen is screen)
        assert screen.card.card.example.id == newer.example.id


async def test_versions_where_there_are_none(changed: Workspace) -> None:
    async with opened_app(changed, stage="curate") as (app, pilot):
        screen = screen_of(app)
        await press_all(pilot, "home j v")
        assert "no other version" in screen.status_line.text
        await press_all(pilot, "j v")
        assert "no other version" in screen.status_line.text
        assert "v versions" not in text_of(screen.cheat_line)


@SIZES
async def test_an_edit_is_compared_with_the_original(
    filled: Workspace, size: tuple[int, int]
) -> None:
    """Also where nothing changed in the source."""
    first = next(filled.store.cards())
    turns = (first.turns[0], Turn("assistant", "I said yes, and it took me a week."))
    filled.store.append("edit", first.example.id, turns=turns, at=1.0)
    async with opened_app(filled, size, stage="curate") as (app, pilot):
        screen = screen_of(app)
        await pilot.press("v")
        dialog = app.screen
        assert isinstance(dialog, VersionsDialog)
        await wait_until(pilot, lambda: "I said no" in dialog.left.text)
        assert "I said yes" in dialog.right.text
        assert "original" in text_of(dialog)
        assert "other texts" not in text_of(dialog)
        await pilot.press("enter")
        assert app.screen is screen
        assert screen.card.card is not None
        assert screen.card.card.example.id == first.example.id


async def test_an_edit_and_a_newer_text_are_both_compared(changed: Workspace) -> None:
    first = next(changed.store.cards())
    turns = (first.turns[0], Turn("assistant", "Hold 0 is empty."))
    changed.store.append("edit", first.example.id, turns=turns, at=9.0)
    async with opened_app(changed, stage="curate") as (app, pilot):
        await press_all(pilot, "home v")
        dialog = app.screen
        assert isinstance(dialog, VersionsDialog)
        await wait_until(pilot, lambda: "is empty" in dialog.right.text)
        assert "rope and tar" in dialog.left.text
        assert "→ other texts" in text_of(dialog)
        await pilot.press("right")
        assert "is empty" in dialog.left.text
        assert "rope and rats" in dialog.right.text


async def test_filtering_what_changed_or_is_gone(changed: Workspace) -> None:
    async with opened_app(changed, stage="curate") as (app, pilot):
        await pilot.press("f")
        await wait_until(pilot, lambda: isinstance(app.screen, FilterDialog))
        shown = text_of(app.screen)
        assert "≠ changed" in shown
        assert "† gone" in shown
        # Below the four states and "edited", over the heading.
        await press_all(pilot, "j j j j j space enter")
        await wait_until(pilot, lambda: isinstance(app.screen, CurateScreen))
        screen = screen_of(app)
        await wait_until(pilot, lambda: screen.queue.count == 1)
        assert "changed in its source" in screen.status_line.text
        assert "hold 0" in text_of(screen.queue)


@pytest.fixture
def garden(workspace: Workspace, isolated_home: Path) -> Workspace:
    """Return a workspace with a question that was answered three times."""
    question = "What should I plant on the north side?"
    path = write_tree(isolated_home / "conversations.json", question, (FERNS, HOSTAS, MOSS))
    add_scanned(workspace, "conversations", path)
    return workspace


@SIZES
async def test_another_answer_is_taken_and_taken_back(
    garden: Workspace, size: tuple[int, int]
) -> None:
    async with opened_app(garden, size, stage="curate") as (app, pilot):
        screen = screen_of(app)
        assert "2 other answers" in screen.card.text
        await pilot.press("o")
        await wait_until(pilot, lambda: isinstance(app.screen, AnswersDialog))
        dialog = app.screen
        assert isinstance(dialog, AnswersDialog)
        assert FERNS in text_of(dialog.pane)
        await pilot.press("j")
        await wait_until(pilot, lambda: HOSTAS in text_of(dialog.pane))
        await pilot.press("enter")
        await wait_until(pilot, lambda: app.screen is screen)
        (card,) = garden.store.cards()
        assert card.edited
        assert card.turns[1].content == HOSTAS
        assert card.example.turns[1].content == MOSS
        assert [entry.action for entry in garden.store.journal()] == ["edit"]
        # The answer that stood there is now among the others.
        await pilot.press("o")
        await wait_until(pilot, lambda: isinstance(app.screen, AnswersDialog))
        assert "as extracted" in text_of(app.screen)
        await press_all(pilot, "escape u")
        await wait_until(pilot, lambda: "undid: edited" in screen.status_line.text)
        (card,) = garden.store.cards()
        assert card.turns[1].content == MOSS


async def test_an_example_with_one_answer_says_so(changed: Workspace) -> None:
    async with opened_app(changed, stage="curate") as (app, pilot):
        await pilot.press("o")
        assert "no other answer" in screen_of(app).status_line.text
        assert "o other answers" not in text_of(screen_of(app).cheat_line)
