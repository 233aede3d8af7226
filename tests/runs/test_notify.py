"""The command at the end of a run: a person's own, told by the environment, and harmless to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.paths import user_settings_file
from engine.runs import is_alive, launch, state
from engine.runs.notify import notify
from tests.support.waiting import wait_until

TELL = (
    'printf "%s|%s|%s|%s\\n" "$FINETUI_RUN_ID" "$FINETUI_RUN_STATUS" "$FINETUI_RUN_VERDICT"'
    ' "$FINETUI_RUN_MESSAGE" > "$FINETUI_RUN_DIR/told"; echo said into the log'
)


def own_settings(command: str, notify: str = "command") -> None:
    user_settings_file().parent.mkdir(parents=True, exist_ok=True)
    text = f"[training]\nnotify = '{notify}'\nnotify_command = '''{command}'''\n"
    user_settings_file().write_text(text, "utf-8")


def test_it_is_run_by_the_runs_own_process_and_its_output_is_in_the_log(tmp_path: Path) -> None:
    own_settings(TELL)
    run = tmp_path / "20250615-110000-3f2a"
    launch(run, "tests.support.jobs", ["notify"])
    wait_until(lambda: not is_alive(run), what="the run's end")
    assert (run / "told").read_text() == "20250615-110000-3f2a|finished|worse-than-base|\n"
    assert "said into the log" in (run / "stdout.log").read_text()
    assert (state(run).status, state(run).warnings) == ("finished", ())


def test_a_command_that_fails_is_a_warning_and_the_run_is_as_it_was(tmp_path: Path) -> None:
    own_settings("exit 3")
    run = tmp_path / "run"
    launch(run, "tests.support.jobs", ["notify"])
    wait_until(lambda: not is_alive(run), what="the run's end")
    view = state(run)
    assert view.status == "finished"
    assert view.warnings == ("training.notify_command failed with exit status 3",)


HOSTILE = "x'; touch pwned; $(touch pwned) `touch pwned` \x00 \n\x1b[31m"


def test_nothing_that_a_run_says_is_run(tmp_path: Path) -> None:
    own_settings(TELL)
    word = {
        "status": "failed",
        "message": HOSTILE,
        "result": {"verdict": HOSTILE.replace("\0", "")},
    }
    assert notify(tmp_path, word) == ""
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} <= {"told"}
    told = (tmp_path / "told").read_text()
    assert "touch pwned; $(touch pwned)" in told
    assert r"\x00" in told


def test_it_may_not_take_for_ever(tmp_path: Path) -> None:
    own_settings("sleep 600 & echo $! > child; sleep 600")
    assert "took more than 3 s and was ended" in notify(tmp_path, {}, limit_s=3.0)
    child = Path("/proc", (tmp_path / "child").read_text().strip())
    wait_until(lambda: not child.exists() or ") Z " in (child / "stat").read_text())


@pytest.mark.parametrize("mode", ["none", "bell"])
def test_nothing_is_run_unless_a_command_is_asked_for(tmp_path: Path, mode: str) -> None:
    own_settings("touch ran", notify=mode)
    assert notify(tmp_path, {"status": "finished"}) == ""
    assert not (tmp_path / "ran").exists()


def test_a_workspaces_settings_name_no_command(tmp_path: Path) -> None:
    own_settings("touch own")
    run = tmp_path / "runs" / "one"
    run.mkdir(parents=True)
    (tmp_path / "finetui.toml").write_text(
        '[training]\nnotify = "command"\nnotify_command = "touch foreign"\n', "utf-8"
    )
    assert notify(run, {"status": "finished"}) == ""
    assert [path.name for path in run.iterdir()] == ["own"]


def test_settings_that_cant_be_read_are_said(tmp_path: Path) -> None:
    own_settings("true")
    user_settings_file().write_text("[training\n", "utf-8")
    assert "was not looked up" in notify(tmp_path, {"status": "finished"})
