"""The Chat screen with real workers on tiny models."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
from pathlib import Path
from typing import cast

import psutil
import pytest
from textual.pilot import Pilot

from engine.workspace import Workspace, open_workspace
from tests.tui.exports import OWN_ANSWER, QUESTIONS, make_exported_run
from tests.tui.support import LARGE, SMALL, opened_app, text_of, wait_until
from tui.app import FinetuiApp
from tui.screens.chat import ChatScreen
from tui.screens.modals.pick import PairDialog


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


_OF_OTHERS: set[int] = set()
"""Model workers that fixtures of other tests keep in this process while a test runs."""


@pytest.fixture(autouse=True)
def others_workers() -> None:
    """Take note of the model workers that are there before the app."""
    _OF_OTHERS.clear()
    _OF_OTHERS.update(worker_pids())


def worker_pids() -> list[int]:
    """Return the processes of the app's model workers, the one of the base first."""
    found: list[tuple[bool, int]] = []
    for child in psutil.Process().children(recursive=True):
        # A child of another test that ended, and was not asked after yet, has no command line.
        with contextlib.suppress(psutil.Error):
            line = " ".join(child.cmdline())
            if "engine.serve.worker" in line and child.pid not in _OF_OTHERS:
                found.append(("tuned" in line, child.pid))
    return [pid for _, pid in sorted(found, key=lambda one: one[0])]


async def loaded(app: FinetuiApp, pilot: Pilot[int]) -> None:
    await wait_until(pilot, lambda: "both loaded" in shown(app), seconds=120)


async def answered(app: FinetuiApp, pilot: Pilot[int], turn: int = 1) -> None:
    """Wait until both have answered a turn, and all of it was on the screen."""
    screen = screen_of(app)

    def through() -> bool:
        talk = screen.asking.talk
        there = talk is not None and talk.number == turn and talk.current.uncovered
        return there and screen.answers.all_seen

    await wait_until(pilot, through, seconds=120)


async def ask(app: FinetuiApp, pilot: Pilot[int]) -> None:
    """Ask the next prompt and wait for both answers."""
    await pilot.press("n", "enter")
    await answered(app, pilot)


async def test_without_an_export_the_screen_teaches(workspace: Workspace) -> None:
    async with opened_app(workspace, stage="chat") as (app, pilot):
        await wait_until(pilot, lambda: "4 goes to Train; e exports a finished run" in shown(app))
        # What can't be done is not offered; asked for, it says why.
        assert not any(key in shown(app).splitlines()[-1] for key in ("next", "blind", "models"))
        for key in ("n", "u", "m"):
            await pilot.press(key)
            await wait_until(pilot, lambda: "there is no exported model yet" in shown(app))
        await pilot.press("enter", "escape", "b", "R", "space", "left", "pagedown", "ctrl+l")


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
        assert not screen_of(app).asking.writing
        await pilot.press("o")
        await wait_until(pilot, lambda: OWN_ANSWER in shown(app))


async def test_a_question_of_ones_own_is_typed(exported: Workspace) -> None:
    async with opened_app(exported, stage="chat") as (app, pilot):
        await loaded(app, pilot)
        # The keys of votes and actions are letters and arrows: none of them acts while writing.
        await pilot.press("i", *"bnm o", "left", "up", "space", "enter")
        await answered(app, pilot)
        talk = screen_of(app).asking.talk
        assert talk is not None
        assert talk.current.question == "bnm  o"
        assert talk.current.prompt is None
        assert exported.store.votes() == []


async def test_a_typed_line_goes_on_and_ctrl_l_starts_anew(exported: Workspace) -> None:
    async with opened_app(exported, stage="chat") as (app, pilot):
        await loaded(app, pilot)
        await ask(app, pilot)
        # The old prompt is marked, so that typing replaces it.
        await pilot.press("i", *"Why", "enter")
        await answered(app, pilot, 2)
        assert "› turn 2 · Why" in shown(app)
        talk = screen_of(app).asking.talk
        assert talk is not None
        first, second = talk.trials
        for position in ("left", "right"):
            turns = second.turns(position)
            assert [turn.content for turn in turns] == [QUESTIONS[0], first.text(position), "Why"]
        await pilot.press("pageup")
        await wait_until(pilot, lambda: shown(app).count("── turn 1 ──") == 2)
        await pilot.press("ctrl+l", *"Who", "enter")
        await answered(app, pilot)
        assert "turn 2 ·" in shown(app)  # that is what the line would be
        assert "› Who" in shown(app)
        # A prompt of the dataset starts a conversation of its own.
        await ask(app, pilot)
        assert f"› {QUESTIONS[1]}" in shown(app)


async def test_a_blind_trial_from_question_to_reveal(exported: Workspace) -> None:
    async with opened_app(exported, stage="chat") as (app, pilot):
        await loaded(app, pilot)
        await pilot.press("b")
        await ask(app, pilot)
        screen = shown(app)
        assert screen.count("sealed") == 2
        assert "tokens/s" not in screen
        assert "base" not in screen
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


