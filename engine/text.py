"""Foreign text made harmless for a terminal, and for eyes."""

from __future__ import annotations

import re


def inert(text: str) -> str:
    r"""Return text from data or a model with every character made visible that nobody would see.

    Newlines and tabs stay. Escapes, bells, carriage returns and the C1 range become ``\xNN``,
    direction marks and lone surrogates ``\uNNNN``, so that nothing in the data can steer a
    terminal. Zero-width characters, tag characters, selectors that select nothing, and all else
    without a glyph become ``‹U+200B›``, so that nobody approves what can't be seen; see
    :mod:`engine.invisible`.
    """
    if _plain(text):
        return text
    return "".join(shown for shown, _ in pieces(text))


def pieces(text: str) -> list[tuple[str, bool]]:
    """Return a text as :func:`inert` does, in pieces, each with whether it is such a mark."""
    if _plain(text):
        return [(text, False)]
    from engine.invisible import marks  # tables that most texts do without

    found: list[tuple[str, bool]] = []
    at = 0
    for mark in marks(text):
        if at < mark.start:
            found.append((text[at : mark.start], False))
        found.append((mark.shown, True))
        at = mark.end
    if at < len(text):
        found.append((text[at:], False))
    return found


def _plain(text: str) -> bool:
    return _NOT_PLAIN.search(text) is None


_NOT_PLAIN = re.compile(r"[^\n\t -~]")
