"""Sources and Dataset in a real terminal: what is typed behind a key belongs to its dialog."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.dataset import freeze
from engine.paths import DATABASE_FILE
from engine.store import Store
from engine.workspace import Workspace
from tests.support.pty_app import Terminal, finetui
from tests.tui.places import add_scanned, write_rows

SETTINGS = '[training]\nbase = "of-ones-own"\n[check]\nautomatic = false\n'

ESCAPE = "\x1b[27u"
"""As terminals write it that tell it from the beginning of a sequence."""


@pytest.fixture
def prepared(workspace: Workspace, isolated_home: Path) -> Path:
    """Return the folder of a workspace with a source, approved examples and a dataset."""
    folder = isolated_home / "rows"
    folder.mkdir()
    for number in range(9):
        answers = {f"What stands at mile {number}?": f"Stone number {number}, and a pear tree."}
        write_rows(folder / f"{number}.json", answers)
    add_scanned(workspace, "instructions", folder)
    for card in list(workspace.store.cards()):
        workspace.store.append("approve", card.example.id, at=1.0)
    freeze(workspace, base=None, name="miles")
    (workspace.root / "finetui.toml").write_text(SETTINGS, "utf-8")
    workspace.close()
    return workspace.root


def state_of(root: Path) -> tuple[object, ...]:
    """Return what no key may have changed: sources, decisions, and what was frozen."""
    with Store.open(root / DATABASE_FILE) as store:
        sources = [(one.id, one.scanned_at, one.options) for one in store.sources()]
        made = sorted(path.name for path in (root / "datasets").iterdir())
        return sources, store.counts(), made, (root / "exports").exists()


def leave(terminal: Terminal) -> None:
    """Close the dialog, and see that the stage has the keys again."""
    terminal.type(ESCAPE + "y")
    terminal.until("y does nothing here")


def test_all_letters_arrive_in_the_dialog_and_none_below(prepared: Path) -> None:
    before = state_of(prepared)
    with finetui(prepared) as terminal:
        terminal.until("9 examples")
        # The path: below, o and d would open dialogs, s and S scan, x ask to remove.
        terminal.type("asodxSg")
        terminal.until("~/sodxSg")
        leave(terminal)
        # The settings: letters wait until the fields are there, on a busy machine not for ever;
        # none of them reaches the stage.
        terminal.type("osdxa")
        terminal.until("is read")
        leave(terminal)
        # The list of what was skipped knows no such key, and says so itself.
        terminal.type("dx")
        terminal.until("x does nothing here")
        leave(terminal)
        # The question: its no, in the packet of the key.
        terminal.type("xsn3")
        terminal.until("nothing changed since|z.freeze")
        terminal.type("zxlt")
        terminal.until("xlt")
        leave(terminal)
        terminal.type("xzlt")
        terminal.until("jsonlzlt")
        leave(terminal)
        terminal.type("txz")
        terminal.until("of-ones-own")
        terminal.type(ESCAPE + "\x11")
        assert terminal.ended() == 0
    assert state_of(prepared) == before
