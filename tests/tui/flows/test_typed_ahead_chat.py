"""Chat in a real terminal: what is typed behind a key belongs to what it opens."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.paths import DATABASE_FILE
from engine.store import Store
from engine.workspace import Workspace
from tests.support.pty_app import finetui
from tests.tui.exports import make_exported_run

SETTINGS = """
[training]
base = "of-ones-own"
[check]
automatic = false
[chat]
max_tokens = 12
context = 256
"""

ESCAPE = "\x1b[27u"
"""As terminals write it that tell it from the beginning of a sequence."""


@pytest.fixture
def exported(workspace: Workspace, models: Path) -> Path:
    """Return the folder of a workspace with two exports of a run."""
    for quant in ("f16", "q8_0"):
        make_exported_run(workspace, models, quant=quant)
    (workspace.root / "finetui.toml").write_text(SETTINGS, "utf-8")
    workspace.close()
    return workspace.root


def test_all_letters_arrive_where_they_are_meant_to(exported: Path) -> None:
    with finetui(exported) as terminal:
        terminal.until("Sources")
        terminal.type("5")
        terminal.until("both loaded", 120)
        # The models: below, b would hide the sides, n offer a prompt, i go to the line.
        terminal.type("mbni")
        terminal.until("i does nothing here")
        terminal.type(ESCAPE + "y")
        terminal.until("y does nothing here")
        # The line, and then its own keys in the packet of the question.
        terminal.type("ibnm uRo\r")
        terminal.until("› bnm uRo")
        terminal.until("turn 2 · open")
        # A new conversation: what comes behind is its first question.
        terminal.type("\x0cmb1?\r")
        terminal.until(r"› mb1\?")
        # A choice made in the packet of its key waits for the list.
        terminal.type("mj\r")
        terminal.until("at f16: both loaded", 120)
        # Nothing has hidden the sides meanwhile.
        terminal.type("b")
        terminal.until("blind from the first conversation on")
        terminal.type("\x11")
        assert terminal.ended() == 0
    with Store.open(exported / DATABASE_FILE) as store:
        assert store.votes() == []
