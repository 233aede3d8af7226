r"""The form in which a conversation is edited as plain text.

A turn begins with a line ``--- role ---``; what stands below it, up to the next such
line, is its text. A line of the text itself that looks like one has a backslash in
front, and one that has backslashes already has one more. The form gives every
conversation back exactly.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.errors import ExampleInvalid
from engine.models import ROLES, Role, Turn

_SEPARATOR = re.compile(r"(\\*)--- (\w+) ---[ \t\r]*")
_ROLE_BY_NAME: dict[str, Role] = {role: role for role in ROLES}


def to_text(turns: Sequence[Turn]) -> str:
    """Return turns in the editable form."""
    parts: list[str] = []
    for turn in turns:
        parts.append(f"--- {turn.role} ---")
        parts.extend(
            "\\" + line if _SEPARATOR.fullmatch(line) else line for line in turn.content.split("\n")
        )
    return "\n".join(parts) + "\n"


def from_text(text: str) -> tuple[Turn, ...]:
    """Return the turns that a text in the editable form holds.

    Raises:
        ExampleInvalid: Text stands above the first separator, there is none, or one
            names a role that doesn't exist.
    """
    turns: list[tuple[Role, list[str]]] = []
    body = text.removesuffix("\n")
    for number, line in enumerate(body.split("\n"), start=1):
        match = _SEPARATOR.fullmatch(line)
        if match is not None and not match.group(1):
            turns.append((_role(match.group(2), number), []))
        elif turns:
            turns[-1][1].append(line if match is None else line[1:])
        elif line.strip():
            raise ExampleInvalid(
                f"line {number}: there is text above the first turn",
                hint="begin with a line like: --- user ---",
            )
    if not turns:
        raise ExampleInvalid("the text has no turn", hint="begin with a line like: --- user ---")
    return tuple(Turn(role, "\n".join(lines)) for role, lines in turns)


def answer_line(text: str) -> int:
    """Return the line, from 0, on which the first assistant turn's text begins; 0 without one.

    Args:
        text: A text in the editable form, also one that is being edited and can't be read.
    """
    lines = text.split("\n")
    for number, line in enumerate(lines):
        match = _SEPARATOR.fullmatch(line)
        if match is not None and not match.group(1) and match.group(2).lower() == "assistant":
            return min(number + 1, len(lines) - 1)
    return 0


def _role(name: str, line: int) -> Role:
    role = _ROLE_BY_NAME.get(name.lower())
    if role is None:
        raise ExampleInvalid(
            f"line {line}: there is no role {name}",
            hint=f"roles are {', '.join(ROLES)}; put \\ before the line if it is text",
        )
    return role
