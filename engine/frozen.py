"""Frozen, slotted dataclasses that are made in a fifth of the time.

``@dataclass(frozen=True, slots=True)`` compiles six functions a class, one by one: 0.6 ms. The
values that the app's first screen is made of would take a tenth of its start. This compiles what
differs from class to class in one go, and shares the rest. To ``dataclasses`` and to mypy the
classes are dataclasses: ``fields``, ``replace`` and ``asdict`` work, and so do copies and pickles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field
from reprlib import recursive_repr
from typing import Any, NoReturn, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """Return a class as a frozen dataclass with slots.

    Fields may have a default or a ``default_factory``; other arguments of ``field``, and
    inheritance from another dataclass, are not for this decorator.
    """
    made: Any = dataclass(init=False, repr=False, eq=False, slots=True)(cls)
    fields: tuple[Field[Any], ...] = tuple(made.__dataclass_fields__.values())
    names = {"_set_field": object.__setattr__, "_missing": MISSING}
    exec(_source(fields, names, checked=hasattr(made, "__post_init__")), names)
    for name in ("__init__", "__eq__", "__hash__"):
        setattr(made, name, names[name])
    for name, method in _SHARED.items():
        setattr(made, name, method)
    made.__dataclass_params__.frozen = True
    return made  # type: ignore[no-any-return]


def _source(fields: tuple[Field[Any], ...], names: dict[str, Any], *, checked: bool) -> str:
    """Return the source of a class's methods, and put what they refer to into ``names``."""
    arguments, sets = ["self"], []
    for one in fields:
        name = value = one.name
        default = f"_default_{name}"
        if one.default is not MISSING:
            names[default] = one.default
            arguments.append(f"{name}={default}")
        elif one.default_factory is not MISSING:
            names[default] = one.default_factory
            arguments.append(f"{name}=_missing")
            value = f"{default}() if {name} is _missing else {name}"
        else:
            arguments.append(name)
        sets.append(f"    _set_field(self, {name!r}, {value})")
    if checked:
        sets.append("    self.__post_init__()")
    own, others = (
        "".join(f"{whose}.{one.name}, " for one in fields) for whose in ("self", "other")
    )
    return "\n".join(
        (
            f"def __init__({', '.join(arguments)}):",
            *sets,
            "def __eq__(self, other):",
            "    if other.__class__ is not self.__class__:",
            "        return NotImplemented",
            f"    return ({own}) == ({others})",
            "def __hash__(self):",
            f"    return hash(({own}))",
        )
    )


@recursive_repr()
def _repr(self: Any) -> str:
    values = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__dataclass_fields__)
    return f"{self.__class__.__qualname__}({values})"


def _set_nothing(_: Any, name: str, __: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delete_nothing(_: Any, name: str) -> NoReturn:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> dict[str, Any]:
    return {name: getattr(self, name) for name in self.__dataclass_fields__}


def _restore(self: Any, state: Mapping[str, Any]) -> None:
    for name, value in state.items():
        object.__setattr__(self, name, value)


_SHARED = {
    "__repr__": _repr,
    "__setattr__": _set_nothing,
    "__delattr__": _delete_nothing,
    "__getstate__": _state,
    "__setstate__": _restore,
}
