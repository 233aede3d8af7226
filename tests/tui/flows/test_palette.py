"""The palette: every action of every stage, sources, runs, settings and the doctor, by name."""

from __future__ import annotations

from textual.app import App
from textual.command import CommandPalette
from textual.pilot import Pilot

from engine.workspace import Workspace
from tests.tui.run_dirs import make_run
from tests.tui.support import opened_app, press_all, stage_name, text_of, wait_until
from tui.actions import STAGES, actions
from tui.app import FinetuiApp
from tui.keys import key_name
from tui.palette import Commands
from tui.screens.modals.report import ReportDialog


async def find(app: FinetuiApp, pilot: Pilot[int], typed: str, shown: str) -> None:
    """Open the palette, type, and wait until a line is shown."""
    await pilot.press("ctrl+p")
    assert isinstance(app.screen, CommandPalette)
    await press_all(pilot, " ".join("space" if letter == " " else letter for letter in typed))
    await wait_until(pilot, lambda: shown in text_of(app.screen), what=shown)
    await pilot.press("enter")
    await wait_until(pilot, lambda: not isinstance(app.screen, CommandPalette))


async def names(app: FinetuiApp, query: str) -> list[str]:
    """Return what is found for a query, best first."""
    provider = Commands(app.screen)
    await provider.startup()
    hits = [hit async for hit in provider.search(query)]
    return [str(hit.text) for hit in sorted(hits, key=lambda hit: -hit.score)]


async def test_every_action_of_every_stage_is_found_by_its_name(filled: Workspace) -> None:
    async with opened_app(filled, stage="curate") as (app, _):
        lines = {command.line for command in Commands(app.screen).commands()}
        for stage in STAGES:
            for action in actions(stage):
                keys = " ".join(key_name(key) for key in action.keys)
                assert f"{stage.capitalize()}: {action.label}  {keys}" in lines
                assert f"{stage.capitalize()}: {action.label}" in await names(app, action.label)


async def test_words_as_typed_come_before_scattered_letters(filled: Workspace) -> None:
    async with opened_app(filled) as (app, _):
        assert (await names(app, "settings"))[0].startswith("Settings:")
        assert (await names(app, "doctor"))[0].startswith("Doctor:")
        assert (await names(app, "approve"))[0] == "Curate: approve"
        assert await names(app, "qqq") == []


async def test_names_of_sources_and_runs_are_not_read_as_markup(
    hostile: Workspace,
) -> None:
    hostile.store.add_source("vault", "/tmp/[bold red]x[/] \x1b[2J")
    async with opened_app(hostile) as (app, pilot):
        await pilot.press("ctrl+p")
        await press_all(pilot, "b o l d")
        await wait_until(pilot, lambda: "[bold red]x[/]" in text_of(app.screen))
        assert "\x1b" not in text_of(app.screen)


async def test_it_carries_out_an_action_of_the_stage_in_front(filled: Workspace) -> None:
    async with opened_app(filled, stage="curate") as (app, pilot):
        await find(app, pilot, "curate: reject", "Reject, and go")
        await wait_until(pilot, lambda: filled.store.counts().rejected == 1)


async def test_it_leads_to_another_stage_and_acts_there(filled: Workspace) -> None:
    async with opened_app(filled) as (app, pilot):
        await find(app, pilot, "curate: approve", "Approve, and go")
        await wait_until(pilot, lambda: stage_name(app) == "curate")
        await wait_until(pilot, lambda: filled.store.counts().approved == 1)


async def test_what_can_not_be_done_says_so(filled: Workspace) -> None:
    async with opened_app(filled) as (app, pilot):
        await find(app, pilot, "a better", "Vote: A is better")
        await wait_until(pilot, lambda: stage_name(app) == "chat")
        assert app.stage is not None
        await wait_until(pilot, lambda: "not possible" in text_of(app.screen))


async def test_it_leads_to_a_source_and_to_a_run(filled: Workspace) -> None:
    run = make_run(filled, "r1", steps=7, total=18, status="finished")
    async with opened_app(filled, stage="curate") as (app, pilot):
        await find(app, pilot, "source: ", "Show this vault source")
        await wait_until(pilot, lambda: stage_name(app) == "sources")
        await find(app, pilot, f"run: {run.name}", "Show this run on Train")
        await wait_until(pilot, lambda: stage_name(app) == "train")


async def test_settings_and_doctor_are_shown(filled: Workspace) -> None:
    async with opened_app(filled) as (app, pilot):
        await find(app, pilot, "settings: ", "Show what is set")
        await wait_until(pilot, lambda: "curation.target = 100" in text_of(app.screen))
        assert isinstance(app.screen, ReportDialog)
        await pilot.press("escape")
        await find(app, pilot, "doctor", "Show what is installed")
        await wait_until(pilot, lambda: "textual" in text_of(app.screen))


def test_its_commands_belong_to_the_app() -> None:
    assert App.COMMANDS != FinetuiApp.COMMANDS
    (provider,) = FinetuiApp.COMMANDS
    assert not isinstance(provider, type)
    assert provider() is Commands
