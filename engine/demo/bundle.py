"""The bundled sources: a year of a fictional funicular keeper's notes, chats and answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.extract.scan import ScanReport, scan
from engine.models import Source
from engine.sources import detect
from engine.workspace import Workspace

BUNDLED = ("vault", "conversations.json", "instructions.jsonl")


def data_dir() -> Path:
    """Return the folder of the bundled sources; they are read where they are installed."""
    return Path(__file__).resolve().parent / "data"


def add_bundled(workspace: Workspace, data: Path | None = None) -> list[Source]:
    """Add the bundled sources to a workspace, unread.

    Args:
        workspace: Where they are added.
        data: A folder with sources of the same names; None takes the bundled ones.

    Returns:
        The sources, in the order of :data:`BUNDLED`.
    """
    folder = data_dir() if data is None else data
    sources = []
    for name in BUNDLED:
        path = folder / name
        kind = detect(path).kind
        # The loop is shown on what the keeper thought, which small models learn best from.
        options = {"take": "thoughts"} if kind == "vault" else {}
        sources.append(workspace.store.add_source(kind, str(path), options))
    return sources


def prepare(
    workspace: Workspace,
    *,
    data: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[ScanReport]:
    """Add the bundled sources to a workspace and scan them; doing it again changes nothing.

    Args:
        workspace: Where they are added.
        data: A folder with sources of the same names; None takes the bundled ones.
        progress: Called with the sources that are done and their number.

    Returns:
        One report a source, in the order of :data:`BUNDLED`.
    """
    reports = []
    for done, source in enumerate(add_bundled(workspace, data), start=1):
        reports.append(scan(workspace.store, source))
        if progress is not None:
            progress(done, len(BUNDLED))
    return reports
