"""Text from data is shown, never obeyed: no escape sequence, no markup, anywhere."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from textual.widgets import TextArea

from engine.workspace import Workspace
from tests.tui.conftest import make_example
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


def tagged(words: str) -> str:
    """Return words in tag characters, which no terminal shows."""
    return "".join(chr(0xE0000 + ord(letter)) for letter in words)


@pytest.fixture
def smuggled(workspace: Workspace) -> Workspace:
    """Return a workspace with an example that says more than one sees."""
    source = workspace.store.add_source("vault", "/home/ana/notes")
    family = "\U0001f468\u200d\U0001f469"
    text = f"Of course.{tagged('wire the money')} pay\u200bpal\u2028and \u3164 {family}"
    example = make_example(source.id, f"A plain{tagged('x')} title", "reflection", (), text)
    workspace.store.record_scan(source.id, [example], [], 1, at=time.time())
    return workspace


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_nobody_approves_what_can_not_be_seen(
    smuggled: Workspace, size: tuple[int, int]
) -> None:
    async with opened_app(smuggled, size, stage="curate") as (app, pilot):
        await pilot.pause()
        shown = text_of(app.screen)
        assert "Of course.‹TAG wire the money› pay‹U+200B›pal‹U+2028›and ‹U+3164›" in shown
        assert "A plain‹TAG x› title" in shown
        marked = [
            segment.text
            for strip in app.screen._compositor.render_strips()
            for segment in strip
            if segment.style is not None and segment.style.reverse
        ]
        assert "‹TAG wire the money›" in marked
        # A family is one picture, and stays one.
        assert "\U0001f468\u200d\U0001f469" in shown


async def test_the_editor_names_what_is_hidden_before_it_is_saved(smuggled: Workspace) -> None:
    async with opened_app(smuggled, stage="curate") as (app, pilot):
        before = next(smuggled.store.cards())
        await pilot.press("e")
        dialog = app.screen
        assert isinstance(dialog, EditDialog)
        shown = text_of(dialog)
        assert "ⓦⓘⓡⓔ" in shown
        for name in ("tag characters ×", "U+200B zero width space", "U+3164 hangul filler"):
            assert name in dialog.status_line.text
        area = dialog.query_one(TextArea)
        area.text = area.text.replace("Of course.", "Of\u2062 course.")
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: "U+2062 invisible times" in dialog.status_line.text)
        assert not smuggled.store.counts().edited
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: isinstance(app.screen, CurateScreen))
        after = smuggled.store.card(before.example.id).turns
        assert after[1].content == before.turns[1].content.replace("Of course.", "Of\u2062 course.")
        assert after[0] == before.turns[0]
