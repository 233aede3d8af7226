"""Sizes of files and memory in words."""

from __future__ import annotations


def size_words(count: float) -> str:
    """Return a number of bytes as people read it, in decimal units, as disks and GPUs are sold."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        # What would be rounded to a thousand of a unit is one of the next.
        if count >= size * 0.99995:
            # Nobody needs tenths of a hundred, and an estimate has none.
            return f"{count / size:.{0 if unit != 'GB' and count >= 100 * size else 1}f} {unit}"
    return f"{count:.0f} B"
