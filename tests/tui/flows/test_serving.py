"""The Serve panel by keys, over a real detached job in the server's folder."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from textual.pilot import Pilot

from engine.errors import UsageError
from engine.evaluate.pair import Pair
from engine.gateway.spec import server_dir
from engine.runs import wait_until_gone
from engine.runs.process import PROCESS_FILE
from engine.workspace import Workspace
from tests.support.trusting import trusted
from tests.tui.exports import make_exported_run, make_finished_export
from tests.tui.scripted import RUN, ScriptedPair
from tests.tui.server_job import URL, running_job, says
from tests.tui.support import SMALL, opened_app, text_of, wait_until
from tui.app import FinetuiApp
from tui.screens.modals.confirm import ConfirmDialog
from tui.screens.modals.serve import ModelDialog, ServeDialog
from tui.screens.modals.serve_start import ServeStartDialog


@pytest.fixture
def exported(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Return a workspace with an export that is listed, and is no model."""
    make_finished_export(workspace, RUN, "q4_k_m")
    trusted(workspace.root)
    monkeypatch.setattr(Pair, "open", lambda *_: ScriptedPair({"base": ["a"], "tuned": ["b"]}))
    return workspace


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what is copied, in order."""
    texts: list[str] = []
    monkeypatch.setattr(FinetuiApp, "copy_to_clipboard", lambda _, text: texts.append(text))
    return texts


async def opened_panel(app: FinetuiApp, pilot: Pilot[int]) -> ServeDialog:
    await pilot.press("S")
    # The dialog is there in the same turn as its key.
    panel = app.screen
    assert isinstance(panel, ServeDialog)
    await wait_until(pilot, lambda: not panel.holds_keys)
    return panel


def shown(app: FinetuiApp) -> str:
    return text_of(app.screen)


def front(app: FinetuiApp) -> object:
    return app.screen


def title(app: FinetuiApp) -> str:
    return shown(app).splitlines()[0]


async def test_without_an_export_the_panel_teaches(workspace: Workspace) -> None:
    async with opened_app(workspace, SMALL, stage="chat") as (app, pilot):
        panel = await opened_panel(app, pilot)
        assert "There is no exported model to serve." in panel.view.text
        assert "where e exports a run" in panel.view.text
        cheat = text_of(panel.cheat_line)
        for key in ("start", "stop", "reload", "copy"):
            assert key not in cheat
        await pilot.press("s")
        assert front(app) is panel
        assert "4 goes to Train" in text_of(panel.status_line)
        await pilot.press("escape")
        assert front(app) is app.stage


async def test_a_running_server_is_shown_and_only_what_changed_is_said_again(
    workspace: Workspace, copied: list[str]
) -> None:
    with running_job(workspace, active=0, said="loaded in 2 s"):
        async with opened_app(workspace, stage="chat") as (app, pilot):
            await wait_until(pilot, lambda: "● serve brief:q4_k_m" in title(app))
            panel = await opened_panel(app, pilot)
            for part in ("● serving", "up 12 min", "brief:q4_k_m", URL, "412 MB", "loaded in 2 s"):
                assert part in shown(app)
            assert "start" not in text_of(panel.cheat_line)
            says(workspace.root, active=2, waiting=1, requests=1207, tokens_per_s=33.3)
            await wait_until(pilot, lambda: "2 active · 1 waiting · 1,207 answered" in shown(app))
            await wait_until(pilot, lambda: "3 requests" in title(app))
            await pilot.press("e", "c", "a", "t")
            assert copied == [
                f"export OPENAI_BASE_URL={URL}/v1\nexport OPENAI_API_KEY=$FINETUI_SERVE_TOKEN\n",
                panel_curl(copied),
                URL,
            ]
            assert "no token was made here" in text_of(panel.status_line)


def panel_curl(copied: list[str]) -> str:
    line = copied[1]
    assert line.startswith(f"curl {URL}/v1/chat/completions ")
    return line


async def test_stopping_asks_only_where_requests_are_under_way(exported: Workspace) -> None:
    with running_job(exported, active=2) as process:
        async with opened_app(exported, SMALL, stage="chat") as (app, pilot):
            panel = await opened_panel(app, pilot)
            await pilot.press("x")
            assert isinstance(app.screen, ConfirmDialog)
            assert "2 requests being answered" in shown(app)
            await pilot.press("n")
            assert front(app) is panel
            assert process.is_running()
            says(exported.root, active=0)
            await wait_until(pilot, lambda: "0 active" in panel.view.text)
            await pilot.press("x")
            assert front(app) is panel
            await wait_until(pilot, lambda: "the server has stopped" in shown(app))
            assert wait_until_gone(server_dir(exported.root))
            assert "■ not running" in panel.view.text
            assert "s starts one" in panel.view.text


async def test_a_server_that_was_killed_is_said_to_be_gone(workspace: Workspace) -> None:
    with running_job(workspace) as process:
        async with opened_app(workspace, stage="chat") as (app, pilot):
            panel = await opened_panel(app, pilot)
            assert "● serving" in panel.view.text
            process.kill()
            await wait_until(pilot, lambda: "✗ not running" in panel.view.text)
            assert "it served brief:q4_k_m" in panel.view.text
            assert "Fix:" in panel.view.text
            assert text_of(panel.status_line).strip().startswith("!")
            await wait_until(pilot, lambda: "●" not in title(app))
            await pilot.press("escape")
            await wait_until(pilot, lambda: "the server is gone · S on Chat says why" in shown(app))


async def test_a_server_on_another_machine_is_not_given_another_model_here(
    exported: Workspace,
) -> None:
    directory = server_dir(exported.root)
    with running_job(exported):
        # As the folder looks from a machine that shares it: the process is none of its own.
        told = json.loads((directory / PROCESS_FILE).read_text("utf-8"))
        mine = dict(told)
        told |= {"host": "lab-2", "boot_id": "of-another-machine"}
        (directory / PROCESS_FILE).write_text(json.dumps(told), "utf-8")
        async with opened_app(exported, stage="chat") as (app, pilot):
            panel = await opened_panel(app, pilot)
            assert "serving on lab-2" in panel.view.text
            assert "reload" not in text_of(panel.cheat_line)
            await pilot.press("r")
            assert front(app) is panel
            assert "another machine" in text_of(panel.status_line)
        (directory / PROCESS_FILE).write_text(json.dumps(mine), "utf-8")


async def test_a_reload_that_fails_says_why_and_what_goes_on(exported: Workspace) -> None:
    with running_job(exported):  # nobody listens on its socket
        async with opened_app(exported, stage="chat") as (app, pilot):
            panel = await opened_panel(app, pilot)
            await pilot.press("r")
            dialog = cast("ModelDialog", app.screen)
            assert isinstance(dialog, ModelDialog)
            await wait_until(pilot, lambda: not dialog.holds_keys)
            assert [model.quant for model in dialog.found] == ["q4_k_m"]
            await pilot.press("enter")
            await wait_until(pilot, lambda: "does not listen on its private socket" in shown(app))
            assert "brief:q4_k_m goes on" in text_of(panel.status_line)


@pytest.fixture
def taken() -> Iterator[int]:
    """Return a port on which somebody else listens."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield int(other.getsockname()[1])


