"""Postal addresses, whole or not at all, and dates of birth.

An address is a street with a number, or a postcode with its town, and all that stands
before and after it: unit, floor, staircase, town, postcode, county and country, over
commas and line ends. Parts that nothing holds together are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from engine.quality.personal import streets
from engine.quality.personal.spans import Span, around

_SAID = re.compile(
    r"(?<!\w)(?:[Aa]ddress(?:es)?(?: is| are|:)|[Hh]ere they are:|(?:[Ii] |[Ww]e |[Ss]he "
    r"|[Hh]e )?(?:now )?lives? (?:at|on)"
    r"|(?:[Ii]s|[Aa]re) located at|[Rr]estaurant is at|[Rr]eturn to|[Ss]hip(?:ped)?(?: it"
    r"| them)? to|[Aa]dresa(?: mea)?(?: este| e|:)"
    r"|[Ll]ocui(?:esc|ește|m) (?:pe|la))[ \t]{1,3}"
    rf"(?P<place>\d{{1,5}}[A-Za-z]? (?:{streets.UP}[\w'’-]* ?){{1,4}}(?:\d{{1,5}}(?!\w))?"
    rf"|(?:{streets.UP}[\w'’.-]* ){{1,4}}\d{{1,5}}[A-Za-z]?(?![\w%]))"
)
_CODE = re.compile(
    r"(?<!\w)(?:ZIP(?: ?[Cc]ode)?|[Zz]ip code|[Pp]ost(?:al)? ?code|PLZ"
    r"|[Cc]od(?:ul)? po[șsş]tal)[: ]{1,3}(?P<place>\d{4,6}(?:-\d{4})?)(?![\w.,]\d|\w)"
)
_PO_BOX = re.compile(
    r"(?<!\w)(?:P\.? ?O\.? ?Box|PSC|Postfach|[Cc]ăsuța poștală) \d{1,6}(?:,? Box \d{1,5})?(?!\w)"
)
_NUMBER = re.compile(r"\d+")
_BEFORE_CHARS, _AFTER_CHARS = 170, 230
_MOST_PARTS = 9
_MOST_TOWNS = 2
_MOST_LINES = 4
_LINE_CHARS = 90
_MOST_MATCHES = 3000
_YEAR_BEFORE = re.compile(r"(?:1[89]\d\d|20[0-3]\d),? [^\d\n,]+\Z")
_ABBREVIATED = re.compile(
    r"\b(?:St|Ave|Rd|Blvd|Ln|Dr|Ct|Pl|Sq|Pkwy|Hwy|Trl|Esq|Dto|Izq|Dcha|Fl|U\.S\.A|U\.K)\.\Z"
)
_ROAD = re.compile("[SsȘșŞş]oseaua")
# "via Gemini 2" and "2 place settings" are none, "via Roma, 12" and "2 place de la Paix" are.
_DOUBTFUL = re.compile(
    r"v[ií]a [^,]*\Z|cartier\w* [^,]*\Z|\d+,? (?:square|place|passage|villa|route|cours) [A-Z]"
)
_MILITARY = re.compile(r"[AFD]PO,? ")
_HOUSE_END = re.compile(r"\d ?[A-Za-z]?\Z")
_ENDS = re.compile(r"[ \t]*(?:[,.;:!?)\n\r]|\Z| (?:and|și|und|et|y|e|i|en|or|for|since|until) )")
_NOT_TOWNS_TEXT = (
    "the this that he she it i we they you and but or please thanks thank dear hi hello tel phone "
    "telephone email e-mail fax mobile call then when where after before my your our his her its "
    "their a an yes no not what who how why if is are was telefon contact note see ask also best "
    "regards cheers sincerely apoi el ea noi eu dar der das die und ich wir er sie es le les elle "
    "nous vous il je mr mrs ms dr open today tomorrow yesterday monday tuesday wednesday thursday "
    "friday saturday sunday january february march april may june july august september october "
    "november december"
)
_NOT_TOWNS = frozenset(_NOT_TOWNS_TEXT.split())

_DATE = (
    r"(?:\d{1,2}(?:st|nd|rd|th)?[-./ ](?:of |de )?(?:\d{1,2}|[^\W\d_]{3,10}\.?)"
    r"[-./ ,]{1,2}(?:del? )?\d{2,4}"
    r"|\d{4}[-./]\d{1,2}[-./]\d{1,2}|[^\W\d_]{3,10}\.? \d{1,2}(?:st|nd|rd|th)?,? \d{4})"
)
_BORN = re.compile(
    r"\b(?:date of birth|birth ?date|d\.?o\.?b\.?|birthday|(?:i|he|she) (?:was|am|is) born"
    r"|my birthday"
    r"|data na[șşs]terii|n[ăa]scut[ăa]?|m-am născut|ziua mea(?: de naștere)?|geburtsdatum"
    r"|geboren|date de naissance|née? le|fecha de nacimiento|data di nascita|nat[oa] il"
    r"|nac(?:í|ió|id[oa])|nasci(?:d[oa])?|nasceu|data de nascimento|data nașterii)\b"
    rf"[^\n\d]{{0,24}}?(?P<date>{_DATE})(?!\w)",
    re.IGNORECASE,
)


_BIRTH = (
    "birth",
    "born",
    "dob",
    "d.o.b",
    "scut",
    "naș",
    "nas",
    "naiss",
    "ziua mea",
    "gebur",
    "gebor",
    "née",
    "né ",
    "naci",
    "nací",
    "nato ",
    "nata ",
    "nasc",
)


def find_places(text: str) -> Iterator[Span]:
    """Yield postal addresses, each with all of its parts."""
    # What one form leaves out of an address another holds.
    last: Span | None = None
    for span in sorted(_parts_of_places(text), key=lambda one: (one.start, -one.end)):
        if last is None or span.start >= last.end:
            if last is not None:
                yield last
            last = span
            continue
        better = max(last, span, key=lambda one: one.score)
        last = replace(better, start=last.start, end=max(last.end, span.end))
    if last is not None:
        yield last


def _parts_of_places(text: str) -> Iterator[Span]:
    for start, end in around(text, _NUMBER, _BEFORE_CHARS, _AFTER_CHARS):
        yield from _after_words(text, start, end)
        yield from _streets(text, start, end)
        for match in _PO_BOX.finditer(text, start, end):
            stop, _ = _extended(text, match.end(), named=True)
            yield Span(match.start(), stop, "address", 0.8, "a post box")
    for start, end in around(text, streets.CODE_LIKE, _BEFORE_CHARS, _AFTER_CHARS // 2):
        yield from _streets_before_towns(text, start, end)
        yield from _towns(text, start, end)


def _streets(text: str, start: int, end: int) -> Iterator[Span]:
    for pattern, reason in streets.STREETS:
        for count, match in enumerate(pattern.finditer(text, start, end)):
            if count >= _MOST_MATCHES:
                break
            stop, sure = _extended(text, match.end(), named=True)
            if not sure and _is_other(match.group()):
                continue
            begin = _with_units(text, match.start())
            yield Span(begin, stop, "address", 0.93 if sure else 0.85, reason)


def _streets_before_towns(text: str, start: int, end: int) -> Iterator[Span]:
    for pattern in streets.STREETS_BEFORE_TOWNS:
        for count, match in enumerate(pattern.finditer(text, start, end)):
            if count >= _MOST_MATCHES:
                break
            named = streets.KIND_NAMED.match(match.group()) is not None
            stop, sure = _extended(text, match.end(), named=named)
            if sure:
                begin = _with_units(text, match.start())
                yield Span(begin, stop, "address", 0.92, "a street before a town with postcode")


def _towns(text: str, start: int, end: int) -> Iterator[Span]:
    for count, match in enumerate(streets.TOWNS_SURE.finditer(text, start, end)):
        if count >= _MOST_MATCHES:
            break
        stop, _ = _extended(text, match.end(), named=False)
        begin = _with_lines(text, match.start())
        whole = begin < match.start()
        score, reason = (0.91, "an address") if whole else (0.8, "a town with its postcode")
        yield Span(begin, stop, "address", score, reason)


def _extended(text: str, at: int, *, named: bool) -> tuple[int, bool]:
    """Return where an address ends of which a part ends at a place.

    Args:
        text: The text.
        at: Where the part ends.
        named: Whether the part is believed by itself; a town after it then belongs to it
            without a postcode, too.

    Returns:
        The end, and whether there is a postcode among the parts.
    """
    end, sure = at, False
    town_end = -1
    towns = 0
    for _ in range(_MOST_PARTS):
        gap = streets.BREAKS.match(text, at) or streets.SPACES.match(text, at)
        if gap is None:
            break
        place = gap.end()
        is_break = gap.re is streets.BREAKS
        part, is_code = _part(text, place, named=named, is_break=is_break)
        if part > place:
            end = at = part
            sure = sure or is_code
            # Before a town there may be a unit, after one with its postcode there is none.
            town_end = -2 if is_code else -1
            towns = 0
            continue
        # "Calea Victoriei 54 București": the town may stand right after a house's number.
        is_after_number = named and end == at and _HOUSE_END.search(text, max(0, at - 6), at)
        town = streets.TOWNS.match(text, place) if is_break or is_after_number else None
        if town is None or town.group().split()[0].lower() in _NOT_TOWNS:
            break
        towns += 1
        if town_end != -2 and towns <= _MOST_TOWNS and _is_last(text, gap.group(), town.end()):
            town_end = town.end()
        at = town.end()
    if named and town_end > end:
        end = town_end
    return _trimmed(text, end), sure


def _part(text: str, place: int, *, named: bool, is_break: bool) -> tuple[int, bool]:
    """Return where the longest part of an address at a place ends, and if it is a postcode."""
    codes = [match.end() for form in streets.POSTCODES if (match := form.match(text, place))]
    if named and (short := streets.SHORT_POSTCODES.match(text, place)):
        codes.append(short.end())
    if codes:
        return max(codes), True
    forms = [streets.UNITS, streets.TOWNS_OF_REGIONS] if named else [streets.UNITS]
    if is_break:
        forms += [streets.COUNTRIES, streets.REGIONS]
    elif text.startswith("(", place):
        forms.append(streets.REGIONS)
    ends = [match.end() for form in forms if (match := form.match(text, place))]
    return max(ends, default=place), False


def _is_last(text: str, gap: str, end: int) -> bool:
    """Return whether a town ends its line or its part of a sentence."""
    if "\n" in gap:
        return text[end : end + 1] in ("", "\n", "\r", ",", ".")
    return _ENDS.match(text, end) is not None


def _trimmed(text: str, end: int) -> int:
    while text[end - 1] in " ,;.\n\r\t" and not _ABBREVIATED.search(text, max(0, end - 8), end):
        end -= 1
    return end


def _with_units(text: str, start: int) -> int:
    """Return where an address begins whose street does at a place: "Flat 3, 12 High Street"."""
    for _ in range(_MOST_LINES):
        before = text[max(0, start - _LINE_CHARS) : start]
        match = streets.UNITS_BEFORE.search(before) or streets.KIND_ALONE.search(before)
        if match is None:
            break
        start -= len(match.group())
    return start


def _with_lines(text: str, start: int) -> int:
    """Return where an address begins whose town does at a place.

    Lines, or what is between commas, belong to it up to the one with a number; where none
    has one, those up to a street's name, else a town before the postcode.
    """
    at, town, street, above = start, start, start, -1
    for count in range(_MOST_LINES):
        first = max(0, at - _LINE_CHARS)
        match = streets.LINE_BEFORE.search(text[first:at])
        if match is None:
            break
        begin, line = first + match.start(), match["line"]
        number = streets.NUMBER_IN_LINE.search(line)
        if number is not None:
            return _with_units(text, begin + number.start())
        whole = not text[:begin].strip(" \t>*|") or text[begin - 1] in "\n,;:"
        if "\n" in text[begin + len(line) : at] and not (whole or _MILITARY.match(text, at)):
            break
        if small := streets.SMALL_BEFORE.match(line):
            begin += small.end()
        if count == 0:
            town = begin
        if street == above:
            # The name of a house before its street.
            street = begin
        if streets.KIND_IN_LINE.search(line):
            street = above = begin
        at = begin
        if not whole and text[begin - 1 : begin] != "\n" and text[begin - 2 : begin] != ", ":
            # Before it the sentence goes on: "in Glenville, W7 5DS".
            break
    return min(town, street)


def _is_other(value: str) -> bool:
    """Return whether a form fits a year before a name (1929 Wall Street) or a main road."""
    if _YEAR_BEFORE.match(value) or _DOUBTFUL.match(value):
        return True
    return _ROAD.match(value) is not None and re.search(r"nr|num", value, re.IGNORECASE) is None


def _after_words(text: str, first: int, last: int) -> Iterator[Span]:
    for match in _SAID.finditer(text, first, last):
        start, end = match.span("place")
        end = start + len(text[start:end].rstrip(" ."))
        if not _YEAR_BEFORE.match(text[start:end]):
            stop, sure = _extended(text, end, named=True)
            score = 0.9 if sure else 0.7
            yield Span(start, stop, "address", score, "a place after words for an address")
    for match in _CODE.finditer(text, first, last):
        yield Span(*match.span("place"), "address", 0.7, "a postcode after words for one")


def find_birthdays(text: str) -> Iterator[Span]:
    """Yield dates that a text says somebody was born on."""
    lowered = text.lower()
    if not any(word in lowered for word in _BIRTH):
        return
    for match in _BORN.finditer(text):
        yield Span(*match.span("date"), "date-of-birth", 0.8, "a date after a word for birth")
