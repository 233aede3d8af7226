"""How often this system has ended a process for want of memory: evidence, when one is gone."""

from __future__ import annotations

from pathlib import Path

_VMSTAT = Path("/proc/vmstat")
_EVENTS = (
    Path("/sys/fs/cgroup/memory.events"),
    Path("/sys/fs/cgroup/memory/memory.oom_control"),
)


def oom_kills() -> int | None:
    """Return how many processes were ended for want of memory since the machine started.

    It is ``oom_kill`` of ``/proc/vmstat`` (Linux 4.13), and in a container the higher one of
    that and its own control group's (cgroups(7)). None where the system does not tell.
    """
    found = [_count(path) for path in (_VMSTAT, *_EVENTS)]
    known = [count for count in found if count is not None]
    return max(known) if known else None


def _count(path: Path) -> int | None:
    try:
        lines = path.read_text("ascii").splitlines()
    except (OSError, ValueError):
        return None
    for line in lines:
        name, _, value = line.partition(" ")
        if name == "oom_kill" and value.strip().isdigit():
            return int(value)
    return None
