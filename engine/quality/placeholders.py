"""What stands in a text where something was taken out: ``[EMAIL_1]``, ``[SECRET_2]``."""

from __future__ import annotations

import re

PLACEHOLDER = re.compile(r"\[[A-Z][A-Z_]{1,30}_[0-9]{1,9}\]")
_LONGEST = 44


def outside_placeholders(text: str, start: int, end: int) -> bool:
    """Return whether a stretch of text touches no placeholder."""
    around = text[max(0, start - _LONGEST) : end + _LONGEST]
    shift = max(0, start - _LONGEST)
    return not any(
        match.start() + shift < end and start < match.end() + shift
        for match in PLACEHOLDER.finditer(around)
    )
