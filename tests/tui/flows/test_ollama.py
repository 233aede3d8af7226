"""An export is given to Ollama by key, from the Train screen."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from engine.workspace import Workspace, open_workspace
from tests.support.fake_ollama import Fake, Handler, serving
from tests.support.go_templates import GoTemplates
from tests.support.tiny_export import RUN
from tests.support.trusting import trusted
from tests.tui.support import SMALL, opened_app, text_of, wait_until
from tui.app import FinetuiApp
from tui.screens.modals.ollama import OllamaDialog
from tui.screens.train import TrainScreen


@pytest.fixture
def exported(finished_export: Path, tmp_path: Path) -> Iterator[Workspace]:
    """Return a copy of the workspace with the tiny export."""
    root = shutil.copytree(finished_export, tmp_path / "exported")
    trusted(root)
    with open_workspace(root) as workspace:
        yield workspace


@pytest.fixture
def fake(tmp_path: Path, go: GoTemplates) -> Iterator[Fake]:
    with serving(tmp_path / "blobs", go) as server:
        yield server


def shown(app: FinetuiApp) -> str:
    return text_of(app.screen)


async def opened_dialog(app: FinetuiApp, pilot: object) -> OllamaDialog:
    from textual.pilot import Pilot

    assert isinstance(pilot, Pilot)
    await wait_until(pilot, lambda: cast("TrainScreen", app.stage).job is not None)
    await pilot.press("O")
    # The dialog is there in the same turn as its key.
    dialog = cast("OllamaDialog", app.screen)
    assert isinstance(dialog, OllamaDialog)
    await wait_until(pilot, lambda: not dialog.holds_keys)
    return dialog


async def test_a_key_sends_an_export_and_shows_the_commands(
    exported: Workspace, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", fake.url)
    async with opened_app(exported, stage="train") as (app, pilot):
        dialog = await opened_dialog(app, pilot)
        name = dialog.name_field.value
        assert f"ollama run {name.removesuffix(':latest')}" in dialog.pane.text
        assert f"finetui ollama {RUN} --quant f16 --create {name}" in dialog.pane.text
        await pilot.press("enter")
        await wait_until(pilot, lambda: f"{name} is in Ollama" in shown(app))
        assert "it read the" in dialog.pane.text
        assert "Good." in dialog.pane.text
        assert list(fake.models) == [name]
        # It has the name now, and is not replaced silently.
        await pilot.press("enter")
        await wait_until(pilot, lambda: "set replace to yes" in shown(app))
        dialog.force.turn(1)
        await pilot.press("enter")
        await wait_until(pilot, lambda: fake.paths().count("POST /api/create") == 2)
        await wait_until(pilot, lambda: "is in Ollama" in shown(app))
        await pilot.press("escape")
        await wait_until(pilot, lambda: app.screen is app.stage)


async def test_what_is_wrong_is_said_in_the_dialog(exported: Workspace, fake: Fake) -> None:
    async with opened_app(exported, SMALL, stage="train") as (app, pilot):
        dialog = await opened_dialog(app, pilot)
        dialog.host_field.value = "ftp://somewhere"
        await pilot.press("enter")
        await wait_until(pilot, lambda: "neither http nor https" in shown(app))
        dialog.host_field.value = fake.url
        fake.wrong["GET /api/version"] = lambda to: to.raw(200, b"hello")
        await pilot.press("enter")
        await wait_until(pilot, lambda: "is not Ollama" in shown(app))
        assert app.screen is dialog


async def test_escape_calls_the_sending_off(exported: Workspace, fake: Fake) -> None:
    import threading

    reached, over = threading.Event(), threading.Event()

    def slow(to: Handler) -> None:
        reached.set()
        over.wait(60)
        to.blobs()

    fake.wrong["HEAD /api/blobs/DIGEST"] = slow
    async with opened_app(exported, stage="train") as (app, pilot):
        dialog = await opened_dialog(app, pilot)
        dialog.host_field.value = fake.url
        await pilot.press("enter")
        await wait_until(pilot, reached.is_set)
        await pilot.press("escape")
        assert app.screen is dialog
        over.set()
        await wait_until(pilot, lambda: "called off" in shown(app))
        assert not fake.models
        await pilot.press("escape")
        await wait_until(pilot, lambda: app.screen is app.stage)


async def test_a_run_without_an_export_says_what_to_do(workspace: Workspace) -> None:
    from tests.tui.run_dirs import make_run

    make_run(workspace)
    async with opened_app(workspace, stage="train") as (app, pilot):
        dialog = await opened_dialog(app, pilot)
        await wait_until(pilot, lambda: "no finished export" in shown(app))
        await pilot.press("enter")
        await wait_until(pilot, lambda: "there is no export to send" in shown(app))
        assert app.screen is dialog
