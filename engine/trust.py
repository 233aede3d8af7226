"""Which workspaces this user trusts, and with what.

A workspace may come from anybody. What it names that would be run, loaded or reached counts only
once its person has agreed, to just that: the agreement holds the hashes of what was shown, so a
value that changes afterwards is asked about again, as direnv does with its files. It is kept
among the user's own files, by the workspace's path, and ends when another folder takes that path.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from engine.errors import WorkspaceUntrusted
from engine.frozen import frozen
from engine.paths import bases_dir, shell_path, shorten, state_dir, write_atomic

How = Literal["runs", "loads", "reaches", "writes"]

IGNORE = "FINETUI_UNTRUSTED"
"""Set to "ignore", workspaces that aren't trusted are used without what would need trust."""

_VERBS: dict[How, str] = {
    "runs": "a command that would be run",
    "loads": "files that would be loaded",
    "reaches": "an address that would be reached",
    "writes": "a folder outside of it that would be written to",
}
_DIGEST_BYTES = 16
_FOLDERS = (
    "datasets",
    "datasets/*",
    "exports",
    "synthetic",
    "server",
    "runs",
    "runs/*",
    "runs/*/*",
)
"""What finetui writes into a workspace beside its database."""
_ABANDONED = ".unpacked."
"""A folder of links to a base that an export leaves when it is killed; none is used again."""


@frozen
class Acting:
    """Something that a workspace names and that would be run, loaded, reached or written to.

    ``name`` is the setting's, or "source", or says which link it is; ``value`` is what it names.
    """

    name: str
    value: str
    how: How

    @property
    def meaning(self) -> str:
        """What it is, in a few words."""
        return _VERBS[self.how]

    @property
    def digest(self) -> str:
        """The hash by which an agreement knows it."""
        return "b2-" + _hash(f"{self.name}\0{self.value}".encode("utf-8", "surrogatepass"))


@frozen
class Trusted:
    """A workspace that was agreed to: its folder, when in seconds since the epoch, and to what."""

    path: str
    at: float
    names: tuple[str, ...]


def source_item(address: str) -> Acting:
    """Return the address of a source as something to be trusted."""
    return Acting("source", address, "reaches")


def run_items(base_dir: str, report_to: str) -> list[Acting]:
    """Return what a run's specification names that would be loaded or reached.

    Args:
        base_dir: The folder of its base; one that finetui brought here needs no trust.
        report_to: Where else it is reported, or "none".
    """
    found = []
    if base_dir and not Path(base_dir).resolve().is_relative_to(bases_dir().resolve()):
        found.append(Acting("run's base", base_dir, "loads"))
    if report_to not in ("", "none"):
        found.append(Acting("run's report_to", report_to, "reaches"))
    return found


def links_out(root: Path) -> list[Acting]:
    """Return the links of a workspace's folders that lead out of it."""
    found = (link_item(root, path) for part in _FOLDERS for path in _places(root, part))
    return list(dict.fromkeys(item for item in found if item is not None))


def _places(root: Path, part: str) -> list[Path]:
    # A link that leads to what is not there yet is one too; glob would leave it out.
    return sorted(root.glob(part)) if "*" in part else [root / part]


def link_item(root: Path, path: Path) -> Acting | None:
    """Return the link on the way to a path in a workspace that leads out of it, if there is one.

    Args:
        root: The workspace's folder.
        path: A path below it, which need not exist.
    """
    within = root.resolve()
    where = Path(os.path.abspath(path))
    if not where.is_relative_to(within):
        return None
    at = within
    for part in where.relative_to(within).parts:
        at /= part
        if at.is_symlink() and not at.resolve().is_relative_to(within):
            return Acting(f"link {at.relative_to(within)}", str(at.resolve()), "writes")
    return None


def require_inside(root: Path, path: Path) -> None:
    """Refuse to write through a link that leads out of a workspace, unless it was agreed to.

    Raises:
        WorkspaceUntrusted: There is such a link on the way to ``path``.
    """
    item = link_item(root, path)
    if item is not None:
        require(root, [item])


def require_plain(root: Path, folder: Path) -> None:
    """Refuse to have a job work in a folder where links lead out of the workspace, or pipes are.

    A link just below a run that was agreed to may stay; one further below never leads out.

    Args:
        root: The workspace's folder.
        folder: The job's folder; links in it are looked at at any depth, and not followed.

    Raises:
        WorkspaceUntrusted: Such a link leads out.
        PathUnusable: Something in it is neither a file nor a folder, such as a pipe.
    """
    from engine.plain import links_and_others, not_plain  # the app's start needs neither

    require_inside(root, folder)
    for path, plain in links_and_others(folder, but=_ABANDONED):
        if not plain:
            raise not_plain(path)
        item = link_item(root, path)
        if item is not None and not covers(root, [item]):
            raise refuse(root, item) if item in links_out(root) else _in_the_way(root, item)


