"""The Chat screen with real workers on tiny models."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import cast

import pytest
from textual.pilot import Pilot

from engine.workspace import Workspace, open_workspace
from tests.tui.exports import OWN_ANSWER, QUESTIONS, make_exported_run, make_models
from tests.tui.support import LARGE, SMALL, opened_app, text_of, wait_until
from tui.app import FinetuiApp
from tui.screens.chat import ChatScreen
from tui.screens.modals.pick import PairDialog


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a base and a tuned GGUF."""
    return make_models(tmp_path_factory.mktemp("models"))


@pytest.fixture
def exported(workspace: Workspace, models: Path) -> Workspace:
    """Return a workspace with one exported run, whose answers are short."""
    make_exported_run(workspace, models)
    settings = workspace.root / "finetui.toml"
    settings.write_text("[chat]\nmax_tokens = 12\ncontext = 256\n", "utf-8")
    return open_workspace(workspace.root)


def screen_of(app: FinetuiApp) -> ChatScreen:
    return cast("ChatScreen", app.stage)


def shown(app: FinetuiApp) -> str:
    return text_of(app.screen)


async def loaded(app: FinetuiApp, pilot: Pilot[int]) -> None:
    await wait_until(pilot, lambda: "both loaded" in shown(app), seconds=120)


async def ask(app: FinetuiApp, pilot: Pilot[int]) -> None:
    """Ask the next prompt and wait until both have answered and all can be seen."""
    await pilot.press("n", "enter")
    screen = screen_of(app)
    await wait_until(
        pilot, lambda: screen.round is not None and screen.round.uncovered, seconds=120
    )


async def test_without_an_export_the_screen_teaches(workspace: Workspace) -> None:
    async with opened_app(workspace, stage="chat") as (app, pilot):
        await wait_until(pilot, lambda: "4 then e exports a finished run" in shown(app))
        await pilot.press("m")
        await wait_until(pilot, lambda: "there is no export yet" in shown(app))
        await pilot.press("n", "enter", "b", "R", "space", "left")


async def test_open_sides_answer_and_tell_their_speed(exported: Workspace) -> None:
    async with opened_app(exported, stage="chat") as (app, pilot):
        await loaded(app, pilot)
        await pilot.press("n")
        await wait_until(pilot, lambda: "prompt 1 of 2 · held out" in shown(app))
        assert QUESTIONS[0] in shown(app)
        await pilot.press("enter")
        await wait_until(pilot, lambda: shown(app).count("tokens/s") == 2, seconds=120)
        screen = shown(app)
        assert "A · base" in screen
        assert "B · tuned" in screen
        assert f"› {QUESTIONS[0]}" in screen
        assert not screen_of(app).panes.line.has_focus
        await pilot.press("o")
        await wait_until(pilot, lambda: OWN_ANSWER in shown(app))


async def test_a_question_of_ones_own_is_typed(exported: Workspace) -> None:
    async with opened_app(exported, stage="chat") as (app, pilot):
        await loaded(app, pilot)
        # The keys of votes and actions are letters and arrows: none of them acts while writing.
        await pilot.press("i", *"bnm o", "left", "up", "space", "enter")
        screen = screen_of(app)
        await wait_until(pilot, lambda: screen.round is not None and screen.round.uncovered)
        assert screen.round is not None
        assert screen.round.question == "bnm  o"
        assert screen.round.prompt is None
        assert exported.store.votes() == []


async def test_a_blind_trial_from_question_to_reveal(exported: Workspace) -> None:
    async with opened_app(exported, stage="chat") as (app, pilot):
        await loaded(app, pilot)
        await pilot.press("b")
        await ask(app, pilot)
        screen = shown(app)
        assert screen.count("sealed") == 2
        assert "tokens/s" not in screen
        assert "A ·" not in screen
        await pilot.press("right")
        await wait_until(pilot, lambda: "B is better" in shown(app))
        assert shown(app).count("sealed") == 2
        assert "no votes yet" in shown(app)
        (vote,) = exported.store.votes()
        assert vote.blind
        # A second vote on the same question is refused.
        await pilot.press("left")
        assert len(exported.store.votes()) == 1
        await pilot.press("space")
        await wait_until(pilot, lambda: shown(app).count("tokens/s") == 2)
        won = "base" if vote.choice == "base" else "tuned"
        assert f"B · {won} ✓" in shown(app)
        tally = "tuned won 1, lost 0" if won == "tuned" else "tuned won 0, lost 1"
        await wait_until(pilot, lambda: tally in shown(app))


@pytest.mark.parametrize(("key", "choice"), [("up", "tie"), ("down", "both-bad")])
async def test_a_vote_for_neither(exported: Workspace, key: str, choice: str) -> None:
    async with opened_app(exported, stage="chat") as (app, pilot):
        await loaded(app, pilot)
        await pilot.press("b")
        await ask(app, pilot)
        await pilot.press(key)
        await wait_until(pilot, lambda: len(exported.store.votes()) == 1)
        assert exported.store.votes()[0].choice == choice


