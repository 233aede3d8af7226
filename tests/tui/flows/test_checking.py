"""Checks in the background: real child processes, started by a scan and by hand."""

from __future__ import annotations

import contextlib
import json
import threading
from pathlib import Path

import psutil
import pytest

from engine.models import Filter
from engine.settings import settings_of
from engine.workspace import Workspace
from tests.tui.findings import KEY
from tests.tui.places import write_chats
from tests.tui.support import opened_app, press_all, text_of, wait_until
from tui.app import FinetuiApp
from tui.screens.curate import CurateScreen
from tui.screens.stage import StageScreen

CHILDREN = ("engine.quality.child", "engine.similarity.child")


def checkers() -> list[psutil.Process]:
    """Return the processes that check for this one."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if any(name in " ".join(child.cmdline()) for name in CHILDREN):
                found.append(child)
    return found


def with_checks(workspace: Workspace, **check: object) -> Workspace:
    """Return a workspace with other settings of checks."""
    settings = settings_of({"check": check})
    return Workspace(workspace.root, settings, workspace.store)


def stage_of(app: FinetuiApp) -> StageScreen:
    """Return the stage in front."""
    assert app.stage is not None
    return app.stage


@pytest.fixture
def chats(isolated_home: Path) -> Path:
    """Return saved chats, two of which say the same, and one of which holds a key."""
    path = write_chats(isolated_home / "chats.json", 6)
    rows = json.loads(path.read_text("utf-8"))
    rows[1]["messages"] = [
        {"role": "user", "content": "How do I sign in to the ferry's booking account?"},
        {"role": "assistant", "content": f"Put aws_access_key_id = {KEY} into the settings."},
    ]
    path.write_text(json.dumps(rows), "utf-8")
    return path


async def test_a_scan_is_followed_by_checks_and_then_by_near_duplicates(
    workspace: Workspace, chats: Path
) -> None:
    workspace.store.add_source("conversations", str(chats))
    async with opened_app(with_checks(workspace, automatic=True)) as (app, pilot):
        await pilot.press("s")
        await wait_until(pilot, lambda: app.check is not None)
        await pilot.press("2")
        await wait_until(pilot, lambda: isinstance(app.stage, CurateScreen))
        assert "▶ " in text_of(app.screen).splitlines()[0]
        said = stage_of(app).status_line
        await wait_until(pilot, lambda: "checked 6 examples: 1 with secrets" in said.text,
                         seconds=300)  # fmt: skip
        await wait_until(pilot, lambda: app.check is None)
        assert workspace.store.queue_size(Filter(flags=("secret",))) == 1
        assert len(workspace.store.linked(workspace.store.link_models()[0])) == 6
        # What was found is in sight without a key.
        screen = app.stage
        assert isinstance(screen, CurateScreen)
        assert [row for row in text_of(screen.queue).splitlines() if "! " in row]
        assert "not checked" not in text_of(screen.card)
        # An edit is looked at again, and by hand there is nothing left to do.
        await press_all(pilot, "home j x")
        await wait_until(pilot, lambda: "redacted" in said.text)
        await wait_until(pilot, lambda: not app.checks.active, seconds=300)
        card = screen.card.card
        assert card is not None
        await wait_until(pilot, lambda: workspace.store.card(card.example.id).checked)
        assert not workspace.store.card(card.example.id).flags
        assert checkers() == []


async def test_what_was_left_unchecked_is_checked_when_the_app_is_opened(
    filled: Workspace,
) -> None:
    space = with_checks(filled, automatic=True, embedding_model="/nowhere/model")
    async with opened_app(space) as (app, pilot):
        await wait_until(pilot, lambda: not filled.store.any_unchecked(), seconds=60)
        await wait_until(pilot, lambda: app.check is None)
    # And nothing is started where there is nothing to look at.
    async with opened_app(space) as (app, pilot):
        await pilot.pause()
        await wait_until(pilot, lambda: threads_named("unchecked") == 0)
        assert not app.checks.active


def threads_named(name: str) -> int:
    return sum(thread.name == name for thread in threading.enumerate())


async def test_a_missing_embedding_model_is_told_once(workspace: Workspace, chats: Path) -> None:
    workspace.store.add_source("conversations", str(chats))
    space = with_checks(workspace, automatic=True, embedding_model="/nowhere/model")
    async with opened_app(space) as (app, pilot):
        said = stage_of(app).status_line
        await pilot.press("s")
        told: set[str] = set()

        def both() -> bool:
            # In one sentence, or in two where a check of the opening came before the scan's end.
            told.add(said.text)
            words = " ".join(told)
            return "/nowhere/model" in words and "checked 6 examples" in words

        await wait_until(pilot, both, seconds=60)
        await wait_until(pilot, lambda: not app.checks.active)
        stage_of(app).say("")
        app.checks.follow()
        await wait_until(pilot, lambda: not app.checks.active, seconds=60)
        await pilot.pause()
        assert "/nowhere/model" not in said.text
        # Who asks is told each time.
        await press_all(pilot, "2 C")
        await wait_until(pilot, lambda: "/nowhere/model" in stage_of(app).status_line.text,
                         seconds=60)  # fmt: skip


async def test_a_key_starts_and_the_same_key_stops(filled: Workspace) -> None:
    async with opened_app(with_checks(filled, automatic=False), stage="curate") as (app, pilot):
        await pilot.press("C")
        await wait_until(pilot, lambda: bool(checkers()))
        await pilot.press("C")
        # Said at once, and soon replaced by what comes of it.
        said = stage_of(app).status_line.text
        assert "stopping the checks" in said or "were stopped" in said
        await wait_until(pilot, lambda: not app.checks.active)
        await wait_until(pilot, lambda: "were stopped" in stage_of(app).status_line.text)
        assert checkers() == []


async def test_leaving_ends_the_checks(filled: Workspace) -> None:
    async with opened_app(with_checks(filled, automatic=False), stage="dataset") as (_, pilot):
        await pilot.press("C")
        await wait_until(pilot, lambda: bool(checkers()))
    assert checkers() == []


async def test_there_is_nothing_to_check(workspace: Workspace) -> None:
    async with opened_app(with_checks(workspace, automatic=True), stage="curate") as (app, pilot):
        await pilot.press("C")
        assert "no example to check" in stage_of(app).status_line.text
        assert not app.checks.active
