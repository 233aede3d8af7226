"""The terminal's bell at the end of a run, for whoever asked for it."""

from __future__ import annotations

import dataclasses
import time
from functools import partial

import pytest

from engine.runs import EventLog
from engine.workspace import Workspace
from tests.tui.run_dirs import make_run
from tests.tui.support import opened_app, settings_of, wait_until
from tui.app import FinetuiApp


def is_shown(app: FinetuiApp, name: str) -> bool:
    return app.job is not None and app.job.name == name


@pytest.mark.parametrize(("notify", "rings"), [("bell", 2), ("none", 0), ("command", 0)])
async def test_it_rings_once_for_each_run_that_ends_whatever_stage_is_shown(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, notify: str, rings: int
) -> None:
    rung: list[float] = []
    monkeypatch.setattr("textual.app.App.bell", lambda app: rung.append(time.time()))
    asked = settings_of({"training": {"notify": notify}})
    opened = dataclasses.replace(workspace, settings=asked)
    make_run(workspace, "20250615-100000-aaaa", status="finished")
    runs = [
        make_run(workspace, f"20250615-110000-bbb{number}", status="running") for number in (1, 2)
    ]
    async with opened_app(opened) as (app, pilot):
        await wait_until(pilot, partial(is_shown, app, "train bbb1"))
        for run, shown in zip(runs, ("train bbb2", "train bbb2"), strict=True):
            with EventLog(run) as log:
                log.write("run_finished", status="finished", result={})
            await wait_until(pilot, partial(is_shown, app, shown))
        await wait_until(pilot, lambda: app.job is not None and not app.job.active)
    assert len(rung) == rings
