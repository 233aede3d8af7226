"""A run started in a real terminal goes on when the terminal is closed, and is found again."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from engine.runs import runs, state
from engine.workspace import Workspace, open_workspace
from tests.support.datasets import freeze_examples
from tests.support.pty_app import Terminal, finetui
from tests.support.trusting import trusted
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def prepared(workspace: Workspace, tiny_model_dir: Path) -> Path:
    """Return the folder of a workspace with a dataset, whose base is the tiny model."""
    # So many that the run is far from its end when its first step is seen.
    freeze_examples(workspace, tiny_model_dir, 300)
    settings = f'[training]\nbase = "{tiny_model_dir}"\npreset = "small-cpu"\n'
    (workspace.root / "finetui.toml").write_text(settings, "utf-8")
    workspace.close()
    return trusted(workspace.root)


def hang_up(terminal: Terminal) -> None:
    """Close the terminal as a dropped line does, and wait for the app's end."""
    terminal.hang_up()
    terminal.ended()


def test_a_closed_terminal_changes_nothing_for_a_run(prepared: Path) -> None:
    with finetui(prepared) as terminal:
        terminal.until("Sources")
        terminal.type("4")
        terminal.until("No run yet")
        terminal.type("n")
        terminal.until("trained tokens")
        terminal.type("\x13")  # ctrl+s
        terminal.until("it goes on without finetui")
        with open_workspace(prepared) as workspace:
            (run,) = runs(workspace)
        wait_until(lambda: state(run.dir).losses, timeout=300, what="the first step")
        # It rests until the terminal is gone, so that it can't be at its end before.
        trainer = psutil.Process(state(run.dir).pid)
        trainer.suspend()
        terminal.until("━ loss")
        hang_up(terminal)
    assert state(run.dir).status == "running"
    trainer.resume()
    wait_until(lambda: not state(run.dir).active, timeout=300, what="the end of the run")
    view = state(run.dir)
    assert view.status == "finished", view.message
    with finetui(prepared) as terminal:
        terminal.until("Sources")
        terminal.type("4")
        # Its history, as if it had been watched throughout: the headline, and the first steps.
        terminal.until(" finished")
        terminal.until("eval loss")
        terminal.until(f"━ loss {view.losses[-1][1]:.3f}"[2:])
        assert (run.dir / "adapter" / "adapter_model.safetensors").is_file()
