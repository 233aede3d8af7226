"""What somebody may have meant who wrote a name that is not known."""

from __future__ import annotations

from collections.abc import Iterable

_CLOSE = 0.6
"""difflib's own measure of names that are alike."""


def near_names(text: str, known: Iterable[str], *, most: int = 3) -> list[str]:
    """Return the known names that are like a text, the likest first.

    Ratcliff and Obershelp's measure of likeness, as in Python's ``difflib``; capitals and
    punctuation count for nothing.

    Args:
        text: What was written.
        known: The names that there are.
        most: Return at most so many.
    """
    import difflib  # only a mistake pays for it

    names: dict[str, str] = {}
    for name in known:
        names.setdefault(bare(name), name)
    return [names[key] for key in difflib.get_close_matches(bare(text), names, most, _CLOSE)]


def did_you_mean(text: str, known: Iterable[str]) -> str:
    """Return a question that offers the names like a text; empty where there is none."""
    near = near_names(text, known)
    return f"did you mean {' or '.join(near)}?" if near else ""


def bare(name: str) -> str:
    """Return the letters and digits of a name, in lower case."""
    return "".join(letter for letter in name.lower() if letter.isalnum())
