"""Completion of a path as it is typed."""

from __future__ import annotations

import os
from pathlib import Path

from engine.sources.files import visible


def complete_path(text: str, limit: int = 50) -> list[str]:
    """Return what a half-typed path can become.

    Folders end in ``/``. Hidden names come only where the last part begins with a
    dot. A ``~`` is understood and kept as it was typed. A folder that can't be
    listed completes to nothing.

    Args:
        text: What was typed so far.
        limit: The most suggestions to return.

    Returns:
        Whole paths in the form that was typed, by name.
    """
    if text == "~":
        return ["~/"]
    head, separator, tail = text.rpartition("/")
    typed = head + separator
    try:
        folder = Path(typed).expanduser() if typed else Path()
        with os.scandir(folder) as listing:
            found = [
                (entry.name, _is_folder(entry))
                for entry in listing
                if entry.name.startswith(tail) and (tail.startswith(".") or entry.name[0] != ".")
            ]
    except (OSError, ValueError, RuntimeError):
        # ValueError: a NUL in the text. RuntimeError: ~name of nobody.
        return []
    # A name that is not UTF-8 can't be typed, so it is not offered.
    found = [(name, folder) for name, folder in found if visible(name) == name]
    found.sort(key=lambda item: (item[0].casefold(), item[0]))
    return [typed + name + ("/" if is_folder else "") for name, is_folder in found[:limit]]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
