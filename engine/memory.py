"""How much memory there is: of the machine's, what this process was given.

In a container the machine's figures are those of its host.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

OWN_GROUPS = Path("/proc/self/cgroup")
GROUPS = Path("/sys/fs/cgroup")


class Memory(NamedTuple):
    """Bytes of memory.

    Attributes:
        total: What this process may take with all that runs beside it.
        available: What may be taken now, before the system has to swap or to end a process.
    """

    total: int
    available: int


def memory() -> Memory:
    """Return what the machine has, or less where a control group of this process has a limit."""
    import psutil

    machine = psutil.virtual_memory()
    groups = list(_groups())
    return Memory(
        min([int(machine.total), *(limit for limit, _ in groups)]),
        min([int(machine.available), *(left for _, left in groups)]),
    )


def _groups() -> Iterator[tuple[int, int]]:
    """Yield the limit of each of this process's groups that has one, and what it has left.

    A line of the file is ``hierarchy:controllers:path`` (cgroups(7)); in the second version of
    control groups there is one hierarchy, of no named controllers.
    """
    try:
        lines = OWN_GROUPS.read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if not controllers:
            yield from _left(GROUPS, path, "memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            limit, used = "memory.limit_in_bytes", "memory.usage_in_bytes"
            yield from _left(GROUPS / "memory", path, limit, used, "total_inactive_file")


def _left(root: Path, path: str, limit: str, used: str, cached: str) -> Iterator[tuple[int, int]]:
    """Yield the limits of a group and of those above it, each with what it has left.

    Cached files that nobody has used for a while are given back on demand, so they are left too;
    Kubernetes reckons the same way ("working set"). A container may see its own group as the
    root, under the path that only its host knows.
    """
    own = root / path.strip("/")
    above = [] if ".." in own.parts else own.parents
    for folder in (own, *(one for one in above if one.is_relative_to(root)), root):
        most, taken = _number(folder / limit), _number(folder / used)
        if most is not None and taken is not None:
            yield most, max(0, most - max(0, taken - _stat(folder / "memory.stat", cached)))


def _number(path: Path) -> int | None:
    """Return a file's number; None where there is none, as in ``max``, which is no limit."""
    try:
        return int(path.read_text("ascii"))
    except (OSError, ValueError):
        return None


def _stat(path: Path, name: str) -> int:
    try:
        lines = path.read_text("ascii").splitlines()
    except (OSError, ValueError):
        return 0
    found = (line.split() for line in lines)
    return next((int(words[1]) for words in found if words[:1] == [name] and len(words) == 2), 0)
