"""How Sources, Curate, Dataset and their dialogs look, at 80x24 and 160x45.

Each picture stands beside this file; after a change that is meant, look at the report
and write them anew with ``pytest --snapshot-update``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from engine.workspace import Workspace
from tests.tui.pictures import SizedStep, SnapSizes
from tests.tui.support import LARGE, SMALL, press_all, settings_of, stage_name, text_of, wait_until
from tui.app import FinetuiApp
from tui.screens.curate import CurateScreen
from tui.screens.dataset import DatasetScreen
from tui.screens.modals.add import AddDialog
from tui.screens.modals.confirm import ConfirmDialog
from tui.screens.modals.edit import EditDialog
from tui.screens.modals.filter import FilterDialog
from tui.screens.modals.freeze import FreezeDialog
from tui.screens.modals.help import HelpDialog
from tui.screens.modals.search import SearchDialog
from tui.screens.modals.skips import SkipsDialog
from tui.screens.sources import SourcesScreen
from tui.themes import THEMES

Run = Callable[[Pilot[Any]], Awaitable[None]]
Compare = Callable[..., bool]
SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "160x45"])


def reach(
    stage: str, keys: str = "", shows: str = "", screen: type[Screen[Any]] | None = None
) -> Run:
    """Return what goes to a stage, presses keys, and waits until something is there."""

    async def run(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, FinetuiApp)
        await wait_until(pilot, lambda: app.stage is not None)
        await app.run_action(stage)
        await wait_until(pilot, lambda: stage_name(app) == stage)
        front = app.stage
        if isinstance(front, CurateScreen):
            await wait_until(pilot, lambda: "approved" in text_of(front.meter))
        if isinstance(front, DatasetScreen):
            await wait_until(pilot, lambda: "Queue" in front.numbers.text)
        if isinstance(front, SourcesScreen):
            some = len(front.app.workspace.store.sources()) > 0
            words = "first examples" if some else "There is no source yet"
            await wait_until(pilot, lambda: words in front.pane.text)
        await press_all(pilot, keys)
        if screen is not None:
            await wait_until(pilot, lambda: isinstance(app.screen, screen))
        await wait_until(pilot, lambda: shows in text_of(app.screen))
        await wait_until(pilot, lambda: is_still(app))
        await pilot.pause()
        assert app.unexpected == []

    return run


def is_still(app: FinetuiApp) -> bool:
    """Return whether nothing is being read any more; dialogs keep their askers waiting."""
    return all(worker.is_finished for worker in app.workers if worker.group not in WAITING)


WAITING = {"ask", "edit", "freeze", "preview"}
"""Groups whose workers wait for a dialog's answer."""


def seen(shows: str = "", keys: str = "") -> SizedStep:
    """Return what waits at each size until something is there, and all is read.

    Args:
        shows: What has to be there.
        keys: What is pressed at 80x24 alone, where panes fold.
    """

    async def at(pilot: Pilot[Any], size: tuple[int, int]) -> None:
        app = pilot.app
        assert isinstance(app, FinetuiApp)
        if size == SMALL:
            await press_all(pilot, keys)
        await wait_until(pilot, lambda: shows in text_of(app.screen))
        await wait_until(pilot, lambda: is_still(app))
        await pilot.pause()
        assert app.unexpected == []

    return at


def test_sources_empty(workspace: Workspace, snap_sizes: SnapSizes) -> None:
    run = reach("sources", shows="Start here")
    snap_sizes(FinetuiApp(workspace), run, seen("Start here", "tab"), sizes=(LARGE, SMALL))


def test_sources(filled: Workspace, snap_sizes: SnapSizes) -> None:
    snap_sizes(FinetuiApp(filled), reach("sources", shows="vault"), seen("vault"))


def test_curate(filled: Workspace, snap_sizes: SnapSizes) -> None:
    snap_sizes(FinetuiApp(filled), reach("curate", "a r s", "1 of 100"), seen("1 of 100"))


def test_curate_queue(filled: Workspace, snap_sizes: SnapSizes) -> None:
    snap_sizes(FinetuiApp(filled), reach("curate", "a r s tab", "1 of 100"), seen("1 of 100"))


def test_dataset(filled: Workspace, snap_sizes: SnapSizes) -> None:
    for card in list(filled.store.cards())[:6]:
        filled.store.append("approve", card.example.id, at=1.0)
    snap_sizes(FinetuiApp(filled), reach("dataset", shows="to train on"), seen("to train on"))


@pytest.mark.parametrize(
    ("stage", "keys", "shows", "screen"),
    [
        ("sources", "a", "notes", AddDialog),
        ("sources", "d", "broken-yaml", SkipsDialog),
        ("sources", "x", "Remove", ConfirmDialog),
        ("curate", "e", "--- user ---", EditDialog),
        ("curate", "f", "reflection", FilterDialog),
        ("curate", "slash b o a t", "1 example found", SearchDialog),
        ("curate", "question_mark", "Approve, and", HelpDialog),
        ("dataset", "z", "1 approved", FreezeDialog),
    ],
    ids=["add", "skips", "confirm", "edit", "filter", "search", "help", "freeze"],
)
def test_dialogs(
    filled: Workspace,
    snap_sizes: SnapSizes,
    stage: str,
    keys: str,
    shows: str,
    screen: type[Screen[Any]],
) -> None:
    filled.store.append("approve", next(filled.store.cards()).example.id, at=1.0)
    snap_sizes(FinetuiApp(filled), reach(stage, keys, shows, screen), seen(shows))


@pytest.mark.parametrize("theme", [theme.name for theme in THEMES])
def test_themes(filled: Workspace, snap_compare: Compare, theme: str) -> None:
    settings = settings_of({"display": {"theme": theme}})
    app = FinetuiApp(Workspace(filled.root, settings, filled.store))
    assert snap_compare(app, terminal_size=(100, 20), run_before=reach("curate", "a r s", "1 of"))


def test_too_small(filled: Workspace, snap_compare: Compare) -> None:
    async def run(pilot: Pilot[Any]) -> None:
        await wait_until(pilot, lambda: "finetui needs" in text_of(pilot.app.screen))

    assert snap_compare(FinetuiApp(filled), terminal_size=(44, 12), run_before=run)
