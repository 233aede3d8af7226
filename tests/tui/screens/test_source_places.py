"""How adding a source looks, and examples whose source changed, at 80x24 and 160x45.

Each picture stands beside this file; after a change that is meant, look at the report
and write them anew with ``pytest --snapshot-update``.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from engine.workspace import Workspace
from tests.tui.pictures import SnapSizes
from tests.tui.places import add_scanned, write_mixed, write_rows, write_tree
from tests.tui.screens.test_first_stages import is_still, reach, seen
from tests.tui.support import LARGE, SMALL, press_all, stage_name, text_of, wait_until
from tui.app import FinetuiApp
from tui.screens.modals.add import AddDialog
from tui.screens.modals.answers import AnswersDialog
from tui.screens.modals.filter import FilterDialog
from tui.screens.modals.setup import SetupDialog
from tui.screens.modals.versions import VersionsDialog

Run = Callable[[Pilot[Any]], Awaitable[None]]

ROWS = {
    "What stands at mile one?": "A stone, and on it a name that nobody reads any more.",
    "What stands at mile two?": "The house of the toll keeper, whose windows look both ways.",
    "What stands at mile three?": "A pear tree. In October the road is sweet there.",
}


def is_there(app: FinetuiApp, screen: type[Screen[Any]], shows: str) -> bool:
    """Return whether a screen is in front and shows something."""
    return isinstance(app.screen, screen) and shows in text_of(app.screen)


def typing(place: str, *steps: tuple[str, type[Screen[Any]], str]) -> Run:
    """Return what opens the add dialog on a place and goes on by keys.

    Args:
        place: What is typed.
        steps: Keys to press, the screen that they lead to, and what it has to show.
    """

    async def run(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, FinetuiApp)
        await wait_until(pilot, lambda: stage_name(app) == "sources")
        await pilot.press("a")
        await wait_until(pilot, lambda: isinstance(app.screen, AddDialog))
        dialog = app.screen
        assert isinstance(dialog, AddDialog)
        dialog.field.value = place
        dialog.field.cursor_position = len(place)
        for keys, screen, shows in steps:
            await press_all(pilot, keys)
            await wait_until(pilot, partial(is_there, app, screen, shows))
        await wait_until(pilot, lambda: is_still(app))
        await wait_until(pilot, lambda: "…" not in text_of(app.screen).splitlines()[-3][:6])
        await pilot.pause()

    return run


@pytest.fixture
def places(isolated_home: Path) -> Path:
    """Return a home folder with a data set, saved chats, and a folder of both."""
    write_rows(isolated_home / "miles.json", ROWS)
    write_mixed(isolated_home / "mixed")
    return isolated_home


@pytest.mark.parametrize(
    ("place", "steps"),
    [
        ("~/miles.json", [("", AddDialog, "3 examples")]),
        ("~/mixed/", [("", AddDialog, "may be one of")]),
        ("~/miles.json", [("ctrl+o", SetupDialog, "3 examples")]),
        ("~/mixed/", [("enter", SetupDialog, "may be one of")]),
        ("https://notes.example", [("enter", SetupDialog, "Nothing was asked")]),
    ],
    ids=["seen", "ambiguous", "setup", "setup-asks", "setup-token"],
)
def test_adding(
    workspace: Workspace,
    places: Path,
    snap_sizes: SnapSizes,
    place: str,
    steps: list[tuple[str, type[Screen[Any]], str]],
) -> None:
    snap_sizes(FinetuiApp(workspace), typing(place, *steps), seen(steps[-1][2]))


@pytest.fixture
def lived(workspace: Workspace, isolated_home: Path) -> Workspace:
    """Return a workspace with an example that changed, one that is gone, and other answers."""
    folder = isolated_home / "road"
    folder.mkdir()
    for number, (asked, said) in enumerate(ROWS.items()):
        write_rows(folder / f"{number}.json", {asked: said})
    add_scanned(workspace, "instructions", folder)
    answers = ("Ferns, and nothing that sulks.", "Hostas.", "Moss is there; let it have the wall.")
    question = "What should I plant on the north side?"
    path = write_tree(isolated_home / "conversations.json", question, answers)
    add_scanned(workspace, "conversations", path)
    first, second, *_ = workspace.store.cards()
    workspace.store.append("approve", first.example.id, at=1.0)
    workspace.store.append("reject", second.example.id, at=2.0)
    row = {"What stands at mile one?": "A stone, and on it a name that she still reads."}
    write_rows(folder / "0.json", row)
    os.unlink(folder / "1.json")
    add_scanned(workspace, "instructions", folder)
    return workspace


@pytest.mark.parametrize(
    ("keys", "shows", "screen"),
    [
        ("end", "≠ new version", None),
        ("home", "≠ changed", None),
        ("home tab", "mile", None),
        ("end v", "older", VersionsDialog),
        ("f", "changed", FilterDialog),
    ],
    ids=["newer", "older", "queue", "versions", "filter"],
)
def test_changed_sources(
    lived: Workspace,
    snap_sizes: SnapSizes,
    keys: str,
    shows: str,
    screen: type[Screen[Any]] | None,
) -> None:
    snap_sizes(FinetuiApp(lived), reach("curate", keys, shows, screen), seen(shows))


def test_other_answers(lived: Workspace, snap_sizes: SnapSizes) -> None:
    run = reach("curate", "home j j j o", "Hostas", AnswersDialog)
    snap_sizes(FinetuiApp(lived), run, seen("Hostas"))


def test_a_source_with_settings(lived: Workspace, snap_sizes: SnapSizes) -> None:
    source = lived.store.sources()[0]
    lived.store.add_source(source.kind, source.root, {"prompt": "instruction", "answer": "output"})
    shows = "prompt = instruction"
    snap_sizes(
        FinetuiApp(lived), reach("sources", shows=shows), seen(shows, "tab"), sizes=(LARGE, SMALL)
    )
