"""How findings look: on the card, in their dialogs, and in the numbers of a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from engine.workspace import Workspace
from tests.tui.findings import flag_some, link_some
from tests.tui.pictures import SnapSizes
from tests.tui.screens.test_first_stages import Compare, reach, seen
from tests.tui.support import settings_of
from tui.app import FinetuiApp
from tui.screens.modals.export import ExportDialog
from tui.screens.modals.filter import FilterDialog
from tui.screens.modals.near import NearDialog
from tui.screens.modals.question import QuestionDialog
from tui.screens.modals.why import WhyDialog
from tui.themes import THEMES


@pytest.fixture
def found(filled: Workspace) -> Workspace:
    """Return the eight notes, most of them checked, and compared with one another."""
    flag_some(filled.store)
    link_some(filled.store)
    return filled


@pytest.mark.parametrize(
    ("keys", "shows", "screen"),
    [
        ("", "4 flags", None),
        ("tab", "! Groceries", None),
        ("i", "Where it comes from", WhyDialog),
        ("c j", "question", NearDialog),
        ("f pagedown pagedown", "quality", FilterDialog),
        ("q", "ask it", QuestionDialog),
    ],
    ids=["card", "queue", "why", "near", "filter", "question"],
)
def test_curate(
    found: Workspace,
    snap_sizes: SnapSizes,
    keys: str,
    shows: str,
    screen: type[Screen[Any]] | None,
) -> None:
    snap_sizes(FinetuiApp(found), reach("curate", keys, shows, screen), seen(shows))


@pytest.mark.parametrize("theme", [theme.name for theme in THEMES])
def test_themes(found: Workspace, snap_compare: Compare, theme: str) -> None:
    settings = settings_of({"display": {"theme": theme}})
    app = FinetuiApp(Workspace(found.root, settings, found.store))
    assert snap_compare(app, terminal_size=(100, 20), run_before=reach("curate", "", "4 flags"))


@pytest.mark.parametrize("keys", ["", "tab"], ids=["numbers", "list"])
def test_dataset(found: Workspace, snap_sizes: SnapSizes, tiny_model_dir: Path, keys: str) -> None:
    for card in list(found.store.cards())[:7]:
        found.store.append("approve", card.example.id, at=1.0)
    values = {"training": {"base": str(tiny_model_dir)}, "check": {"max_length": 40}}
    app = FinetuiApp(Workspace(found.root, settings_of(values), found.store))
    shows = "flagged" if keys else "Queue"
    snap_sizes(app, reach("dataset", keys, shows), seen(shows))


def test_export(
    found: Workspace, snap_sizes: SnapSizes, monkeypatch: pytest.MonkeyPatch, isolated_home: Path
) -> None:
    from engine.dataset import freeze

    monkeypatch.chdir(isolated_home)
    for card in found.store.cards():
        found.store.append("approve", card.example.id, at=1.0)
    freeze(found, base=None, name="letters")
    reached = reach("dataset", "x down", "letters-instruction", ExportDialog)

    async def run(pilot: Pilot[Any]) -> None:
        await reached(pilot)
        dialog = pilot.app.screen
        assert isinstance(dialog, ExportDialog)
        # The workspace's own path is another one in each run.
        dialog.field.value = "~/exports/letters-instruction.jsonl"

    snap_sizes(FinetuiApp(found), run, seen("letters-instruction"))