async def test_the_votes_are_there_when_the_app_is_opened_again(exported: Workspace) -> None:
    async with opened_app(exported, stage="chat") as (app, pilot):
        await loaded(app, pilot)
        await pilot.press("b")
        await ask(app, pilot)
        await pilot.press("up", "space")
        await wait_until(pilot, lambda: "tied 1" in shown(app))
    async with opened_app(exported, stage="chat") as (app, pilot):
        await loaded(app, pilot)
        assert "tied 1" in shown(app)


async def test_escape_stops_the_answers(exported: Workspace) -> None:
    settings = exported.root / "finetui.toml"
    settings.write_text("[chat]\nmax_tokens = 3500\ncontext = 4096\n", "utf-8")
    with open_workspace(exported.root) as long_answers:
        async with opened_app(long_answers, stage="chat") as (app, pilot):
            await loaded(app, pilot)
            screen = screen_of(app)
            assert screen.pair is not None
            workers = [worker.pid for worker in screen.pair._workers.values()]
            # The tiny model would be done before a key is pressed; asleep it can't be.
            for pid in workers:
                os.kill(pid, signal.SIGSTOP)
            await pilot.press("n", "enter")
            await wait_until(pilot, lambda: screen.round is not None)
            await pilot.press("escape")
            await wait_until(pilot, lambda: "stopped" in shown(app))
            assert screen.round is not None
            assert screen.round.cancelled
            assert not screen.round.votable
            # And the same can be asked again at once.
            await pilot.press("R")
            await wait_until(pilot, lambda: screen.streaming)
            for pid in workers:
                os.kill(pid, signal.SIGCONT)


async def test_a_dead_worker_is_told_and_started_again(exported: Workspace) -> None:
    async with opened_app(exported, stage="chat") as (app, pilot):
        await loaded(app, pilot)
        pair = screen_of(app).pair
        assert pair is not None
        os.kill(pair._workers["tuned"].pid, signal.SIGKILL)
        await wait_until(pilot, lambda: not pair.alive)
        pair._workers["tuned"]._process.wait()
        await ask(app, pilot)
        # It was dead before the question, so it was started anew without a word lost.
        assert screen_of(app).round is not None
        assert shown(app).count("tokens/s") == 2


async def test_a_damaged_file_is_an_error_with_a_hint(exported: Workspace) -> None:
    job = exported.runs_dir / "20250615-110000-3f2a" / "exports" / "f16"
    gguf = next(job.glob("*.gguf"))
    data = bytearray(gguf.read_bytes())
    data[4:8] = b"\xff\xff\xff\x7f"
    gguf.write_bytes(bytes(data))
    async with opened_app(exported, LARGE, stage="chat") as (app, pilot):
        await wait_until(pilot, lambda: "m chooses another pair" in shown(app), seconds=120)
        assert "version 2147483647 is not known" in shown(app)
        assert "export it again with: finetui export RUN" in shown(app)
        # The app goes on.
        await pilot.press("4")
        await wait_until(pilot, lambda: app.stage is not None and app.stage.STAGE == "train")


async def test_another_pair_is_chosen_and_remembered(exported: Workspace, models: Path) -> None:
    make_exported_run(exported, models, quant="q8_0")
    async with opened_app(exported, stage="chat") as (app, pilot):
        await loaded(app, pilot)
        assert "at q8_0" in shown(app)
        first = screen_of(app).pair
        await pilot.press("m")
        await wait_until(pilot, lambda: isinstance(app.screen, PairDialog))
        await pilot.press("j", "enter")
        await wait_until(pilot, lambda: "run 3f2a at f16: both loaded" in shown(app), seconds=120)
        assert first is not None
        assert not first.alive
    async with opened_app(exported, stage="chat") as (app, pilot):
        await loaded(app, pilot)
        assert "at f16" in shown(app)


async def test_the_workers_end_with_the_app(exported: Workspace) -> None:
    async with opened_app(exported, stage="chat") as (app, pilot):
        await loaded(app, pilot)
        pair = screen_of(app).pair
    assert pair is not None
    assert not pair.alive


async def test_at_80_columns_a_key_swaps_the_sides(exported: Workspace) -> None:
    async with opened_app(exported, SMALL, stage="chat") as (app, pilot):
        await loaded(app, pilot)
        await ask(app, pilot)
        assert "A · base" in shown(app)
        assert "B · tuned" not in shown(app)
        await pilot.press("tab")
        await wait_until(pilot, lambda: "B · tuned" in shown(app))
        assert "A · base" not in shown(app)
