"""Train in a real terminal: what is typed behind a key that opens something belongs to it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.dataset import freeze
from engine.runs import kill, launch, state
from engine.workspace import Workspace
from tests.support.datasets import examples
from tests.support.pty_app import finetui
from tests.support.waiting import wait_until
from tests.tui.run_dirs import make_run

SETTINGS = '[training]\nbase = "of-ones-own"\npreset = "small-cpu"\n[check]\nautomatic = false\n'
LIVING = "20250615-120000-77b2"


@pytest.fixture
def prepared(workspace: Workspace) -> Path:
    """Return the folder of a workspace with a dataset, a finished run, and a living one."""
    source = workspace.store.add_source("vault", str(workspace.root / "notes"))
    made = examples(source.id, 10)
    workspace.store.record_scan(source.id, made, [], len(made), at=1.0)
    for example in made:
        workspace.store.append("approve", example.id, at=2.0)
    freeze(workspace, base=None, validation_fraction=0.2, seed=1, name="notes-1")
    make_run(workspace)
    living = workspace.runs_dir / LIVING
    living.mkdir()
    (living / "spec.toml").write_text('base = "of-ones-own"\ndataset = "notes-1"\n', "utf-8")
    launch(living, "tests.support.jobs", ["wait"])
    wait_until(lambda: state(living).status == "running", what="the living run")
    (workspace.root / "finetui.toml").write_text(SETTINGS, "utf-8")
    workspace.close()
    return workspace.root


def test_all_letters_arrive_in_the_dialog_and_none_below(prepared: Path) -> None:
    living = prepared / "runs" / LIVING
    try:
        with finetui(prepared) as terminal:
            terminal.until("Sources")
            terminal.type("4")
            terminal.until("run 77b2")
            # The form: down to the base, where letters are text. Below, K would ask to kill.
            terminal.type("n\x1b[BeKvrsny")
            terminal.until("(of-ones-own|tiny)eKvrsny")
            terminal.type("\x1b")
            terminal.until("running")
            # The question: its no, and then its yes, each in the packet of the key.
            terminal.type("Knj")
            terminal.until("run 3f2a")
            assert state(living).active
            # The list of quantisations; enter below would open the form.
            terminal.type("ejj\r")
            terminal.until("not on this machine|there is no")
            assert "New run" not in terminal.text
            assert not list((prepared / "runs").glob("*/exports/*/events.jsonl"))
            terminal.type("k")
            terminal.until("run 77b2")
            terminal.type("Ky")
            terminal.until("killed")
            os.kill(terminal.pid, 0)
        wait_until(lambda: state(living).status == "killed", what="the end of the run")
    finally:
        kill(living)


def test_the_way_to_dataset_is_typed_ahead_too(workspace: Workspace) -> None:
    (workspace.root / "finetui.toml").write_text(SETTINGS, "utf-8")
    workspace.close()
    with finetui(workspace.root) as terminal:
        terminal.until("Sources")
        terminal.type("4")
        terminal.until("There is no dataset to train on yet")
        terminal.type("n3")
        terminal.until("z.freeze")
