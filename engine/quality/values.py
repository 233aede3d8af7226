"""When two spellings are one value, and what a placeholder for it is called."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from engine.quality.normal import normal_text

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
NUMBER_WORDS = frozenset(("PHONE", "CARD", "IBAN", "NATIONAL_ID", "MAC_ADDRESS"))
"""Their punctuation and spaces mean nothing."""
NAME_WORDS = frozenset(("PERSON", "ADDRESS"))
"""Their case and accents mean nothing: "Brătescu" is written "BRATESCU" too."""
CASELESS_WORDS = NUMBER_WORDS | NAME_WORDS | {"EMAIL", "IP_ADDRESS"}
_MOST_NAME_WORDS = 4
_DIALLED_ONE = re.compile(r"1[2-9]\d{2}[2-9]\d{6}\Z")
# Codes of countries, and what is dialled before a number within each (ITU-T E.164, E.123).
_TRUNKS = {
    "40": "0", "44": "0", "1": "", "49": "0", "33": "0", "39": "", "34": "", "31": "0",
    "351": "", "43": "0", "41": "0", "32": "0", "48": "", "30": "", "36": "06", "420": "",
    "46": "0", "45": "", "47": "", "353": "0", "373": "0", "359": "0",
}  # fmt: skip


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

    Case means nothing in addresses and names, nor do accents and, in names, the order of the
    words; punctuation means nothing in numbers. A telephone number with the code of a country
    is given as E.164 has it, one without as its digits. A secret is only itself.
    """
    word = word_for(code)
    value = normal_text(value) or value
    if word == "SECRET":
        return value
    if word == "PHONE" and (international := _e164(value)):
        return international[0]
    if word in NAME_WORDS:
        words = re.findall(r"\w+", folded(value))
        return " ".join(sorted(words) if word == "PERSON" else words) or value
    if word in CASELESS_WORDS:
        value = value.casefold()
    if word in NUMBER_WORDS:
        return re.sub(r"[\W_]", "", value) or value
    return " ".join(value.split()) or value


def keys(code: str, value: str) -> tuple[str, ...]:
    """Return under what a value is remembered, that which says most first.

    A telephone number with the code of its country is remembered as it is written without,
    too: the second key ("national:…") is what links the two.
    """
    value = normal_text(value) or value
    normal = normal_value(code, value)
    if word_for(code) == "PHONE":
        international = _e164(value)
        if international:
            return international[0], "national:" + international[1]
        # In North America a 1 before the area's code is dialled or not.
        return ("national:" + (normal[1:] if _DIALLED_ONE.match(normal) else normal),)
    return (normal,)


def former_value(code: str, value: str) -> str:
    """Return the normal form by which earlier workspaces remember a value."""
    word = word_for(code)
    value = unicodedata.normalize("NFC", value)
    if word == "SECRET":
        return value
    if word in CASELESS_WORDS:
        value = value.casefold()
    if word == "PHONE":
        value = re.sub(r"^\s*\+", "00", value)
    if word in NUMBER_WORDS:
        return re.sub(r"[\W_]", "", value) or value
    return " ".join(value.split()) or value


def number_forms(word: str, value: str) -> tuple[str, ...]:
    """Return the letters and digits of a number, in each of the ways to write it.

    Of a telephone number with the code of its country these are also the one with two
    zeros, and the one within its country.
    """
    plain = re.sub(r"[\W_]", "", lowered(value))
    forms = [plain]
    if word == "PHONE":
        international = _e164(value)
        if international:
            digits, national = international[0][1:], international[1]
            # "+40 (0)721 …" has the zero that is dialled within the country, too.
            both = digits.removesuffix(national.removeprefix("0")) + national
            forms += [digits, "00" + digits, both, "00" + both, national]
        elif value.lstrip().startswith("+"):
            forms.append("00" + plain)
        else:
            forms += _abroad(plain)
    return tuple(dict.fromkeys(forms))


def _abroad(digits: str) -> list[str]:
    """Return the digits of a number as written within a country with some countries' codes."""
    forms = [digits[1:]] if _DIALLED_ONE.match(digits) else []
    for country, trunk in _TRUNKS.items():
        if trunk and not digits.startswith(trunk):
            continue
        bare = digits.removeprefix(trunk)
        # "+40 (0)721 …" has both.
        for form in (bare, trunk + bare):
            forms += [country + form, "00" + country + form]
    return forms


def name_orders(word: str, value: str) -> tuple[str, ...]:
    """Return a name with its surname first, too: "Ana Pop", "Pop Ana", "Pop, Ana"."""
    words = value.replace(",", " ").split()
    if word != "PERSON" or not 2 <= len(words) <= _MOST_NAME_WORDS:
        return (value,)
    first_last = " ".join(words)
    orders = [value, first_last]
    for turned in (words[-1:] + words[:-1], words[1:] + words[:1]):
        orders += [" ".join(turned), f"{turned[0]}, {' '.join(turned[1:])}"]
    orders.append(f"{words[0]}, {' '.join(words[1:])}")
    return tuple(dict.fromkeys(orders))


def lowered(text: str) -> str:
    """Return a text in lower case, character by character: its length stays."""
    small = text.lower()
    if len(small) == len(text):
        return small
    return "".join(c if len(c.lower()) != 1 else c.lower() for c in text)


def folded(text: str) -> str:
    """Return a text in lower case without the accents of Latin letters; its length stays."""
    return lowered(text).translate(_accents())


@lru_cache(maxsize=1)
def _accents() -> dict[int, str]:
    """Return the Latin letters with accents, and what each is without."""
    found = {}
    for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00)):
        base = unicodedata.normalize("NFD", chr(code))
        if len(base) > 1 and base[0].isalpha() and all(map(unicodedata.combining, base[1:])):
            found[code] = base[0]
    return found


@lru_cache(maxsize=4096)
def _e164(value: str) -> tuple[str, str] | None:
    """Return a number with the code of its country in E.164, and its digits within it."""
    value = value.strip()
    if not re.match(r"\(?\s?(?:\+|00)", value):
        return None
    # Loads the numbering plan of a country with its first number.
    import phonenumbers

    value = re.sub(r"^\(?\s?00", "+", value)
    try:
        parsed = phonenumbers.parse(value)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    national = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
    return (
        phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164),
        re.sub(r"\D", "", national),
    )
