"""A workspace: one folder with settings, a database, datasets and runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.errors import WorkspaceError, WorkspaceMissing, WorkspaceUntrusted
from engine.frozen import frozen
from engine.modes import begin_shared, fit, keep_private, open_to_others, share_tree, tighten
from engine.paths import (
    DATABASE_FILE,
    WORKSPACE_FILE,
    default_workspace,
    is_workspace,
    nearest_workspace,
    shell_path,
    shorten,
    write_atomic,
)
from engine.settings import Settings, load
from engine.store import Store
from engine.store.presence import note_made, require_present
from engine.trust import Acting, foreign_owner, is_trusted

SHARED = "shared"
"""The key under which a workspace remembers that a group shares it."""

_NEW_WORKSPACE = b"""# Settings of this workspace. `finetui settings` lists what can stand here.
"""


@frozen
class Workspace:
    """An open workspace. Close it with :meth:`close`, or use it in a ``with``.

    Attributes:
        root: The workspace's folder.
        settings: The settings that hold in it.
        store: Its database.
        withheld: What its settings name that does not count, since nobody trusts it.
        notice: What the person should know about the opening, once; usually empty.
    """

    root: Path
    settings: Settings
    store: Store
    withheld: tuple[Acting, ...] = ()
    notice: str = ""

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

    @property
    def shared(self) -> bool:
        """Whether a group shares it."""
        return bool(self.store.get_meta(SHARED))

    def close(self) -> None:
        """Close the database."""
        self.store.close()

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def init_workspace(root: Path, *, shared: bool = False) -> Path:
    """Make a workspace at ``root``; one that is there already is left as it is.

    Args:
        root: The folder; it and what is in it are this user's alone.
        shared: Let the folder's group read and write it, also where it is there already.

    Returns:
        The workspace's absolute path.

    Raises:
        DiskFull: There was no room.
        WorkspaceError: The folder can't be made or written to, or its settings file is no file.
    """
    root = root.expanduser().resolve()
    settings_file = root / WORKSPACE_FILE
    try:
        fresh = not root.exists() or not any(root.iterdir())
        root.mkdir(parents=True, exist_ok=True)
        if not is_workspace(root):
            write_atomic(settings_file, _NEW_WORKSPACE)
        if fresh:
            tighten([root])
        if shared:
            _share(root)
    except OSError as error:
        raise WorkspaceError(
            f"{shorten(root)} can't be a workspace: {error.strerror or error}",
            hint="name a folder that you may write to",
        ) from error
    return root


def _share(root: Path) -> None:
    begin_shared()
    with Store.open(root / DATABASE_FILE) as store:
        store.set_meta(SHARED, "1")
    # The folder's own mode matters even where there is more in it than a workspace.
    share_tree(root, _belongings(root))


def _belongings(root: Path) -> list[Path]:
    """Return what finetui writes into a workspace's folder; more may be there."""
    kept = (WORKSPACE_FILE, "datasets", "runs", "exports", "synthetic")
    return [root / name for name in kept if (root / name).exists()] + sorted(
        root.glob(f"{DATABASE_FILE}*")
    )


def find_workspace(root: Path | None = None) -> Path:
    """Return the folder of the workspace that a command means.

    Args:
        root: A folder that was named; None takes the nearest at or above the
            present folder, else the default workspace, which is made if need be.

    Raises:
        WorkspaceMissing: A folder was named and is not a workspace.
        WorkspaceUntrusted: The nearest one is another user's.
        WorkspaceError: Its settings file is a folder, a pipe, or a link to nothing.
    """
    if root is not None:
        named = root.expanduser().resolve()
        if not is_workspace(named):
            raise WorkspaceMissing(
                f"{shorten(named)} is not a workspace",
                hint=f"make one with: finetui init {shell_path(named)}",
            )
        return named
    near = nearest_workspace(Path.cwd())
    if near is None:
        return init_workspace(default_workspace())
    owner = foreign_owner(near)
    if owner is not None and not is_trusted(near):
        raise WorkspaceUntrusted(
            f"the nearest workspace {shorten(near)} belongs to another user ({owner})",
            hint=f"name it with --workspace {shell_path(near)}, or trust it with: "
            f"finetui trust {shell_path(near)}",
        )
    return near


def open_workspace(
    root: Path | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    leave_out: bool = False,
    anew: bool = False,
) -> Workspace:
    """Open a workspace; the rules of :func:`find_workspace` choose it.

    Args:
        root: A folder that was named.
        overrides: Settings from the command line.
        leave_out: Take other values for settings that the workspace is not trusted with;
            else they raise as they are read.
        anew: Make an empty database where one was removed.

    Raises:
        WorkspaceMissing: A folder was named and is not a workspace.
        WorkspaceUntrusted: The nearest one is another user's.
        DatabaseGone: It had a database, which was removed or emptied.
        WorkspaceNewer: A newer finetui wrote it.
        WorkspaceDamaged: Its database can't be read.
        SettingsError: Its settings are not valid.
    """
    folder = find_workspace(root)
    keep_private(folder)
    found = load(folder, overrides=overrides, leave_out=leave_out)
    old = open_to_others(folder / DATABASE_FILE)
    if not anew:
        require_present(folder / DATABASE_FILE)
    store = Store.open(folder / DATABASE_FILE)
    try:
        if not store.read_only:
            note_made(folder / DATABASE_FILE)
        closed = _see_to_modes(folder, store)
    except BaseException:
        store.close()
        raise
    # A database is closed when it is first opened, so that this is said once.
    notice = (
        f"others could read {shorten(folder)}; it is yours alone now "
        f"(for a group: finetui init --shared {shell_path(folder)})"
        if old and closed
        else ""
    )
    if store.set_aside:
        notice = "; ".join(filter(None, [_aside_words(store.set_aside), notice]))
    return Workspace(folder, found.settings, store, found.withheld, notice)


def _aside_words(name: str) -> str:
    return f"a log that belongs to another database was put aside as {name}"


def _see_to_modes(root: Path, store: Store) -> bool:
    """Keep a workspace to its user, or to its group where it is shared.

    Returns:
        Whether others could read it until now.
    """
    if store.get_meta(SHARED):
        begin_shared()
        fit(root / DATABASE_FILE)
        return False
    looked_at = (root / DATABASE_FILE, root / "datasets", root / "runs", root / "exports")
    if not any(map(open_to_others, looked_at)):
        return False
    mine = _belongings(root)
    # A folder that holds more than a workspace has the modes that somebody gave it.
    whole = {path.name for path in root.iterdir()} <= {path.name for path in mine}
    return tighten([root] if whole else mine)
