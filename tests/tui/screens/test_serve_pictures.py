"""How the Serve panel looks, at 80x24 and 160x45, driven by keys alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from engine.workspace import Workspace
from tests.support.trusting import trusted
from tests.tui.exports import make_exported_run
from tests.tui.pictures import SnapSizes
from tests.tui.scripted import RUN, ScriptedPair
from tests.tui.server_job import running_job
from tests.tui.support import SMALL, settle_keys, stage_name, text_of, wait_until
from tui.app import FinetuiApp


@pytest.fixture(autouse=True)
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no message go before its picture is taken."""
    monkeypatch.setattr("tui.widgets.frame.EXPIRES_S", {})


def panel(*steps: tuple[str, str]) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Return what opens the panel and takes steps, waiting for what each of them shows."""

    async def run(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, FinetuiApp)
        settle_keys(app, pilot)
        await wait_until(pilot, lambda: app.stage is not None)
        await pilot.press("5")
        await wait_until(pilot, lambda: stage_name(app) == "chat")
        for keys, shows in steps:
            await pilot.press(*keys.split())
            for words in shows.split("|"):
                await wait_until(pilot, lambda words=words: words in text_of(app.screen))  # type: ignore[misc]
        assert app.unexpected == []

    return run


def test_a_busy_server(workspace: Workspace, snap_sizes: SnapSizes) -> None:
    says = "restarted the engine, which had ended by signal 11; the requests were asked again"
    busy = {"active": 4, "waiting": 2, "failed": 1, "tokens_per_s": 182.4, "swaps": 3}
    with running_job(workspace, **busy, restarts=1, said=says):
        steps = (("", "no exported model|serve brief|6"), ("S", "4 active|curl|asked again"))
        app = FinetuiApp(workspace, watch_interval=0.05)

        async def whole(pilot: Pilot[Any], size: tuple[int, int]) -> None:
            await wait_until(pilot, lambda: "12 min" in text_of(pilot.app.screen))

        snap_sizes(app, panel(*steps), whole, sizes=((160, 45), SMALL))


def test_how_other_programs_ask_it_at_80_columns(
    workspace: Workspace, snap_sizes: SnapSizes
) -> None:
    with running_job(workspace):
        steps = (("", "brief"), ("S", "● serving"), ("tab", "OPENAI_BASE_URL"))
        app = FinetuiApp(workspace, watch_interval=0.05)
        snap_sizes(app, panel(*steps), sizes=(SMALL,))


def test_the_form_that_starts_one(
    workspace: Workspace, models: Any, snap_sizes: SnapSizes, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = ScriptedPair({"base": ["a"], "tuned": ["b"]})
    monkeypatch.setattr("engine.evaluate.pair.Pair.open", lambda *_: pair)
    make_exported_run(workspace, models, RUN, "q4_k_m")
    trusted(workspace.root)
    # How long loading took is no part of the picture.
    steps = (("", "n next prompt"), ("n", "enter asks both"), ("S", "s starts one"))
    form = ("s", "q4_k_m|takes native|shown once")
    app = FinetuiApp(workspace, watch_interval=0.05)
    snap_sizes(app, panel(*steps, form), sizes=(SMALL,))