async def test_a_vote_is_taken_back_and_given_again(exported: Workspace) -> None:
    async with opened_app(exported, stage="chat") as (app, pilot):
        await loaded(app, pilot)
        assert "take back" not in shown(app)
        await pilot.press("b")
        await ask(app, pilot)
        await pilot.press("up")
        await wait_until(pilot, lambda: "u take back" in shown(app))
        await pilot.press("i", *"Why", "enter")
        await answered(app, pilot, 2)
        await pilot.press("left")
        await wait_until(pilot, lambda: "A is better" in shown(app))
        first, second = exported.store.votes()
        await pilot.press("u")
        await wait_until(pilot, lambda: "taken back: A is better" in shown(app))
        assert exported.store.votes() == [first]
        await pilot.press("down")
        await wait_until(pilot, lambda: "both bad" in shown(app).splitlines()[-2])
        assert [vote.choice for vote in exported.store.votes()] == ["tie", "both-bad"]
        await pilot.press("space")
        await wait_until(pilot, lambda: "tied 1, both bad 1" in shown(app))
        await pilot.press("u", "u")
        await wait_until(pilot, lambda: "tied 1" not in shown(app))
        assert exported.store.votes() == []
        await pilot.press("u")
        await wait_until(pilot, lambda: "no vote to take back" in shown(app))
        assert second.blind


async def test_at_80_columns_a_vote_waits_until_both_were_read(exported: Workspace) -> None:
    settings = exported.root / "finetui.toml"
    settings.write_text("[chat]\nmax_tokens = 220\ncontext = 512\n", "utf-8")
    with open_workspace(exported.root) as long_answers:
        async with opened_app(long_answers, SMALL, stage="chat") as (app, pilot):
            await loaded(app, pilot)
            await pilot.press("b", "n", "enter")
            screen = screen_of(app)
            await wait_until(
                pilot,
                lambda: screen.asking.talk is not None and not screen.asking.streaming,
                seconds=120,
            )
            await wait_until(pilot, lambda: shown(app).count("more lines ↓") == 2)
            assert "A better" not in shown(app).splitlines()[-1]
            await pilot.press("right")
            await wait_until(pilot, lambda: "that were not shown: pgdn" in shown(app))
            assert long_answers.store.votes() == []
            while screen.answers.more:
                before = screen.answers.left.scroll_offset, screen.answers.right.scroll_offset
                await pilot.press("pagedown")
                await wait_until(
                    pilot,
                    lambda before=before: (
                        before  # type: ignore[misc]
                        != (screen.answers.left.scroll_offset, screen.answers.right.scroll_offset)
                    ),
                )
            await wait_until(pilot, lambda: "A better" in shown(app).splitlines()[-1])
            assert "not shown" not in shown(app)
            await pilot.press("right")
            await wait_until(pilot, lambda: "B is better" in shown(app))
            assert len(long_answers.store.votes()) == 1


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
    async with opened_app(exported, stage="chat") as (app, pilot):
        await loaded(app, pilot)
        screen = screen_of(app)
        # The tiny model would be done before a key is pressed; asleep it can't be.
        for pid in worker_pids():
            os.kill(pid, signal.SIGSTOP)
        await pilot.press("n", "enter")
        await wait_until(pilot, lambda: screen.asking.streaming)
        await wait_until(pilot, lambda: "esc stop" in shown(app))
        await pilot.press("escape")
        await wait_until(pilot, lambda: "stopped before it said anything" in shown(app))
        assert not screen.asking.streaming
        await pilot.press("left")
        await wait_until(pilot, lambda: "it was stopped before both had said" in shown(app))
        assert exported.store.votes() == []
        # And the same can be asked again at once.
        await pilot.press("R")
        await wait_until(pilot, lambda: screen.asking.streaming)
        for pid in worker_pids():
            os.kill(pid, signal.SIGCONT)
        await answered(app, pilot)


async def test_a_dead_worker_is_told_and_started_again(exported: Workspace) -> None:
    async with opened_app(exported, stage="chat") as (app, pilot):
        await loaded(app, pilot)
        _, tuned = worker_pids()
        os.kill(tuned, signal.SIGKILL)
        await wait_until(pilot, lambda: dead(tuned))
        await ask(app, pilot)
        # It was dead before the question, so it was started anew without a word lost.
        await wait_until(pilot, lambda: shown(app).count("tokens/s") == 2)


async def test_a_worker_that_dies_while_it_answers_is_told(exported: Workspace) -> None:
    async with opened_app(exported, stage="chat") as (app, pilot):
        await loaded(app, pilot)
        base, tuned = worker_pids()
        os.kill(tuned, signal.SIGSTOP)
        await pilot.press("n", "enter")
        await wait_until(pilot, lambda: "tokens/s" in shown(app), seconds=60)
        os.kill(tuned, signal.SIGKILL)
        await wait_until(pilot, lambda: "was ended by SIGKILL" in shown(app))
        await pilot.press("left")
        await wait_until(pilot, lambda: "both sides have to answer before a vote" in shown(app))
        await pilot.press("R")
        await answered(app, pilot)
        assert not dead(base)


