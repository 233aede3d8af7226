"""The placeholders of a workspace: which number stands for which value.

What is kept is, for each word, a keyed hash of each value and its number; the key is drawn
at random once a workspace. Who has neither the key nor the workspace can't try values out.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from engine.errors import WorkspaceError
from engine.models import Card, Filter
from engine.quality.values import former_value, keys, word_for

META_KEY = "placeholders"
_KEY_BYTES = 32
_HASH_BYTES = 16
_VERSION = 2
_MOST_HITS = 64


class Memory(Protocol):
    """Where a workspace remembers single values; the store is one."""

    def get_meta(self, key: str) -> str | None:
        """Return a value, or None."""
        ...

    def get_metas(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the values of some keys; those without one are absent."""
        ...

    def change_metas(self, change: Callable[[], Mapping[str, str]]) -> None:
        """Remember the values that a function returns, in one write transaction.

        No other process writes between what the function reads and what is written.
        """
        ...

    def positions(self, filter: Filter) -> list[int]:
        """Return the places of a filter's examples."""
        ...

    def cards_at(self, positions: Sequence[int]) -> list[Card]:
        """Return the examples at some places."""
        ...


class _Numbers:
    """Gives values their numbers, from what is known of them.

    Args:
        known: Returns the number that is kept under a name, or None.
        highest: Returns the highest number that a word has, or 0.
        taken: Returns whether an author wrote a placeholder, which then is never given.
    """

    def __init__(
        self,
        known: Callable[[str], int | None],
        highest: Callable[[str], int],
        taken: Callable[[str], bool],
    ) -> None:
        self._known = known
        self._highest = highest
        self._taken = taken
        self.new: dict[str, int] = {}
        self.counts: dict[str, int] = {}

    def known_mark(self, code: str, value: str, avoid: Collection[str]) -> str | None:
        """Return the placeholder that a value has, or None."""
        return self._mark(code, value, avoid, lambda _, names: self._at(names.own))

    def mark(self, code: str, value: str, avoid: Collection[str]) -> str:
        """Return the placeholder of a value, a new one where it has none."""
        mark = self._mark(code, value, avoid, self._given)
        assert mark is not None
        return mark

    def _mark(
        self,
        code: str,
        value: str,
        avoid: Collection[str],
        number_of: Callable[[str, _Names], int | None],
    ) -> str | None:
        """Return the first of a value's placeholders that is not to be avoided.

        In a text with an author's own ``[EMAIL_1]`` the value that has this placeholder
        elsewhere gets a second one, which is kept as well.
        """
        word = word_for(code)
        spare = 0
        while (number := number_of(word, names_of(code, value, spare))) is not None:
            if (mark := f"[{word}_{number}]") not in avoid:
                return mark
            spare += 1
        return None

    def _given(self, word: str, names: _Names) -> int:
        number = self._at(names.own)
        if number is not None:
            return number
        if names.national and self._at(names.claim) is None:
            # It was seen as it is written within its country: "0721 …" before "+40 721 …".
            number = self._at(names.national)
        if number is None:
            number = self._at(names.former)
        if number is None:
            number = self._next(word)
        self.new[names.own] = number
        if names.national:
            self.new[names.claim] = number
            if self._at(names.national) is None:
                self.new[names.national] = number
        return number

    def _at(self, name: str) -> int | None:
        number = self.new.get(name)
        return self._known(name) if number is None else number

    def _next(self, word: str) -> int:
        number = self.counts.get(word, self._highest(word)) + 1
        while self._taken(f"[{word}_{number}]"):
            number += 1
        self.counts[word] = number
        return number


@dataclass(frozen=True, slots=True)
class _Names:
    """Under what names a value's number is kept.

    Args:
        own: That of the value itself.
        national: That of a telephone number as it is written within its country.
        claim: Says that a number with a country's code has that name already.
        former: That under which earlier workspaces keep it.
    """

    own: str
    national: str
    claim: str
    former: str

    def all(self) -> tuple[str, ...]:
        """Return those that there are."""
        return tuple(filter(None, (self.own, self.national, self.claim, self.former)))


def names_of(code: str, value: str, spare: int = 0) -> _Names:
    """Return the names of a value; ``spare`` counts its placeholders from 0."""
    word = word_for(code)
    own, *rest = keys(code, value)
    end = f"\0{spare}" if spare else ""
    return _Names(
        f"{word}\0{own}{end}",
        f"{word}\0{rest[0]}{end}" if rest else "",
        f"{word}\0claimed {rest[0]}{end}" if rest else "",
        f"{word}\0{former_value(code, value)}{end}",
    )


