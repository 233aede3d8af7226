"""Where finetui keeps things, by the XDG Base Directory rules.

Every function computes its answer when called, from the environment as it is
then; nothing is created or read at import.
"""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import stat
from pathlib import Path

from engine.errors import DiskFull, PathUnusable, WorkspaceError

WORKSPACE_FILE = "finetui.toml"
DATABASE_FILE = "finetui.db"


def _xdg(variable: str, fallback: str) -> Path:
    value = os.environ.get(variable, "")
    # The specification says that a relative path in these variables is ignored.
    base = Path(value) if value and Path(value).is_absolute() else _home_folder() / fallback
    return base / "finetui"


def _home_folder() -> Path:
    try:
        return Path.home()
    except RuntimeError as error:  # no HOME, and a user that the system does not know
        raise PathUnusable("there is no home folder", hint="set HOME to a folder") from error


def _home() -> str:
    """Return the home folder as text; a tilde where there is none, which no path begins with."""
    return os.path.expanduser("~")


def config_dir() -> Path:
    """Return the folder of the user's settings."""
    return _xdg("XDG_CONFIG_HOME", ".config")


def data_dir() -> Path:
    """Return the folder of the default and the demo workspace."""
    return _xdg("XDG_DATA_HOME", ".local/share")


def cache_dir() -> Path:
    """Return the folder of what can be made again: imported bases and their GGUFs."""
    return _xdg("XDG_CACHE_HOME", ".cache")


def state_dir() -> Path:
    """Return the folder of logs of the terminal app."""
    return _xdg("XDG_STATE_HOME", ".local/state")


def default_workspace() -> Path:
    """Return the workspace that is used where none is near."""
    return data_dir() / "default"


def demo_workspace() -> Path:
    """Return the workspace that ``make run`` and ``finetui demo`` use."""
    return data_dir() / "demo"


def bases_dir() -> Path:
    """Return the folder of imported base models."""
    return cache_dir() / "bases"


def user_settings_file() -> Path:
    """Return the user's settings file, which need not exist."""
    return config_dir() / "config.toml"


def nearest_workspace(start: Path) -> Path | None:
    """Return the closest folder at or above ``start`` that is a workspace, if any.

    Raises:
        WorkspaceError: As :func:`is_workspace` says.
    """
    resolved = start.resolve()
    for folder in (resolved, *resolved.parents):
        if is_workspace(folder):
            return folder
    return None


def is_workspace(folder: Path) -> bool:
    """Return whether a folder has a workspace's settings file; it is not opened.

    Raises:
        WorkspaceError: Something of that name is there and is no file that can be read. It is
            never passed over, which would let a command work on another workspace.
    """
    name = folder / WORKSPACE_FILE
    why = ""
    try:
        if not os.path.lexists(name):
            return False
        mode = name.stat().st_mode
        if not stat.S_ISREG(mode):
            why = "a folder" if stat.S_ISDIR(mode) else "a pipe or device"
    except FileNotFoundError:
        why = "a link to nothing"
    except OSError as error:
        why = "a link to itself" if error.errno == errno.ELOOP else error.strerror or str(error)
    if why:
        raise WorkspaceError(
            f"{shorten(name)} is no file: {why}",
            hint="put a file there or remove it, or name another workspace with --workspace DIR",
        )
    return True


def shorten(path: Path | str, width: int = 40) -> str:
    """Shorten a path in the middle to ``width`` columns, with ``~`` for the home folder."""
    text = str(path)
    home = _home()
    if text == home or text.startswith(home + os.sep):
        text = "~" + text[len(home) :]
    if len(text) <= width:
        return text
    keep = max(width - 1, 2)
    head = keep // 3
    return text[:head] + "…" + text[len(text) - (keep - head) :]


def shell_path(path: Path | str) -> str:
    r"""Return a path that a shell takes as it is: quoted where it must be, never shortened.

    A ``~`` for the home folder stays outside of the quotes, where the shell knows it. Bytes that
    are not UTF-8, and control characters, are written as ``$'\xe9'``, as bash, zsh and ksh do.
    """
    text, home = str(path), _home()
    if home != os.sep and (text == home or text.startswith(home + os.sep)):
        text = "~" + text[len(home) :]
    if text in ("~", "~/"):
        return text
    if any(0xDC80 <= ord(letter) <= 0xDCFF or not letter.isprintable() for letter in text):
        return _in_escapes(str(path))
    if text.startswith("~/"):
        return "~/" + shlex.quote(text[2:])
    # What begins with a dash would be taken for an option.
    return shlex.quote(f"./{text}" if text.startswith("-") else text)


def _in_escapes(text: str) -> str:
    """Return a path that has bytes which can't be shown, in ANSI-C quotes."""
    text = f"./{text}" if text.startswith("-") else text
    plain = frozenset(b"'\\")
    shown = (
        chr(byte) if 0x20 <= byte < 0x7F and byte not in plain else f"\\x{byte:02x}"
        for byte in os.fsencode(text)
    )
    return f"$'{''.join(shown)}'"


def require_free(folder: Path, needed: int, what: str) -> None:
    """Raise unless ``folder``'s disk has room for ``needed`` bytes.

    Args:
        folder: A folder, which need not exist yet.
        needed: Bytes that the step will write.
        what: The step's name for the message.

    Raises:
        DiskFull: The disk has less than ``needed`` bytes free.
    """
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    free = shutil.disk_usage(existing).free
    if free < needed:
        from engine.sizes import size_words  # only a failure asks for it

        raise DiskFull(
            f"{what} needs {size_words(needed)}; {shorten(folder)} has {size_words(free)} free",
            hint="free some space, or choose another folder with --workspace",
        )


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old bytes or the new ones, never a part.

    Raises:
        DiskFull: There was no room.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        # Made anew: what has the name may be a link that leads elsewhere.
        temporary.unlink(missing_ok=True)
        with temporary.open("xb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        if error.errno == 28:  # ENOSPC
            raise DiskFull(
                f"no room on the disk to write {shorten(path)}",
                hint="free some space and try again; nothing was changed",
            ) from error
        raise