def dead(pid: int) -> bool:
    """Return whether a process has ended."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def test_a_dataset_that_is_gone_is_told_and_one_can_chat(exported: Workspace) -> None:
    shutil.rmtree(exported.runs_dir / "20250615-110000-3f2a" / "dataset")
    async with opened_app(exported, stage="chat") as (app, pilot):
        await loaded(app, pilot)
        assert "no prompts to offer: the dataset of run" in shown(app)
        assert "next prompt" not in shown(app).splitlines()[-1]
        await pilot.press("i", *"Why", "enter")
        await answered(app, pilot)


async def test_a_conversation_that_is_too_long_is_told(exported: Workspace) -> None:
    async with opened_app(exported, stage="chat") as (app, pilot):
        await loaded(app, pilot)
        screen_of(app).asking.line.value = "word " * 300
        await pilot.press("enter")
        await wait_until(pilot, lambda: "the context window is 256" in shown(app))
        assert "start a new conversation" in shown(app)
        await pilot.press("i", *"Why", "enter")
        await answered(app, pilot)
        assert "› Why" in shown(app)


async def test_a_file_that_is_gone_meanwhile_is_an_error(exported: Workspace, models: Path) -> None:
    make_exported_run(exported, models, quant="q8_0")
    async with opened_app(exported, stage="chat") as (app, pilot):
        await loaded(app, pilot)
        await pilot.press("m")
        await wait_until(pilot, lambda: isinstance(app.screen, PairDialog) and "f16" in shown(app))
        job = exported.runs_dir / "20250615-110000-3f2a" / "exports" / "f16"
        next(job.glob("*.gguf")).unlink()
        await pilot.press("j", "enter")
        await wait_until(pilot, lambda: "has no export at f16" in shown(app))


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
        first = worker_pids()
        # The list is not there yet when its keys come: they wait for it.
        await pilot.press("m", "j", "enter")
        await wait_until(pilot, lambda: "run 3f2a at f16: both loaded" in shown(app), seconds=120)
        assert len(first) == 2
        assert all(dead(pid) for pid in first)
    async with opened_app(exported, stage="chat") as (app, pilot):
        await loaded(app, pilot)
        assert "at f16" in shown(app)


async def test_the_system_prompt_is_changed_by_key_for_the_next_conversation(
    exported: Workspace,
) -> None:
    dataset = exported.runs_dir / "20250615-110000-3f2a" / "dataset"
    manifest = {"settings": {"system_prompt": "You are Ana."}}
    (dataset / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    async with opened_app(exported, SMALL, stage="chat") as (app, pilot):
        await loaded(app, pilot)
        await wait_until(pilot, lambda: "system: You are Ana." in shown(app))
        await pilot.press("i", *"Why", "enter")
        await answered(app, pilot)
        # Keys that are typed ahead belong to the dialog.
        await pilot.press("s", "space", *"Be brief.", "ctrl+s")
        said = "this system prompt from the next conversation on"
        await wait_until(pilot, lambda: said in shown(app))
        await pilot.press("ctrl+l", *"Who", "enter")
        await answered(app, pilot)
        assert "system: You are Ana. Be brief." in shown(app)
        talk = screen_of(app).asking.talk
        assert talk is not None
        await pilot.press("up")
        await wait_until(pilot, lambda: bool(exported.store.votes()))
        (vote,) = exported.store.votes()
        assert vote.metadata["system"] == "You are Ana. Be brief."
        await pilot.press("s", "ctrl+o")
        await wait_until(pilot, lambda: "no system prompt from the next" in shown(app))


async def test_one_base_for_both_is_asked_for_by_key_and_named_where_it_can_not_be(
    exported: Workspace,
) -> None:
    async with opened_app(exported, LARGE, stage="chat") as (app, pilot):
        await loaded(app, pilot)
        await pilot.press("m", "s")
        await wait_until(pilot, lambda: "with and without the adapter" in shown(app))
        await pilot.press("enter")
        # This run has left no adapter, so that its two files are loaded.
        await wait_until(pilot, lambda: "two files: " in shown(app), seconds=120)
        assert "adapter_config.json can't be read" in shown(app)
        assert len(worker_pids()) == 2


async def test_the_workers_end_with_the_app(exported: Workspace) -> None:
    async with opened_app(exported, stage="chat") as (app, pilot):
        await loaded(app, pilot)
        pids = worker_pids()
    assert len(pids) == 2
    assert all(dead(pid) for pid in pids)


async def test_at_80_columns_both_sides_are_on_the_screen(exported: Workspace) -> None:
    async with opened_app(exported, SMALL, stage="chat") as (app, pilot):
        await loaded(app, pilot)
        await ask(app, pilot)
        rows = shown(app).splitlines()
        first = next(index for index, row in enumerate(rows) if "A · base" in row)
        second = next(index for index, row in enumerate(rows) if "B · tuned" in row)
        assert first < second
