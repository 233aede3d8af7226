"""Curate in a real terminal: what is typed behind a key belongs to what the key opens."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.models import Turn
from engine.paths import DATABASE_FILE
from engine.store import Store
from engine.workspace import Workspace
from tests.support.pty_app import finetui
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


ESCAPE = "\x1b[27u"
"""Escape as terminals send it that tell it from the beginning of another key."""


def decided(root: Path) -> list[str]:
    """Return every entry of the journal, oldest first."""
    with Store.open(root / DATABASE_FILE) as store:
        return [entry.action for entry in reversed(store.journal())]


def test_letters_behind_a_key_that_opens_something_go_there(closed: Path) -> None:
    with finetui(closed) as terminal:
        terminal.until("notes")
        # Behind 2 they act on Curate, once it shows its card: the first card is decided.
        terminal.type("2a")
        terminal.until("1 of 100 approved")
        assert decided(closed) == ["approve"]
        # Each packet opens something and types into it; escape leads the next one.
        for keys, shows in (
            ("/sarra", "sarra"),
            (f"{ESCAPE}earsu", "arsuBread, salt"),  # at the beginning of the answer
            (f"{ESCAPE}fars", "Show only"),
            (f"{ESCAPE}iars", "Where it comes from"),
            (f"{ESCAPE}tars", "there is no base model"),
            (f"{ESCAPE}qars", "Let a model word"),
            (f"{ESCAPE}?ars", "Swap queue and card"),
        ):
            terminal.type(keys)
            terminal.until(shows)
            assert decided(closed) == ["approve"], keys
        # What came after all of them decides the second card, and nothing was in between.
        terminal.type(f"{ESCAPE}r")
        terminal.until("✗ rejected|✓ rejected")
        assert decided(closed) == ["approve", "reject"]
        with Store.open(closed / DATABASE_FILE) as store:
            second = list(store.cards())[1]
            assert second.state == "rejected"
            assert "\narsuBread" in (store.get_meta(f"draft:{second.example.id}") or "")


def test_letters_behind_c_decide_there_and_behind_v_and_o_nothing(closed: Path) -> None:
    with Store.open(closed / DATABASE_FILE) as store:
        first = next(store.cards())
        turns = (first.turns[0], Turn("assistant", "I said yes."))
        store.append("edit", first.example.id, turns=turns, at=1.0)
    with finetui(closed) as terminal:
        terminal.until("notes")
        terminal.type("2vars")
        terminal.until("original")
        terminal.type(f"{ESCAPE}o")
        terminal.until("no other answer")
        assert decided(closed) == ["edit"]
        # The second is near to others: r and a decide those rows, not the cards that follow.
        terminal.type("jcra")
        terminal.until("✓ approved")
        assert decided(closed) == ["edit", "reject", "approve"]
        with Store.open(closed / DATABASE_FILE) as store:
            states = [card.state for card in store.cards()]
        assert states[1] == "undecided"
        assert sorted(states)[:2] == ["approved", "rejected"]
