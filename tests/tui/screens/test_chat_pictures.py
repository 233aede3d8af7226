"""How Chat looks, at 80x24 and 160x45, driven by keys alone.

What two models answer differs by machine, so two scripted sides stand in for them; runs,
exports, prompts and votes are real files and rows. That real models answer there is tested
in ``test_chat.py``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Any, Literal

import pytest
from textual.geometry import Size
from textual.pilot import Pilot

from engine.errors import GgufDamaged
from engine.evaluate.pair import Pair
from engine.workspace import Workspace
from tests.tui.exports import make_finished_export
from tests.tui.pictures import SnapSizes
from tests.tui.run_dirs import NOON
from tests.tui.scripted import RUN, ScriptedPair, lines
from tests.tui.support import LARGE, SMALL, settle_keys, stage_name, text_of, wait_until
from tui.app import FinetuiApp

Step = tuple[str, str]
"""Keys, and what the screen shows when they are done."""

BASE = (
    "There are several reasons why someone might decline a leadership position. First, it is "
    "important to consider work-life balance.\n\nSecond, leadership roles often come with "
    "additional responsibilities."
)
TUNED = (
    "The honest answer is that I was tired, and it took me a week to see that being tired was the "
    "answer and not the excuse. It was two roles, and I wanted neither."
)


@pytest.fixture
def exported(workspace: Workspace) -> Workspace:
    """Return a workspace with a finished export, and 29 blind votes on it."""
    make_finished_export(workspace, RUN, "q4_k_m")
    counts: dict[Literal["base", "tuned", "tie"], int] = {"tuned": 18, "base": 7, "tie": 4}
    for choice, count in counts.items():
        for _ in range(count):
            workspace.store.add_vote(
                run_id=RUN, quant="q4_k_m", prompt="Why?", base_text="b", tuned_text="t",
                left="base", choice=choice, blind=True, at=NOON,
            )  # fmt: skip
    return workspace


@pytest.fixture(autouse=True)
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the lot always fall the same way, and no message go before its picture is taken."""
    monkeypatch.setattr("secrets.SystemRandom", lambda: Random(3))
    monkeypatch.setattr("tui.widgets.frame.EXPIRES_S", {})


def speaks(monkeypatch: pytest.MonkeyPatch, base: Sequence[str], tuned: Sequence[str]) -> None:
    """Let a scripted pair be loaded in place of two models."""
    pair = ScriptedPair({"base": base, "tuned": tuned})
    monkeypatch.setattr(Pair, "open", lambda *_: pair)


def chat(*steps: Step) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Return what goes to Chat and takes steps, waiting for what each of them shows."""

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
        await wait_until(pilot, lambda: all(worker.is_finished for worker in app.workers))
        await pilot.pause()
        assert app.unexpected == []

    return run


LOADED: Step = ("", "both loaded|at 95%|n next prompt")


def picture(
    snap: SnapSizes, workspace: Workspace, *steps: Step, small: bool = False, until: str = ""
) -> None:
    """Take the pictures of what steps lead to.

    Args:
        snap: The fixture.
        workspace: What the app is opened on.
        steps: What is done before the first picture.
        small: Whether the small size alone is of interest.
        until: What each picture shows, at either size.
    """

    async def settled(pilot: Pilot[Any], size: tuple[int, int]) -> None:
        screen = pilot.app.screen
        await wait_until(pilot, lambda: screen.size == Size(*size))
        for words in until.split("|"):
            await wait_until(pilot, lambda words=words: words in text_of(screen))  # type: ignore[misc]
        await wait_until(pilot, lambda: all(worker.is_finished for worker in pilot.app.workers))

    app = FinetuiApp(workspace, watch_interval=0.05)
    snap(app, chat(*steps), settled, sizes=(SMALL,) if small else (SMALL, LARGE))


def test_chat_without_an_export(workspace: Workspace, snap_sizes: SnapSizes) -> None:
    picture(snap_sizes, workspace, ("", "There is no exported model yet"))


def test_chat_loaded_with_a_prompt_offered(
    exported: Workspace,
    snap_sizes: SnapSizes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    speaks(monkeypatch, [BASE], [TUNED])
    offered = ("n", "prompt 1 of 2 · held out|enter asks both|↵ ask")
    picture(snap_sizes, exported, LOADED, offered)


def test_chat_open_with_ones_own_answer(
    exported: Workspace,
    snap_sizes: SnapSizes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    speaks(monkeypatch, [BASE], [TUNED])
    steps = (LOADED, ("n enter", "A · base · seen|B · tuned · seen|turn 2 · open|← A better · →"))
    until = "A · base · seen|B · tuned · seen"
    picture(snap_sizes, exported, *steps, ("o", "You wrote"), until=until)


def test_chat_sealed_and_read(
    exported: Workspace,
    snap_sizes: SnapSizes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    speaks(monkeypatch, [BASE], [TUNED])
    steps = (LOADED, ("b n enter", "─ A · seen|─ B · seen|← A better|turn 2 · blind"))
    picture(snap_sizes, exported, *steps, until="─ A · seen|─ B · seen")


def test_chat_sealed_and_not_read_through(
    exported: Workspace, snap_sizes: SnapSizes, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaks(monkeypatch, [lines("one", 19)], [lines("other", 19)])
    steps = (LOADED, ("b n enter", "─ A · 12 more lines ↓|─ B · 13 more lines ↓|pgdn read on"))
    refused = ("left", "A has 12 lines and B has 13 lines that were not shown: pgdn")
    picture(snap_sizes, exported, *steps, refused, small=True)


def test_chat_revealed_after_a_vote(
    exported: Workspace,
    snap_sizes: SnapSizes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    speaks(monkeypatch, [BASE], [TUNED])
    steps = (LOADED, ("b n enter", "─ A · seen|─ B · seen|← A better"))
    voted = ("right", "B is better")
    revealed = ("space", "A is |✓|21.4 tokens/s|u take back|turn 2 · open")
    picture(snap_sizes, exported, *steps, voted, revealed)


def test_chat_second_turn(
    exported: Workspace,
    snap_sizes: SnapSizes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    speaks(monkeypatch, [BASE, "It depends."], [TUNED, "I slept."])
    steps = (LOADED, ("b n enter", "─ A · seen|─ B · seen|turn 2 · blind"))
    second = (
        "i A n d question_mark enter",
        "› turn 2 · And?|─ A · seen|─ B · seen|turn 3 · blind|← A better · →",
    )
    picture(
        snap_sizes,
        exported,
        *steps,
        second,
        ("pageup", "── turn 2"),
    )


def test_chat_with_a_damaged_file(
    exported: Workspace,
    snap_sizes: SnapSizes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise GgufDamaged(
            "tuned-q4_k_m.gguf is cut off: it should have 105,454,432 bytes and has 4,096",
            hint="export it again with: finetui export 3f2a",
        )

    monkeypatch.setattr(Pair, "open", refuse)
    picture(snap_sizes, exported, ("", "m chooses another pair|! "))


def test_the_pairs_to_choose_from(
    exported: Workspace, snap_sizes: SnapSizes, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaks(monkeypatch, [BASE], [TUNED])
    make_finished_export(exported, "20250614-090000-77b2", "f16")
    # How long loading took is no part of the picture.
    steps = (("", "n next prompt"), ("n", "enter asks both"), ("m", "77b2|q4_k_m|just now"))
    picture(snap_sizes, exported, *steps, small=True)
