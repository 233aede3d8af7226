"""TOML that other people wrote, read without harm.

``tomllib`` keeps a table for each part of a dotted key and every prefix of it: a key of 20,000
parts, 40 kB, takes it 1.6 GB. Nobody writes such keys.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

MAX_PARTS = 32
"""The most parts of a dotted key."""
MAX_TABLES = 100_000
"""The most parts of all keys of a text together."""

_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
# Where a key can begin: on a line, in a table's name, in an inline table.
_DOTTED = re.compile(rf"(?:^[ \t]*\[?\[?|[{{,])[ \t]*{_PART}(?:[ \t]*\.[ \t]*{_PART})+", re.M)


class TooDeep(ValueError):
    """A text has keys or values that nest more deeply than anybody would write."""


def loads(text: str) -> dict[str, Any]:
    """Return what a TOML text says.

    Raises:
        TooDeep: It nests too deeply, or has too many dotted keys.
        tomllib.TOMLDecodeError: It is not TOML.
    """
    parts = 0
    for found in _DOTTED.finditer(text):
        here = found[0].count(".") + 1
        parts += here
        if here > MAX_PARTS or parts > MAX_TABLES:
            line = text.count("\n", 0, found.start()) + 1
            raise TooDeep(f"its keys have too many parts, in line {line}")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise TooDeep("it is nested too deeply") from None
