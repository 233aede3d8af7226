"""Telephone numbers, by phonenumbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from engine.quality.personal.languages import regions_of
from engine.quality.personal.spans import Span, words_before

_CANDIDATE = re.compile(
    r"(?:(?<![\w/.,:#$€£=%-])|(?<=[Tt][EeÉé][Ll][.:])|(?<=[Cc]ell[.:])|(?<=[Mm]ob[.:])|(?<=[a-z]:))"
    r"(?:\+|00|\()?\(?\+?\d[\d \u00a0().\-/]{5,22}\d"
    r"(?:\s?(?:x|ext\.?|int\.?)\s?\d{1,6})?(?![\w%€$£]|[.,:/-]\d)",
    re.IGNORECASE,
)
_CONTEXT = re.compile(
    r"\b(?:phones?|tel(?:ephone)?|call(?:ed|ing)?|mobile|cell(?:phone)?|fax|whatsapp|dial|text me"
    r"|ring|sms|contact|hotline|reach\s+(?:me|us|him|her)|telefon\w*|sun(?:ă|a|ați|ati)\w*|mobil\w*"
    r"|apel\w*|nr\.? de tel|handy\w*|rufnummer|festnetz|anruf\w*|erreichbar|tél(?:éphone)?|portable"
    r"|appel\w*|joindre|joignable|teléfono|móvil|llám\w+|llamar?|cellulare|telefon[oa]|chiama\w*"
    r"|telefoon\w*|mobiel\w*|bellen|gsm|telem[óo]vel|telefone|celular|ligu?[ea])\b",
    re.IGNORECASE,
)
_LINKED = re.compile(
    r"(?:\bwa\.me/|\bwhatsapp\.com/send/?\?phone=|\b(?:tel|callto|sms):)(?:%2B)?"
    r"(?P<number>\+?\(?[0-9][0-9().-]{5,18}[0-9])",
    re.IGNORECASE,
)
_OTHER_NUMBER = re.compile(
    r"(?:\b(?:version|isbn|issn|doi|iban|orders?|invoice|id|no|nr|number of|population|cards?"
    r"|account|ssn|cnp|vat|tax|port|page|pp|rfc|pmid|arxiv|grid|coordinates?|lat|lon|serial|sku|ean"
    r"|upc|tracking|awb|ticket|case|build|code|ref(?:erence|\.)?|timestamp|unix|model|part"
    r"|comand[aăei]\w*|factur[aăei]\w*|cont(?:ul)?|bestell\w*|auftrag\w*|rechnung\w*|kundennummer"
    r"|commande|facture|référence|ordine|fattura|pedido|ordernummer|bestelling|factuur|encomenda)"
    r"\b|#)"
    r"(?:[ \t:°]|(?<=[nN][oOrR])\.|(?<=[rR]ef)\."
    r"|(?:number|no|nr|n°|numărul|nummer|numéro|numero|n\.)\b){0,4}\Z",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"(?:\d{4}[-./ ]\d{1,2}[-./ ]\d{1,2}|\d{1,2}[-./ ]\d{1,2}[-./ ]\d{2,4})(?:\D|\Z)"
    r"|(?:1[5-9]|20)\d\d\s?[-–/]\s?(?:1[5-9]|20)?\d\d\Z"
)
# "06.12.34.56.78" begins like a date.
_PAIRS = re.compile(r"0\d(?:([ .\-\u00a0])\d\d)(?:\1\d\d){3}\Z")
_SSN = re.compile(r"\d{3}-\d{2}-\d{4}\Z")
_DECIMAL = re.compile(r"(?:.*\s)?(?:\d[.,]\d+|\d+[.,]\d+\Z)(?:\s|\Z)")
_SUM = re.compile(r"\s?[=+*×÷<>]")
_HOURS = re.compile(r"(?:[01]\d|2[0-4])[0-5]\d-(?:[01]\d|2[0-4])[0-5]\d\Z")
_CUT = re.compile(r"\. +|[ )]+(?=\()")
_IP = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}\Z")
_ISBN = re.compile(r"97[89][- ]?\d")
# Where somebody said "call", numbers of these regions count too, in any grouping.
_MORE_REGIONS = ("FR", "ES", "IT", "NL", "PL", "AT", "CH", "BE", "CA", "AU", "IN", "BR", "SE", "HU")
_REGIONS = ("RO", "GB", "US", "DE", "FR", "IT", "ES", "NL", "PT", "AT")
# Numbers that begin with no zero, as they are written within their countries.
_UNGROUPED = {
    "US": re.compile(r"\(?[2-9]\d\d\)?[-. ]?[2-9]\d\d[-. ]?\d{4}(?:\s?(?:x|ext\.?)\s?\d+)?\Z"),
    "CA": re.compile(r"(?:1[- ])?\(?[2-9]\d\d\)?[-. ]?[2-9]\d\d[-. ]?\d{4}(?:\s?x\s?\d+)?\Z"),
    "IT": re.compile(r"3\d\d[ ./-]?\d{2,4}(?:[ .-]?\d{2,4}){1,2}\Z|3\d\d[ ./-]?\d{6,8}\Z"),
    "ES": re.compile(r"[6-9]\d\d?(?:[ .-]?\d{2,3}){2,4}\Z"),
    "PT": re.compile(r"[29]\d(?:\d?[ .-]?\d{3}[ .-]?\d{3}|[ .-]?\d{3} ?\d{4})\Z"),
    "BR": re.compile(r"\(?\d\d\)? ?9?\d{4}[- ]?\d{4}\Z"),
}
_PROSE_BEFORE = re.compile(r"(?:[^\W\d_]['’]?[,:;]? |[.!?)»”\"\]] |\(|\n[ \t>*-]{0,6}|\A)\Z")
_PROSE_AFTER = re.compile(r"(?:[.,;:!?]?(?:\s|\Z)|\)(?:[.,;]?\s|\Z)| [^\W\d_])(?!\d)")
_MOST_CANDIDATES = 2000
"""A text with more number-like stretches than this is a table, of which the rest is not read."""


def find_phones(text: str, regions: Sequence[str]) -> Iterator[Span]:
    """Yield telephone numbers.

    A number with a country's code must be valid. One without must be valid in one of the
    regions, in one where the text's language is spoken, or, if it begins with a zero, in one
    of western Europe; and be no date, price, version or id. After a word such as "call" any
    number of a plausible length is taken.
    """
    lowered = text.lower()
    if any(mark in lowered for mark in ("wa.me/", "phone=", "tel:", "callto:", "sms:")):
        for match in _LINKED.finditer(text):
            if 7 <= sum(c.isdigit() for c in match["number"]) <= 15:
                yield Span(*match.span("number"), "phone", 0.9, "a number in a link to call it")
    for count, match in enumerate(_CANDIDATE.finditer(text)):
        if count >= _MOST_CANDIDATES:
            return
        span = _span(text, *match.span(), regions)
        if span is not None:
            yield span
            continue
        # A number before it belongs to the sentence: "at 16.00 (0721 234 567)".
        cuts = [match.start() + cut.end() for cut in _CUT.finditer(match.group())]
        for start, end in zip([match.start(), *cuts], [*cuts, match.end()], strict=True):
            if cuts and (span := _span(text, start, end, regions)) is not None:
                yield span


def _span(text: str, start: int, end: int, regions: Sequence[str]) -> Span | None:
    start, end = _trimmed(text, start, end)
    value = text[start:end]
    if not 7 <= sum(c.isdigit() for c in value) <= 21 or not value.isprintable():
        return None
    score, why = _judged(text, start, value, regions)
    return Span(start, end, "phone", score, why) if score else None


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start] in " .-/)":
        start += 1
    while start < end and text[end - 1] in " .-/(":
        end -= 1
    value = text[start:end]
    # A bracket that is not closed belongs to the sentence.
    if value.startswith("(") and value.count("(") > value.count(")"):
        start += 1
    elif value.endswith(")") and value.count(")") > value.count("("):
        end -= 1
    return start, end


def _judged(text: str, start: int, value: str, regions: Sequence[str]) -> tuple[float, str]:
    international = value.startswith(("+", "00", "(+", "(00"))
    context = words_before(text, start, _CONTEXT, 40)
    if international and _is_valid(value, ""):
        return 0.97, "a telephone number with the code of its country"
    if _is_other(text, start, value, context):
        return 0.0, ""
    if not value.startswith(("+", "(+")):
        # "00" begins numbers within a country, too.
        spoken = regions_of(text, start)
        likely = tuple(dict.fromkeys((*regions, *spoken)))
        if not context:
            return _judged_by_form(text, start, value, likely, spoken)
        for region in dict.fromkeys((*likely, *_REGIONS, *_MORE_REGIONS)):
            if _is_valid(value, region):
                return 0.9, f"a telephone number ({region}) after a word that says so"
    if context and _is_plausible(value):
        return 0.6, "a number after a word for a telephone"
    return 0.0, ""


def _judged_by_form(
    text: str, start: int, value: str, likely: Sequence[str], spoken: Sequence[str]
) -> tuple[float, str]:
    """Judge a number that no word announces and no country's code begins."""
    digits = re.sub(r"\D", "", value)
    if re.match(r"\(\d{2,3}\) ?\d", value) and len(digits) >= 11 and _is_valid("+" + digits, ""):
        # "(351) 929 248 343": the code of a country without its plus.
        return 0.7, "a telephone number with the code of its country"
    grouped = any(c in " -()./" for c in value)
    leading = value.lstrip("(").startswith("0")
    if not grouped and not _is_said(text, start, len(value)):
        return 0.0, ""
    if grouped and _is_grouped(value):
        for region in likely:
            if _fits(value, region, "STRICT_GROUPING"):
                return 0.75, f"a telephone number as they are written in {region}"
    if not leading and not any(form.match(value) for form in _UNGROUPED.values()):
        return 0.0, ""
    own = likely if grouped or not spoken else spoken
    for region in dict.fromkeys((*likely, *_REGIONS)):
        if leading and _is_valid(value, region):
            return 0.65, f"a telephone number ({region})"
        if _is_written(region, value, region in own) and _is_valid(value, region):
            return 0.6, f"a telephone number ({region})"
    return 0.0, ""


