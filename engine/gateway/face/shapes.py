"""JSON schemas of clients, checked before an engine makes a grammar of them.

llama.cpp writes a repetition out as often as it says, and takes a longest length below the
shortest for an endless one: a schema of 60 bytes then takes all memory of the machine. What is
refused here no answer could fulfil, or no grammar could hold.
"""

from __future__ import annotations

import json
import re
from typing import Any

from engine.gateway.face.refusals import Refusal, invalid

LARGEST = 32 * 1024
"""Bytes of a schema; larger ones take a grammar minutes a token."""
MOST = 2000
"""llama.cpp's limit of a repetition."""

_BOUNDS = (
    ("minLength", "maxLength"),
    ("minItems", "maxItems"),
    ("minProperties", "maxProperties"),
)
_TIMES = re.compile(r"\{\s*(\d*)\s*(,?)\s*(\d*)\s*\}")


def check_shape(schema: dict[str, Any], name: str) -> None:
    """Check a JSON schema.

    Args:
        schema: The schema.
        name: Its path in the request.

    Raises:
        Refusal: It is too large, or has bounds that no value fulfils or no grammar holds.
    """
    if len(json.dumps(schema, ensure_ascii=False).encode()) > LARGEST:
        raise invalid(f"'{name}' is larger than {LARGEST} bytes.", name)
    left: list[Any] = [schema]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            _check_one(value, name)
            left += value.values()
        elif isinstance(value, list):
            left += value


def _check_one(schema: dict[str, Any], name: str) -> None:
    for low, high in _BOUNDS:
        least, most = _number(schema, low, 0), _number(schema, high, MOST)
        if not 0 <= least <= most <= MOST:
            raise _refused(name, f"{low} and {high} must be from 0 to {MOST}, in that order")
    least, most = _number(schema, "minimum", -1e308), _number(schema, "maximum", 1e308)
    if least > most:
        raise _refused(name, "minimum is above maximum")
    pattern = schema.get("pattern")
    for found in _TIMES.finditer(pattern) if isinstance(pattern, str) else ():
        first, comma, last = found.groups()
        least = int(first or 0)
        most = int(last) if last else max(least, MOST if comma else 0)
        if not least <= most <= MOST:
            raise _refused(name, f"its pattern repeats {found[0]}; {MOST} times is the most")


def _number(schema: dict[str, Any], key: str, otherwise: float) -> float:
    value = schema.get(key)  # an object where a property has that name
    return value if isinstance(value, int | float) and not isinstance(value, bool) else otherwise


def _refused(name: str, why: str) -> Refusal:
    return invalid(f"'{name}' can't be fulfilled: {why}.", name)
