"""Over a terminal: letters in the same packet as a key of the frame that opens something."""

from __future__ import annotations

from pathlib import Path

from engine.paths import DATABASE_FILE
from engine.store import Store
from tests.support.pty_app import finetui


def test_letters_behind_a_key_of_the_frame_reach_what_it_opens(closed: Path) -> None:
    with finetui(closed) as terminal:
        terminal.until("notes")
        terminal.type("2")
        terminal.until("undecided")
        # The help takes none of these letters for a decision.
        terminal.type("?arar")
        terminal.until("Keys")
        terminal.until("does nothing here|close")
        terminal.type("\x1b")
        terminal.until("undecided")
        # The palette's field has them all.
        terminal.type("\x10arars")
        terminal.until("arars")
        terminal.type("\x1b")
        terminal.until("undecided")
        terminal.type("\x11")
        assert terminal.ended() == 0
    with Store.open(closed / DATABASE_FILE) as store:
        assert list(store.journal()) == []


def test_keys_behind_a_change_of_stage_act_on_that_stage(closed: Path) -> None:
    with finetui(closed) as terminal:
        terminal.until("notes")
        terminal.type("2ar1")
        terminal.until("first examples")
        terminal.type("\x11")
        assert terminal.ended() == 0
    with Store.open(closed / DATABASE_FILE) as store:
        assert [entry.action for entry in store.journal()] == ["reject", "approve"]
