"""The check for personal data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version as version_of
from typing import Literal

from engine.models import Flag, Turn
from engine.quality.base import Finding
from engine.quality.normal import View, view_of
from engine.quality.personal.contact import find_emails, find_machines
from engine.quality.personal.numbers import NUMBERINGS, find_numbers
from engine.quality.personal.people import find_people
from engine.quality.personal.phones import find_phones
from engine.quality.personal.places import find_birthdays, find_places
from engine.quality.personal.spans import Span, without_overlaps
from engine.quality.placeholders import outside_placeholders

_RULES = 5

Names = Literal["all", "introduced", "none"]

CODES: tuple[str, ...] = (
    "iban",
    "card",
    *dict.fromkeys(numbering.code for numbering in NUMBERINGS),
    "gb-nino",
    "email",
    "phone",
    "address",
    "date-of-birth",
    "person",
    "ip-address",
    "mac",
)
"""What is found, that which matters most first."""


class PersonalCheck:
    """Finds what tells who somebody is: addresses, numbers, names.

    Args:
        regions: Countries (ISO 3166) whose telephone numbers count without their code in a text
            of any language; others count where their language is spoken.
        names: Which names of people are sought: "all", also a known first name with a
            surname, which takes in everybody whom the text speaks of; "introduced", those
            that a title, a greeting, a signature or the like says are somebody's; "none".
        min_score: Findings that are less sure than this are left out, from 0 to 1.
    """

    def __init__(
        self,
        *,
        regions: Sequence[str] = ("RO", "GB", "US", "DE"),
        names: Names = "all",
        min_score: float = 0.5,
    ) -> None:
        self._regions = tuple(region.upper() for region in regions)
        self._names = names
        self._min_score = min_score

    @property
    def name(self) -> str:
        """Its stable name."""
        return "personal"

    @property
    def names(self) -> Names:
        """Which names of people are sought."""
        return self._names

    @property
    def version(self) -> str:
        """What changes with what it finds."""
        libraries = ", ".join(f"{n} {version_of(n)}" for n in ("phonenumbers", "python-stdnum"))
        options = (
            f"regions {' '.join(self._regions)}; names {self._names}; min_score {self._min_score:g}"
        )
        return f"personal-{_RULES}; {libraries}; {options}"

    def look(self, turns: Sequence[Turn]) -> Finding:
        """Look at a conversation. See :class:`engine.quality.base.Check`."""
        flags = [
            Flag("personal", span.code, span.score, span.reason, index, span.start, span.end)
            for index, turn in enumerate(turns)
            for span in self.spans(turn.content)
        ]
        return Finding(tuple(flags))

    def spans(self, text: str) -> list[Span]:
        """Return what is personal in a text, in its order, none overlapping another."""
        view = view_of(text)
        seen = [view.text]
        if "\t" in text:
            # A tab is a blank within a number, or the end of a table's cell.
            seen.append(view_of(text, tabs=True).text)
        found = [
            span
            for form in seen
            for span in self._candidates(form)
            if span.score >= self._min_score and outside_placeholders(form, span.start, span.end)
        ]
        return [_placed(span, view) for span in without_overlaps(found, CODES)]

    def _candidates(self, text: str) -> Iterator[Span]:
        yield from find_emails(text)
        if any(digit in text for digit in "0123456789"):
            yield from find_machines(text)
            yield from find_numbers(text)
            yield from find_phones(text, self._regions)
            yield from find_places(text)
            yield from find_birthdays(text)
        if self._names != "none":
            yield from find_people(text, listed=self._names == "all")


def _placed(span: Span, view: View) -> Span:
    start, end = view.span(span.start, span.end)
    return replace(span, start=start, end=end)
