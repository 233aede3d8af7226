"""The app in a real terminal: killed between two keys, an editor, errors before it opens."""

from __future__ import annotations

import shlex
import signal
import sqlite3
import sys
import time
from pathlib import Path

import psutil
import pytest

from engine.paths import DATABASE_FILE
from engine.store import Store
from tests.support.pty_app import Terminal, finetui


def test_killed_between_two_decisions(closed: Path) -> None:
    """Each decision is in the database before the next key is read."""
    with finetui(closed) as terminal:
        terminal.until("notes")
        terminal.type("2")
        terminal.until("undecided")
        terminal.type("a")
        terminal.until("✓ approved")
        terminal.type("r")
        terminal.until("✓ rejected")
        terminal.kill()
    with Store.open(closed / DATABASE_FILE) as store:
        states = [card.state for card in store.cards()]
        assert states[:3] == ["approved", "rejected", "undecided"]
        assert [entry.action for entry in store.journal()] == ["reject", "approve"]
        store.undo(at=1.0)
    with finetui(closed) as terminal:
        terminal.until("notes")
        terminal.type("2")
        terminal.until("1 of 100 approved")


def test_killed_while_keys_are_still_coming(closed: Path) -> None:
    """However many keys were handled, they are the first ones, and no card was passed over."""
    with finetui(closed) as terminal:
        terminal.until("notes")
        terminal.type("2")
        terminal.until("undecided")
        terminal.type("arararar")
        terminal.until(r"✓ (approved|rejected) [0-9a-f]{6}")
        terminal.kill()
    with Store.open(closed / DATABASE_FILE) as store:
        actions = [entry.action for entry in reversed(store.journal())]
        assert actions
        assert actions == (["approve", "reject"] * 4)[: len(actions)]
        states = [card.state for card in store.cards()]
        decided = [state for state in states if state != "undecided"]
        assert states[: len(decided)] == decided
        assert len(decided) == len(actions)


def test_the_editor_gets_the_terminal_and_its_text_is_saved(
    closed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = tmp_path / "editor.py"
    editor.write_text(
        "import sys, pathlib\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "assert sys.stdin.isatty() and sys.stdout.isatty()\n"
        "path.write_text(path.read_text().replace('I said no', 'I said maybe'))\n",
        "utf-8",
    )
    monkeypatch.setenv("EDITOR", f"{sys.executable} {editor}")
    monkeypatch.delenv("VISUAL", raising=False)
    with finetui(closed) as terminal:
        terminal.until("notes")
        terminal.type("2")
        terminal.until("undecided")
        terminal.type("E")
        terminal.until("edited ")
        terminal.type("\x11")
        assert terminal.ended() == 0
    with Store.open(closed / DATABASE_FILE) as store:
        card = next(store.cards())
        assert card.edited
        assert card.turns[1].content.startswith("I said maybe")


def test_a_newer_workspace_is_named_before_the_app_opens(closed: Path) -> None:
    database = sqlite3.connect(closed / DATABASE_FILE)
    database.execute("PRAGMA user_version = 9999")
    database.commit()
    database.close()
    with finetui(closed) as terminal:
        assert terminal.ended() == 1
        assert "[workspace-newer]" in terminal.text
        assert "hint:" in terminal.text


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ('[keys]\n"curate.aprove" = "y"\n', "did you mean curate.approve?"),
        ('[keys]\n"curate.approve" = "r"\n', "would do both"),
        ('[display]\ntheme = "finetui-drak"\n', "did you mean finetui-dark?"),
        ("[display\n", "can't be read"),
    ],
)
def test_settings_that_can_not_hold_are_named(closed: Path, toml: str, words: str) -> None:
    (closed / "finetui.toml").write_text(toml, "utf-8")
    with finetui(closed) as terminal:
        assert terminal.ended() == 1
        assert "[settings-invalid]" in terminal.text
        assert words in terminal.text


def test_an_idle_app_sends_nothing(closed: Path) -> None:
    with finetui(closed) as terminal:
        terminal.until("first examples")
        quiet = 0
        while quiet < 5:  # until nothing has come for a while
            before = len(terminal.output)
            terminal.read(0.2)
            quiet = quiet + 1 if len(terminal.output) == before else 0
        terminal.output.clear()
        for _ in range(10):
            terminal.read(0.2)
        assert bytes(terminal.output) == b""


@pytest.mark.parametrize("trap", [":", "''"], ids=["parent waits", "signal is ignored"])
def test_the_app_ends_with_its_terminal(closed: Path, trap: str) -> None:
    # As `make run` under ssh: the parent leads the session, alone hears the hang-up, and waits.
    # As under nohup: what a parent ignores its children ignore.
    app = shlex.join([sys.executable, "-m", "tui", "--workspace", str(closed)])
    terminal = Terminal("/bin/sh", "-c", f"trap {trap} HUP; {app}; true")
    try:
        terminal.until("first examples")
        (child,) = psutil.Process(terminal.pid).children()
        terminal.hang_up()
        assert psutil.wait_procs([child], timeout=40)[0] == [child]
    finally:
        terminal.close()


def test_ctrl_z_suspends_and_the_shell_brings_the_app_back(closed: Path) -> None:
    with finetui(closed) as terminal:
        terminal.until("first examples")
        app = psutil.Process(terminal.pid)
        terminal.type("\x1a")
        deadline = time.monotonic() + 40
        while app.status() != psutil.STATUS_STOPPED:
            terminal.read()
            assert time.monotonic() < deadline, "it never stopped"
        terminal.output.clear()
        app.send_signal(signal.SIGCONT)
        terminal.until("first examples")
        terminal.type("2")
        terminal.until("undecided")
