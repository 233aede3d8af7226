"""Telling a real secret from a placeholder, an expression, a hash or a word."""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import pairwise

_EXAMPLE_WORDS = re.compile(
    r"your|example|placeholder|change.?me|change.?this|x{4}|dummy|sample|redact|insert|replace"
    r"|todo|foobar|secret.?key.?here|my.?secret|my.?pass|my.?token|my.?key|_here\b|-here\b"
    r"|12345678|abcdefgh|0{6}|\.\.\.|…|\*\*\*|•••|hidden|masked|goes.?here|not.?a.?real|fake"
    r"|enter|tbd|snipped|deadbeef|qwerty.?uiop",
    re.IGNORECASE,
)
_PLACEHOLDER_SIGNS = re.compile(r"[<>{}\[\]…]|\$\(|^\$\w|%\w+%|%s|\.\.\.|\\n$")
_EXPRESSION = re.compile(
    r"[()]|::|->|^[a-z_]\w*(?:\.[a-z_]\w*)+$|^(?:self|this|process|os|env|config|settings)\b",
    re.IGNORECASE,
)
_WEAK_VALUES_TEXT = (
    "true false none null nil undefined string str int integer text bool boolean required optional "
    "yes no off on admin root user username guest default pass passwd password passwort parola "
    "parolă secret token key value test testing test123 demo ****** hashed_password empty "
    "password123 mypassword "
    "str| any object varchar char unknown n/a na public private basic bearer jwt oauth "
    "password1 your_password username:password"
)
_WEAK_VALUES = frozenset(_WEAK_VALUES_TEXT.split())
# Of random strings of 40 letters and digits one in 70 has nine lower-case letters in a row;
# thirteen has one in 3,000.
_WORD = re.compile(r"[a-z]{9}|[a-z]{5,}[-_/.][a-z]{5,}")
_LONG_WORD = re.compile(r"[a-z]{13}|[a-z]{6,}[-_/.][a-z]{6,}")
_HEX = re.compile(r"(?:0x)?[0-9a-fA-F]+\Z")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")


def entropy(value: str) -> float:
    """Return the Shannon entropy of a value's characters, in bits a character."""
    if not value:
        return 0.0
    size = len(value)
    return -sum(n / size * math.log2(n / size) for n in Counter(value).values())


def is_placeholder(value: str) -> bool:
    """Return whether a value stands for a secret in an example, such as ``your-key-here``."""
    if _EXAMPLE_WORDS.search(value) or _PLACEHOLDER_SIGNS.search(value):
        return True
    return len(set(value)) <= max(2, len(value) // 8)


def is_random(value: str, *, named: bool = False) -> bool:
    """Return whether a long value looks drawn at random, as the body of a token does.

    Words joined by dashes have few digits and long runs of one case; of a random string
    of letters and digits about one character in six is a digit.

    Args:
        value: The value, without what is the same in all tokens of its kind.
        named: Whether it has the form of a known kind of token, so that less is needed.
    """
    body = value.strip("=")
    if len(body) < 16 or is_placeholder(body):
        return False
    digits = sum(c.isdigit() for c in body)
    if not digits or digits == len(body):
        return False
    if entropy(body) < min(3.6, 0.72 * math.log2(len(body))):
        return False
    return (_LONG_WORD if named else _WORD).search(body) is None


def is_hash_like(value: str) -> bool:
    """Return whether a value may as well be a hash, a checksum or a UUID."""
    return _HEX.match(value) is not None or _UUID.match(value) is not None


def is_weak_value(value: str) -> bool:
    """Return whether a value is a word that stands where a password would."""
    return value.lower() in _WEAK_VALUES


def is_expression(value: str) -> bool:
    """Return whether a value is code that fetches a secret, not the secret."""
    return _EXPRESSION.search(value) is not None


def is_password_like(value: str) -> bool:
    """Return whether a value without context of its own could be a password.

    It mixes digits, signs or capitals with letters; a plain word or number does not count.
    """
    if len(value) < 6 or is_placeholder(value) or is_weak_value(value) or is_expression(value):
        return False
    letters = any(c.isalpha() for c in value)
    digits = any(c.isdigit() for c in value)
    signs = any(not c.isalnum() and c not in "-_./:" for c in value)
    # Capitals all over a word are no camel case: aBdKqPxZ.
    turns = sum(a.islower() != b.islower() for a, b in pairwise(value))
    return letters and (digits or signs or turns >= 4)
