"""The forms of tokens that vendors document; ``forms.tsv`` is the table.

Facts come from the vendors' own pages, from GitHub's list of secret scanning partners, and from
the public rule sets of gitleaks and TruffleHog. A form that a prefix or a mark within makes
distinct needs no further proof: a token of letters alone is as good as one with digits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_TABLE = Path(__file__).with_name("forms.tsv")
_HEX = "[0-9a-fA-F]"
_PIECES = {
    "{HEX}": _HEX,
    "{ALNUM}": "[A-Za-z0-9]",
    "{URL64}": "[A-Za-z0-9_-]",
    "{UUID}": "-".join(f"{_HEX}{{{size}}}" for size in (8, 4, 4, 4, 12)),
    # Nothing that the name of a method or a path goes on with; an escaped line end may be there.
    "{APART}": r"(?:(?<![A-Za-z0-9_./\\$-])|(?<=\\[nrt]))",
}
# A token may follow an escaped line end (\n as two characters) or a percent code.
_BEFORE = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2}))"
_AFTER = r"(?![A-Za-z0-9])"
# A name begins a word, or a word of a camel-case name.
_NAME_BEFORE = "(?:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z]))"
# What stands between a vendor's name and its token, on the same line.
_GAP = r"[^\n]{0,50}?[\s=:>,|(\[{\"'`“„«]"
_NEAR_BEFORE = r"(?<![A-Za-z0-9_./+-])"
_NEAR_AFTER = r"(?![A-Za-z0-9_/+-])"


@dataclass(frozen=True, slots=True)
class Form:
    """A form of token.

    Args:
        code: What its flags are called; several forms of a vendor may share it.
        vendor: Whose tokens these are.
        drawn: Whether a token has to look drawn at random besides, because the form is short
            or other words have it, too.
        near: Whether it is known only by its vendor's name before it, on the same line.
        anchors: Pieces of text without which there is no such token; of a form with
            ``near`` the vendor's names in lower case.
        expression: The token, or as the group ``value`` where there is more around it.
        fixed: How many of its first characters are the same in all tokens.
        source: Where its form is described.
    """

    code: str
    vendor: str
    drawn: bool
    near: bool
    anchors: tuple[str, ...]
    expression: str
    fixed: int
    source: str

    @property
    def pattern(self) -> re.Pattern[str]:
        """The expression, compiled when the first text has its marks: all take half a second."""
        return _compiled(self.expression)


@cache
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression)


@cache
def forms() -> tuple[Form, ...]:
    """Return the forms, in the table's order."""
    lines = _TABLE.read_text("utf-8").splitlines()
    return tuple(_form(line.split("\t")) for line in lines if line and not line.startswith("#"))


def _form(columns: list[str]) -> Form:
    code, vendor, proof, found, marks, pattern, source = columns
    anchors, near = tuple(marks.split()), found == "near"
    for name, piece in _PIECES.items():
        pattern = pattern.replace(name, piece)
    if near:
        names = "|".join(map(re.escape, anchors))
        whole = f"{_NAME_BEFORE}(?i:{names}){_GAP}{_NEAR_BEFORE}(?P<value>{pattern}){_NEAR_AFTER}"
    else:
        whole = f"{_BEFORE}(?:{pattern}){_AFTER}"
    fixed = 0 if near else min(map(len, anchors))
    return Form(code, vendor, proof == "drawn", near, anchors, whole, fixed, source)
