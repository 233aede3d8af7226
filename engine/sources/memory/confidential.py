"""Memories that hold a password, a key or a card's number, which no model should learn.

Only what plainly is one counts; what is merely personal is for the person to judge.
"""

from __future__ import annotations

import re

_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("a private key", re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY")),
    ("a signed token", re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*")),
    (
        "an access key",
        re.compile(
            r"\b(?:sk-[\w-]{20,}|(?:ghp|gho|ghs|ghu|ghr)_\w{30,}|github_pat_\w{30,}|hf_\w{30,}"
            r"|xox[abeprs]-[\w-]{10,}|AKIA[0-9A-Z]{16}|AIza[\w-]{35}|glpat-[\w-]{20,})"
        ),
    ),
)
_NAMED = re.compile(
    r"\b(pass ?words?|passwor[dt]e?|kennw(?:o|ö)rt(?:er)?|passphrase|passwd|pwd|parol[aăei]i?"
    r"|pin(?:[ -]?(?:code|number|nummer))?|cod(?:ul)? pin|api[ _-]?keys?|secret[ _-]?keys?"
    r"|access[ _-]?(?:key|token)s?|cvv|cvc|tan|puk)\b"
    r"[^\n.;]{0,40}?(?:\bis\b|\bist\b|\beste\b|\be\b|\blautet\b|:|=)\s*[\"'“„‘]?(\S{3,})",
    re.IGNORECASE,
)
_FIELD = re.compile(
    r"(?:^|_)(?:password|passwd|pwd|passphrase|passwort|kennwort|parola|pin|pin_code|api_?key"
    r"|(?:secret|access|private)_?key|(?:access_?)?token|secret|cvv|cvc|credit_?card"
    r"|card_?number)s?$"
)
_CARD = re.compile(r"(?<![\d.,])(?:\d[ -]?){12,18}\d(?![\d.,])")


def secret_in(text: str) -> str:
    """Return what secret a text holds, in words that don't give it away; empty for none."""
    for said, form in _FORMS:
        if form.search(text):
            return said
    for named in _NAMED.finditer(text):
        value = named[2].strip("\"'“”„‘’.,;!?)")
        if len(value) >= 3 and (any(not character.isalpha() for character in value)):
            return f"a value behind the word “{named[1].lower()}”"
    if any(_is_card(found[0]) for found in _CARD.finditer(text)):
        return "the number of a payment card"
    return ""


def is_secret_name(name: str) -> bool:
    """Say whether a field of this name (lower case, ``_`` between words) holds a secret."""
    return _FIELD.search(name) is not None


def _is_card(text: str) -> bool:
    """Say whether digits are a card's, by the check digit that ISO/IEC 7812-1 gives them."""
    digits = [int(character) for character in text if character.isdigit()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) < 2 or digits[0] not in (2, 3, 4, 5, 6):
        return False
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
