"""A verb of finetui in a process of its own, for what the app's process must not import."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from engine.child import child_environment, environment_without_secrets
from engine.errors import FinetuiError


def run_verb(*words: str) -> Any:
    """Run ``finetui words --json`` and return what it prints.

    Args:
        *words: The verb and its arguments.

    Raises:
        FinetuiError: The verb's named failure, or its last line.
    """
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tui", *words, "--json"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**environment_without_secrets(), **child_environment()},
        check=False,
        start_new_session=True,
    )
    text = done.stdout.decode("utf-8", "replace").strip()
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if done.returncode == 0 and found is not None:
        return found
    if isinstance(found, dict) and "error" in found:
        raise FinetuiError(found["error"]["message"], hint=found["error"]["hint"])
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    raise FinetuiError(
        f"finetui {words[0]} ended with status {done.returncode}: {lines[-1] if lines else text}",
        hint="finetui doctor says whether everything that it needs is installed",
    )
