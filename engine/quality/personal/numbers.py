"""Card, bank and national numbers, told by their checksums with python-stdnum."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module
from typing import Any

from engine.quality.personal.spans import Span, around, words_before, words_near

_CARD = re.compile(r"(?<![\w.,:/-])\d(?:[ -]?\d){11,18}(?![\w]|[.,:/-]\d)")
_CARD_WORD = re.compile(
    r"\b(?:card\w*|credit|debit|visa|mastercard|maestro|amex|american express|diners|discover|jcb"
    r"|kreditkarte|karte|carte|tarjeta|carta di credito)\b",
    re.IGNORECASE,
)
_IBAN_START = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}[ \n-]?[A-Za-z0-9]{4}")
_MOST_NUMBERS = 5000


@dataclass(frozen=True, slots=True)
class Numbering:
    """A kind of national number.

    ``free`` says whether its form and checksum together are rare enough to be believed
    without a word that names it.
    """

    code: str
    module: str
    pattern: re.Pattern[str]
    words: re.Pattern[str]
    free: bool
    title: str


def _numbering(
    code: str, title: str, pattern: str, words: str, *, free: bool = False, module: str = ""
) -> Numbering:
    form = re.compile(rf"(?<![\w.,/+-])(?:{pattern})(?![\w]|[.,/-]\d)")
    context = re.compile(rf"\b(?:{words})", re.IGNORECASE)
    name = module or "stdnum." + code.replace("-", ".")
    return Numbering(code, name, form, context, free, title)


NUMBERINGS: tuple[Numbering, ...] = (
    # Sex, birthday, county and a checksum: one number of 13 digits in some 600 fits.
    _numbering(
        "ro-cnp",
        "a Romanian personal number (CNP)",
        # Bar codes of books begin with 978 and 979.
        r"(?!97[89])[1-9]\d{12}",
        r"cnp|cod(?:ul)? numeric|personal num",
        free=True,
        module="engine.quality.personal.cnp",
    ),
    _numbering(
        "ro-cnp",
        "a Romanian personal number (CNP)",
        r"[1-9] ?\d{6} ?\d{6}|[1-9] \d{2} \d{2} \d{2} \d{2} \d{3} \d",
        r"cnp|cod(?:ul)? numeric|personal num",
        module="engine.quality.personal.cnp",
    ),
    _numbering(
        "ro-cui",
        "a Romanian company's number (CUI)",
        r"(?:RO ?)?\d{6,10}",
        r"cui\b|cif\b|cod fiscal",
    ),
    _numbering(
        "us-ssn", "a US social security number", r"\d{3}-\d{2}-\d{4}", r"ssn|social", free=True
    ),
    _numbering(
        "us-ssn", "a US social security number", r"\d{9}|\d{3} \d{2} \d{4}", r"ssn|social security"
    ),
    _numbering(
        "us-itin", "a US taxpayer's number", r"9\d{2}-\d{2}-\d{4}", r"itin|taxpayer", free=True
    ),
    _numbering("es-dni", "a Spanish DNI", r"\d{8}-?[A-Z]", r"dni|nif|identidad", free=True),
    _numbering(
        "es-dni",
        "a Spanish DNI",
        r"\d{2}\.?\d{3}\.?\d{3}[ -]?[A-Za-z]",
        r"dni|nif|identidad",
    ),
    _numbering("es-nie", "a Spanish NIE", r"[XYZ]-?\d{7}-?[A-Z]", r"nie\b|extranjero", free=True),
    _numbering(
        "es-nie", "a Spanish NIE", r"[XYZxyz][ -]?\d{7}[ -]?[A-Za-z]", r"nie\b|nif|extranjero"
    ),
    # Of Spaniards without a DNI (K: children, L: abroad) and of foreigners without an NIE.
    _numbering("es-nif", "a Spanish NIF", r"[KLM]-?\d{7}-?[A-Z]", r"nif\b|identificación fiscal"),
    _numbering(
        "it-codicefiscale",
        "an Italian codice fiscale",
        # Of people with the same code some digits are letters (omocodia).
        r"(?=[A-Z ]*\d)[A-Z]{3} ?[A-Z]{3} ?[\dL-NP-V]{2}[A-EHLMPR-T][\dL-NP-V]{2} ?"
        r"[A-Z][\dL-NP-V]{3} ?[A-Z]",
        r"codice fiscale|c\. ?f\.",
        free=True,
    ),
    _numbering(
        "it-codicefiscale",
        "an Italian codice fiscale",
        r"[a-z]{6}[\dl-np-v]{2}[a-ehlmpr-t][\dl-np-v]{2}[a-z][\dl-np-v]{3}[a-z]",
        r"codice fiscale|c\. ?f\.",
    ),
    _numbering(
        "fr-nir",
        "a French social security number",
        # Months from 20 on stand for unknown ones, 3, 4, 7 and 8 for people not born in France.
        r"[1-478] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?\d[\dAB] ?\d{3} ?\d{3} ?\d{2}",
        r"nir\b|sécurité sociale|insee",
        free=True,
    ),
    _numbering(
        "ch-ssn", "a Swiss AHV number", r"756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}", r"ahv|avs", free=True
    ),
    _numbering(
        "fi-hetu",
        "a Finnish personal number",
        r"\d{6}[-+A-FU-Y]\d{3}[0-9A-Y]",
        r"hetu|henkilötunnus",
        free=True,
    ),
    _numbering("br-cpf", "a Brazilian CPF", r"\d{3}\.\d{3}\.\d{3}-\d{2}", r"cpf", free=True),
    # Of plain digits every tenth passes the checksum by chance: a word must name them.
    _numbering("br-cpf", "a Brazilian CPF", r"\d{11}", r"cpf"),
    _numbering(
        "de-idnr", "a German tax number", r"\d{2} ?\d{3} ?\d{3} ?\d{3}", r"steuer|idnr|tax id"
    ),
    _numbering("pl-pesel", "a Polish PESEL", r"\d{11}", r"pesel"),
    _numbering(
        "nl-bsn", "a Dutch BSN", r"\d{9}|\d{4}[. ]\d{2}[. ]\d{3}", r"bsn|burgerservice|sofi"
    ),
    _numbering("pt-nif", "a Portuguese NIF", r"\d{9}|\d{3} \d{3} \d{3}", r"nif|contribuinte"),
    _numbering(
        "be-nn",
        "a Belgian national number",
        r"\d{2}\.?\d{2}\.?\d{2}-?\d{3}\.?\d{2}",
        r"rijksregister|registre national|national n",
    ),
    _numbering(
        "se-personnummer",
        "a Swedish personal number",
        r"(?:\d{2})?\d{6}[-+]?\d{4}",
        r"personnummer",
    ),
    _numbering("dk-cpr", "a Danish CPR number", r"\d{6}-?\d{4}", r"cpr"),
    _numbering("bg-egn", "a Bulgarian EGN", r"\d{10}", r"egn|егн"),
    _numbering(
        "cz-rc", "a Czech or Slovak birth number", r"\d{6}/?\d{3,4}", r"rodné|rodne|r\.\s?č"
    ),
    _numbering("gb-nhs", "a British NHS number", r"\d{3}[ -]?\d{3}[ -]?\d{4}", r"nhs"),
    _numbering(
        "in-aadhaar",
        "an Indian Aadhaar number",
        r"\d{4} ?\d{4} ?\d{4}",
        r"aadhaar",
        module="stdnum.in_.aadhaar",
    ),
)

_NINO = re.compile(
    # HMRC's rule for national insurance numbers; python-stdnum has none.
    r"(?<!\w)(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]"
    r"(?: ?\d{2}){3} ?[A-D](?!\w)"
)
_NINO_WORD = re.compile(r"\b(?:nino|national insurance|ni number)", re.IGNORECASE)


_ENOUGH_DIGITS = re.compile(
    r"\d(?:[ ./-]?\d){5}|[A-Z]{3} ?[A-Z]{3} ?[\dL-NP-V]{2}[A-EHLMPR-T][\dL-NP-V]{2}"
    r"|[a-z]{6}\d[\dl-np-v][a-ehlmpr-t]"
)


def find_numbers(text: str) -> Iterator[Span]:
    """Yield card, bank and national numbers."""
    for start, end in around(text, _ENOUGH_DIGITS, 60, 60):
        yield from find_ibans(text, start, end)
        yield from _find_cards(text, start, end)
        yield from _find_national(text, start, end)


def _find_national(text: str, start: int, end: int) -> Iterator[Span]:
    for numbering in NUMBERINGS:
        for count, match in enumerate(numbering.pattern.finditer(text, start, end)):
            if count >= _MOST_NUMBERS:
                break
            named = words_before(text, match.start(), numbering.words)
            if not (named or numbering.free) or not _is_valid(numbering.module, match.group()):
                continue
            reason = f"{numbering.title} with a right checksum"
            yield Span(*match.span(), numbering.code, 0.97 if named else 0.8, reason)
    for match in _NINO.finditer(text, start, end):
        named = words_before(text, match.start(), _NINO_WORD)
        if named or " " in match.group():
            score = 0.95 if named else 0.7
            yield Span(*match.span(), "gb-nino", score, "a British national insurance number")


def find_ibans(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield bank accounts (IBAN), with or without spaces, in any case."""
    done = 0
    for match in _IBAN_START.finditer(text, start, end):
        if match.start() < done:
            continue
        stop = _iban_end(text, match.start())
        if stop:
            done = stop
            reason = "a bank account (IBAN) with a right checksum"
            yield Span(match.start(), stop, "iban", 0.99, reason)


