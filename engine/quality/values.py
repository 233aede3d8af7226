"""When two spellings are one value, and what a placeholder for it is called."""

from __future__ import annotations

import re
import unicodedata

_SECRET_CODES_TEXT = "api-key auth-header high-entropy jwt password private-key url-password"
_SECRET_CODES = frozenset(_SECRET_CODES_TEXT.split())
_SECRET_ENDS = ("-key", "-token", "-secret")
_WORDS = {
    "email": "EMAIL",
    "phone": "PHONE",
    "card": "CARD",
    "iban": "IBAN",
    "address": "ADDRESS",
    "date-of-birth": "BIRTHDAY",
    "person": "PERSON",
    "ip-address": "IP_ADDRESS",
    "mac": "MAC_ADDRESS",
}
# Their punctuation and spaces mean nothing.
_NUMBER_WORDS = frozenset(("PHONE", "CARD", "IBAN", "NATIONAL_ID", "MAC_ADDRESS"))
_CASELESS_WORDS = _NUMBER_WORDS | {"EMAIL", "IP_ADDRESS", "PERSON", "ADDRESS"}
_LEAST_DIGITS = 6
_GAP = r"[ \u00a0().\-/:]{0,3}"


def word_for(code: str) -> str:
    """Return the word in the placeholder of a code: ``SECRET``, ``EMAIL``, ``NATIONAL_ID``."""
    if code in _SECRET_CODES or code.endswith(_SECRET_ENDS):
        return "SECRET"
    known = _WORDS.get(code)
    if known is not None:
        return known
    # National numbers begin with their country: "ro-cnp".
    return "NATIONAL_ID" if re.fullmatch(r"[a-z]{2}-[a-z]+", code) else "PERSONAL"


def normal_value(code: str, value: str) -> str:
    """Return what two spellings of one value have in common.

    Case means nothing in addresses and names, punctuation nothing in numbers; of telephone
    numbers ``00`` and ``+`` are the same. A secret is only itself.
    """
    word = word_for(code)
    if word == "SECRET":
        return value
    value = unicodedata.normalize("NFC", value)
    if word in _CASELESS_WORDS:
        value = value.casefold()
    if word == "PHONE":
        value = re.sub(r"^\s*\+", "00", value)
    if word in _NUMBER_WORDS:
        compact = re.sub(r"[\W_]", "", value)
        return compact or value
    return " ".join(value.split()) or value


def spelled(code: str, value: str, *, inside: bool) -> str:
    """Return a pattern for a value in any spelling.

    Args:
        code: The code of its flag.
        value: The value as it was found.
        inside: Whether it counts inside of a longer word too.
    """
    word = word_for(code)
    kept = [c for c in value if c.isalnum()]
    if word in _NUMBER_WORDS and len(kept) >= _LEAST_DIGITS:
        body = _grouped(value)
        if value.lstrip().startswith("+"):
            # Without the plus it is found too, with it the plus goes as well.
            body = r"(?:\+|00)?\(?" + body
        elif value.startswith("("):
            body = r"\(?" + body
    elif word == "SECRET":
        body = re.escape(value)
    else:
        body = r"\s+".join(re.escape(piece) for piece in value.split()) or re.escape(value)
    if word in _CASELESS_WORDS:
        body = f"(?i:{body})"
    if inside:
        return body
    edged = word in _NUMBER_WORDS
    before = r"(?<!\w)" if edged or value[0].isalnum() or value[0] == "_" else ""
    after = r"(?!\w)" if value[-1].isalnum() or value[-1] == "_" else ""
    return before + body + after


def _grouped(value: str) -> str:
    """Return a pattern for letters and digits however they are grouped, or as they are here."""
    body, gap = "", ""
    for character in value:
        if not character.isalnum():
            gap += character
            continue
        if body:
            body += f"(?:{_GAP}|{re.escape(gap)})" if gap else _GAP
        body += re.escape(character)
        gap = ""
    return body
