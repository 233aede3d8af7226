"""What a person says of a run: a note, and a name of their own. The run's id never changes."""

from __future__ import annotations

import fcntl
import json
import os
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.errors import UsageError
from engine.paths import write_atomic
from engine.plain import read_plain

PERSON_FILE = "person.json"
LONGEST_NAME = 40
LONGEST_NOTE = 2000

_ID = re.compile(r"\d{8}-\d{6}")


@dataclass(frozen=True, slots=True)
class Said:
    """What a person says of a run; either may be empty."""

    name: str = ""
    note: str = ""


def read_said(directory: Path) -> Said:
    """Return what a person says of a run; nothing where it can't be read."""
    try:
        value = json.loads(read_plain(directory / PERSON_FILE))
        name, note = value.get("name", ""), value.get("note", "")
    except (OSError, ValueError, AttributeError, RecursionError):
        return Said()
    sound = isinstance(name, str) and isinstance(note, str)
    return Said(name[:LONGEST_NAME], note[:LONGEST_NOTE]) if sound else Said()


def set_note(directory: Path, text: str) -> Said:
    """Write a note about a run; an empty text takes it away.

    Raises:
        UsageError: It is too long.
        DiskFull: There was no room.
    """
    note = " ".join(text.split())
    if len(note) > LONGEST_NOTE:
        raise UsageError(
            f"a note of {len(note):,} characters is too long",
            hint=f"it may have {LONGEST_NOTE:,}",
        )
    with _turn(directory.parent):
        said = Said(read_said(directory).name, note)
        _write(directory, said)
    return said


def set_name(directory: Path, name: str) -> Said:
    """Give a run a name that means no other run of its workspace; an empty one takes it away.

    Raises:
        UsageError: It can't be a name, another run has it, or it is a part of a run's id.
        DiskFull: There was no room.
    """
    wanted = check_name(name)
    with _turn(directory.parent):
        why = taken_words(wanted, directory.parent, but=directory)
        if why:
            raise UsageError(why, hint="choose another name")
        said = Said(wanted, read_said(directory).note)
        _write(directory, said)
    return said


def taken_words(name: str, runs_dir: Path, *, but: Path | None = None) -> str:
    """Say which run of a workspace a name would mean already; empty where it means none.

    Args:
        name: The name that is wanted, as :func:`check_name` returns it.
        runs_dir: The workspace's folder of runs.
        but: The run that is to have the name, and may have it already.
    """
    wanted = name.casefold()
    for path in sorted(runs_dir.iterdir()) if wanted else ():
        if path.name.startswith(".") or not path.is_dir():
            continue
        if path != but and read_said(path).name.casefold() == wanted:
            return f"run {path.name} is named {name} already"
        if is_part(wanted, path.name):
            return (
                f"{name} can't be a run's name: run {path.name} is called so, by a part of its id"
            )
    return ""


def is_part(words: str, run_id: str) -> bool:
    """Say whether a run may be called so by its id: by the beginning of it, or by the ending."""
    return bool(words) and (run_id.startswith(words) or run_id.endswith(words))


def check_name(name: str) -> str:
    """Return a run's name in the form in which it is kept.

    Raises:
        UsageError: It can't be a name.
    """
    wanted = unicodedata.normalize("NFC", " ".join(name.split()))
    why = ""
    if len(wanted) > LONGEST_NAME:
        why = f"it is longer than {LONGEST_NAME} characters"
    elif not wanted.isprintable():
        why = "it has characters that can't be shown"
    elif wanted.casefold() == "last" or _ID.match(wanted):
        why = "it would be taken for a run's id"
    elif wanted.startswith("-"):
        why = "it begins with a dash, as an option does"
    if why:
        raise UsageError(f"{name!r} can't be a run's name: {why}", hint="choose another name")
    return wanted


def _write(directory: Path, said: Said) -> None:
    data = json.dumps({"v": 1, "name": said.name, "note": said.note}, ensure_ascii=False)
    write_atomic(directory / PERSON_FILE, data.encode() + b"\n")


@contextmanager
def _turn(runs_dir: Path) -> Iterator[None]:
    """Be the only one who names runs: two terminals never give one name twice."""
    handle = os.open(runs_dir, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
