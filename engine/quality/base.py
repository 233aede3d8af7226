"""What a check is: one conversation in, flags and measures out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from engine.models import NO_MEASURES, Flag, Turn


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found in one conversation.

    Args:
        flags: What a person should look at.
        measures: What is known about any conversation, flagged or not, by stable name:
            "language" (an ISO 639-1 code, "" where it can't be told), "quality" (0 to 1),
            "quality.repetition" and the other parts (0 to 1), "tokens", "trained", "cut".
    """

    flags: tuple[Flag, ...] = ()
    measures: Mapping[str, float | str] = field(default_factory=lambda: NO_MEASURES)


class Check(Protocol):
    """One kind of look at a conversation.

    It keeps no state between conversations, so that any number of them may be looked at
    in any order and in several processes, with the same finding for the same turns.

    Attributes:
        name: Its stable name: "language", "length", "app-text", "quality", "safety", "secrets",
            "personal".
        version: Changes whenever the same turns may give another finding: with its own
            rules, with the library behind it, and with its options.
    """

    @property
    def name(self) -> str:
        """Its stable name."""
        ...

    @property
    def version(self) -> str:
        """What changes with what it finds."""
        ...

    def look(self, turns: Sequence[Turn]) -> Finding:
        """Look at a conversation.

        Any text is taken, also an empty one, a megabyte, right-to-left, with combining
        characters, NULs or lone surrogates. Time is linear in the text's length.

        Raises:
            CheckFailed: It can't be looked at; the stage reports it by example and goes on.
        """
        ...
