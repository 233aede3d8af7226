"""Changing one value of a file, with a backup, so that the file is never half written."""

from __future__ import annotations

import contextlib
import difflib
import os
import stat
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.errors import UpdateRefused
from engine.export.pointing.forms import Change, Form, NoSuchKey, NotThatForm, form_of
from engine.paths import shorten
from engine.text import inert

_BOM = "\ufeff"
_MOST_NEAR = 3


@dataclass(frozen=True, slots=True)
class Pointed:
    """A value that was changed: from what to what, and where the former file is.

    ``backup`` is empty where the file said it already, and was left alone.
    """

    file: str
    key: str
    old: Any
    new: str
    backup: str

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def check(file: Path, key: str, value: str = "finetui") -> Any:
    """Return the value that would be changed, without touching anything.

    Args:
        file: The configuration file: ``.env``, JSON, TOML or YAML, by its name.
        key: The key; in JSON, TOML and YAML with dots between its parts.
        value: What it would get, where that is known.

    Raises:
        UpdateRefused: The file or the key is not there, it is not of its form, or it can't be
            written.
    """
    form, real, text = _opened(file)
    # That another value can be written there is seen by writing one.
    change = _change(form, file, text, key, value)
    for place, kind in ((real, os.W_OK), (real.parent, os.W_OK | os.X_OK)):
        if not os.access(place, kind):
            raise UpdateRefused(
                f"{shorten(file)} can't be changed: {shorten(place)} is read-only for you",
                hint="make it writable, or leave out --update",
            )
    return change.old


def point(file: Path, key: str, value: str) -> Pointed:
    """Give a key of a configuration file another value; every other byte stays.

    The file as it was is kept beside it as ``NAME.bak``, or ``NAME.bak.1`` and so on where that
    is there. A link is followed: the file that it leads to is changed.

    Raises:
        UpdateRefused: As :func:`check`.
    """
    old = check(file, key, value)
    if old == value:
        return Pointed(str(file), key, old, value, "")
    form, real, text = _opened(file)
    changed = _change(form, file, text, key, value).text
    data = real.read_bytes()
    bom = _BOM.encode() if data.startswith(_BOM.encode()) else b""
    try:
        backup = _backup(real, data)
        _write(real, bom + changed.encode())
    except OSError as error:
        raise UpdateRefused(
            f"{shorten(file)} can't be changed: {error}", hint="change it by hand"
        ) from error
    return Pointed(str(file), key, old, value, str(backup))


def _opened(file: Path) -> tuple[Form, Path, str]:
    """Return a file's form, what it is once links are followed, and its text without a mark."""
    form = form_of(file)
    if form is None:
        raise UpdateRefused(
            f"{shorten(file)} is of no form that can be changed",
            hint="known by their names are: .env, *.json, *.toml, *.yaml, *.yml",
        )
    try:
        real = file.resolve(strict=True)
        found = real.stat()
        if not stat.S_ISREG(found.st_mode):
            raise OSError("it is no file")
        if found.st_size > form.most_bytes:
            raise OSError(f"it has {found.st_size:,} bytes, more than {form.most_bytes:,}")
        text = real.read_bytes().decode("utf-8")
    except (OSError, RuntimeError, UnicodeDecodeError) as error:
        said = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise UpdateRefused(
            f"{shorten(file)} can't be read: {said}", hint="give the file that the app reads"
        ) from error
    return form, real, text.removeprefix(_BOM)


def _change(form: Form, file: Path, text: str, key: str, value: str) -> Change:
    try:
        value.encode()
        return form.change(text, key, value)
    except UnicodeEncodeError as error:
        raise UpdateRefused(
            f"{inert(key)} of {shorten(file)} can't be changed: {value!r} is not UTF-8",
            hint="put the file into another folder with --models-dir",
        ) from error
    except NoSuchKey as error:
        near = difflib.get_close_matches(key, error.known, n=_MOST_NEAR, cutoff=0.5)
        hint = f"did you mean {', '.join(near)}?" if near else "add the key to the file first"
        raise UpdateRefused(f"{shorten(file)} has no key {inert(key)}", hint=inert(hint)) from error
    except NotThatForm as error:
        raise UpdateRefused(
            f"{inert(key)} of {shorten(file)} can't be changed: {inert(str(error))}",
            hint=error.hint or "change it by hand",
        ) from error
    except RecursionError as error:
        raise UpdateRefused(
            f"{inert(key)} of {shorten(file)} can't be changed: the file is nested too deeply",
            hint="change it by hand",
        ) from error


def _backup(real: Path, data: bytes) -> Path:
    mode = stat.S_IMODE(real.stat().st_mode)
    number = 0
    while True:
        backup = real.with_name(f"{real.name}.bak" + (f".{number}" if number else ""))
        try:
            handle = os.open(backup, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        except FileExistsError:
            number += 1
            continue
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
        except OSError:
            backup.unlink(missing_ok=True)
            raise
        return backup


def _write(real: Path, data: bytes) -> None:
    """Replace a file in one step, with its permissions and, where allowed, its owner."""
    found = real.stat()
    temporary = real.with_name(f".{real.name}.{os.getpid()}.tmp")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            with contextlib.suppress(OSError):
                os.fchown(out.fileno(), found.st_uid, found.st_gid)
            os.fchmod(out.fileno(), stat.S_IMODE(found.st_mode))
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(real)
    finally:
        temporary.unlink(missing_ok=True)
