"""Scans and first looks in a process of their own: ``python -m engine.extract.child``.

Reading takes the processor for as long as it takes, and some kinds of source need
packages that are slow to import; the terminal app keeps both out of its own process.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.child import (
    Cancelled,
    Progress,
    end_with_caller,
    never,
    quiet,
    report,
    run_child,
    run_step,
    sparing,
)
from engine.extract.scan import Preview, ScanReport, preview, scan
from engine.extract.wire import (
    detection_in,
    detection_out,
    preview_in,
    preview_out,
    report_in,
    report_out,
)
from engine.models import Source
from engine.sources import Detection, candidates, detect_as
from engine.sources.memory.token import offer
from engine.workspace import open_workspace

_MODULE = "engine.extract.child"


def scan_apart(
    root: Path,
    source: Source,
    *,
    progress: Progress = quiet,
    cancelled: Callable[[], bool] = never,
    again: bool = False,
    secrets: Mapping[str, str] | None = None,
) -> ScanReport:
    """Scan a source in a process of its own; see :func:`engine.extract.scan.scan`.

    Args:
        root: The workspace's folder.
        source: The source.
        progress: Called with the bytes read and the bytes there are to read.
        cancelled: Asked several times a second whether to stop.
        again: Read every file, changed or not.
        secrets: What the person gave for addresses, such as a token, by address. It
            reaches the process by its standard input, and is not kept.
    """
    what = {"do": "scan", "root": str(root), "source": source.id, "again": again}
    try:
        return report_in(_run(what, progress, cancelled, secrets))
    except Cancelled:
        return ScanReport(cancelled=True)


def preview_apart(
    place: str,
    limit: int = 5,
    *,
    kind: str,
    options: Mapping[str, str] | None = None,
    seconds: float = 0.0,
    progress: Progress = quiet,
    cancelled: Callable[[], bool] = never,
    secrets: Mapping[str, str] | None = None,
) -> Preview:
    """Look at a place in a process of its own; see :func:`engine.extract.scan.preview`.

    After ``seconds`` it gives what it has found so far, and its last progress says how far
    that is; at 0 it reads to the end.

    Raises:
        Cancelled: It was stopped.
    """
    what = {
        "do": "preview",
        "place": place,
        "limit": limit,
        "kind": kind,
        "options": dict(options or {}),
        "seconds": seconds,
    }
    return preview_in(_run(what, progress, cancelled, secrets))


def candidates_apart(
    place: str,
    *,
    kind: str = "",
    options: Mapping[str, str] | None = None,
    cancelled: Callable[[], bool] = never,
) -> tuple[Detection, ...]:
    """Say what a place may be, in a process of its own; see :func:`engine.sources.candidates`.

    Args:
        place: A file, a folder or an address.
        kind: The one kind to look for; all where empty.
        options: What is set about it, where the kind is named.
        cancelled: Asked several times a second whether to stop.

    Raises:
        Cancelled: It was stopped.
    """
    what = {"do": "detect", "place": place, "kind": kind, "options": dict(options or {})}
    found = _run(what, quiet, cancelled, None)
    return tuple(detection_in(document) for document in found)


def _run(
    what: Mapping[str, Any],
    progress: Progress,
    cancelled: Callable[[], bool],
    secrets: Mapping[str, str] | None,
) -> Any:
    given = json.dumps({**what, "secrets": dict(secrets or {})})
    return run_child(_MODULE, [], progress, given=given, cancelled=cancelled)


def main(_: Sequence[str]) -> Any:
    """Do what standard input says."""
    what = json.loads(sys.stdin.read())
    for address, secret in what["secrets"].items():
        offer(address, secret)
    end_with_caller()
    # A person who types meanwhile goes first.
    os.nice(10)
    if what["do"] == "detect":
        kind, place = what["kind"], what["place"]
        found = (detect_as(kind, place, what["options"]),) if kind else candidates(place)
        return [detection_out(detection) for detection in found]
    if what["do"] == "preview":
        return preview_out(_first_look(what))
    with open_workspace(Path(what["root"])) as space:
        source = space.store.source(what["source"])
        return report_out(scan(space.store, source, progress=sparing(), again=what["again"]))


def _first_look(what: Mapping[str, Any]) -> Preview:
    """Look at a place; the last progress that is printed says how much of it was read."""
    behind, tell, over = (0, 0), sparing(), _after(what["seconds"])

    def progress(done: int, total: int) -> None:
        nonlocal behind
        behind = (done, total)
        tell(done, total)

    found = preview(
        what["place"],
        what["limit"],
        kind=what["kind"],
        options=what["options"],
        progress=progress,
        cancelled=over,
    )
    done, total = behind
    if not over():
        report(total or 1, total or 1)
    elif not done < total:
        report(0, 1)
    return found


def _after(seconds: float) -> Callable[[], bool]:
    """Return what asks to stop once so many seconds have gone by; at 0 it never does."""
    end = time.monotonic() + seconds if seconds else float("inf")
    return lambda: time.monotonic() >= end


if __name__ == "__main__":
    sys.exit(run_step(main, sys.argv[1:]))
