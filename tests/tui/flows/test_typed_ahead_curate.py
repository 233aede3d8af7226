"""Curate in a real terminal: what is typed behind a key belongs to what the key opens."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from engine.models import Turn
from engine.paths import DATABASE_FILE
from engine.store import Store
from engine.workspace import Workspace
from tests.support.pty_app import Terminal, finetui
from tests.tui.findings import flag_some, link_some


@pytest.fixture
def closed(filled: Workspace) -> Path:
    """Return the folder of a workspace with findings and links that nobody has open."""
    flag_some(filled.store)
    link_some(filled.store)
    filled.close()
    # With another base than the embedded one nothing is imported in the background.
    (filled.root / "finetui.toml").write_text('[training]\nbase = "of-ones-own"\n', "utf-8")
    return filled.root


class Curating:
    """The app on Curate, and what its database says."""

    def __init__(self, terminal: Terminal, root: Path) -> None:
        self.terminal = terminal
        self.root = root

    def decided(self) -> list[str]:
        """Return every entry of the journal, oldest first."""
        with Store.open(self.root / DATABASE_FILE) as store:
            return [entry.action for entry in reversed(store.journal())]

    def types(self, keys: str, until: str) -> None:
        """Write keys in one packet, and wait for what they paint; nothing may be decided."""
        before = self.decided()
        self.terminal.type(keys)
        self.terminal.until(until)
        assert self.decided() == before, f"{keys!r} decided something"

    def leaves(self) -> None:
        """Close the dialog, and wait for the stage: an unknown key says so there alone."""
        self.terminal.type("\x1b")
        time.sleep(0)
        self.terminal.until("approved")


def test_letters_behind_a_key_that_opens_something_go_there(closed: Path) -> None:
    with finetui(closed) as terminal:
        terminal.until("notes")
        app = Curating(terminal, closed)
        # Behind 2 they act on Curate, once it shows its card: the first card is decided.
        terminal.type("2a")
        terminal.until("1 of 100 approved")
        assert app.decided() == ["approve"]
        app.types("/sarra", r"sarra.*0 examples found|0 examples found")
        assert "sarra" in terminal.text
        terminal.type("\x1b")
        terminal.until("1 of 100")
        app.types("earsu", "earsuBread, salt")  # at the beginning of the answer
        terminal.type("\x1b")
        terminal.until("kept, not saved")
        app.types("fars", "Show only")
        app.types("\x1b", "1 of 100")
        app.types("iars", "2 flags|1 flag")
        app.types("\x1b", "1 of 100")
        app.types("tars", "of-ones-own")
        app.types("\x1b", "1 of 100")
        app.types("?ars", "Keys")
        app.types("\x1b", "1 of 100")
        app.types("qars", "Let a model word")
        app.types("\x1b", "1 of 100")


def test_letters_behind_c_decide_there_and_behind_v_and_o_nothing(closed: Path) -> None:
    with Store.open(closed / DATABASE_FILE) as store:
        first = next(store.cards())
        turns = (first.turns[0], Turn("assistant", "I said yes."))
        store.append("edit", first.example.id, turns=turns, at=1.0)
    with finetui(closed) as terminal:
        terminal.until("notes")
        app = Curating(terminal, closed)
        terminal.type("2")
        terminal.until("0 of 100 approved")
        app.types("vars", "original")
        app.types("\x1b", "0 of 100")
        app.types("o", "no other answer")
        # The second is near to others: r and a decide those rows, not the card that follows.
        terminal.type("jcra")
        terminal.until("✓ approved")
        assert app.decided() == ["edit", "reject", "approve"]
        with Store.open(closed / DATABASE_FILE) as store:
            states = [card.state for card in store.cards()]
        assert states[1] == "undecided"
        assert sorted(states)[:2] == ["approved", "rejected"]
