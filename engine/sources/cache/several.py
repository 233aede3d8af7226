"""Texts without labels that hold several questions, each with its answer below or beside it.

A list of questions and answers is often stored as one text. Which lines of it ask is told by
the first one: a later line that ends with a question mark and is set off in the same way, as a
heading, in bold, with a number or behind an empty line, begins an exchange of its own.
"""

from __future__ import annotations

import re

_MARK = re.compile(r"^[ \t]{0,3}(#{1,6}[ \t]+|\*\*|__|[-*+•][ \t]+)?(?:\d{1,4}[.)][ \t]+)?")
_NUMBER = re.compile(r"^[ \t]{0,3}(?:#{1,6}[ \t]+|\*\*|__|[-*+•][ \t]+)?\d{1,4}[.)][ \t]+")
_ENDS = re.compile(r"[?？؟][\"'”’»)*_]*[ \t]*$")
_BESIDE = re.compile(r"^([^?？؟\n]{4,300}[?？؟][\"'”’»)*_]*)[ \t]+(\S.*)$")
_LONGEST = 300


def below(text: str) -> list[tuple[str, str]]:
    """Return the questions of a text that stand in lines of their own, with what is below each.

    What is not taken apart is one pair of the first line and the rest.
    """
    lines = text.strip().split("\n")
    starts = [at for at in range(len(lines)) if at == 0 or _begins(lines, at)]
    pairs = [
        (lines[start], "\n".join(lines[start + 1 : stop]))
        for start, stop in zip(starts, [*starts[1:], len(lines)], strict=True)
    ]
    # Where one has nothing below it, they are no list of questions with their answers.
    if len(pairs) > 1 and all(answer.strip() for _, answer in pairs):
        return [(_bare(asked), answer) for asked, answer in pairs]
    return [(lines[0], "\n".join(lines[1:]))]


def beside(text: str) -> list[tuple[str, str]]:
    """Return the questions of a text of which each line is one with its answer; else none."""
    lines = [line.strip() for line in text.strip().split("\n") if line.strip()]
    found = [hit for line in lines if (hit := _BESIDE.match(line))]
    if len(found) < 2 or len(found) < len(lines):
        return []
    return [(hit[1], hit[2]) for hit in found]


def _begins(lines: list[str], at: int) -> bool:
    """Say whether a line asks in the form in which the first line does."""
    line = lines[at]
    if len(line) > _LONGEST or not (_ENDS.search(line) and _ENDS.search(lines[0])):
        return False
    if _form(line) != _form(lines[0]):
        return False
    # Plain lines are told by the space around them.
    apart = not lines[at - 1].strip()
    return _form(line) != ("", False) or (apart and _is_close(lines, at) == _is_close(lines, 0))


def _form(line: str) -> tuple[str, bool]:
    hit = _MARK.match(line)
    return (hit[1] or "").strip() if hit else "", _NUMBER.match(line) is not None


def _bare(line: str) -> str:
    """Return a question without the number, and without the mark of a heading or bold type."""
    hit = _MARK.match(line)
    rest = line[hit.end() :] if hit else line
    return rest.rstrip().removesuffix("**").removesuffix("__")


def _is_close(lines: list[str], at: int) -> bool:
    return at + 1 < len(lines) and bool(lines[at + 1].strip())
