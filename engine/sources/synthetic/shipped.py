"""The templates that come with finetui, and a copy of them to edit."""

from __future__ import annotations

import difflib
import errno
from pathlib import Path

from engine.errors import DiskFull, SourceMissing, UsageError
from engine.failures import OF_THE_PATH, named
from engine.modes import hand_over
from engine.paths import shorten

DEFAULT = "identity"
_FOLDER = Path(__file__).resolve().parent / "data"


def shipped(name: str = DEFAULT) -> Path:
    """Return the file of shipped templates of a name, such as "identity".

    Raises:
        SourceMissing: None is called so.
    """
    known = shipped_names()
    if name in known:
        return _FOLDER / f"{name}.toml"
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(known)}"
    raise SourceMissing(f"no templates are called {shorten(name)}", hint=hint)


def shipped_names() -> tuple[str, ...]:
    """Return the names of all shipped templates."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def write_template(path: Path, name: str = DEFAULT) -> Path:
    """Write a copy of shipped templates that can be edited. Nothing is ever overwritten.

    Args:
        path: The file; in a folder that is there, a file of the templates' name.
        name: Which templates.

    Returns:
        The file's path.

    Raises:
        UsageError: Something is there already, or can't be written there.
        SourceMissing: No templates are called so.
        DiskFull: There is no room.
    """
    data = shipped(name).read_bytes()
    target = path.expanduser()
    if target.is_dir():
        target = target / f"{name}.toml"
    try:
        with target.open("xb") as handle:
            try:
                handle.write(data)
                handle.flush()
            except OSError:
                target.unlink(missing_ok=True)
                raise
        hand_over(target)
    except FileExistsError as error:
        raise UsageError(
            f"{shorten(target)} is there already", hint="name another file; this one is kept"
        ) from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFull(
                f"no room on the disk to write {shorten(target)}", hint="free some space"
            ) from error
        if error.errno not in OF_THE_PATH:
            raise named(error) from error
        raise UsageError(
            f"{shorten(target)} can't be written: {error.strerror or error}",
            hint="name a file in a folder that is there",
        ) from error
    return target


def is_shipped(place: str) -> bool:
    """Say whether a place is the name of shipped templates, and no file or folder."""
    return place in shipped_names() and not Path(place).exists()


def own_copy(name: str, folder: Path) -> Path:
    """Return a workspace's own copy of shipped templates, which is made where it has none.

    Args:
        name: Which templates.
        folder: Where the workspace keeps such files; it is made.

    Raises:
        UsageError: It can't be written.
        DiskFull: There is no room.
    """
    target = folder / f"{name}.toml"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_template(target, name)
    return target
