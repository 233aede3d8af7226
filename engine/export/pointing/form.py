"""What every form of configuration files can do, and why it may refuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class NotThatForm(ValueError):
    """The text is not of the form, or the value can't be changed alone; says why.

    ``hint`` says what to do where that is known.
    """

    def __init__(self, said: str, hint: str = "") -> None:
        super().__init__(said)
        self.hint = hint


class NoSuchKey(NotThatForm):
    """The key is not there; ``known`` are keys that are."""

    def __init__(self, known: Sequence[str]) -> None:
        super().__init__("it has no such key")
        self.known = tuple(known)


@dataclass(frozen=True, slots=True)
class Change:
    """A value that is changed: the one before, and the whole text with the new one."""

    old: Any
    text: str


class Form(Protocol):
    """A form of configuration files.

    Each form finds the value by itself and says how the new text is quoted; whether the whole file
    then says what it should is checked by reading it.
    """

    name: str
    most_bytes: int
    """The largest file that is read."""

    def change(self, text: str, key: str, value: str) -> Change:
        """Give a key another value, and leave everything else as it was.

        Raises:
            NotThatForm: The text can't be read, the key is not there, or it holds no value that
                can be changed alone.
        """
