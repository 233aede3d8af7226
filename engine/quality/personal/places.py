"""Postal addresses, where a street stands with a number, and dates of birth."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.quality.personal.spans import Span, around

_UP = r"[A-ZÀ-ÖØ-ÞĂÂÎȘȚŞŢ]"
_WORD = rf"{_UP}[\w'’.-]{{0,24}}"
_EN_KIND = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq"
    r"|Terrace|Parkway|Pkwy|Highway|Hwy|Crescent|Trail|Trl|Gardens|Grove|Mews)"
)
_UNIT = r"(?:Apt|Apartment|Suite|Ste|Unit|Flat|Room|Floor|#)\.? ?#?\d{1,5}[A-Za-z]?"
_EN = re.compile(
    rf"(?<![\w.,$€£-])\d{{1,5}}[A-Za-z]? (?:(?:{_WORD}|\d{{1,3}}(?:st|nd|rd"
    rf"|th)) ){{1,4}}{_EN_KIND}\b\.?"
    rf"(?:,? {{0,2}}\n? {{0,4}}{_UNIT})?"
    rf"(?:,? {{0,2}}\n? {{0,4}}{_WORD}"
    rf"(?: {_WORD}){{0,2}},? {{0,2}}\n? {{0,4}}[A-Z]{{2}},? \d{{5}}(?:-\d{{4}})?)?"
)
_RO_KIND = (
    r"(?:[Ss]tr(?:ada|\.)|[Bb](?:ulevardul|d\.|-dul|vd\.?)|[Cc]alea|[ȘSŞșsş]os(?:eaua|\.)|[Aa]leea"
    r"|[Ss]plaiul|[Pp]ia[țţt]a|[Ii]ntrarea|[Ff]und[ăa]tura)"
)
_RO = re.compile(
    rf"(?<!\w){_RO_KIND} ?(?:(?:{_WORD}|de|cel|la|din|și|\d{{1,2}}) ?){{1,5}},? ?"
    r"(?:(?:[Nn]r\.?|[Nn]um[ăa]rul) ?\d{1,4}[A-Za-z]?|\d{1,4}[A-Za-z]?(?=\s?[,;.\n]|\Z))"
    r"(?:,? ?(?:[Bb]l(?:oc)?|[Ss]c(?:ara)?|[Ee]t(?:aj)?|[Aa]p(?:art(?:ament)?)?"
    r"|[Ss]ector(?:ul)?)\.? ?\w{1,5}){0,6}"
    rf"(?:,? ?(?:[Cc]od(?:ul)? po[șsş]tal:? ?)?\d{{6}}(?!\d))?"
)
_DE = re.compile(
    rf"(?<!\w){_UP}[\w-]{{2,24}}(?:straße|strasse|str\.|weg|platz|allee|gasse|damm)"
    rf" \d{{1,4}} ?[a-h]?(?!\w)(?:, ?\d{{5}} {_WORD})?"
)
_FR = re.compile(
    rf"(?<![\w.,])\d{{1,4}}(?: ?(?:bis|ter))?,? (?:[Rr]ue|[Aa]venue|[Bb]oulevard|[Aa]llée"
    rf"|[Ii]mpasse|[Qq]uai)"
    rf"(?: (?:de|du|des|la|le|les|l'|d'|{_WORD})){{1,5}}(?:,? \d{{5}} {_WORD})?"
)
_ROMANCE = re.compile(
    rf"(?<!\w)(?:Calle|Avenida|Paseo|Plaza|Via|Viale|Corso|Piazza|Rua|Travessa|Rúa|Ulica|ul\.)"
    rf"(?: (?:de|del|della|la|las|los|el|da|do|dos|di"
    rf"|{_WORD})){{1,5}},? (?:n\.?º? ?)?\d{{1,4}}(?![\w%.]\w|\w)"
)
_PO_BOX = re.compile(
    r"(?<!\w)(?:P\.? ?O\.? ?Box|PSC|Postfach|[Cc]ăsuța poștală) \d{1,6}(?:,? Box \d{1,5})?(?!\w)"
)
_UNIT_ALONE = re.compile(r"(?<!\w)(?:Apt|Apartment|Suite|Flat)\.? \d{1,5}[A-Z]?(?!\w)")
_UK_POSTCODE = re.compile(
    # The form that the Royal Mail documents, with its space.
    r"(?<![\w-])(?:[A-PR-UWYZ][A-HK-Y]?\d[A-HJKPS-UW\d]?) \d[ABD-HJLNP-UW-Z]{2}(?![\w-])"
)
_US_STATE_ZIP = re.compile(
    rf"(?<!\w){_WORD}(?: {_WORD}){{0,2}}, ?(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA"
    rf"|M[ADEINOST]"
    r"|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]) \d{5}(?:-\d{4})?(?!\w)"
)
_SAID = re.compile(
    r"(?<!\w)(?:[Aa]ddress(?:es)?(?: is| are|:)|[Hh]ere they are:|(?:[Ii] |[Ww]e |[Ss]he "
    r"|[Hh]e )?(?:now )?lives? (?:at|on)"
    r"|(?:[Ii]s|[Aa]re) located at|[Rr]estaurant is at|[Rr]eturn to|[Ss]hip(?:ped)?(?: it"
    r"| them)? to|[Aa]dresa(?: mea)?(?: este| e|:)"
    r"|[Ll]ocui(?:esc|ește|m) (?:pe|la))[ \t]{1,3}"
    rf"(?P<place>\d{{1,5}}[A-Za-z]? (?:{_WORD} ?){{1,4}}(?:\d{{1,5}}(?!\w))?"
    rf"|(?:{_WORD} ){{1,4}}\d{{1,5}}[A-Za-z]?(?![\w%]))"
)
_CODE = re.compile(
    r"(?<!\w)(?:ZIP(?: ?[Cc]ode)?|[Zz]ip code|[Pp]ost(?:al)? ?code|PLZ"
    r"|[Cc]od(?:ul)? po[șsş]tal)[: ]{1,3}(?P<place>\d{4,6}(?:-\d{4})?)(?![\w.,]\d|\w)"
)
_NUMBER = re.compile(r"\d+")
_YEAR_BEFORE = re.compile(r"(?:1[89]\d\d|20[0-3]\d) [^\d\n,]+\Z")
_ABBREVIATED = re.compile(r"\b(?:St|Ave|Rd|Blvd|Ln|Dr|Ct|Pl|Sq|Pkwy|Hwy|Trl)\.\Z")
_ROAD = re.compile("[SsȘșŞş]oseaua")
_FORMS: tuple[tuple[re.Pattern[str], str, float], ...] = (
    (_EN, "a street with a number", 0.8),
    (_US_STATE_ZIP, "a town with state and ZIP code", 0.8),
    (_RO, "a Romanian street with a number", 0.85),
    (_DE, "a German street with a number", 0.8),
    (_FR, "a French street with a number", 0.75),
    (_ROMANCE, "a street with a number", 0.75),
    (_PO_BOX, "a post box", 0.8),
    (_UNIT_ALONE, "a flat or suite with its number", 0.6),
    (_UK_POSTCODE, "a British postcode", 0.75),
)

_DATE = (
    r"(?:\d{1,2}(?:st|nd|rd|th)?[-./ ](?:of )?(?:\d{1,2}|[^\W\d_]{3,10}\.?)[-./ ,]{1,2}\d{2,4}"
    r"|\d{4}[-./]\d{1,2}[-./]\d{1,2}|[^\W\d_]{3,10}\.? \d{1,2}(?:st|nd|rd|th)?,? \d{4})"
)
_BORN = re.compile(
    r"\b(?:date of birth|birth ?date|d\.?o\.?b\.?|birthday|(?:i|he|she) (?:was|am|is) born"
    r"|my birthday"
    r"|data na[șşs]terii|n[ăa]scut[ăa]?|m-am născut|ziua mea(?: de naștere)?|geburtsdatum"
    r"|geboren|date de naissance|née? le|fecha de nacimiento|data di nascita)\b"
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
)


def find_places(text: str) -> Iterator[Span]:
    """Yield postal addresses: a street with a number, in the forms of some countries."""
    for start, end in around(text, _NUMBER, 130, 60):
        yield from _after_words(text, start, end)
        for pattern, reason, score in _FORMS:
            for match in pattern.finditer(text, start, end):
                stop = match.start() + len(match.group().rstrip(" \n,"))
                if text[stop - 1] == "." and not _ABBREVIATED.search(text, match.start(), stop):
                    stop -= 1
                if not _is_other(text[match.start() : stop]):
                    yield Span(match.start(), stop, "address", score, reason)


def _is_other(value: str) -> bool:
    """Return whether a form fits a year before a name (1929 Wall Street) or a main road."""
    if _YEAR_BEFORE.match(value):
        return True
    return _ROAD.match(value) is not None and re.search(r"nr|num", value, re.IGNORECASE) is None


def _after_words(text: str, first: int, last: int) -> Iterator[Span]:
    for pattern in (_SAID, _CODE):
        for match in pattern.finditer(text, first, last):
            start, end = match.span("place")
            end = start + len(text[start:end].rstrip(" ."))
            if not _YEAR_BEFORE.match(text[start:end]):
                yield Span(start, end, "address", 0.7, "a place after words for an address")


def find_birthdays(text: str) -> Iterator[Span]:
    """Yield dates that a text says somebody was born on."""
    lowered = text.lower()
    if not any(word in lowered for word in _BIRTH):
        return
    for match in _BORN.finditer(text):
        yield Span(*match.span("date"), "date-of-birth", 0.8, "a date after a word for birth")
