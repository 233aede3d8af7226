"""The token that requests need: where it comes from, and what it may be."""

from __future__ import annotations

import os
import re
import secrets
import stat
from pathlib import Path

from engine.errors import ServerTokenInvalid
from engine.paths import shell_path, shorten

VARIABLE = "FINETUI_SERVE_TOKEN"
SHORTEST = 16
_LONGEST = 512
# RFC 6750: a bearer token's characters, all of which a header carries as they are.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")


def find_token(file: Path | None) -> tuple[str, bool]:
    """Return a token, and whether it was made just now.

    Args:
        file: A file that holds it; the variable goes before it, and without either one is made.

    Raises:
        ServerTokenInvalid: It can't be used, or the file can't be read or is readable by others.
    """
    said = os.environ.get(VARIABLE, "")
    if said:
        return _checked(said.strip(), VARIABLE), False
    if file is not None:
        return _checked(_read(file.expanduser()), shorten(file, 80)), False
    return secrets.token_hex(24), True


def shell_key(file: Path | None) -> str:
    """Return how a shell gets the token that :func:`find_token` finds, without showing it.

    Args:
        file: The file that may hold it.
    """
    if file is None or os.environ.get(VARIABLE):
        return f"${VARIABLE}"
    return f"$(cat {shell_path(file)})"


def _read(file: Path) -> str:
    try:
        # A pipe is not waited for.
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as opened:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                raise ServerTokenInvalid(
                    f"the token's file {shorten(file, 80)} is no file",
                    hint="name a file that holds the token",
                )
            if found.st_mode & 0o077:
                raise ServerTokenInvalid(
                    f"others may read the token's file {shorten(file, 80)}",
                    hint=f"keep it to yourself: chmod 600 {shell_path(file)}",
                )
            return opened.read(_LONGEST * 2).decode("utf-8", "replace").strip()
    except OSError as error:
        raise ServerTokenInvalid(
            f"the token's file {shorten(file, 80)} can't be read: {error.strerror}",
            hint="name a file that you may read, or leave it out: one is made then",
        ) from error


def _checked(token: str, where: str) -> str:
    # The token itself stands in no message.
    if not SHORTEST <= len(token) <= _LONGEST:
        why = f"it has {len(token)} characters, not {SHORTEST} to {_LONGEST}"
    elif not _TOKEN.fullmatch(token):
        why = "it has other characters than letters, digits and . _ ~ + / = -"
    else:
        return token
    raise ServerTokenInvalid(
        f"the token in {where} can't be used: {why}",
        hint="make one with: openssl rand -hex 32",
    )