def _iban_end(text: str, start: int) -> int:
    """Return where the IBAN that begins at a place ends, or 0 where none does."""
    compact = ""
    broken = False
    place = start
    best = 0
    while place < len(text) and len(compact) < 34:
        character = text[place]
        if character.isascii() and character.isalnum():
            compact += character.upper()
            follows = text[place + 1 : place + 2]
            edge = not (follows.isascii() and follows.isalnum())
            if len(compact) >= 15 and edge and _is_valid("stdnum.iban", compact):
                best = place + 1
        elif character == "\n" and not broken and text[place - 1] != "\n":
            # One line end within it, as in a mail; the checksum says that it goes on there.
            broken = True
        elif character not in " -" or text[place - 1] in " -":
            break
        place += 1
    return best


def _find_cards(text: str, start: int, end: int) -> Iterator[Span]:
    for count, match in enumerate(_CARD.finditer(text, start, end)):
        if count >= _MOST_NUMBERS:
            return
        value = match.group()
        digits = re.sub(r"\D", "", value)
        issuer = _issuer(digits)
        if not issuer or len(set(digits)) < 2 or not _is_valid("stdnum.luhn", digits):
            continue
        named = words_near(text, *match.span(), _CARD_WORD, 60)
        if named:
            yield Span(
                *match.span(), "card", 0.97, f"a payment card ({issuer}) with a right checksum"
            )
        elif issuer != "other" and len(digits) in (14, 15, 16) and _is_card_form(value):
            yield Span(
                *match.span(), "card", 0.8, f"a payment card ({issuer}) with a right checksum"
            )


