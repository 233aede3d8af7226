"""Starting an installation apart from the terminal, doing one here, and waiting for one."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from engine.child import child_environment, environment_without_secrets
from engine.errors import DependencyMissing, DiskFull, FinetuiError
from engine.modes import persons
from engine.paths import shell_path
from engine.setup.job import STATUS, WANTED, Installation
from engine.setup.parts import PARTS, Part
from engine.setup.pip import Echo, silent
from engine.setup.place import Place
from engine.setup.state import FIX, Lacking, lacking, setup_state

_LOOK_SECONDS = 1.0
_BEGIN_SECONDS = 15.0
_ATTEMPTS = 2

_started: list[subprocess.Popen[bytes]] = []
"""What this process started, kept so that it is reaped when it ends."""


def want(place: Place | None = None, *, keep: bool = False) -> None:
    """Write down that what is lacking here is to be installed, now or at the next start.

    Args:
        place: The environment.
        keep: Whether packages that are there stay as they are, whatever the pins say.
    """
    place = place or Place()
    try:
        place.folder.mkdir(parents=True, exist_ok=True)
        place.write(WANTED, {"keep": keep})
    except OSError as error:
        raise FinetuiError(
            f"nothing can be installed into {place.folder.parent}: {error.strerror or error}",
            hint="make an environment of your own: python3 -m venv ENV",
        ) from error


def go_on(place: Place | None = None) -> bool:
    """Start what is wanted and lacking, detached; nothing where somebody installs already.

    The process leads a session of its own: it outlives the app and the terminal, and a second
    one that comes in between finds the lock taken and ends.

    Returns:
        Whether a process was started.
    """
    place = place or Place()
    for child in [child for child in _started if child.poll() is not None]:
        _started.remove(child)
    if not place.read(WANTED) or setup_state(place).ready or place.busy():
        return False
    place.remove(STATUS)  # What failed the last time is tried again.
    with place.log.open("ab") as output:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "engine.setup"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=place.folder,
            env={**environment_without_secrets(), **child_environment()},
            start_new_session=True,
            umask=persons(),  # others may use the environment that is installed into
        )
    _started.append(child)
    return True


def install_here(
    place: Place | None = None,
    *,
    parts: Sequence[Part] = PARTS,
    more: Sequence[str] = (),
    keep: bool = False,
    echo: Echo = silent,
) -> dict[str, str]:
    """Install in this process, after whoever installs now.

    Args:
        place: The environment.
        parts: What is installed.
        more: Requirements that are installed besides.
        keep: Whether packages that are there stay as they are, whatever the pins say.
        echo: Is given what a person may read.

    Returns:
        Why, of the parts that could not be installed, by name.

    Raises:
        PipFailed: What was asked for besides could not be installed.
    """
    place = place or Place()
    while True:
        _until_free(place, echo)
        with place.locked() as lock:
            if lock is None:
                continue
            installation = Installation(place, lock, keep=keep, echo=echo)
            failures = installation.parts(parts)
            if more and not failures:
                installation.more(more)
            return failures


def _until_free(place: Place, echo: Echo) -> None:
    said: object = ""
    while place.busy():
        current = setup_state(place).current
        step = (current.name, current.state) if current is not None else None
        if step != said:
            said = step
            words = f"{current.title}: {current.detail}" if current is not None else "it ends"
            echo(f"an installation is under way, which is waited for: {words}")
        time.sleep(_LOOK_SECONDS)


def wait_for(
    feature: str,
    *,
    tell: Callable[[Lacking], None],
    place: Place | None = None,
) -> None:
    """Wait for what a feature needs, where it is being installed.

    An installation that was interrupted is taken up again.

    Args:
        feature: A name of :data:`engine.setup.parts.NEEDS`.
        tell: Is given what is lacking still, once a second.
        place: The environment; this process's own by default.

    Raises:
        DependencyMissing: It is not installed, and nobody is installing it.
    """
    place = place or Place()
    begun, attempts = float("-inf"), 0
    while (found := lacking(feature, place)) is not None:
        idle = not place.busy() and time.monotonic() - begun > _BEGIN_SECONDS
        if not found.coming or (idle and attempts == _ATTEMPTS):
            raise found.error()
        if idle:
            begun, attempts = time.monotonic(), attempts + 1
            go_on(place)
        tell(found)
        time.sleep(_LOOK_SECONDS)


def fix(place: Place | None = None, *, echo: Echo = silent) -> None:
    """Install what is lacking, here and now, and leave every package as it is that is there.

    Raises:
        DependencyMissing: A part could not be installed.
        DiskFull: There is no room for it.
        FinetuiError: This environment can't be written to.
    """
    place = place or Place()
    known = place.read(WANTED)
    keep = bool(known.get("keep", True))
    want(place, keep=keep)
    failures = install_here(place, keep=keep, echo=echo)
    if failures:
        name, reason = next(iter(failures.items()))
        title = next(part.title for part in PARTS if part.name == name)
        kind = DiskFull if "disk is full" in reason else DependencyMissing
        raise kind(
            f"{title} could not be installed: {reason}",
            hint=f"what is there is kept; {FIX} goes on; pip's words are in "
            f"{shell_path(place.log)}",
        )
