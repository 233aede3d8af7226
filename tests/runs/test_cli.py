from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.cli.main import main
from engine.runs import EventLog, launch, state
from engine.workspace import Workspace
from tests.support.jobs import GO
from tests.support.waiting import wait_until


def make(workspace: Workspace, name: str, *, lr: float, status: str = "finished") -> Path:
    folder = workspace.runs_dir / name
    folder.mkdir(parents=True)
    (folder / "spec.toml").write_text(
        f'base = "tiny\\u001b[2J"\ndataset = "notes"\nlearning_rate = {lr}\n'
    )
    with EventLog(folder) as log:
        log.write("run_started", pid=1)
        log.write("phase", phase="training")
        log.write("eval", step=0, loss=3.5)
        log.write("step", step=1, total_steps=1, loss=3.0, lr=lr)
        log.write("checkpoint", path="checkpoints/checkpoint-1")
        log.write("eval", step=1, loss=3.5 - 100 * lr)
        log.write(
            "run_finished",
            status=status,
            message="" if status == "finished" else "the disk became full",
            hint="free some space",
            result={"eval_loss": 3.5 - 100 * lr},
        )
    return folder


def call(workspace: Workspace, *words: str) -> int:
    return main(["runs", *words, "--workspace", str(workspace.root)])


def test_runs_are_listed_shown_and_compared(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    make(workspace, "20260101-000000-aaaa", lr=0.001)
    make(workspace, "20260102-000000-bbbb", lr=0.002)
    assert call(workspace, "list") == 0
    text = capsys.readouterr().out
    assert text.index("bbbb") < text.index("aaaa")
    assert "3.300" in text
    assert "5.7% below its base, best at step 1" in text
    assert "\x1b" not in text
    assert call(workspace, "list", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert [run["status"] for run in listed] == ["finished", "finished"]
    assert listed[0]["evals"] == [[0, 3.5], [1, 3.3]]

    assert call(workspace, "show", "aaaa") == 0
    assert "learning_rate" in capsys.readouterr().out
    assert call(workspace, "compare", "aaaa", "bbbb", "--json") == 0
    compared = json.loads(capsys.readouterr().out)
    assert compared["settings"] == {"learning_rate": [0.001, 0.002]}
    assert compared["results"]["eval_loss"] == [3.4, 3.3]
    assert compared["results"]["evaluations"][0] == "2.9% below its base, best at step 1"
    assert call(workspace, "compare", "aaaa", "bbbb") == 0
    assert "learning_rate" in capsys.readouterr().out


def test_following_a_failed_run_fails_with_its_reason(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    make(workspace, "20260101-000000-aaaa", lr=0.001, status="failed")
    assert call(workspace, "follow", "last") == 1
    said = capsys.readouterr()
    assert "eval at step 1: 3.4" in said.out
    assert "the disk became full [run-failed]" in said.err
    assert "hint: free some space" in said.err


def test_a_run_that_is_not_there_is_an_error(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(workspace, "show", "x", "--json") == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "run-missing"


@pytest.mark.parametrize("kill", [False, True])
def test_stop_waits_until_the_run_has_stopped(
    workspace: Workspace, capsys: pytest.CaptureFixture[str], kill: bool
) -> None:
    folder = workspace.runs_dir / "20260101-000000-aaaa"
    folder.mkdir(parents=True)
    (folder / "spec.toml").write_text('base = "tiny"\n')
    launch(folder, "tests.support.jobs", ["wait"])
    wait_until(lambda: state(folder).phase)
    assert call(workspace, "stop", "aaaa", "--json", *(["--kill"] if kill else [])) == 0
    assert json.loads(capsys.readouterr().out)["status"] == ("killed" if kill else "stopped")
    (folder / GO).touch()
    assert call(workspace, "stop", "aaaa") == 0
    assert "was not running: " + ("killed" if kill else "stopped") in capsys.readouterr().out
