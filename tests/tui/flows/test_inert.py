"""Text from data is shown, never obeyed: no escape sequence, no markup, anywhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from textual.widgets import TextArea

from engine.workspace import Workspace
from tests.tui.support import LARGE, SMALL, opened_app, press_all, text_of, wait_until
from tui.app import FinetuiApp
from tui.screens.curate import CurateScreen
from tui.screens.modals.add import AddDialog
from tui.screens.modals.edit import EditDialog
from tui.screens.modals.filter import FilterDialog
from tui.screens.modals.setup import SetupDialog
from tui.screens.modals.skips import SkipsDialog
from tui.screens.sources import SourcesScreen

STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def assert_inert(app: FinetuiApp) -> None:
    """Fail if any cell of the screen holds what could steer a terminal."""
    for strip in app.screen._compositor.render_strips():
        for segment in strip:
            assert not STEERS.search(segment.text), repr(segment.text)
            assert segment.control is None
            # A link or a click that the data asked for would hang on the style.
            assert segment.style is None or segment.style.link is None
            meta = segment.style.meta if segment.style else {}
            assert not any("click" in str(key) for key in meta), meta


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_cards_and_queue(hostile: Workspace, size: tuple[int, int]) -> None:
    async with opened_app(hostile, size, stage="curate") as (app, pilot):
        screen = app.stage
        assert isinstance(screen, CurateScreen)
        seen = ""
        for _ in range(4):
            await pilot.pause()
            assert_inert(app)
            seen += text_of(screen)
            await press_all(pilot, "tab a")
            await pilot.pause()
            assert_inert(app)
            await pilot.press("tab")
        assert "\\x1b[31mred" in seen
        assert "[bold red]markup[/]" in seen
        assert "[@click=app.quit]leave[/]" in seen
        assert "\\u202e" in seen
        await press_all(pilot, "u u")
        await pilot.pause()
        assert_inert(app)


async def test_the_editor_shows_pictures_and_gives_the_text_back(hostile: Workspace) -> None:
    async with opened_app(hostile, stage="curate") as (app, pilot):
        for card in list(hostile.store.cards()):
            await pilot.press("e")
            await wait_until(pilot, lambda: isinstance(app.screen, EditDialog))
            await pilot.pause()
            assert_inert(app)
            area = app.screen.query_one(TextArea)
            area.text = area.text + "and more"
            await pilot.press("ctrl+s")
            await wait_until(pilot, lambda: isinstance(app.screen, CurateScreen))
            edited = hostile.store.card(card.example.id)
            assert edited.turns[0] == card.turns[0]
            assert edited.turns[1].content == card.turns[1].content + "\nand more"
            await pilot.press("j")


async def test_sources_details_and_skips(hostile: Workspace) -> None:
    async with opened_app(hostile) as (app, pilot):
        screen = app.stage
        assert isinstance(screen, SourcesScreen)
        await wait_until(pilot, lambda: "[bold red]markup" in text_of(screen.pane))
        assert_inert(app)
        await pilot.press("d")
        await wait_until(pilot, lambda: isinstance(app.screen, SkipsDialog))
        await pilot.pause()
        assert_inert(app)
        assert "[red]why\\x1b[2J[/]" in text_of(app.screen)


async def test_tags_in_the_filter(hostile: Workspace) -> None:
    async with opened_app(hostile, stage="curate") as (app, pilot):
        await pilot.press("f")
        await wait_until(pilot, lambda: isinstance(app.screen, FilterDialog))
        await pilot.pause()
        assert_inert(app)
        assert "#t[0]" in text_of(app.screen)


async def test_errors_that_quote_data(hostile: Workspace) -> None:
    from engine.errors import SourceUnknown

    async with opened_app(hostile) as (app, pilot):
        app.complain(SourceUnknown("a\x1b[2J [bold]name[/]", hint="b\x07 [red]"))
        await pilot.pause()
        assert_inert(app)
        assert "a\\x1b[2J [bold]name[/] · b\\x07 [red]" in text_of(app.screen)


async def test_adding_what_has_such_names_and_texts(
    workspace: Workspace, isolated_home: Path
) -> None:
    nasty = "a\x1b[31m\x07[red]b[0]\u202e.json"
    column = "q\x1b[2J[bold]\u2066"
    said = {column: "why\x1b[31m [red]not[/]?", "output": "\x9b31m\x00 well"}
    rows = [{**said, "id": number} for number in range(9)]
    (isolated_home / nasty).write_text(json.dumps(rows), "utf-8")
    async with opened_app(workspace, SMALL) as (app, pilot):
        await pilot.press("a")
        await wait_until(pilot, lambda: isinstance(app.screen, AddDialog))
        dialog = app.screen
        assert isinstance(dialog, AddDialog)
        await pilot.press("a")
        await wait_until(pilot, lambda: dialog.proposals.count == 1)
        await wait_until(pilot, lambda: dialog.field._suggestion != "")
        await pilot.pause()
        assert_inert(app)
        await pilot.press("tab")
        await pilot.pause()
        assert_inert(app)
        dialog.field.value = f"~/{nasty}"
        await pilot.press("ctrl+o")
        await wait_until(pilot, lambda: isinstance(app.screen, SetupDialog))
        setup = app.screen
        assert isinstance(setup, SetupDialog)
        while setup._kind != "instructions":
            await pilot.press("right")
        await wait_until(pilot, lambda: "prompt" in setup._controls)
        await wait_until(pilot, lambda: bool(setup._rows[0].values))
        assert_inert(app)
        await press_all(pilot, "down ctrl+l")
        await wait_until(pilot, lambda: app.screen is not setup)
        await pilot.pause()
        assert_inert(app)
        await pilot.press("enter")
        await wait_until(pilot, lambda: app.screen is setup)
        await pilot.pause()
        assert_inert(app)
