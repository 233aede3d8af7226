"""How Train and its dialogs look, at 80x24 and 160x45.

Runs are real directories, written through the engine's event log with a fixed clock.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from textual.pilot import Pilot

from engine.train.fit.target import Target
from engine.workspace import Workspace
from tests.tui.pictures import SizedStep, SnapSizes
from tests.tui.run_dirs import GIB, NOON, make_export, make_run
from tests.tui.screens.test_train_form import frozen
from tests.tui.support import LARGE, SMALL, press_all, stage_name, text_of, wait_until
from tui.app import FinetuiApp
from tui.screens.modals.confirm import ConfirmDialog
from tui.screens.modals.quant import QuantDialog
from tui.screens.train import TrainScreen
from tui.screens.train_form import TrainForm

__all__ = ["frozen"]

Compare = Callable[..., bool]
Run = Callable[[Pilot[Any]], Awaitable[None]]
SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "160x45"])

pytestmark = pytest.mark.usefixtures("utc")


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the screens' clock stand still."""
    monkeypatch.setattr("tui.parts.train_words.now", lambda: NOON)
    monkeypatch.setattr("tui.bridge.jobs.now", lambda: NOON)


@pytest.fixture(autouse=True)
def memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a prediction of memory be compared with the same machine everywhere."""
    here = Target("processor", cuda=False, total=24 * 10**9, free=20 * 10**9)
    monkeypatch.setattr("engine.train.fit.target.processor", lambda: here)
    monkeypatch.setattr("engine.train.fit.asking.processor", lambda: here, raising=False)


async def reach(pilot: Pilot[Any], stage: str) -> FinetuiApp:
    app = pilot.app
    assert isinstance(app, FinetuiApp)
    await wait_until(pilot, lambda: app.stage is not None)
    await app.run_action(stage)
    await wait_until(pilot, lambda: stage_name(app) == stage)
    return app


def train(keys: str = "", shows: str = "", *, title: str = "", dialog: type | None = None) -> Run:
    """Return what goes to Train, presses keys, and waits until all there is to see is seen."""

    async def run(pilot: Pilot[Any]) -> None:
        app = await reach(pilot, "train")
        await wait_until(pilot, lambda: title in text_of(app.screen).splitlines()[0])
        listed = any(app.workspace.runs_dir.glob("*/spec.toml"))
        screen = cast("TrainScreen", app.stage)
        await wait_until(pilot, lambda: screen.job is not None or not listed)
        for key in keys.split():
            await press_all(pilot, key)
            await pilot.pause()
        if dialog is not None:
            await wait_until(pilot, lambda: isinstance(app.screen, dialog))
        await wait_until(pilot, lambda: shows in text_of(app.screen))
        await wait_until(pilot, lambda: all(worker.is_finished for worker in app.workers))
        await pilot.pause()
        assert app.unexpected == []

    return run


def several_runs(workspace: Workspace, cards: int = 0) -> None:
    """Write a finished run with an export, a failed one, and one that runs."""
    done = make_run(workspace, "20250615-110000-3f2a", steps=96, cards=cards, began=NOON - 7200)
    make_export(done)
    make_run(
        workspace, "20250615-120000-77b2", status="failed", steps=30, level=3.4,
        began=NOON - 3600, cards=cards, changes={"r": 8, "learning_rate": 1e-3},
    )  # fmt: skip
    make_run(workspace, "20250615-130000-a1f3", status="running", cards=cards, began=NOON - 330)


def picture(snap: Compare, workspace: Workspace, size: tuple[int, int], run: Run) -> bool:
    app = FinetuiApp(workspace, watch_interval=0.05)
    return snap(app, terminal_size=size, run_before=run)


RUNNING = ("62%", "60/96")
"""What the title line says of the running run, at 80x24 and 160x45."""


def seen(
    shows: str | tuple[str, str], titles: tuple[str, str] = ("", ""), keys: str = ""
) -> SizedStep:
    """Return what waits at each size until all is seen that there is to see.

    Args:
        shows: What has to be there, or one text for 80x24 and one for 160x45.
        titles: What the title line has to say, at 80x24 and at 160x45.
        keys: What is pressed at 80x24 alone, where panes fold.
    """
    texts = (shows, shows) if isinstance(shows, str) else shows

    async def at(pilot: Pilot[Any], size: tuple[int, int]) -> None:
        app = pilot.app
        assert isinstance(app, FinetuiApp)
        place = (SMALL, LARGE).index(size)
        if size == SMALL:
            await press_all(pilot, keys)
        await wait_until(pilot, lambda: titles[place] in text_of(app.screen).splitlines()[0])
        await wait_until(pilot, lambda: texts[place] in text_of(app.screen))
        await wait_until(pilot, lambda: all(worker.is_finished for worker in app.workers))
        await pilot.pause()
        assert app.unexpected == []

    return at


def watching(workspace: Workspace) -> FinetuiApp:
    return FinetuiApp(workspace, watch_interval=0.05)


def test_train_without_a_dataset(workspace: Workspace, snap_sizes: SnapSizes) -> None:
    shows = "trains on the CPU"
    snap_sizes(watching(workspace), train(shows=shows), seen(shows))


def test_train_without_a_run(frozen: Workspace, snap_sizes: SnapSizes) -> None:
    shows = "n opens the form"
    snap_sizes(watching(frozen), train(shows=shows), seen(shows))


def test_train_running_on_two_cards(workspace: Workspace, snap_sizes: SnapSizes) -> None:
    several_runs(workspace, cards=2)
    shows = "step 60/96  loss"
    snap_sizes(watching(workspace), train(shows=shows), seen(shows, RUNNING))


def test_train_list_on_a_processor(workspace: Workspace, snap_sizes: SnapSizes) -> None:
    several_runs(workspace)
    full = "the disk became full"
    at = seen(("Run 77b2", full), RUNNING, keys="tab")
    snap_sizes(watching(workspace), train("j", full), at, sizes=(LARGE, SMALL))


def test_train_comparing_two_runs(workspace: Workspace, snap_sizes: SnapSizes) -> None:
    several_runs(workspace)
    shows = "13:15:00  finished"
    snap_sizes(watching(workspace), train("j v j", shows), seen(shows, RUNNING))


FIT = {
    "predicted": {
        "weights": 5.6 * GIB, "adapter": 0.1 * GIB, "activations": 2.2 * GIB,
        "logits": 1.2 * GIB, "context": 0.5 * GIB, "total": 9.6 * GIB,
    },
    "measured": {"total": 9.7 * GIB},
    "device": "cuda:0",
}  # fmt: skip


def test_train_all_charts(workspace: Workspace, snap_sizes: SnapSizes) -> None:
    make_run(
        workspace, status="running", steps=96, total=128, cards=2, began=NOON - 530, fit=FIT,
        evals=(3.388, 3.445, 3.689, 3.7),
    )  # fmt: skip
    shows = "step 96/128  loss"
    snap_sizes(watching(workspace), train("c", shows), seen(shows, ("75%", "96/128")))


def test_train_samples(workspace: Workspace, snap_sizes: SnapSizes) -> None:
    make_run(workspace, steps=96, samples=True)
    shows = "it took me a week"
    snap_sizes(watching(workspace), train("a", shows), seen(shows))


def test_train_export_done(workspace: Workspace, snap_sizes: SnapSizes) -> None:
    make_export(make_run(workspace, steps=96))
    shows = "15:03:00  finished"
    at = seen(shows, keys="tab")
    snap_sizes(watching(workspace), train("j", shows), at, sizes=(LARGE, SMALL))


def test_train_log_large(workspace: Workspace, snap_sizes: SnapSizes) -> None:
    several_runs(workspace)
    shows = "step 47/96"
    snap_sizes(watching(workspace), train("l", shows), seen(shows, RUNNING))


def test_the_form(frozen: Workspace, snap_sizes: SnapSizes) -> None:
    shows = "comes with finetui"
    run = train("n down down down", shows, dialog=TrainForm)
    snap_sizes(watching(frozen), run, seen(shows))


def test_the_form_with_a_mistake(frozen: Workspace, snap_sizes: SnapSizes) -> None:
    shows = "to correct"
    run = train("n down down down backspace backspace 0", shows, dialog=TrainForm)
    snap_sizes(watching(frozen), run, seen(shows))


def test_the_quantisations(workspace: Workspace, snap_compare: Compare) -> None:
    make_run(workspace)
    assert picture(snap_compare, workspace, SMALL, train("e", "q4_k_m", dialog=QuantDialog))


def test_the_question_before_a_kill(workspace: Workspace, snap_compare: Compare) -> None:
    make_run(workspace, status="running", began=NOON - 330)
    run = train("K", "at once", title="62%", dialog=ConfirmDialog)
    assert picture(snap_compare, workspace, SMALL, run)
