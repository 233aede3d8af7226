"""Reading sources: in child processes, so that neither the work nor its imports reach the app.

The calls block while a child works, so they belong off the event loop. What is asked to
stop ends within a fraction of a second, and its child with it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import SourceAmbiguous
from engine.models import Source
from engine.workspace import Workspace

if TYPE_CHECKING:
    from engine.extract.scan import Preview, ScanReport
    from engine.sources import Detection, Option

Progress = Callable[[int, int], None]
Asked = Callable[[], bool]

FIRST_LOOK_SECONDS = 3.0
"""How long a first look reads, unless all is asked for: larger places are described from a part."""


class Stopped(Exception):
    """What was asked to stop has stopped."""


class Tokens:
    """Tokens that the person typed for addresses: held while the app is open, never written."""

    def __init__(self) -> None:
        self._held: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"Tokens({len(self._held)} held)"

    def hold(self, place: str, token: str) -> None:
        """Hold a token; an empty one lets go of what was held."""
        if token.strip():
            self._held[place] = token.strip()
        else:
            self._held.pop(place, None)

    def of(self, place: str) -> dict[str, str]:
        """Return what a child that reads a place is handed."""
        return {place: self._held[place]} if place in self._held else {}


@dataclass(frozen=True, slots=True)
class Look:
    """What a place would give.

    Attributes:
        preview: What was found.
        share: How much of the place was read, 0 to 1.
    """

    preview: Preview
    share: float


def completions(text: str, limit: int) -> list[str]:
    """Return what a half-typed path can become; see :func:`engine.sources.complete_path`."""
    from engine.sources import complete_path

    return complete_path(text, limit)


def placed(text: str) -> str:
    """Return the place that a typed text means: an address, a path, or shipped templates.

    A field starts with ``~/``, and people go on typing behind it.
    """
    from engine.sources import is_address
    from engine.sources.synthetic.shipped import is_shipped

    typed = text.strip()
    behind = typed.removeprefix("~/")
    address = is_address(typed) or is_address(behind)
    if address:
        return address
    there = Path(typed).expanduser().exists()
    return behind if is_shipped(behind) and not there else typed


def elsewhere(place: str) -> bool:
    """Return whether a place is an address: nobody is asked there before the person says so."""
    from engine.sources import is_address

    return bool(is_address(place))


def wants_token(place: str, kind: str) -> bool:
    """Return whether a token for an app's memory has to be asked for."""
    from engine.sources.memory.token import VARIABLE

    return kind == "memory" and elsewhere(place) and not os.environ.get(VARIABLE, "").strip()


def look_for(
    place: str,
    *,
    kind: str = "",
    options: Mapping[str, str] | None = None,
    cancelled: Asked,
) -> tuple[Detection, ...]:
    """Return every kind that a place may be, the likeliest first.

    Args:
        place: A path or an address.
        kind: The one kind to look for; all where empty.
        options: What is set about it, where the kind is named.
        cancelled: Asked whether to stop.

    Raises:
        SourceError: It is no source, and why.
        Stopped: As asked.
    """
    from engine.child import Cancelled
    from engine.extract.child import candidates_apart

    try:
        return candidates_apart(place, kind=kind, options=options, cancelled=cancelled)
    except Cancelled as stopped:
        raise Stopped from stopped


def certain(place: str, found: Sequence[Detection]) -> Detection | None:
    """Return what a place is, or None where two kinds are about as likely."""
    from engine.sources import certain as sure

    try:
        return sure(place, found)
    except SourceAmbiguous:
        return None


def look_at(
    place: str,
    kind: str,
    options: Mapping[str, str],
    *,
    examples: int = 5,
    whole: bool = False,
    progress: Progress,
    cancelled: Asked,
    secrets: Mapping[str, str] | None = None,
) -> Look:
    """Return what a place would give; see :func:`engine.extract.scan.preview`.

    Args:
        place: A path or an address.
        kind: The kind to read it as.
        options: What is set about it.
        examples: How many examples are shown.
        whole: Read to the end, however long that takes.
        progress: Called with the bytes read and the bytes there are.
        cancelled: Asked whether to stop.
        secrets: A token by address.

    Raises:
        FinetuiError: It can't be read so, and why.
        Stopped: As asked.
    """
    from engine.child import Cancelled
    from engine.extract.child import preview_apart

    behind = (0, 0)

    def watch(done: int, total: int) -> None:
        nonlocal behind
        behind = (done, total)
        progress(done, total)

    try:
        preview = preview_apart(
            place,
            examples,
            kind=kind,
            options=options,
            seconds=0.0 if whole else FIRST_LOOK_SECONDS,
            progress=watch,
            cancelled=cancelled,
            secrets=secrets,
        )
    except Cancelled as stopped:
        raise Stopped from stopped
    done, total = behind
    return Look(preview, done / total if total else 1.0)


def scan_source(
    root: Path,
    source: Source,
    *,
    progress: Progress,
    cancelled: Asked,
    secrets: Mapping[str, str] | None = None,
) -> ScanReport:
    """Read what changed in a source into the workspace; see :func:`engine.extract.scan.scan`."""
    from engine.extract.child import scan_apart

    return scan_apart(root, source, progress=progress, cancelled=cancelled, secrets=secrets)


def located(workspace: Workspace, place: str) -> str:
    """Return the root of a place that is added; see :func:`engine.extract.adding.located`."""
    from engine.extract.adding import located as engine_located

    return engine_located(workspace, place)


def kinds() -> dict[str, str]:
    """Return the kinds of source by name, each with what it is in a few words."""
    from engine.sources import KINDS

    return {name: reader.label for name, reader in KINDS.items()}


def options_of(kind: str) -> tuple[Option, ...]:
    """Return what can be set about a source of a kind."""
    from engine.sources import reader_of

    return reader_of(kind).options


def kept(kind: str, found: Detection | None, options: Mapping[str, str]) -> dict[str, str]:
    """Return what is kept with a source that is added; see :func:`engine.sources.settled`.

    Args:
        kind: The kind that it is read as.
        found: What it was detected to be; None where nobody looked.
        options: What the person set.

    Raises:
        UsageError: What was set can't be used.
    """
    from engine.sources import check_options, settled

    if found is not None and found.kind == kind:
        return settled(found, options)
    check_options(kind, options)
    return dict(options)


def add_demo(workspace: Workspace) -> list[Source]:
    """Add the bundled sources, unread, and return them; see :func:`engine.demo.add_bundled`."""
    from engine.demo import add_bundled

    return add_bundled(workspace)
