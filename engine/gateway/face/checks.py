"""Checking a value against the small part of JSON Schema that requests are described in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from engine.gateway.face.refusals import Refusal, invalid
from engine.gateway.face.schemas import Schema

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}
_PLACE = re.compile(r"\[(\d+)\]")
_ARTICLES = {"integer": "an integer", "object": "an object", "array": "an array", "null": "null"}


def check(value: Any, schema: Schema, name: str = "") -> None:
    """Check a value.

    Args:
        value: A value of JSON.
        schema: What it has to be.
        name: Its path in the request, such as ``messages[0].content``.

    Raises:
        Refusal: It is something else; the message names the path and what was expected.
    """
    if "anyOf" in schema:
        _any(value, schema, name)
        return
    if "oneOf" in schema:
        check(value, _meant(value, schema, name), name)
        return
    if "enum" in schema and not _among(value, schema["enum"]):
        words = ", ".join("null" if one is None else repr(one) for one in schema["enum"])
        raise invalid(f"'{name}' must be one of: {words}.", name)
    if "type" in schema and not is_of(value, schema["type"]):
        raise invalid(f"'{name}' must be {kinds(schema['type'])}.", name, "invalid_type")
    if isinstance(value, str):
        _string(value, schema, name)
    elif isinstance(value, dict):
        _object(value, schema, name)
    elif isinstance(value, list):
        for item in value[:1] if "items" in schema else ():
            check(item, schema["items"], f"{name}[0]")  # another kind of list is no long one
        _sized(len(value), schema, ("minItems", "maxItems"), f"'{name}' must have", "items", name)
        if "items" in schema:
            for index, item in _suspects(value, schema["items"]):
                check(item, schema["items"], f"{name}[{index}]")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        _sized(value, schema, ("minimum", "maximum"), f"'{name}' must be", "", name)


def _suspects(values: list[Any], schema: Schema) -> Iterator[tuple[int, Any]]:
    """Yield what has to be looked at one by one, with its place: no ids of tokens that are right.

    A prompt may have a million of them, and meanwhile every other client waits.
    """
    if schema.get("type") != "integer":
        yield from enumerate(values)
        return
    low, high = schema["minimum"], schema["maximum"]
    if set(map(type, values)) == {int} and low <= min(values) and max(values) <= high:
        return
    for index, value in enumerate(values):
        whole = type(value) is int or (type(value) is float and value.is_integer())
        if not (whole and low <= value <= high):
            yield index, value


def is_of(value: Any, types: str | list[str]) -> bool:
    """Say whether a value is of one of JSON's types; 2.0 is an integer too, and true is none."""
    for name in [types] if isinstance(types, str) else types:
        if isinstance(value, bool):
            if name == "boolean":
                return True
        elif isinstance(value, _TYPES[name]) or (
            name == "integer" and isinstance(value, float) and value.is_integer()
        ):
            return True
    return False


def kinds(types: str | list[str]) -> str:
    """Return JSON's types as a sentence says them."""
    names = [types] if isinstance(types, str) else types
    return " or ".join(_ARTICLES.get(name, f"a {name}") for name in names)


def _any(value: Any, schema: Schema, name: str) -> None:
    """Check a value against the alternatives; what the nearest one says is the error.

    Where the alternatives have a description, that says what a value of the wrong type had to be.
    """
    refusals: list[Refusal] = []
    for alternative in schema["anyOf"]:
        try:
            check(value, alternative, name)
        except Refusal as refusal:
            refusals.append(refusal)
        else:
            return
    # The alternative of the right kind complains about something inside, or about a size; of
    # several lists it is the one that fits the furthest.
    deepest = max(refusals, key=lambda refusal: _nearness(refusal, name))
    if deepest.code == "invalid_type" and "description" in schema:
        inside = "" if deepest.param == name else f"'{deepest.param}' is of a wrong type: "
        raise invalid(
            f"{inside}'{name}' must be {schema['description']}.", deepest.param, deepest.code
        )
    if deepest.code == "invalid_type" and deepest.param == name:
        types = [one["type"] for one in schema["anyOf"] if "type" in one]
        every = [one for kind in types for one in ([kind] if isinstance(kind, str) else kind)]
        raise invalid(f"'{name}' must be {kinds(list(dict.fromkeys(every)))}.", name, deepest.code)
    raise deepest


def _nearness(refusal: Refusal, name: str) -> tuple[bool, bool, list[int]]:
    inside = (refusal.param or "").removeprefix(name)
    places = [int(digits) for digits in _PLACE.findall(inside)]
    return refusal.code != "invalid_type", bool(inside), places


def _meant(value: Any, schema: Schema, name: str) -> Schema:
    """Return the alternative that a value's own field names."""
    key: str = schema["discriminator"]["propertyName"]
    if not isinstance(value, dict):
        raise invalid(f"'{name}' must be an object.", name, "invalid_type")
    if key not in value:
        raise invalid(f"'{name}.{key}' is missing.", f"{name}.{key}", "missing_parameter")
    known: list[Any] = []
    for alternative in schema["oneOf"]:
        allowed = alternative["properties"][key]["enum"]
        if _among(value[key], allowed):
            return dict(alternative)
        known += allowed
    words = ", ".join(map(repr, known))
    if "description" in schema:
        words += f" ({schema['description']})"
    raise invalid(f"'{name}.{key}' must be one of: {words}.", f"{name}.{key}")


def _among(value: Any, allowed: list[Any]) -> bool:
    return any(type(value) is type(one) and value == one for one in allowed)


def _string(value: str, schema: Schema, name: str) -> None:
    _sized(
        len(value), schema, ("minLength", "maxLength"), f"'{name}' must have", "characters", name
    )
    if "pattern" in schema and not re.search(schema["pattern"], value):
        raise invalid(f"'{name}' has characters or a length that it can't have.", name)


def _object(value: dict[str, Any], schema: Schema, name: str) -> None:
    inside = f"{name}." if name else ""
    _sized(len(value), schema, ("", "maxProperties"), f"'{name}' must have", "entries", name)
    properties = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    for key, item in value.items():
        if key in properties:
            check(item, properties[key], f"{inside}{key}")
        elif others is False:
            known = ", ".join(properties)
            raise invalid(f"There are no fields but: {known}.", None, "unknown_parameter")
        elif isinstance(others, dict):
            if not re.search(schema["propertyNames"]["pattern"], key):
                raise invalid(f"'{name}' has a key that it can't have.", name)
            check(item, others, f"{inside}{key}")
    for key in schema.get("required", ()):
        if key not in value:
            raise invalid(f"'{inside}{key}' is missing.", f"{inside}{key}", "missing_parameter")


def _sized(
    size: float, schema: Schema, bounds: tuple[str, str], what: str, unit: str, name: str
) -> None:
    low, high = schema.get(bounds[0]), schema.get(bounds[1])
    unit = f" {unit}" if unit else ""
    if low is not None and size < low:
        raise invalid(f"{what} at least {low}{unit}.", name)
    if high is not None and size > high:
        raise invalid(f"{what} at most {high}{unit}.", name)
