"""Telling a real secret from a placeholder, an expression, a hash or a word."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
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
_WEAK_NUMBERED = re.compile(
    r"(?:my)?(?:secret|pass(?:word|wd)?|admin|test|user|root|demo|example|guest|qwerty|welcome)[-_@]?"
    r"[0-9]{1,4}!?",
    re.IGNORECASE,
)
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
    return len(set(value)) <= max(2, min(8, len(value) // 8))


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


_DUMMY_WORDS = re.compile(
    r"x{5}|\*{3}|\.{3}|…|•{3}|<|your[-_]?(?:api|own|access|secret|token|key|private|auth|client)"
    r"|placeholder|change.?me|change.?this|replace.?(?:me|with|this)|redacted|(?:api|secret|access)"
    r"[-_]?(?:key|token)[-_]?here|(?:^|[-_])(?:example|dummy|sample|fake|your|insert|todo|here)(?:[-_]|$)"
    # The token that jwt.io shows.
    r"|EXAMPLE|eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9l|(?:my|test|the)[-_](?:api|secret|access|token|key)",
    re.IGNORECASE,
)
# Keys of documentation and of tools that everybody has.
_KNOWN = (
    "4eC39HqLyjWDarjtT1zdp7dc",
    "BQokikJOvBiI2HlWgH4olfQ2",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
)
_RUN_OF_SEQUENCE = 5
_TOKEN_LETTERS = re.compile(r"[A-Za-z0-9_+/=~.-]+")


def is_dummy(body: str) -> bool:
    """Return whether the body of a token was typed by hand, to stand for one in an example.

    That is one of a word such as ``YOUR_API_KEY``, of a character or a short piece over and
    over, of ``abcdef…`` and ``1234…``, or one that documentation shows. Chance makes none of
    them: unlike :func:`is_random` this wants neither digits nor mixed case.
    """
    if _DUMMY_WORDS.search(body) or body.endswith(_KNOWN):
        return True
    if len(set(body)) <= max(2, min(8, len(body) // 8)):
        return True
    if any(body[step:] == body[:-step] for step in range(1, len(body) // 3 + 1)):
        return True
    return _in_sequence(body) >= 0.9 * len(body)


def _in_sequence(body: str) -> int:
    """Return how many characters stand in runs such as ``abcdef`` and ``56789``."""
    lowered = body.lower()
    total, run = 0, 1
    for before, after in pairwise(lowered):
        if ord(after) - ord(before) == 1 or (before, after) in (("9", "0"), ("z", "0"), ("z", "1")):
            run += 1
            continue
        total += run if run >= _RUN_OF_SEQUENCE else 0
        run = 1
    return total + (run if run >= _RUN_OF_SEQUENCE else 0)


def is_drawn(body: str) -> bool:
    """Return whether a body of a form that other words have, too, looks drawn at random."""
    body = body.strip("=")
    digits = sum(c.isdigit() for c in body)
    if len(body) < 10 or digits == len(body):
        return False
    if not digits and _case_turns(body) < len(body) / 4:
        return False
    if entropy(body) < min(2.9, 0.7 * math.log2(len(body))):
        return False
    return _LONG_WORD.search(body) is None


_COMMON_WORDS = re.compile(
    r"test|demo|secret|token|key|pass|abc|123|foo|bar|user|admin|local|dev|prod|value|some|name|type"
    r"|auth|oauth|base64|sha\d|md5|utf|http|api|null|true|false|bearer|session|client|login|access"
    r"|refresh|model|data|file|index|version|string|number|default|temp|code|hash|uuid",
    re.IGNORECASE,
)


def is_symbol_key(value: str) -> bool:
    """Return whether a quoted value is a long key with signs in it, as frameworks draw them."""
    signs = {c for c in value if c in "!@#$%^&*()+=~?"}
    digits = sum(c.isdigit() for c in value)
    return (
        len(value) >= 24
        and len(signs) >= 2
        and digits >= 2
        and entropy(value) >= 4.0
        and not re.search(r"[<>{}\s]|\$\(|://|\w\(\w*\)", value)
    )


def _case_turns(characters: Sequence[str]) -> int:
    """Return how often a capital follows a small letter or the other way round."""
    return sum(
        a.islower() != b.islower() for a, b in pairwise(characters) if a.isalpha() and b.isalpha()
    )


def is_short_token(value: str, *, quoted: bool) -> bool:
    """Return whether a short value of a name such as ``deployToken`` is a token, not a word.

    Letters and digits are mixed in it more than once, and no word that code is full of is in
    it: ``a8Xk29Qz`` is one, ``abc123`` and ``user1Token`` are none.

    Args:
        value: The value.
        quoted: Whether it stands in quotes: without them it may be a name in code.
    """
    if not 8 <= len(value) <= 64 or not _TOKEN_LETTERS.fullmatch(value):
        return False
    if is_dummy(value) or _COMMON_WORDS.search(value) or not any(c.isalpha() for c in value):
        return False
    plain = [c for c in value if c.isalnum()]
    mixed = sum(a.isdigit() != b.isdigit() for a, b in pairwise(plain))
    turns = _case_turns(plain)
    # Capitals all over: in camel case words of small letters stand between.
    letters = quoted and turns >= 4 and re.search("[a-z]{4}", value) is None
    return mixed >= (2 if quoted else 3) or (mixed >= 1 and turns >= 2) or letters


def is_mixed_hash(value: str) -> bool:
    """Return whether a value of hexadecimal digits or a UUID was drawn, not counted or made up."""
    digits = value.replace("-", "").lower()
    if len(digits) < 16 or is_dummy(digits) or len(set(digits)) < 6:
        return False
    return any(c.isdigit() for c in digits) and any(c.isalpha() for c in digits)


def is_hash_like(value: str) -> bool:
    """Return whether a value may as well be a hash, a checksum or a UUID."""
    return _HEX.match(value) is not None or _UUID.match(value) is not None


def is_weak_value(value: str) -> bool:
    """Return whether a value is a word that stands where a password would."""
    return value.lower() in _WEAK_VALUES or _WEAK_NUMBERED.fullmatch(value) is not None


def is_expression(value: str) -> bool:
    """Return whether a value is code that fetches a secret, not the secret."""
    if _EXPRESSION.search(value) is None:
        return False
    # A password may have a dot: then a piece of it is no name.
    return "(" in value or "::" in value or not any(map(_is_no_name, value.split(".")))


def _is_no_name(piece: str) -> bool:
    """Return whether a piece between dots can't be a name in code: ``F3kYb2`` and ``A7N7aQ``."""
    mixed = sum(a.isdigit() != b.isdigit() for a, b in pairwise(piece))
    return mixed >= 3 or (mixed >= 2 and _case_turns(piece) >= 2)


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
