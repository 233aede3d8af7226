"""What a form of token is: one line of the tables beside this module."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Proof = Literal["form", "drawn"]
"""What a token of a form needs besides fitting it: nothing but to be no placeholder, or to look
drawn at random, where the form is short or other words have it, too."""

UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
HEX = r"[0-9a-fA-F]"
ALNUM = r"[A-Za-z0-9]"
URL64 = r"[A-Za-z0-9_-]"
BASE64 = r"[A-Za-z0-9+/]"

# A token may follow an escaped line end (\n as two characters) or a percent code.
_BEFORE = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2}))"
_AFTER = r"(?![A-Za-z0-9])"
APART = r"(?:(?<![A-Za-z0-9_./\\$-])|(?<=\\[nrt]))"
"""What stands before a token whose form is short: nothing that a name or a path goes on with."""

_GAP = r"[^\n]{0,50}?[\s=:>,|(\[{\"'`“„«]"


@dataclass(frozen=True, slots=True)
class Form:
    """A form of token.

    Args:
        code: What its flags are called; several forms of a vendor may share it.
        vendor: Whose tokens these are.
        anchors: Pieces of text without which there is no such token. Those of a form with
            a name nearby are in lower case, and sought in the text in lower case.
        pattern: The token, or as the group ``value`` where there is more around it.
        proof: What it needs besides.
        fixed: How many characters of it are the same in all tokens.
        source: Where its vendor, or GitHub's list of secret scanning partners, describes it.
        near: Whether the vendor's name has to stand before the token.
    """

    code: str
    vendor: str
    anchors: tuple[str, ...]
    pattern: re.Pattern[str]
    proof: Proof
    fixed: int
    source: str
    near: bool = False


def form(
    code: str, vendor: str, anchors: str, pattern: str, source: str, *, proof: Proof = "form"
) -> Form:
    """Return a form whose tokens are known by themselves.

    Args:
        code: What its flags are called.
        vendor: Whose they are.
        anchors: Pieces that they hold, with spaces between; the first begins them all or is
            part of all, and is what they have in common.
        pattern: The whole token. It repeats nothing without a bound.
        source: Where it is described.
        proof: What it needs besides.
    """
    compiled = re.compile(f"{_BEFORE}(?:{pattern}){_AFTER}")
    pieces = tuple(anchors.split())
    return Form(code, vendor, pieces, compiled, proof, min(map(len, pieces)), source)


def near(
    code: str, vendor: str, names: str, pattern: str, source: str, *, proof: Proof = "form"
) -> Form:
    """Return a form whose tokens are known by their vendor's name before them, on the same line.

    Args:
        code: What its flags are called.
        vendor: Whose they are.
        names: The vendor's name in lower case, or several with spaces between.
        pattern: The whole token.
        source: Where it is described.
        proof: What it needs besides.
    """
    words = names.split()
    spelled = "|".join(map(re.escape, words))
    edge = r"(?<![A-Za-z0-9_./+-])"
    name = f"(?<![A-Za-z])(?i:{spelled})"
    compiled = re.compile(f"{name}{_GAP}{edge}(?P<value>{pattern})(?![A-Za-z0-9_/+-])")
    return Form(code, vendor, tuple(words), compiled, proof, 0, source, near=True)
