"""A workspace: one folder with settings, a database, datasets and runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.errors import WorkspaceError, WorkspaceMissing
from engine.frozen import frozen
from engine.paths import (
    DATABASE_FILE,
    WORKSPACE_FILE,
    default_workspace,
    nearest_workspace,
    shell_path,
    shorten,
    write_atomic,
)
from engine.settings import Settings, load_settings
from engine.store import Store

_NEW_WORKSPACE = b"""# Settings of this workspace. `finetui settings` lists what can stand here.
"""


@frozen
class Workspace:
    """An open workspace. Close it with :meth:`close`, or use it in a ``with``."""

    root: Path
    settings: Settings
    store: Store

    @property
    def datasets_dir(self) -> Path:
        """The folder of frozen datasets, one folder each."""
        return self.root / "datasets"

    @property
    def runs_dir(self) -> Path:
        """The folder of runs, one folder each."""
        return self.root / "runs"

    @property
    def exports_dir(self) -> Path:
        """The folder that exports go to where no other place is named; made when one is written."""
        return self.root / "exports"

    def close(self) -> None:
        """Close the database."""
        self.store.close()

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def init_workspace(root: Path) -> Path:
    """Make a workspace at ``root``; one that is there already is left as it is.

    Returns:
        The workspace's absolute path.

    Raises:
        DiskFull: There was no room.
        WorkspaceError: The folder can't be made or written to.
    """
    root = root.expanduser().resolve()
    settings_file = root / WORKSPACE_FILE
    try:
        root.mkdir(parents=True, exist_ok=True)
        if not settings_file.exists():
            write_atomic(settings_file, _NEW_WORKSPACE)
    except OSError as error:
        raise WorkspaceError(
            f"{shorten(root)} can't be a workspace: {error.strerror or error}",
            hint="name a folder that you may write to",
        ) from error
    return root


def find_workspace(root: Path | None = None) -> Path:
    """Return the folder of the workspace that a command means.

    Args:
        root: A folder that was named; None takes the nearest at or above the
            present folder, else the default workspace, which is made if need be.

    Raises:
        WorkspaceMissing: A folder was named and is not a workspace.
    """
    if root is not None:
        named = root.expanduser().resolve()
        if not (named / WORKSPACE_FILE).is_file():
            raise WorkspaceMissing(
                f"{shorten(named)} is not a workspace",
                hint=f"make one with: finetui init {shell_path(named)}",
            )
        return named
    return nearest_workspace(Path.cwd()) or init_workspace(default_workspace())


def open_workspace(
    root: Path | None = None, *, overrides: Mapping[str, Any] | None = None
) -> Workspace:
    """Open a workspace; the rules of :func:`find_workspace` choose it.

    Raises:
        WorkspaceMissing: A folder was named and is not a workspace.
        WorkspaceNewer: A newer finetui wrote it.
        WorkspaceDamaged: Its database can't be read.
        SettingsError: Its settings are not valid.
    """
    folder = find_workspace(root)
    settings = load_settings(folder, overrides=overrides)
    return Workspace(root=folder, settings=settings, store=Store.open(folder / DATABASE_FILE))
