"""A source added to a workspace: where its root is, by whichever front end it is added."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from engine import toml
from engine.paths import WORKSPACE_FILE
from engine.plain import read_plain
from engine.settings import acting_items, read_toml
from engine.sources import is_address, locate
from engine.sources.synthetic.shipped import is_shipped, own_copy
from engine.store import Store
from engine.trust import Acting, agree, links_out, require_inside, run_items, source_item
from engine.workspace import Workspace


def located(workspace: Workspace, place: str) -> str:
    """Return a place's root: an address as it is, or an absolute path.

    Shipped templates belong to finetui: the source is the workspace's own copy, for the
    person to edit.

    Raises:
        SourceError: Nothing is there, or it can't be opened.
        WorkspaceUntrusted: The copy would be written outside of the workspace, through a link.
    """
    if is_shipped(place):
        folder = workspace.root / "synthetic"
        require_inside(workspace.root, folder)
        return locate(own_copy(place, folder))
    root = locate(place)
    if is_address(root):
        # The person names it themselves; one that a workspace brought along is asked about.
        agree(workspace.root, source_item(root))
    return root


def named_by(root: Path, store: Store) -> list[Acting]:
    """Return what a workspace names that would be run, loaded, reached or written to.

    Args:
        root: Its folder.
        store: Its database.

    Raises:
        SettingsError: Its settings can't be read.
    """
    addresses = filter(is_address, (source.root for source in store.sources()))
    items = [*acting_items(read_toml(root / WORKSPACE_FILE)), *map(source_item, addresses)]
    for path in sorted(root.glob("runs/*/spec.toml")):
        with suppress(ValueError, OSError):  # one that can't be read can't be used either
            spec = toml.loads(read_plain(path).decode("utf-8", "surrogateescape"))
            items += run_items(str(spec.get("base_dir", "")), str(spec.get("report_to", "")))
    items += links_out(root)
    return list(dict.fromkeys(items))
