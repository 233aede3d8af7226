"""What a handler, a timer, a worker or a paint raises is a message, and the app goes on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.app import ComposeResult
from textual.message import Message
from textual.strip import Strip
from textual.widgets import Input

from engine.errors import WorkspaceLocked
from engine.log import log_file
from engine.workspace import Workspace
from tests.tui.support import opened_app, text_of, wait_until
from tui.app import FinetuiApp
from tui.screens.modals.dialog import Dialog
from tui.screens.stage import StageScreen

PRIVATE = "my diary of March"


def fail() -> None:
    """Raise with a private text among the local variables."""
    diary = PRIVATE
    raise ValueError(f"nobody thought of {len(diary)}")


class Boom(Message):
    """Somebody's handler raises."""


def by_timer(stage: StageScreen) -> None:
    stage.set_timer(0.001, fail)


def by_callback(stage: StageScreen) -> None:
    stage.call_next(fail)


def by_callback_later(stage: StageScreen) -> None:
    stage.call_later(fail)


def by_handler(stage: StageScreen) -> None:
    setattr(type(stage), "on_boom", lambda *_: fail())  # noqa: B010
    stage.post_message(Boom())


def by_worker(stage: StageScreen) -> None:
    async def work() -> None:
        fail()

    stage.run_worker(work(), exit_on_error=True)


def by_paint(stage: StageScreen) -> None:
    def render_line(_: int) -> Strip:
        fail()
        raise AssertionError

    queue = stage.query_one("#queue")
    queue.render_line = render_line  # type: ignore[method-assign, assignment]
    queue.refresh()


@pytest.mark.parametrize(
    "raiser", [by_timer, by_callback, by_callback_later, by_handler, by_worker, by_paint]
)
async def test_it_becomes_a_message(
    filled: Workspace,
    raiser: Callable[[StageScreen], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with opened_app(filled, stage="curate") as (app, pilot):
        stage = app.stage
        assert stage is not None
        try:
            raiser(stage)
            await wait_until(pilot, lambda: "nobody thought of 17" in stage.status_line.text)
        finally:
            if hasattr(type(stage), "on_boom"):
                delattr(type(stage), "on_boom")
        assert app.is_running
        await pilot.press("r")
        await wait_until(pilot, lambda: filled.store.counts().rejected == 1)
        assert {type(error) for error in app.unexpected} == {ValueError}
        app.unexpected.clear()
    assert app.return_code in (None, 0)
    assert "Traceback" in log_file().read_text("utf-8")
    said = capsys.readouterr()
    assert PRIVATE not in said.out + said.err
    assert "Traceback" not in said.out + said.err


async def test_an_error_with_a_name_is_shown_with_its_hint(filled: Workspace) -> None:
    def locked() -> None:
        raise WorkspaceLocked("another process holds the workspace", hint="wait for it")

    async with opened_app(filled) as (app, pilot):
        assert app.stage is not None
        app.stage.set_timer(0.001, locked)
        stage = app.stage
        await wait_until(pilot, lambda: "wait for it" in stage.status_line.text)
        assert not log_file().exists()


class Broken(Dialog[None]):
    """A dialog that can't be made."""

    def compose_box(self) -> ComposeResult:
        """Yield one widget, then fail."""
        yield Input()
        fail()


async def test_a_dialog_that_can_not_be_made_is_closed_again(filled: Workspace) -> None:
    async with opened_app(filled, stage="curate") as (app, pilot):
        stage = app.stage
        assert stage is not None
        app.ask(Broken())
        await wait_until(pilot, lambda: app.screen is stage, what="the dialog is closed")
        await wait_until(pilot, lambda: "something unexpected" in text_of(app.screen))
        assert "nobody thought of" in log_file().read_text("utf-8")
        await pilot.press("r")
        await wait_until(pilot, lambda: filled.store.counts().rejected == 1)
        app.unexpected.clear()


async def test_a_paint_that_fails_leaves_the_rest_of_the_screen(filled: Workspace) -> None:
    async with opened_app(filled, stage="curate") as (app, pilot):
        stage = app.stage
        assert stage is not None
        by_paint(stage)
        await wait_until(pilot, lambda: "can't be drawn" in text_of(app.screen))
        assert "0 of 100 approved" in text_of(app.screen)
        app.unexpected.clear()


async def test_other_apps_of_the_process_stay_as_they_are(
    filled: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    from textual.app import App

    async with opened_app(filled):
        pass  # the guard is installed now
    plain: App[None] = App()
    plain.call_later(plain.set_timer, 0.001, fail)
    await plain.run_async(headless=True)
    assert plain.return_code == 1
    assert "Traceback" in capsys.readouterr().err


async def test_without_a_screen_the_app_ends_with_a_short_notice(
    filled: Workspace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: FinetuiApp) -> None:
        fail()

    monkeypatch.setattr(FinetuiApp, "on_load", broken, raising=False)
    app = FinetuiApp(filled)
    await app.run_async(headless=True)
    assert app.return_code == 1
    said = capsys.readouterr().err
    assert "finetui ended: something unexpected happened" in said
    assert PRIVATE not in said
    assert len(said) < 500
