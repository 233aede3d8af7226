from __future__ import annotations

import copy
import pickle
from dataclasses import (
    FrozenInstanceError,
    asdict,
    dataclass,
    field,
    fields,
    is_dataclass,
    replace,
)
from typing import Any

import pytest

from engine.frozen import frozen


@frozen
class Place:
    """Where something is."""

    path: str
    line: int = 0
    tags: dict[str, int] = field(default_factory=dict)

    @property
    def short(self) -> str:
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Standard:
    """The same by the standard library."""

    path: str
    line: int = 0
    tags: dict[str, int] = field(default_factory=dict)


@frozen
class Positive:
    """A number that is checked, and compared with itself in a set."""

    value: int
    below: Positive | None = None

    def __post_init__(self) -> None:
        if self.value < 0:
            raise ValueError("below 0")


def test_it_is_a_dataclass_like_the_standard_ones() -> None:
    place, other = Place("a/b.md", 3), Standard("a/b.md", 3)
    assert is_dataclass(place)
    assert repr(place).replace("Place", "Standard") == repr(other)
    assert asdict(place) == asdict(other)
    assert [(one.name, one.type) for one in fields(Place)] == [
        (one.name, one.type) for one in fields(Standard)
    ]
    assert replace(place, line=4) == Place("a/b.md", 4)
    assert Place.__match_args__ == Standard.__match_args__
    assert place.short == "b.md"
    match place:
        case Place(path, line=3):
            assert path == "a/b.md"
        case _:
            raise AssertionError


def test_it_is_compared_and_hashed_by_its_values() -> None:
    assert Place("a") == Place(path="a", line=0, tags={})
    assert Place("a") != Place("b")
    assert Place("a") != Standard("a")  # type: ignore[comparison-overlap]
    assert len({Positive(1), Positive(1), Positive(2), Positive(1, Positive(0))}) == 3
    with pytest.raises(TypeError, match="unhashable"):
        hash(Place("a"))


def test_defaults_are_made_for_each() -> None:
    assert Place("a").tags is not Place("a").tags


def test_nothing_can_be_set() -> None:
    place: Any = Place("a")
    for name in ("path", "other"):
        with pytest.raises(FrozenInstanceError):
            setattr(place, name, "b")
    with pytest.raises(FrozenInstanceError):
        del place.path
    assert not hasattr(place, "__dict__")


def test_it_is_checked_when_it_is_made() -> None:
    with pytest.raises(ValueError, match="below 0"):
        Positive(-1)
    with pytest.raises(ValueError, match="below 0"):
        replace(Positive(1), value=-1)
    with pytest.raises(TypeError):
        Place()  # type: ignore[call-arg]


def test_copies_and_pickles_are_equal() -> None:
    place = Place("a", tags={"x": 1})
    assert copy.copy(place) == copy.deepcopy(place) == pickle.loads(pickle.dumps(place)) == place
    assert copy.deepcopy(place).tags is not place.tags
