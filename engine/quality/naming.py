"""The placeholders of a workspace: which number stands for which value.

What is kept is, for each word, a keyed hash of each value and its number; the key is drawn
at random once a workspace. Who has neither the key nor the workspace can't try values out.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from collections.abc import Callable
from typing import Any, Protocol

from engine.errors import WorkspaceError
from engine.quality.values import normal_value, word_for

META_KEY = "placeholders"
_KEY_BYTES = 32
_HASH_BYTES = 16
_VERSION = 1


class Memory(Protocol):
    """Where a workspace remembers single values; the store is one."""

    def get_meta(self, key: str) -> str | None:
        """Return a value, or None."""
        ...

    def update_meta(self, key: str, change: Callable[[str | None], str]) -> str:
        """Replace a value by what follows from it, in one write transaction, and return it.

        No other process writes between the reading and the writing.
        """
        ...


class WorkspacePlaceholders:
    """The placeholders of one workspace. Any thread and any number of processes may use them.

    A number is given in one write transaction, which reads what other processes gave; so
    none is given twice, and none is lost.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._known: dict[str, Any] = {}
        self._lock = threading.Lock()

    def of(self, code: str, value: str) -> str:
        """Return the placeholder of a value; the same value, the same one.

        Raises:
            WorkspaceError: What the workspace remembers of placeholders can't be read.
        """
        word = word_for(code)
        normal = normal_value(code, value)
        with self._lock:
            number = self._number(word, normal)
            if number is None:
                self._known = _parsed(self._memory.get_meta(META_KEY))
                number = self._number(word, normal)
            if number is None:
                stored = self._memory.update_meta(
                    META_KEY, lambda old: _with_value(old, word, normal)
                )
                self._known = _parsed(stored)
                number = self._number(word, normal)
            assert number is not None
        return f"[{word}_{number}]"

    def _number(self, word: str, normal: str) -> int | None:
        if not self._known:
            return None
        numbers: dict[str, int] = self._known["numbers"].get(word, {})
        return numbers.get(_hashed(self._known["key"], word, normal))


class TemporaryPlaceholders:
    """Placeholders that are forgotten with the process, for text outside of a workspace."""

    def __init__(self) -> None:
        self._numbers: dict[str, dict[str, int]] = {}

    def of(self, code: str, value: str) -> str:
        """Return the placeholder of a value; the same value, the same one."""
        word = word_for(code)
        numbers = self._numbers.setdefault(word, {})
        number = numbers.setdefault(normal_value(code, value), len(numbers) + 1)
        return f"[{word}_{number}]"


def _hashed(key: str, word: str, normal: str) -> str:
    # A lone surrogate is hashed by its escape.
    data = f"{word}\0{normal}".encode("utf-8", "backslashreplace")
    return hashlib.blake2b(data, digest_size=_HASH_BYTES, key=bytes.fromhex(key)).hexdigest()


def _parsed(stored: str | None) -> dict[str, Any]:
    if stored is None:
        return {}
    try:
        known: dict[str, Any] = json.loads(stored)
        bytes.fromhex(known["key"])
        known["numbers"].items()
        version = known["v"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable() from error
    if version != _VERSION:
        raise _unreadable()
    return known


def _unreadable() -> WorkspaceError:
    return WorkspaceError(
        "what the workspace remembers of placeholders can't be read",
        hint="a newer finetui may have written it; nothing was changed",
    )


def _with_value(stored: str | None, word: str, normal: str) -> str:
    known = _parsed(stored) or {
        "v": _VERSION,
        "key": secrets.token_hex(_KEY_BYTES),
        "numbers": {},
    }
    numbers = known["numbers"].setdefault(word, {})
    numbers.setdefault(_hashed(known["key"], word, normal), len(numbers) + 1)
    return json.dumps(known, separators=(",", ":"), sort_keys=True)
