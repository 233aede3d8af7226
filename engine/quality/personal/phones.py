"""Telephone numbers, by phonenumbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from engine.quality.personal.spans import Span, words_before

_CANDIDATE = re.compile(
    r"(?<![\w/.,:#$€£=%-])(?:\+|00|\()?\(?\d[\d \u00a0().\-/]{5,22}\d"
    r"(?:\s?(?:x|ext\.?|int\.?)\s?\d{1,6})?(?![\w%€$£]|[.,:/-]\d)",
    re.IGNORECASE,
)
_CONTEXT = re.compile(
    r"\b(?:phone|tel(?:ephone)?|call(?:ed|ing)?|mobile|cell|fax|whatsapp|dial|text me|ring|sms"
    r"|contact"
    r"|hotline|reach\s+(?:me|us|him|her)|telefon\w*|sun(?:ă|a|ați|ati)\w*|mobil|apel\w*"
    r"|nr\.? de tel"
    r"|handy|rufnummer|téléphone|teléfono|móvil|cellulare)\b",
    re.IGNORECASE,
)
_OTHER_NUMBER = re.compile(
    r"(?:\b(?:version|isbn|issn|doi|iban|order|invoice|id|no|nr|number of|population|card|account"
    r"|ssn|cnp|vat|tax|port|page|pp|rfc|pmid|arxiv|grid|coordinates?|lat|lon)\b|#)[\s.:]*\Z",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"(?:\d{4}[-./ ]\d{1,2}[-./ ]\d{1,2}|\d{1,2}[-./ ]\d{1,2}[-./ ]\d{2,4})(?:\D|\Z)"
    r"|(?:1[5-9]|20)\d\d\s?[-–/]\s?(?:1[5-9]|20)?\d\d\Z"
)
_SSN = re.compile(r"\d{3}-\d{2}-\d{4}\Z")
_THOUSANDS = re.compile(r"\d{1,3}(?:[. \u00a0]\d{3})+\Z")
_DECIMAL = re.compile(r"(?:.*\s)?(?:\d[.,]\d+|\d+[.,]\d+\Z)(?:\s|\Z)")
_IP = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}\Z")
_ISBN = re.compile(r"97[89][- ]?\d")
# Where somebody said "call", numbers of these regions count too, in any grouping.
_MORE_REGIONS = ("FR", "ES", "IT", "NL", "PL", "AT", "CH", "BE", "CA", "AU", "IN", "BR", "SE", "HU")
_MOST_CANDIDATES = 2000
"""A text with more number-like stretches than this is a table, of which the rest is not read."""


def find_phones(text: str, regions: Sequence[str]) -> Iterator[Span]:
    """Yield telephone numbers.

    A number with a country's code must be valid. One without must be valid in one of the
    regions, written in groups as it is there, and be no date, price, version or id. After a
    word such as "call" any number of a plausible length is taken.
    """
    for count, match in enumerate(_CANDIDATE.finditer(text)):
        if count >= _MOST_CANDIDATES:
            return
        start, end = _trimmed(text, *match.span())
        value = text[start:end]
        digits = sum(c.isdigit() for c in value)
        if not 7 <= digits <= 21 or not value.isprintable():
            continue
        score, why = _judged(text, start, value, regions)
        if score:
            yield Span(start, end, "phone", score, why)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start] in " .-/)":
        start += 1
    value = text[start:end]
    # A bracket that is not closed belongs to the sentence.
    if value.startswith("(") and value.count("(") > value.count(")"):
        start += 1
    elif value.endswith(")") and value.count(")") > value.count("("):
        end -= 1
    return start, end


def _judged(text: str, start: int, value: str, regions: Sequence[str]) -> tuple[float, str]:
    international = value.startswith(("+", "00"))
    context = words_before(text, start, _CONTEXT, 40)
    if not international and _is_other(text, start, value, context):
        return 0.0, ""
    if international:
        if _fits(value, None, "VALID"):
            return 0.97, "a telephone number with the code of its country"
    else:
        grouped = any(c in " -()./" for c in value)
        for region in regions:
            if context and _fits(value, region, "VALID"):
                return 0.9, f"a telephone number ({region}) after a word that says so"
            if grouped and _fits(value, region, "STRICT_GROUPING") and _is_grouped(value):
                return 0.75, f"a telephone number as they are written in {region}"
            if not grouped and region == "RO" and re.fullmatch(r"07\d{8}", value):
                return 0.7, "a Romanian mobile number"
    if context and _is_plausible(value):
        return 0.6, "a number after a word for a telephone"
    return 0.0, ""


def _is_other(text: str, start: int, value: str, context: bool) -> bool:
    """Return whether a stretch of digits is more likely a date, an amount, an id."""
    if _DATE.match(value) or _SSN.match(value) or _IP.match(value) or _ISBN.match(value):
        return True
    # Decimals, sums and lists of numbers: "0.8332511", "12 - 5 - 3000", "100/200/300".
    if _DECIMAL.match(value) or re.search(r" [-/] |  ", value) or value.count("/") > 1:
        return True
    if context:
        return False
    return _THOUSANDS.match(value) is not None or words_before(text, start, _OTHER_NUMBER, 16)


def _is_grouped(value: str) -> bool:
    """Return whether a number without a country's code is written as only telephones are."""
    groups = re.findall(r"\d+", value)
    sign = re.search(r"[-().]", value) is not None
    leading = value.lstrip("(").startswith("0")
    return (len(groups) >= 3 and (sign or leading)) or (
        len(groups) == 2 and (leading or "(" in value)
    )


def _is_plausible(value: str) -> bool:
    groups = re.findall(r"\d+", re.split(r"x|ext|int", value, maxsplit=1)[0])
    digits = sum(map(len, groups))
    if len(groups) == 1:
        return 8 <= digits <= 12
    return 7 <= digits <= 15 and len(groups) <= 6


def _fits(value: str, region: str | None, leniency: str) -> bool:
    # Many candidates of a text are the same, such as a date in a table.
    return _matches(value, region, leniency)


@lru_cache(maxsize=4096)
def _matches(value: str, region: str | None, leniency: str) -> bool:
    phonenumbers = _library()
    number = value
    if region is None and value.startswith("00"):
        number = "+" + value[2:]
    matcher = phonenumbers.PhoneNumberMatcher(
        number, region, leniency=getattr(phonenumbers.Leniency, leniency), max_tries=50
    )
    return any(found.start == 0 and found.end >= len(number) - 7 for found in matcher)


@lru_cache(maxsize=1)
def _library() -> Any:
    """Return phonenumbers, which keeps the metadata of a region from its first number on."""
    import phonenumbers

    return phonenumbers