async def opened_form(app: FinetuiApp, pilot: Pilot[int]) -> ServeStartDialog:
    await opened_panel(app, pilot)
    await pilot.press("s")
    form = app.screen
    assert isinstance(form, ServeStartDialog)
    await wait_until(pilot, lambda: not form.holds_keys)
    return form


async def test_a_file_that_is_no_model_is_named_before_anything_starts(
    exported: Workspace,
) -> None:
    async with opened_app(exported, SMALL, stage="chat") as (app, pilot):
        form = await opened_form(app, pilot)
        assert form.model.value == f"{RUN} at q4_k_m"
        assert "GGUF" in text_of(form.status_line)
        form.port.value = "0"
        await pilot.press("enter")
        await wait_until(pilot, lambda: "GGUF" in text_of(form.status_line))
        assert front(app) is form
        assert not (server_dir(exported.root) / "state.json").exists()


async def test_another_port_is_offered_where_one_is_taken(
    exported: Workspace, models: Path, taken: int
) -> None:
    make_exported_run(exported, models, "20250616-080000-51b0")
    trusted(exported.root)
    async with opened_app(exported, SMALL, stage="chat") as (app, pilot):
        form = await opened_form(app, pilot)
        assert form.port.value == "8080"
        form.port.value = "99999"
        await pilot.press("enter")
        await wait_until(pilot, lambda: "99999 is not a port" in shown(app))
        form.port.value = str(taken)
        await pilot.press("enter")
        await wait_until(pilot, lambda: f"another program listens on port {taken}" in shown(app))
        assert form.port.value != str(taken)
        assert f"↵ takes {form.port.value} instead" in shown(app)
        assert front(app) is form
        await pilot.press("escape", "escape")
        assert front(app) is app.stage


async def test_an_error_of_the_stage_closes_no_panel_that_is_about_to_open(
    workspace: Workspace,
) -> None:
    async with opened_app(workspace, stage="chat") as (app, pilot):
        assert app.stage is not None
        await app.run_action("serve", app.stage)
        panel = app.screen
        assert isinstance(panel, ServeDialog)
        app.complain(UsageError("a model of the chat can't be loaded", hint="m chooses another"))
        await wait_until(pilot, lambda: "m chooses another" in shown(app))
        assert front(app) is panel


async def test_leaving_says_that_the_server_goes_on(workspace: Workspace) -> None:
    with running_job(workspace) as process:
        async with opened_app(workspace) as (app, pilot):
            await wait_until(pilot, lambda: app.server is not None)
            said: list[object] = []
            leave = app.exit

            def leaving(result: int | None = None, *, message: object = None) -> None:
                said.append(message)
                leave(result)

            app.exit = leaving  # type: ignore[method-assign, assignment]
            await pilot.press("ctrl+q")
        assert said == [
            f"The server of brief:q4_k_m goes on at {URL}; finetui serve --stop ends it."
        ]
        assert process.is_running()
