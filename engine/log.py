"""The log of failures that have no name, of the terminal app, the verbs and their children."""

from __future__ import annotations

import logging
from pathlib import Path

from engine.errors import FinetuiError
from engine.paths import state_dir

_LOGGER = logging.getLogger("finetui")


def log_file() -> Path:
    """Return where the log is written."""
    return state_dir() / "finetui.log"


def log_exception(error: BaseException, doing: str = "") -> None:
    """Write a failure with its traceback to the log; never raises.

    Args:
        error: What happened.
        doing: What was being done, in a few words.
    """
    try:
        from logging.handlers import RotatingFileHandler  # only a failure pays for it

        path = log_file()
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(
            path, maxBytes=1_000_000, backupCount=1, encoding="utf-8", errors="backslashreplace"
        )
    except (OSError, ImportError, FinetuiError):  # nobody has a home, or too many files are open
        return  # no place to write to; the person is told what happened anyway
    # A disk that fills up while the log is written must not print about it.
    handler.handleError = lambda record: None  # type: ignore[method-assign]
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    _LOGGER.propagate = False
    _LOGGER.addHandler(handler)
    try:
        _LOGGER.error("%s", doing or "unexpected", exc_info=error)
    finally:
        _LOGGER.removeHandler(handler)
        handler.close()