def _is_written(region: str, value: str, spoken: bool) -> bool:
    """Return whether a number without a leading zero is written as in its country.

    Where another language is spoken it needs a sign that other numbers do not have.
    """
    form = _UNGROUPED.get(region)
    if form is None or form.match(value) is None:
        return False
    return spoken or re.search(r"[-/()]", value) is not None


def _is_said(text: str, start: int, length: int) -> bool:
    """Return whether a bare number is part of a sentence, or a line of its own, not of code."""
    before, after = text[max(0, start - 24) : start], text[start + length : start + length + 24]
    return _PROSE_BEFORE.search(before) is not None and _PROSE_AFTER.match(after) is not None


def _is_other(text: str, start: int, value: str, context: bool) -> bool:
    """Return whether a stretch of digits is more likely a date, an amount, an id."""
    if not _PAIRS.match(value):
        if _DATE.match(value) or _SSN.match(value) or _IP.match(value) or _ISBN.match(value):
            return True
        if _HOURS.match(value) and not context:
            return True
        # Decimals, sums and lists of numbers: "0.8332511", "12 - 5 - 3000", "100/200/300".
        if _DECIMAL.match(value) or re.search(r" [-/] |  ", value) or value.count("/") > 1:
            return True
        if len(re.findall(r"(?<!\d)\d(?!\d)", value)) > 3:
            return True
        if not context and _SUM.match(text, start + len(value)):
            return True
    return not context and words_before(text, start, _OTHER_NUMBER, 24)


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


@lru_cache(maxsize=4096)
def _is_valid(value: str, region: str) -> bool:
    """Return whether a number is one of a region, or with its country's code where "" is given."""
    phonenumbers = _library()
    number = value if region else re.sub(r"\A\(?(?:\+|00)\)?", "+", value)
    try:
        parsed = phonenumbers.parse(number, region or None)
    except phonenumbers.NumberParseException:
        return False
    return bool(phonenumbers.is_valid_number(parsed))


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
