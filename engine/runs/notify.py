"""The command that a person wants run when a run of theirs ends.

It comes from their own settings and from nothing that a workspace or a run brought. What the run
says of itself reaches it through the environment alone, where no shell reads it as a command.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from engine.child import environment_without_secrets
from engine.errors import FinetuiError
from engine.text import inert

LIMIT_S = 20.0
"""How long the command may take. The run's process lives as long, and holds its folder."""

_MESSAGE_LENGTH = 500


def notify(directory: Path, word: Mapping[str, object], *, limit_s: float = LIMIT_S) -> str:
    """Run the command of ``training.notify_command``, where the settings ask for one.

    Its output goes where this process's own goes, which is the run's log.

    Args:
        directory: The run's directory.
        word: The fields of the run's ``run_finished``.
        limit_s: Seconds after which it is ended, with all that it started.

    Returns:
        Why it failed, in a sentence; empty where it did not, or where there is none.
    """
    from engine.settings import load_settings

    try:
        # Without a workspace: a command comes from the person's own settings only.
        settings = load_settings(None).training
    except FinetuiError as error:
        return f"the command at the end of a run was not looked up: {error.message}"
    if settings.notify != "command" or not settings.notify_command:
        return ""
    try:
        process = subprocess.Popen(
            ["/bin/sh", "-c", settings.notify_command],
            stdin=subprocess.DEVNULL,
            cwd=directory,
            env={**environment_without_secrets(), **_variables(directory, word)},
            start_new_session=True,
        )
    except OSError as error:
        return f"training.notify_command could not be started: {error}"
    try:
        status = process.wait(limit_s)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return f"training.notify_command took more than {limit_s:g} s and was ended"
    return f"training.notify_command failed with exit status {status}" if status else ""


def _variables(directory: Path, word: Mapping[str, object]) -> dict[str, str]:
    result = word.get("result")
    verdict = result.get("verdict") if isinstance(result, Mapping) else None
    message = inert(str(word.get("message") or ""))[:_MESSAGE_LENGTH]
    return {
        "FINETUI_RUN_ID": directory.name,
        "FINETUI_RUN_STATUS": str(word.get("status") or ""),
        "FINETUI_RUN_VERDICT": str(verdict or ""),
        "FINETUI_RUN_MESSAGE": message,
        "FINETUI_RUN_DIR": str(directory),
    }
