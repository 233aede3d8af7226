"""The frame: stages, help, palette, sizes, errors, the running job, and leaving."""

from __future__ import annotations

import time

import pytest

from engine.log import log_file
from engine.runs import EventLog
from engine.workspace import Workspace
from tests.tui.run_dirs import make_run
from tests.tui.support import (
    LARGE,
    SMALL,
    opened_app,
    press_all,
    settings_of,
    stage_name,
    text_of,
    wait_until,
)
from tui.screens.modals.help import HelpDialog
from tui.themes import THEMES
from tui.widgets.frame import EXPIRES_S


def with_settings(workspace: Workspace, **values: object) -> Workspace:
    """Return the same workspace with other settings."""
    return Workspace(workspace.root, settings_of(values), workspace.store)


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_number_keys_go_to_the_stages(workspace: Workspace, size: tuple[int, int]) -> None:
    async with opened_app(workspace, size) as (app, pilot):
        for key, name in (("2", "curate"), ("3", "dataset"), ("1", "sources")):
            await pilot.press(key)
            await wait_until(pilot, lambda name=name: stage_name(app) == name)  # type: ignore[misc]
            title = text_of(app.screen).splitlines()[0]
            assert f"{key} {name.capitalize()}" in title
            assert "workspace" in title


async def test_help_lists_every_key_of_the_stage(workspace: Workspace) -> None:
    from tui.actions import FRAME, actions

    async with opened_app(workspace, (100, 60), stage="curate") as (app, pilot):
        await pilot.press("question_mark")
        await wait_until(pilot, lambda: isinstance(app.screen, HelpDialog))
        dialog = app.screen
        assert isinstance(dialog, HelpDialog)
        for action in (*actions("curate"), *actions(FRAME)):
            assert action.help in dialog.pane.text
        assert "✓ approved" in dialog.pane.text
        await pilot.press("i")
        await wait_until(pilot, lambda: "curate.next-undecided" in dialog.pane.text)
        await pilot.press("question_mark")
        await wait_until(pilot, lambda: stage_name(app) == "curate")
        assert app.screen is app.stage


async def test_keys_of_ones_own(filled: Workspace) -> None:
    mine = with_settings(filled, keys={"curate.approve": "y", "frame.chat": "0"})
    async with opened_app(mine, stage="curate") as (app, pilot):
        assert app.stage is not None
        assert "y approve" in text_of(app.stage.cheat_line)
        await wait_until(pilot, lambda: "0 Chat" in text_of(app.screen).splitlines()[0])
        await pilot.press("a")
        assert filled.store.counts().approved == 0
        await pilot.press("y")
        assert filled.store.counts().approved == 1


async def test_the_line_of_keys_can_be_hidden(workspace: Workspace) -> None:
    async with opened_app(workspace, SMALL) as (app, pilot):
        assert app.stage is not None
        assert "? keys" in text_of(app.screen)
        await pilot.press("ctrl+k")
        await pilot.pause()
        assert "? keys" not in text_of(app.screen)
        await pilot.press("2")
        await wait_until(pilot, lambda: stage_name(app) == "curate")
        assert "? keys" not in text_of(app.screen)
        await pilot.press("ctrl+k")
        await wait_until(pilot, lambda: "? keys" in text_of(app.screen))


async def test_a_terminal_too_small_says_so_and_decides_nothing(filled: Workspace) -> None:
    async with opened_app(filled, (40, 10), stage="curate") as (app, pilot):
        await wait_until(pilot, lambda: "finetui needs 60 x 16" in text_of(app.screen))
        await pilot.press("a")
        assert filled.store.counts().approved == 0
        await pilot.resize_terminal(80, 24)
        await wait_until(pilot, lambda: "finetui needs" not in text_of(app.screen))
        await pilot.press("a")
        assert filled.store.counts().approved == 1


async def test_a_named_error_is_shown_with_its_hint(filled: Workspace) -> None:
    from engine.errors import DiskFull

    async with opened_app(filled, stage="curate") as (app, pilot):

        def full(*_: object) -> None:
            raise DiskFull("no room on the disk", hint="free some space")

        assert app.stage is not None
        app.stage.action_approve = full  # type: ignore[attr-defined]
        await pilot.press("a")
        assert app.stage.status_line.text == "no room on the disk · free some space"
        assert app.stage.is_running


