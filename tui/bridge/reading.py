"""Reading sources, off the event loop.

The readers and patterns behind these calls take a while to import, so they are
imported in the thread that first needs them, and the app is on the screen before.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from engine.models import Source
from engine.store import Store
from engine.workspace import Workspace

if TYPE_CHECKING:
    from engine.extract.scan import Preview, ScanReport
    from engine.sources import Detection

Progress = Callable[[int, int], None]


def look_at(
    path: Path, *, examples: int, progress: Progress, cancelled: Callable[[], bool]
) -> Preview:
    """Return what a path would give; see :func:`engine.extract.scan.preview`."""
    from engine.extract.scan import preview

    return preview(path, examples, progress=progress, cancelled=cancelled)


def scan_source(
    store: Store, source: Source, *, progress: Progress, cancelled: Callable[[], bool]
) -> ScanReport:
    """Read a source into the store; see :func:`engine.extract.scan.scan`."""
    from engine.extract.scan import scan

    return scan(store, source, progress=progress, cancelled=cancelled)


def completions(text: str, limit: int) -> list[str]:
    """Return what a half-typed path can become; see :func:`engine.sources.complete_path`."""
    from engine.sources import complete_path

    return complete_path(text, limit)


def recognise(path: Path) -> tuple[Path, Detection]:
    """Return a path made absolute, and which kind of source it is.

    Raises:
        SourceError: It is no source, and why.
    """
    from engine.sources import detect, locate

    found = locate(path)
    return found, detect(found)


def prepare_demo(workspace: Workspace, *, progress: Progress) -> list[ScanReport]:
    """Add and scan the bundled sources; see :func:`engine.demo.prepare`."""
    from engine.demo import prepare

    return prepare(workspace, progress=progress)