def _in_the_way(root: Path, item: Acting) -> WorkspaceUntrusted:
    return WorkspaceUntrusted(
        f"in the workspace {shorten(root)} the {item.name} leads to {shorten(item.value)}",
        hint="remove it, or put in its place what it leads to: a job does not write through it",
    )


def require(root: Path, items: Iterable[Acting]) -> None:
    """Refuse to go on with something that nobody has agreed to.

    Raises:
        WorkspaceUntrusted: There is such a thing.
    """
    for item in items:
        if not covers(root, [item]):
            raise refuse(root, item)


def covers(root: Path, items: Iterable[Acting]) -> bool:
    """Say whether everything here was agreed to in the workspace at ``root``."""
    wanted = {item.digest for item in items}
    return not wanted or wanted <= set(_read(root).get("items", {}))


def is_trusted(root: Path) -> bool:
    """Say whether the workspace as such was agreed to, which one of another user needs."""
    return bool(_read(root).get("whole"))


def trust(root: Path, items: Iterable[Acting]) -> None:
    """Agree to a workspace and to what it names now; what was agreed to before is forgotten."""
    _write(root, {item.digest: item.name for item in items}, whole=True)


def agree(root: Path, item: Acting) -> None:
    """Agree to one more thing, which the person has named themselves just now."""
    found = _read(root)
    items = dict(found.get("items", {}))
    if item.digest in items:
        return
    items[item.digest] = item.name
    _write(root, items, whole=bool(found.get("whole")))


def forget(root: Path) -> bool:
    """Take an agreement back.

    Returns:
        Whether there was one.
    """
    record = _record(root)
    there = record.is_file()
    record.unlink(missing_ok=True)
    return there


def listed() -> list[Trusted]:
    """Return what was agreed to, by path."""
    found = []
    for record in sorted(_folder().glob("*.json")):
        value = _parsed(record)
        if value and value.get("whole"):
            names = tuple(sorted(set(map(str, value.get("items", {}).values()))))
            found.append(Trusted(str(value["path"]), float(value["at"]), names))
    return sorted(found, key=lambda one: one.path)


def refuse(root: Path, item: Acting) -> WorkspaceUntrusted:
    """Return the failure of using something that nobody has agreed to."""
    return WorkspaceUntrusted(
        f"the workspace {shorten(root)} is not trusted: its {item.name} names {item.meaning}",
        hint=f"look at it, and then: finetui trust {shell_path(root)}",
    )


def ignored() -> bool:
    """Say whether what nobody agreed to is left out instead of refused."""
    return os.environ.get(IGNORE, "") == "ignore"


def foreign_owner(root: Path) -> int | None:
    """Return the user who owns a folder, where it is neither this one nor the one behind sudo."""
    owner = root.stat().st_uid
    known = {os.geteuid()}
    sudo = os.environ.get("SUDO_UID", "")
    if os.geteuid() == 0 and sudo.isdigit():
        known.add(int(sudo))
    return None if owner in known else owner


def _folder() -> Path:
    return state_dir() / "trust"


def _record(root: Path) -> Path:
    return _folder() / f"{_hash(os.fsencode(root.resolve()))}.json"


def _hash(data: bytes) -> str:
    import hashlib  # most workspaces name nothing, and the app's start waits for no more

    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES).hexdigest()


def _read(root: Path) -> dict[str, Any]:
    value = _parsed(_record(root))
    try:
        # Of the same path, another folder was never looked at. A device's number is no help: it
        # may change whenever the disk is mounted.
        same = value.get("inode") == root.stat().st_ino and value.get("path") == str(root.resolve())
    except OSError:
        return {}
    return value if same else {}


def _parsed(record: Path) -> dict[str, Any]:
    try:
        value = json.loads(record.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    sound = isinstance(value, dict) and isinstance(value.get("items"), dict) and "at" in value
    return value if sound else {}


def _write(root: Path, items: dict[str, str], *, whole: bool) -> None:
    value = {
        "v": 1,
        "path": str(root.resolve()),
        "inode": root.stat().st_ino,
        "at": time.time(),
        "whole": whole,
        "items": items,
    }
    record = _record(root)
    write_atomic(record, json.dumps(value, indent=2).encode() + b"\n")
    record.chmod(0o600)
    record.parent.chmod(0o700)
