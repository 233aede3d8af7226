"""Options that are declared once, as frozen dataclasses, and read from plain values.

A field's type and default stand in the class, its bounds in ``Annotated[int, Limits(ge=1)]``,
its help in the docstring under it::

    @frozen
    class CurationSettings:
        target: Annotated[int, Limits(ge=1)] = 100
        \"\"\"How many approved examples the progress bar counts towards.\"\"\"

Not pydantic, by which specifications of jobs are checked: importing it and building the models of
the settings takes as much processor time as half of a Textual app's start, and 20 MB that stay,
in a process that reads a dozen values from two short files. Types are resolved and docstrings
parsed for what is read or described alone.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from engine.frozen import frozen

T = TypeVar("T")

_TRUE = ("true", "yes", "on", "1", "y", "t")
_FALSE = ("false", "no", "off", "0", "n", "f")


@frozen
class Limits:
    """Bounds of a number: at least, above, at most, below."""

    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None

    def broken_by(self, value: float) -> str:
        """Say what a value has to be instead; empty where it is within the bounds."""
        words = [
            f"{name} {bound:g}"
            for name, bound, holds in (
                ("at least", self.ge, self.ge is None or value >= self.ge),
                ("above", self.gt, self.gt is None or value > self.gt),
                ("at most", self.le, self.le is None or value <= self.le),
                ("below", self.lt, self.lt is None or value < self.lt),
            )
            if bound is not None and not holds
        ]
        return " and ".join(words)


@frozen
class Acts:
    """Marks a text that is run, loaded or reached, so that whoever writes it decides what happens.

    From a workspace it counts only where the person trusts that (:mod:`engine.trust`).

    Attributes:
        how: What happens with it.
        names: Whether it may also be a plain name, or ``owner/name``, which decides nothing by
            itself; a folder that has that name is meant by its path.
        own: Whether it counts in a person's own settings alone, whatever workspace is trusted.
    """

    how: Literal["runs", "loads", "reaches"]
    names: bool = False
    own: bool = False


class Invalid(ValueError):
    """A value that the schema does not take.

    Attributes:
        name: The field, with those that it is part of: ``check.rules.0.flag``.
        reason: What is wrong with it.
        unknown: Whether there is no such field.
    """

    def __init__(self, name: str, reason: str, *, unknown: bool = False) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason
        self.unknown = unknown


@frozen
class Option:
    """A field as it is declared: its type without bounds, its default, its help."""

    name: str
    type: Any
    default: Any
    help: str
    acts: Acts | None = None


def read(kind: type[T], values: Mapping[str, Any], *, name: str = "") -> T:
    """Return an instance of a dataclass from plain values, with all of them checked.

    Numbers and booleans may come as text, as they do from the environment.

    Args:
        kind: The dataclass.
        values: Its fields' values; those of fields that are dataclasses are mappings too.
        name: What the instance is a part of, for errors.

    Raises:
        Invalid: A field is unknown or missing, or its value is of another type or out of bounds.
    """
    hints = _hints(typing.cast(Any, kind))
    found = {}
    for key, value in values.items():
        whole = f"{name}.{key}" if name else str(key)
        if key not in hints:
            raise Invalid(whole, "is unknown", unknown=True)
        found[key] = _value(hints[key], value, whole)
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        needed = field.default is field.default_factory is dataclasses.MISSING
        if needed and field.name not in found:
            raise Invalid(f"{name}.{field.name}" if name else field.name, "is missing")
    try:
        return kind(**found)
    except ValueError as error:  # what only a __post_init__ can see
        raise Invalid(name, str(error)) from error


def options(kind: type) -> list[Option]:
    """Return the fields of a dataclass in their order."""
    hints, words = _hints(kind), _docstrings(kind)
    return [
        Option(
            field.name,
            _bare(hints[field.name]),
            _default(field),
            words.get(field.name, ""),
            _mark(hints[field.name]),
        )
        for field in dataclasses.fields(kind)
    ]


def names(kind: type, prefix: str = "") -> list[str]:
    """Return the names of all fields of a dataclass, and of those within them."""
    found = []
    for name, hint in _hints(kind).items():
        found.append(prefix + name)
        if dataclasses.is_dataclass(inner := _bare(hint)):
            found += names(typing.cast(type, inner), f"{prefix}{name}.")
    return found


def acting(kind: type, prefix: str = "") -> dict[str, Acts]:
    """Return the marks of all fields that act, and of those within them, by dotted name."""
    found: dict[str, Acts] = {}
    for name, hint in _hints(kind).items():
        mark = _mark(hint)
        if mark is not None:
            found[prefix + name] = mark
        if dataclasses.is_dataclass(inner := _bare(hint)):
            found |= acting(typing.cast(type, inner), f"{prefix}{name}.")
    return found


def nearest(name: str, known: Sequence[str]) -> str:
    """Return the name that was probably meant, or an empty text."""
    import difflib  # only a mistake pays for it

    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    return near[0] if near else ""


def plain(value: Any) -> Any:
    """Return a value as a file writes it: lists, and of dataclasses what is not the default."""
    if isinstance(value, tuple):
        return [plain(one) for one in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        pairs = ((field, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {field.name: plain(one) for field, one in pairs if one != _default(field)}
    return value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind, include_extras=True)


def _bare(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _mark(hint: Any) -> Acts | None:
    marks = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return next((mark for mark in marks if isinstance(mark, Acts)), None)


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _docstrings(kind: type) -> dict[str, str]:
    """Return the text under each field, on one line."""
    import ast
    import inspect
    import textwrap

    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for above, below in zip(body.body, body.body[1:], strict=False):
        if isinstance(above, ast.AnnAssign) and isinstance(below, ast.Expr):
            assert isinstance(above.target, ast.Name)
            assert isinstance(below.value, ast.Constant)
            found[above.target.id] = " ".join(str(below.value.value).split())
    return found


def _value(hint: Any, value: Any, name: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        found = _value(arguments[0], value, name)
        for mark in arguments[1:]:
            found = _within(mark, found, name) if isinstance(mark, Limits) else found
        return found
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        return _one_of(arguments, value, name)
    if origin is Literal:
        if value not in arguments:
            raise Invalid(name, f"must be one of {', '.join(map(str, arguments))}, not {value!r}")
        return value
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise Invalid(name, f"must be a list, not {value!r}")
        return tuple(_value(arguments[0], one, f"{name}.{i}") for i, one in enumerate(value))
    if origin is dict:
        return {key: _value(arguments[1], one, f"{name}.{key}") for key, one in _map(value, name)}
    if dataclasses.is_dataclass(hint):
        return read(typing.cast(type, hint), dict(_map(value, name)), name=name)
    return _scalar(hint, value, name)


def _one_of(hints: tuple[Any, ...], value: Any, name: str) -> Any:
    """Return a value as the first of some types that takes it."""
    reasons: list[str] = []
    for hint in hints:
        if hint is not type(None):
            try:
                return _value(hint, value, name)
            except Invalid as error:
                reasons.append(error.reason.partition(", not ")[0].removeprefix("must be "))
    raise Invalid(name, f"must be {', or '.join(reasons)}, not {value!r}")


def _map(value: Any, name: str) -> list[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        raise Invalid(name, f"must be a table, not {value!r}")
    return list(value.items())


def _within(limits: Limits, value: Any, name: str) -> Any:
    if isinstance(value, int | float) and (bounds := limits.broken_by(value)):
        raise Invalid(name, f"must be {bounds}, not {value:g}")
    return value


def _scalar(hint: Any, value: Any, name: str) -> Any:
    if hint is str and isinstance(value, str):
        return value
    if hint is bool:
        if isinstance(value, bool):
            return value
        if str(value).lower() in (*_TRUE, *_FALSE):
            return str(value).lower() in _TRUE
        raise Invalid(name, f"must be true or false, not {value!r}")
    if hint in (int, float) and (number := _number(hint, value)) is not None:
        return number
    kinds = {str: "text", int: "a whole number", float: "a number"}
    raise Invalid(name, f"must be {kinds[hint]}, not {value!r}")


def _number(kind: type[int] | type[float], value: Any) -> int | float | None:
    """Return a value as a finite number of a kind, or None where that would change it."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = kind(value)
    except (ValueError, OverflowError):
        return None
    if isinstance(number, float) and not math.isfinite(number):
        return None
    return number if isinstance(value, str) or number == value else None
