"""A source added to a workspace: where its root is, by whichever front end it is added."""

from __future__ import annotations

from engine.sources import locate
from engine.sources.synthetic.shipped import is_shipped, own_copy
from engine.workspace import Workspace


def located(workspace: Workspace, place: str) -> str:
    """Return a place's root: an address as it is, or an absolute path.

    Shipped templates belong to finetui: the source is the workspace's own copy, for the
    person to edit.

    Raises:
        SourceError: Nothing is there, or it can't be opened.
    """
    if is_shipped(place):
        return locate(own_copy(place, workspace.root / "synthetic"))
    return locate(place)
