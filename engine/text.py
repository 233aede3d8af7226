"""Foreign text made harmless for a terminal."""

from __future__ import annotations


def inert(text: str) -> str:
    r"""Return text from data or a model with every control character made visible.

    Newlines and tabs stay. Escapes, bells, carriage returns and the C1 range
    become ``\xNN``; bidirectional overrides become ``\uNNNN``; a lone surrogate
    its escape, so that nothing in the data can steer a terminal.
    """
    return "".join(_visible(character) for character in text)


_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


def _visible(character: str) -> str:
    if character in "\n\t":
        return character
    code = ord(character)
    if code < 0x20 or 0x7F <= code <= 0x9F:
        return f"\\x{code:02x}"
    if character in _BIDI or 0xD800 <= code <= 0xDFFF:
        return f"\\u{code:04x}"
    return character