def _is_card_form(value: str) -> bool:
    """Return whether digits are unbroken, or in the groups that cards bear."""
    groups = tuple(len(group) for group in re.split(r"[ -]", value))
    return len(groups) == 1 or groups in ((4, 4, 4, 4), (4, 6, 5), (4, 6, 4))


# First digits and lengths, from ISO/IEC 7812 and the issuers' published ranges.
_ISSUERS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("visa", re.compile(r"4(?:\d{12}|\d{15}|\d{18})\Z")),
    (
        "mastercard",
        re.compile(r"(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}\Z"),
    ),
    ("american express", re.compile(r"3[47]\d{13}\Z")),
    ("discover", re.compile(r"(?:6011|64[4-9]\d|65\d\d)\d{12}\Z")),
    ("diners", re.compile(r"3(?:0[0-5]|[689]\d)\d{11}\Z")),
    ("jcb", re.compile(r"35(?:2[89]|[3-8]\d)\d{12}\Z")),
    # Maestro, UnionPay and older cards share their ranges with too much else.
    ("other", re.compile(r"(?:5[0678]\d{10,17}|6\d{11,18}|(?:2131|1800)\d{11})\Z")),
)


def _issuer(digits: str) -> str:
    return next((name for name, form in _ISSUERS if form.match(digits)), "")


@cache
def _module(name: str) -> Any:
    return import_module(name)


@lru_cache(maxsize=8192)
def _is_valid(module: str, value: str) -> bool:
    return bool(_module(module).is_valid(value.replace(" ", "")))