async def test_an_unnamed_error_is_logged_and_the_app_goes_on(filled: Workspace) -> None:
    async with opened_app(filled, stage="curate") as (app, pilot):

        def broken(*_: object) -> None:
            raise ValueError("what nobody thought of")

        assert app.stage is not None
        app.stage.action_approve = broken  # type: ignore[attr-defined]
        await pilot.press("a")
        assert "something unexpected happened: ValueError" in app.stage.status_line.text
        log = log_file().read_text("utf-8")
        assert "what nobody thought of" in log
        assert "Traceback" in log
        await pilot.press("r")
        assert filled.store.counts().rejected == 1
        assert [str(error) for error in app.unexpected] == ["what nobody thought of"]
        app.unexpected.clear()


async def test_the_running_job_is_in_the_title_of_every_stage(workspace: Workspace) -> None:
    run = make_run(workspace, "r1", steps=7, total=18, status="running", began=time.time() - 60)
    async with opened_app(workspace) as (app, pilot):
        await wait_until(pilot, lambda: "7/18" in text_of(app.screen).splitlines()[0])
        await pilot.press("2")
        await wait_until(pilot, lambda: stage_name(app) == "curate")
        assert "train r1" in text_of(app.screen).splitlines()[0]
        with EventLog(run) as log:
            log.write("step", step=9, total_steps=18, loss=2.0, eta_s=60.0)
            await wait_until(pilot, lambda: "9/18" in text_of(app.screen).splitlines()[0])
            log.write("run_finished", status="finished", result={})
        await wait_until(pilot, lambda: "✓ train r1 finished" in text_of(app.screen))


async def test_leaving_says_that_the_run_goes_on(workspace: Workspace) -> None:
    make_run(workspace, "r1", steps=7, total=18, status="running", began=time.time() - 60)
    async with opened_app(workspace) as (app, pilot):
        await wait_until(pilot, lambda: app.job is not None)
        said: list[object] = []
        leave = app.exit

        def leaving(result: int | None = None, *, message: object = None) -> None:
            said.append(message)
            leave(result)

        app.exit = leaving  # type: ignore[method-assign, assignment]
        await pilot.press("ctrl+q")
    assert said == ["train r1 goes on, 7/18; open finetui again to watch it."]
    assert app.return_value == 0


@pytest.mark.parametrize("theme", [*(theme.name for theme in THEMES), "nord", "textual-light"])
async def test_themes(filled: Workspace, theme: str) -> None:
    mine = with_settings(filled, display={"theme": theme})
    async with opened_app(mine, SMALL, stage="curate") as (app, pilot):
        await press_all(pilot, "a tab")
        await pilot.pause()
        assert "✓" in text_of(app.screen)


async def test_ctrl_c_says_how_to_leave(workspace: Workspace) -> None:
    async with opened_app(workspace) as (app, pilot):
        await pilot.press("ctrl+c")
        assert app.stage is not None
        assert "ctrl+q leaves" in app.stage.status_line.text


async def test_a_key_without_meaning_says_so_once(workspace: Workspace) -> None:
    async with opened_app(workspace) as (app, pilot):
        assert app.stage is not None
        await pilot.press("Z")
        assert "Z does nothing here" in app.stage.status_line.text
        app.stage.say("")
        await pilot.press("Z")
        assert app.stage.status_line.text == ""
        await pilot.press("ctrl+k")
        await pilot.press("Z")
        assert "Z does nothing here" in app.stage.status_line.text


async def test_a_message_is_taken_away_after_a_time(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EXPIRES_S, "done", 0.05)
    async with opened_app(workspace) as (app, pilot):
        assert app.stage is not None
        app.stage.say("approved", kind="done")
        app.stage.say("going on", kind="busy")
        app.stage.say("approved", kind="done")
        assert app.stage.status_line.text == "approved"
        await wait_until(pilot, lambda: app.stage is not None and not app.stage.status_line.text)
        app.stage.say("going on", kind="busy")
        await pilot.pause(0.2)
        assert app.stage.status_line.text == "going on"  # only what is over expires
