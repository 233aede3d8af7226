"""Naming, noting, queueing, cleaning and removing runs by keys."""

from __future__ import annotations

import zipfile
from typing import cast

import pytest

from engine.runs.tickets import Ticket, write_ticket
from engine.workspace import Workspace
from tests.tui.run_dirs import NOON, make_run
from tests.tui.support import opened_app, text_of, wait_until
from tui.app import FinetuiApp
from tui.bridge.run_tail import JobState
from tui.parts.train_keeping import choices
from tui.screens.modals.keeping import LossDialog, TextDialog
from tui.screens.modals.pick import PickDialog
from tui.screens.train import TrainScreen

pytestmark = pytest.mark.usefixtures("utc")


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.parts.train_words.now", lambda: NOON)
    monkeypatch.setattr("tui.bridge.jobs.now", lambda: NOON)


def screen_of(app: FinetuiApp) -> TrainScreen:
    return cast("TrainScreen", app.stage)


def job_of(app: FinetuiApp) -> JobState:
    job = screen_of(app).job
    assert job is not None
    return job


def shown(app: FinetuiApp) -> str:
    return text_of(app.screen)


def go_to(app: FinetuiApp, task: str) -> list[str]:
    """Return the keys that lead to a task in the list that o opens."""
    tasks = [choice.task for choice in choices(screen_of(app).job)]
    return ["o", *["j"] * tasks.index(task), "enter"]  # type: ignore[arg-type]


async def test_a_run_is_named_noted_cleaned_and_removed(workspace: Workspace) -> None:
    run = make_run(workspace)
    (run / "merged").mkdir()
    (run / "merged" / "model.safetensors").write_bytes(b"x" * 2_000_000)
    async with opened_app(workspace, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: screen_of(app).job is not None)
        # The list is there in the turn of its key, and takes the keys typed behind it.
        await pilot.press(*go_to(app, "rename"))
        assert isinstance(app.screen, TextDialog)
        await pilot.press(*"first", "enter")
        await wait_until(pilot, lambda: "first" in shown(app) and app.screen is app.stage)
        await pilot.press(*go_to(app, "note"), *"too long", "enter")
        await wait_until(pilot, lambda: "too long" in shown(app) and app.screen is app.stage)
        await wait_until(pilot, lambda: job_of(app).note == "too long")

        await pilot.press(*go_to(app, "clean"))
        assert isinstance(app.screen, LossDialog)
        await wait_until(pilot, lambda: "merged (2 MB)" in shown(app))
        assert "adapter" in shown(app)
        await pilot.press("n")
        assert (run / "merged").is_dir()
        await pilot.press(*go_to(app, "clean"))
        await wait_until(pilot, lambda: "merged (2 MB)" in shown(app))
        await pilot.press("y")
        await wait_until(pilot, lambda: not (run / "merged").exists())

        await pilot.press(*go_to(app, "remove"))
        await wait_until(pilot, lambda: "for good" in shown(app))
        await pilot.press("y")
        await wait_until(pilot, lambda: not run.exists())
        await wait_until(pilot, lambda: screen_of(app).job is None)
        await pilot.press("o")
        assert isinstance(app.screen, PickDialog)
        assert "Import a packed run" in shown(app)


async def test_what_waits_is_shown_with_its_place_and_made_the_next(workspace: Workspace) -> None:
    for number, digits in enumerate(("aaaa", "bbbb")):
        folder = workspace.runs_dir / f"20250615-12000{number}-{digits}"
        folder.mkdir(parents=True)
        (folder / "spec.toml").write_text('base = "tiny"\ndataset = "notes"\n')
        write_ticket(folder, Ticket(float(number), 1.0, "here"))
    async with opened_app(workspace, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: screen_of(app).job is not None)
        assert job_of(app).short == "bbbb"
        await wait_until(pilot, lambda: "queued, nobody waits" in shown(app))
        assert "◷ bbbb" in shown(app)
        await pilot.press(*go_to(app, "first"))
        await wait_until(pilot, lambda: job_of(app).view.place == 1)
        await pilot.press("s")
        await wait_until(pilot, lambda: job_of(app).view.status == "prepared")
        assert "○ bbbb" in shown(app)


async def test_a_file_that_is_no_pack_is_named(workspace: Workspace) -> None:
    wrong = workspace.root / "x.zip"
    with zipfile.ZipFile(wrong, "w") as archive:
        archive.writestr("readme.txt", "hello")
    async with opened_app(workspace, stage="train") as (app, pilot):
        await wait_until(pilot, lambda: "freezes one" in shown(app))
        await pilot.press(*go_to(app, "import"))
        assert isinstance(app.screen, TextDialog)
        app.screen.field.value = str(wrong)
        await pilot.press("enter")
        await wait_until(pilot, lambda: "it is no packed run" in shown(app))
