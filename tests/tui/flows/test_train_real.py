"""A real run steered from the screen: stopped with a checkpoint, and gone on with."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.runs import kill, read_events, state
from engine.train import make_spec, start
from engine.workspace import Workspace
from tests.support.datasets import freeze_examples
from tests.tui.support import opened_app, text_of, wait_until


@pytest.mark.nightly
@pytest.mark.slow
async def test_a_run_is_stopped_and_resumed(workspace: Workspace, tiny_model_dir: Path) -> None:
    freeze_examples(workspace, tiny_model_dir, 40)
    spec = make_spec(str(tiny_model_dir), "notes", "small-cpu", epochs=500.0, save_steps=10_000)
    run = start(workspace, spec)
    try:
        async with opened_app(workspace, stage="train") as (app, pilot):
            await wait_until(pilot, lambda: "━ loss" in text_of(app.screen), seconds=300)
            await wait_until(pilot, lambda: state(run.dir).step > 3, seconds=60)
            await pilot.press("s")
            await wait_until(pilot, lambda: "■ run" in text_of(app.screen), seconds=300)
            assert state(run.dir).checkpoints
            stopped_at = state(run.dir).step
            await pilot.press("r")
            await wait_until(pilot, lambda: "▶ run" in text_of(app.screen), seconds=300)
            await wait_until(pilot, lambda: state(run.dir).step > stopped_at, seconds=300)
            await wait_until(
                pilot, lambda: f"resumed from step {stopped_at}" in text_of(app.screen), seconds=60
            )
            begun = [event for event in read_events(run.dir)[0] if event.type == "run_started"]
            assert [event.data.get("resumed_step") for event in begun] == [None, stopped_at]
    finally:
        kill(run.dir)
