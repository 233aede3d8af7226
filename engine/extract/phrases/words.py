"""The form of a language's small words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DateWords:
    """How a language writes dates, and joins two words.

    ``day``, ``week`` and ``month`` are templates with ``{day}``, ``{month}`` and ``{year}``, each
    with its preposition.
    """

    months: tuple[str, ...]
    day: str
    week: str
    month: str
    conjunction: str
