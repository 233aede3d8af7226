"""What tests of the terminal app share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot
from textual.widget import Widget

from engine.schema import read
from engine.settings import Settings
from engine.workspace import Workspace
from tui.app import FinetuiApp

SMALL = (80, 24)
LARGE = (160, 45)


async def wait_until(
    pilot: Pilot[Any], predicate: Callable[[], bool], *, seconds: float = 60.0, what: str = ""
) -> None:
    """Let the app work until ``predicate`` holds, or fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        await pilot.pause()
        if predicate():
            return
        if time.monotonic() > deadline:
            screen = pilot.app.screen
            raise AssertionError(f"never came true: {what or predicate}\n{text_of(screen)}")
        await asyncio.sleep(0.01)


def text_of(widget: Widget) -> str:
    """Return what a widget, or a screen, shows, as plain lines."""
    region = widget.region
    lines: list[str] = []
    for strip in widget.screen._compositor.render_strips():
        text = strip.crop(region.x, region.right).text
        lines.append(text.rstrip())
    return "\n".join(lines[region.y : region.bottom])


def stage_name(app: FinetuiApp) -> str:
    """Return the mode of the stage in front."""
    return app.stage.STAGE if app.stage is not None else ""


def settings_of(values: Mapping[str, Any]) -> Settings:
    """Return settings by which the app checks nothing by itself, and which have these values."""
    check = {"automatic": False, **values.get("check", {})}
    return read(Settings, {**values, "check": check})


@asynccontextmanager
async def opened_app(
    workspace: Workspace, size: tuple[int, int] = LARGE, *, stage: str = "sources"
) -> AsyncIterator[tuple[FinetuiApp, Pilot[int]]]:
    """Run the app on a workspace, on a stage, and check that nothing unnamed was raised."""
    app = FinetuiApp(workspace, watch_interval=0.05)
    async with app.run_test(size=size) as pilot:
        await wait_until(pilot, lambda: app.stage is not None)
        if stage != "sources":
            await app.run_action(stage)
            await wait_until(pilot, lambda: stage_name(app) == stage)
        settle_keys(app, pilot)
        yield app, pilot
    assert app.unexpected == []


def settle_keys(app: FinetuiApp, pilot: Pilot[int]) -> None:
    """Let ``pilot.press`` return when its keys are done with, held ones aside."""
    press = pilot.press

    async def settled(*keys: str) -> None:
        await press(*keys)
        if app.is_running and app.screen_stack:
            await wait_until(pilot, lambda: app.keys_settled, what="keys are done with")

    pilot.press = settled  # type: ignore[method-assign]


async def press_all(pilot: Pilot[Any], keys: str) -> None:
    """Press keys named with blanks between them, without waiting in between."""
    for key in keys.split():
        await pilot.press(key)
