"""The ``finetui`` command: a verb goes to the engine, no verb opens the app."""

from __future__ import annotations

import sys
from pathlib import Path


def _open(workspace: Path | None) -> int:
    from tui.app import run  # Textual takes 0.3 s to import; verbs don't wait for it.

    return run(workspace)


def main() -> int:
    """Run finetui and return the exit status."""
    from engine.cli.main import main as run_command

    return run_command(opener=_open)


if __name__ == "__main__":
    sys.exit(main())
