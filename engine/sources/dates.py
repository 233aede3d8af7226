"""Dates in the names of notes and in headings, as people in several places write them."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

_MONTHS: dict[str, int] = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar janner ianuarie ian",
            "february feb februar feber februarie",
            "march mar marz maerz mrz martie mart",
            "april apr aprilie",
            "may mai",
            "june jun juni iunie iun",
            "july jul juli iulie iul",
            "august aug",
            "september sept sep septembrie",
            "october oct oktober okt octombrie",
            "november nov noiembrie noi",
            "december dec dezember dez decembrie",
        ),
        1,
    )
    for name in names.split()
}
_NAMED = "|".join(sorted(_MONTHS, key=len, reverse=True))
_YEAR = re.compile(r"\d{4}")
_ISO_DAY = re.compile(r"(?<!\d)(\d{4})[-_.]?(\d{2})[-_.]?(\d{2})(?!\d)")
_WEEK = re.compile(r"(?<!\d)(\d{4})[-_ ]?[WwKk][Ww]?[-_ ]?(\d{1,2})(?!\d)")
_ISO_MONTH = re.compile(r"^(\d{4})-(\d{2})(?!\d)")
_DAY_FIRST = re.compile(r"(?<![\w.])(\d{1,2})([-_./ ])[ ]?(\d{1,2})\2[ ]?(\d{4})(?!\d)")
_GAP = "[-_ ]{1,2}"
_NAMED_DAY = re.compile(
    rf"(?<![a-z\d])(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\.?{_GAP}(?:of )?(?P<month>{_NAMED})\b"
    rf"\.?,?{_GAP}(?P<year>\d{{4}})"
    rf"|(?P<month2>{_NAMED})\b\.?{_GAP}(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?,?{_GAP}(?P<year2>\d{{4}})"
    rf"|(?P<year3>\d{{4}}){_GAP}(?P<month3>{_NAMED})\b\.?{_GAP}(?P<day3>\d{{1,2}}))(?!\d)"
)
_NAMED_MONTH = re.compile(rf"^(?P<month>{_NAMED})\b\.?,?{_GAP}(?P<year>\d{{4}})(?=$|\s*[-–—:,(])")


@lru_cache(maxsize=8192)
def date_in(name: str) -> str:
    """Return the date in a name: a day, a week or a month; empty where there is none.

    Understood are ``2024-03-14``, ``20240314``, ``14.03.2024``, ``14 March 2024``, ``Mar 14th,
    2024`` and the like in English, German and Romanian, ``2024-W11``, ``2024-03`` and ``March
    2024``. ``03-04-2024`` is left alone, since it is another day in each half of the world.

    Args:
        name: The name of a note, or a heading.

    Returns:
        ``YYYY-MM-DD``, ``YYYY-Www`` or ``YYYY-MM``.
    """
    if not _YEAR.search(name):
        return ""
    for match in _ISO_DAY.finditer(name):
        if found := _day(match[1], match[2], match[3]):
            return found
    for match in _DAY_FIRST.finditer(name):
        if found := _day_first(match[1], match[2], match[3], match[4]):
            return found
    week = _WEEK.search(name)
    if week and 1 <= int(week[2]) <= 53:
        return f"{week[1]}-W{int(week[2]):02d}"
    month = _ISO_MONTH.match(name)
    if month and 1 <= int(month[2]) <= 12:
        return f"{month[1]}-{month[2]}"
    return _named(name.lower().replace("ä", "a"))


def valid_day(text: str) -> str:
    """Return an ISO date as it is, or empty where it is none."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return ""


def _day(year: str, month: str, day: str) -> str:
    found = valid_day(f"{year}-{int(month):02d}-{int(day):02d}")
    return found if found > "1900" else ""


def _day_first(first: str, sign: str, second: str, year: str) -> str:
    """Read two numbers before a year: with dots the day comes first, else the larger one is it."""
    if sign == "." or int(first) > 12 or first == second:
        return _day(year, second, first)
    return _day(year, first, second) if int(second) > 12 else ""


def _named(lowered: str) -> str:
    match = _NAMED_DAY.search(lowered)
    if match:
        parts = next(
            (match[f"year{form}"], match[f"month{form}"], match[f"day{form}"])
            for form in ("", "2", "3")
            if match[f"year{form}"]
        )
        if found := _day(parts[0], str(_MONTHS[parts[1]]), parts[2]):
            return found
    month = _NAMED_MONTH.match(lowered)
    return f"{month['year']}-{_MONTHS[month['month']]:02d}" if month else ""
