"""The ``finetui`` command: a verb goes to the engine, no verb opens the app.

The app is what people wait for, so that its way is short: click, and all that verbs
need, is imported for a verb, for an option that is not ``--workspace``, and for an error.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

FRAMES = "240"
"""Textual holds a repaint for one frame of this many a second. At its own 60 a key waits up to
17 ms for nothing: what was to be joined has come long before. See tests/bench/bench_start.py."""


def _open(workspace: Path | None) -> int:
    # What is imported now stays: to look through it for garbage takes a tenth of the start.
    # The app goes on with collections once it is shown.
    gc.disable()
    os.environ.setdefault("TEXTUAL_FPS", FRAMES)
    from tui.app import run  # Textual takes 0.2 s to import; verbs don't wait for it.

    return run(workspace)


def _plain_start(arguments: Sequence[str]) -> bool:
    """Whether these arguments do nothing but open the app."""
    if not arguments:
        return True
    return len(arguments) == 2 and arguments[0] == "--workspace" and arguments[1] != ""


def main() -> int:
    """Run finetui and return the exit status."""
    arguments = sys.argv[1:]
    if not (_plain_start(arguments) and _is_terminal(sys.stdin) and _is_terminal(sys.stdout)):
        from engine.cli.main import main as run_command

        return run_command(opener=_open)

    from engine.modes import begin

    begin()
    try:
        return _open(Path(arguments[1]) if arguments else None)
    except BaseException as error:
        from engine.cli.endings import ended

        return ended(error, as_json=False)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


if __name__ == "__main__":
    sys.exit(main())