class WorkspacePlaceholders:
    """The placeholders of one workspace. Any thread and any number of processes may use them.

    A number is given in one write transaction, which reads what other processes gave; so
    none is given twice, and none is lost.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._key = b""
        self._known: dict[str, int] = {}
        self._highest: dict[str, int] = {}
        self._lock = threading.RLock()

    def of(self, code: str, value: str) -> str:
        """Return the placeholder of a value; the same value, the same one.

        Raises:
            WorkspaceError: What the workspace remembers of placeholders can't be read.
        """
        return self.all_of([(code, value)])[0]

    def all_of(self, values: Sequence[tuple[str, str]], avoid: Collection[str] = ()) -> list[str]:
        """Return the placeholders of many values; those that have none get one, at once.

        Args:
            values: Codes and values.
            avoid: Placeholders that an author wrote where these shall stand.

        Raises:
            WorkspaceError: What the workspace remembers of placeholders can't be read.
        """
        with self._lock:
            marks = self.known_of(values, avoid)
            if None not in marks:
                return [mark for mark in marks if mark]
            given: list[str] = []
            if not self._key:
                self._memory.change_metas(self._locked)

            def give() -> dict[str, str]:
                self._fetch(values)
                numbers = _Numbers(self._number, self._count, self._is_taken)
                given.extend(numbers.mark(code, value, avoid) for code, value in values)
                self._known.update(numbers.new)
                rows = {self._row(name): str(number) for name, number in numbers.new.items()}
                return rows | {
                    f"{META_KEY}:{word}": str(count) for word, count in numbers.counts.items()
                }

            try:
                self._memory.change_metas(give)
            except BaseException:
                # What was not written is not known.
                self._known.clear()
                raise
            return given

    def known_of(
        self, values: Sequence[tuple[str, str]], avoid: Collection[str] = ()
    ) -> list[str | None]:
        """Return the placeholders that values have, None for those that have none."""
        with self._lock:
            if not self._key and not self._unlock():
                return [None] * len(values)
            self._fetch(values)
            numbers = _Numbers(self._known.get, self._count, lambda _: False)
            return [numbers.known_mark(code, value, avoid) for code, value in values]

    def issued(self, mark: str) -> bool:
        """Return whether the workspace may have given a placeholder out."""
        word, number = split_mark(mark)
        with self._lock:
            if number > self._highest.get(word, 0):
                self._highest[word] = self._count(word)
            return number <= self._highest[word]

    def _unlock(self) -> bool:
        """Read the key of the workspace's hashes; False where it has none yet."""
        stored = _parsed(self._memory.get_meta(META_KEY))
        if stored and stored["v"] == _VERSION:
            self._key = bytes.fromhex(stored["key"])
        return bool(self._key)

    def _locked(self) -> dict[str, str]:
        """Return what is written first: a key, and the numbers that an earlier form holds."""
        if self._unlock():
            return {}
        stored = _parsed(self._memory.get_meta(META_KEY))
        key = stored["key"] if stored else secrets.token_hex(_KEY_BYTES)
        self._key = bytes.fromhex(key)
        rows = {META_KEY: json.dumps({"v": _VERSION, "key": key}, separators=(",", ":"))}
        for word, numbers in stored.get("numbers", {}).items():
            rows |= {f"{META_KEY}:{word}:{hashed}": str(n) for hashed, n in numbers.items()}
            rows[f"{META_KEY}:{word}"] = str(len(numbers))
        return rows

    def _fetch(self, values: Sequence[tuple[str, str]]) -> None:
        """Learn what the workspace remembers of some values."""
        names = [name for code, value in values for name in names_of(code, value).all()]
        by_row = {self._row(name): name for name in names if name not in self._known}
        for row, number in self._memory.get_metas(list(by_row)).items():
            self._known[by_row[row]] = int(number)

    def _number(self, name: str) -> int | None:
        if name not in self._known and (stored := self._memory.get_meta(self._row(name))):
            self._known[name] = int(stored)
        return self._known.get(name)

    def _count(self, word: str) -> int:
        return int(self._memory.get_meta(f"{META_KEY}:{word}") or 0)

    def _row(self, name: str) -> str:
        # A lone surrogate is hashed by its escape.
        data = name.encode("utf-8", "backslashreplace")
        hashed = hashlib.blake2b(data, digest_size=_HASH_BYTES, key=self._key).hexdigest()
        return f"{META_KEY}:{name.partition(chr(0))[0]}:{hashed}"

    def _is_taken(self, mark: str) -> bool:
        """Return whether a placeholder that was never given stands in an example."""
        positions = self._memory.positions(Filter(text=mark))[:_MOST_HITS]
        cards = self._memory.cards_at(positions) if positions else []
        return any(mark in turn.content for card in cards for turn in card.turns)


class TemporaryPlaceholders:
    """Placeholders that are forgotten with the process, for text outside of a workspace."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}
        self._counts: dict[str, int] = {}

    def of(self, code: str, value: str) -> str:
        """Return the placeholder of a value; the same value, the same one."""
        return self.all_of([(code, value)])[0]

    def all_of(self, values: Sequence[tuple[str, str]], avoid: Collection[str] = ()) -> list[str]:
        """Return the placeholders of many values; none is one of those to avoid."""
        numbers = _Numbers(
            self._known.get, lambda word: self._counts.get(word, 0), lambda mark: mark in avoid
        )
        marks = [numbers.mark(code, value, avoid) for code, value in values]
        self._known.update(numbers.new)
        self._counts.update(numbers.counts)
        return marks

    def issued(self, mark: str) -> bool:
        """Return whether a placeholder may have been given out."""
        word, number = split_mark(mark)
        return number <= self._counts.get(word, 0)


def split_mark(mark: str) -> tuple[str, int]:
    """Return word and number of a placeholder."""
    word, _, number = mark.strip("[]").rpartition("_")
    return word, int(number)


def _parsed(stored: str | None) -> dict[str, Any]:
    if stored is None:
        return {}
    try:
        known: dict[str, Any] = json.loads(stored)
        bytes.fromhex(known["key"])
        version = known["v"]
        if version == 1:
            known["numbers"].items()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable() from error
    if version not in (1, _VERSION):
        raise _unreadable()
    return known


def _unreadable() -> WorkspaceError:
    return WorkspaceError(
        "what the workspace remembers of placeholders can't be read",
        hint="a newer finetui may have written it; nothing was changed",
    )
