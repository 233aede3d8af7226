"""Adding a source by keys: what it is, what can be set about it, and what an app asks for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine.workspace import Workspace
from tests.support.hashes import hashes
from tests.support.trusting import trusted
from tests.tui.places import TOKEN, MemoryApp, memory_app, write_mixed, write_rows
from tests.tui.support import LARGE, SMALL, opened_app, press_all, text_of, wait_until
from tui.app import FinetuiApp
from tui.screens.modals.add import AddDialog
from tui.screens.modals.setup import SetupDialog
from tui.screens.modals.token import TokenDialog
from tui.screens.sources import SourcesScreen

_KEYS = {"~": "tilde", "/": "slash", ".": "full_stop", "-": "minus", "_": "underscore"}

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "160x45"])


def screen_of(app: FinetuiApp) -> SourcesScreen:
    """Return the Sources screen."""
    assert isinstance(app.stage, SourcesScreen)
    return app.stage


async def add_dialog(app: FinetuiApp, pilot: Pilot[int], place: str) -> AddDialog:
    """Open the dialog and type a place."""
    await pilot.press("a")
    await wait_until(pilot, lambda: isinstance(app.screen, AddDialog))
    dialog = app.screen
    assert isinstance(dialog, AddDialog)
    dialog.field.value = place
    return dialog


async def setup_dialog(app: FinetuiApp, pilot: Pilot[int]) -> SetupDialog:
    """Wait for the form."""
    await wait_until(pilot, lambda: isinstance(app.screen, SetupDialog))
    dialog = app.screen
    assert isinstance(dialog, SetupDialog)
    await wait_until(pilot, lambda: bool(dialog._controls))
    return dialog


@pytest.fixture
def rows(isolated_home: Path) -> Path:
    """Return a file of instructions in the home folder."""
    answers = {f"What stands at mile {n}?": f"At mile {n} stands a stone." for n in range(9)}
    return write_rows(isolated_home / "rows.json", answers)


@pytest.fixture
def app_at_home() -> Iterator[MemoryApp]:
    """Return an app that exports its memory to whom has its token."""
    with memory_app() as running:
        yield running


@SIZES
async def test_the_likeliest_kind_with_why_counts_and_examples(
    workspace: Workspace, rows: Path, size: tuple[int, int]
) -> None:
    before = hashes(rows.parent)
    async with opened_app(workspace, size) as (app, pilot):
        dialog = await add_dialog(app, pilot, str(rows))
        await wait_until(pilot, lambda: "9 examples from 9 rows" in dialog.look.text)
        seen = dialog.look.text
        assert "instructions · confident 0.9" in seen
        assert "prompt = instruction" in seen
        assert seen.count("What stands at mile") == 5
        assert "9 examples from 9 rows" in text_of(dialog)
        assert workspace.store.sources() == []
    assert hashes(rows.parent) == before


@SIZES
async def test_an_ambiguous_place_asks_and_nothing_is_chosen_before(
    workspace: Workspace, isolated_home: Path, size: tuple[int, int]
) -> None:
    async with opened_app(workspace, size) as (app, pilot):
        dialog = await add_dialog(app, pilot, str(write_mixed(isolated_home / "mixed")))
        await wait_until(pilot, lambda: "may be one of several kinds" in dialog.look.text)
        assert "instructions 0." in dialog.look.text
        assert "conversations 0." in dialog.look.text
        await pilot.press("enter")
        setup = await setup_dialog(app, pilot)
        await pilot.press("enter")
        await wait_until(pilot, lambda: "say first which kind" in setup.status_line.text)
        assert workspace.store.sources() == []
        while setup._kind != "conversations":
            await pilot.press("right")
        await wait_until(pilot, lambda: "12 examples from 12 chats" in setup.look.text)
        assert "branches" in text_of(setup)
        assert "learns the assistant's answers; learn=me learns yours" in setup.look.text
        await pilot.press("enter")
        await wait_until(pilot, lambda: "12 new" in screen_of(app).status_line.text)
        assert [source.kind for source in workspace.store.sources()] == ["conversations"]


async def test_what_is_set_is_read_again_and_stays(workspace: Workspace, rows: Path) -> None:
    async with opened_app(workspace, SMALL) as (app, pilot):
        await add_dialog(app, pilot, str(rows))
        await pilot.press("ctrl+o")
        setup = await setup_dialog(app, pilot)
        await wait_until(pilot, lambda: "What stands at mile 0?" in setup.look.text)
        # The row of the prompt has the keys; its values are the file's columns.
        await pilot.press("ctrl+l")
        await wait_until(pilot, lambda: app.screen is not setup)
        assert "output" in text_of(app.screen)
        await press_all(pilot, "j enter")
        await wait_until(pilot, lambda: app.screen is setup)
        await wait_until(pilot, lambda: "user\nAt mile 0 stands a stone." in setup.look.text)
        assert setup.settings["prompt"] == "output"
        await pilot.press("enter")
        await wait_until(pilot, lambda: "9 new" in screen_of(app).status_line.text)
        (source,) = workspace.store.sources()
        assert source.options["prompt"] == "output"
        await pilot.press("tab")
        await wait_until(pilot, lambda: "prompt = output" in text_of(screen_of(app).pane))
        # What was only found is looked for anew by each scan.
        assert "answer" not in source.options


async def test_settings_are_changed_later_and_the_source_read_again(
    workspace: Workspace, rows: Path
) -> None:
    source = workspace.store.add_source("instructions", str(rows), {"prompt": "output"})
    async with opened_app(workspace) as (app, pilot):
        await wait_until(pilot, lambda: screen_of(app).rows.count > 0)
        await pilot.press("s")
        await wait_until(pilot, lambda: "9 new" in screen_of(app).status_line.text)
        await pilot.press("o")
        setup = await setup_dialog(app, pilot)
        assert setup.settings["prompt"] == "output"
        await pilot.press("ctrl+l")
        await wait_until(pilot, lambda: app.screen is not setup)
        await press_all(pilot, "k enter")
        await wait_until(pilot, lambda: setup.settings == {"prompt": "instruction"})
        await pilot.press("enter")
        await wait_until(pilot, lambda: "9 changed" in screen_of(app).status_line.text)
        assert workspace.store.source(source.id).options["prompt"] == "instruction"
        first = next(workspace.store.cards())
        assert first.turns[0].content == "What stands at mile 0?"


async def test_what_nothing_recognises_can_be_named(
    workspace: Workspace, isolated_home: Path
) -> None:
    odd = isolated_home / "odd"
    odd.mkdir()
    (odd / "readings.dat").write_text("12 14 15\n", "utf-8")
    async with opened_app(workspace) as (app, pilot):
        dialog = await add_dialog(app, pilot, str(odd))
        await pilot.press("enter")
        await wait_until(pilot, lambda: dialog.status_line.text.startswith("nothing in"))
        await pilot.press("ctrl+o")
        setup = await setup_dialog(app, pilot)
        await pilot.press("right")
        await wait_until(pilot, lambda: "0 examples" in setup.look.text)
        await press_all(pilot, "escape escape")
        await wait_until(pilot, lambda: isinstance(app.screen, SourcesScreen))
        assert workspace.store.sources() == []


async def test_the_shipped_templates_are_a_word_away(workspace: Workspace) -> None:
    async with opened_app(workspace) as (app, pilot):
        dialog = await add_dialog(app, pilot, "~/identity")
        await wait_until(pilot, lambda: "100 examples from 100 texts" in dialog.look.text)
        await pilot.press("enter")
        await wait_until(pilot, lambda: "100 new" in screen_of(app).status_line.text)
        assert workspace.store.kinds() == [("synthetic", 100)]
        # The source is a copy of one's own, to be edited.
        assert workspace.store.sources()[0].root.startswith(str(workspace.root))


@SIZES
async def test_an_app_is_asked_only_when_told_to_and_its_token_is_masked(
    workspace: Workspace, app_at_home: MemoryApp, size: tuple[int, int]
) -> None:
    async with opened_app(workspace, size) as (app, pilot):
        dialog = await add_dialog(app, pilot, app_at_home.address)
        await wait_until(pilot, lambda: "memory" in dialog.look.text)
        await pilot.press("enter")
        setup = await setup_dialog(app, pilot)
        await press_all(pilot, " ".join("minus" if key == "-" else key for key in TOKEN))
        assert app_at_home.asked == []
        assert "•" * len(TOKEN) in text_of(setup)
        assert TOKEN not in text_of(setup)
        await pilot.press("ctrl+r")
        await wait_until(pilot, lambda: "20 examples" in setup.look.text)
        await pilot.press("enter")
        await wait_until(pilot, lambda: "20 new" in screen_of(app).status_line.text)
        assert set(app_at_home.asked) == {f"Bearer {TOKEN}"}
        assert TOKEN not in repr(app.tokens)
    assert_nowhere(workspace.root)
    assert_nowhere(Path.home())


async def test_a_token_that_is_refused_or_missing_is_asked_for_by_key(
    workspace: Workspace, app_at_home: MemoryApp
) -> None:
    workspace.store.add_source("memory", app_at_home.address)
    trusted(workspace.root)
    async with opened_app(workspace, SMALL) as (app, pilot):
        screen = screen_of(app)
        await wait_until(pilot, lambda: screen.rows.count > 0)
        assert "t token" not in text_of(screen.cheat_line)
        await pilot.press("s")
        # No dialog comes up under what is being typed: a key opens it.
        await wait_until(pilot, lambda: "t types the token" in screen.status_line.text)
        assert app.screen is screen
        await press_all(pilot, "t w r o n g enter")
        await wait_until(pilot, lambda: app_at_home.asked[-1:] == ["Bearer wrong"])
        await wait_until(pilot, lambda: "t types the token" in screen.status_line.text)
        await pilot.press("t")
        await wait_until(pilot, lambda: isinstance(app.screen, TokenDialog))
        dialog = app.screen
        assert isinstance(dialog, TokenDialog)
        dialog.field.value = TOKEN
        await pilot.press("enter")
        await wait_until(pilot, lambda: "20 new" in screen.status_line.text)
        asked = len(app_at_home.asked)
        assert app_at_home.asked[-1] == f"Bearer {TOKEN}"
        # Held while the app is open: the next scan asks nobody.
        await pilot.press("s")
        await wait_until(pilot, lambda: len(app_at_home.asked) > asked)
        await wait_until(pilot, lambda: not app.scans.active)
        assert isinstance(app.screen, SourcesScreen)
    assert_nowhere(workspace.root)


async def test_a_path_typed_behind_the_home_folder_is_taken_whole(
    workspace: Workspace, rows: Path
) -> None:
    async with opened_app(workspace) as (app, pilot):
        await pilot.press("a")
        dialog = app.screen
        assert isinstance(dialog, AddDialog)
        await pilot.press(*(_KEYS.get(letter, letter) for letter in "~/rows.json"))
        assert dialog.field.value == "~/rows.json"
        dialog.field.value = "~/"
        dialog.field.cursor_position = 2
        await pilot.press(*(_KEYS.get(letter, letter) for letter in str(rows)))
        assert dialog.field.value == str(rows)
        await pilot.press("enter")
        await wait_until(pilot, lambda: "9 new" in screen_of(app).status_line.text)


async def test_keys_typed_behind_enter_reach_the_form_that_it_opens(
    workspace: Workspace, isolated_home: Path
) -> None:
    place = write_mixed(isolated_home / "mixed")
    async with opened_app(workspace) as (app, pilot):
        dialog = await add_dialog(app, pilot, str(place))
        # Which kind it is has to be asked; nothing falls through while that is found out.
        await press_all(pilot, "enter right")
        setup = await setup_dialog(app, pilot)
        await wait_until(pilot, lambda: "examples from" in setup.look.text)
        assert dialog.field.value == str(place)
        await press_all(pilot, "escape escape")
        await wait_until(pilot, lambda: isinstance(app.screen, SourcesScreen))


async def test_the_form_says_what_is_wrong_with_a_place(
    workspace: Workspace, isolated_home: Path
) -> None:
    async with opened_app(workspace) as (app, pilot):
        await add_dialog(app, pilot, str(isolated_home / "away"))
        await pilot.press("ctrl+o")
        setup = await setup_dialog(app, pilot)
        await wait_until(pilot, lambda: "nothing at" in setup.status_line.text)
        await pilot.press("enter")
        await wait_until(pilot, lambda: "nothing at" in setup.status_line.text)
        assert app.screen is setup
        assert workspace.store.sources() == []


async def test_a_token_of_the_environment_is_not_asked_for(
    workspace: Workspace, app_at_home: MemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINETUI_MEMORY_TOKEN", TOKEN)
    async with opened_app(workspace) as (app, pilot):
        dialog = await add_dialog(app, pilot, app_at_home.address)
        await wait_until(pilot, lambda: "memory" in dialog.look.text)
        await pilot.press("enter")
        await wait_until(pilot, lambda: "20 new" in screen_of(app).status_line.text)
        assert app_at_home.asked == [f"Bearer {TOKEN}"]
    assert_nowhere(workspace.root)


def assert_nowhere(folder: Path) -> None:
    """Fail if a file in a folder has the token."""
    for path in folder.rglob("*"):
        if path.is_file():
            assert TOKEN.encode() not in path.read_bytes(), path
