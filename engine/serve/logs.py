"""The logs of programs that load models: one file each, for its owner alone; few are kept."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from engine import paths

KEPT = 20
LINES_SHOWN = 5
_TAIL_BYTES = 16_384


def new_log(folder: str, name: str) -> Path:
    """Make an empty log file, readable by its owner alone, and remove the oldest ones.

    Args:
        folder: A folder's name among the app's logs.
        name: What the log is about; whatever fits no file name is left out.
    """
    place = paths.state_dir() / folder
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    logs = sorted(place.glob("*.log"), key=_age)
    for old in logs[: max(0, len(logs) - KEPT)]:
        old.unlink(missing_ok=True)
    stem = re.sub(r"[^\w.-]+", "-", name)[:60]
    log = place / f"{stem}-{os.getpid()}-{secrets.token_hex(4)}.log"
    os.close(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    return log


def _age(log: Path) -> float:
    try:
        return log.stat().st_mtime
    except OSError:  # another process removed it
        return 0.0


def tail(log: Path, lines: int = LINES_SHOWN) -> tuple[str, ...]:
    """Return the last lines of a log that are not blank; none where it can't be read."""
    try:
        with log.open("rb") as handle:
            handle.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            text = handle.read().decode("utf-8", "replace")
    except OSError:
        return ()
    return tuple(line.strip() for line in text.splitlines() if line.strip())[-lines:]


def last_words(log: Path) -> str:
    """Return the last lines of a log as one line."""
    return " | ".join(tail(log)) or "it said nothing"
