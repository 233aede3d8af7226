"""What is wrong with a file of templates, each with its line and what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the file that has to be mended.

    Attributes:
        line: Its line, from 1.
        code: The stable code, such as "unknown-slot".
        message: What is wrong.
        hint: What to do.
    """

    line: int
    code: str
    message: str
    hint: str = ""

    @property
    def reason(self) -> str:
        """Both in one sentence."""
        return f"{self.message}; {self.hint}" if self.hint else self.message


class Broken(Exception):
    """A file of templates that can't be used; ``problems`` has at least one."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        super().__init__(self.problems[0].reason)


def nearest(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return the hint that names the known word that was probably meant."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]}?"
    if otherwise:
        return otherwise
    listed = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f"there are: {listed}" if names else ""
