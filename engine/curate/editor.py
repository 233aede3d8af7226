"""Editing a text in the person's own editor."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from engine.errors import DependencyMissing, ExampleInvalid
from engine.modes import persons

FALLBACK = "vi"


def editor_command(configured: str = "") -> list[str]:
    """Return the words that start the editor: the setting, $VISUAL, $EDITOR, or vi.

    Raises:
        DependencyMissing: The words can't be split, as an open quote does.
    """
    named = (configured, os.environ.get("VISUAL", ""), os.environ.get("EDITOR", ""), FALLBACK)
    chosen = next(filter(str.strip, named))
    try:
        return shlex.split(chosen)
    except ValueError as error:
        raise DependencyMissing(
            f"the editor's command {chosen!r} can't be read: {error}",
            hint="set curation.editor, $VISUAL or $EDITOR",
        ) from error


def edit_text(text: str, *, configured: str = "", suffix: str = ".md") -> str:
    """Let the person edit a text; the terminal belongs to the editor until it ends.

    Args:
        text: The text as it is.
        configured: The editor's command from the settings; empty takes the environment's.
        suffix: The file's ending, by which an editor chooses its colours.

    Returns:
        The text as it was saved.

    Raises:
        DependencyMissing: The editor is not there.
        ExampleInvalid: The editor failed, or left something that is not UTF-8.
    """
    command = editor_command(configured)
    with tempfile.TemporaryDirectory(prefix="finetui-") as folder:
        file = Path(folder) / f"example{suffix}"
        # In bytes, so that the line ends of the text stay as they are.
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            # What else the editor writes, such as its own settings, is none of our business.
            done = subprocess.run([*command, str(file)], check=False, umask=persons())
            status = done.returncode
        except OSError as error:
            raise DependencyMissing(
                f"the editor {command[0]} can't be started: {error.strerror or error}",
                hint="set curation.editor, $VISUAL or $EDITOR to one that is installed",
            ) from error
        if status != 0:
            raise ExampleInvalid(
                f"the editor {command[0]} ended with status {status}",
                hint="nothing was changed; save and leave the editor normally",
            )
        return read_text(file)


def read_text(file: Path) -> str:
    """Return a file's text without touching its line ends.

    Raises:
        ExampleInvalid: The file can't be read or is not UTF-8.
    """
    try:
        return decode(file.read_bytes())
    except OSError as error:
        raise ExampleInvalid(
            f"{file} can't be read: {error.strerror or error}", hint="nothing was changed"
        ) from error


def decode(data: bytes) -> str:
    """Return UTF-8 bytes as text; surrogates that finetui wrote are allowed.

    Raises:
        ExampleInvalid: The bytes are not UTF-8.
    """
    try:
        return data.decode("utf-8", "surrogatepass").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise ExampleInvalid(
            f"the edited text is not UTF-8 (byte {error.start})", hint="save it as UTF-8"
        ) from error
