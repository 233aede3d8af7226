"""What a format is: its columns, and a function that writes a conversation into them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from engine.models import Turn

Column = Literal["text", "role/content", "from/value", "pairs"]
"""What a column holds: a text, messages under either pair of names, or pairs of texts."""


@dataclass(frozen=True, slots=True)
class Converted:
    """A conversation in a format: its fields, or why there are none.

    Attributes:
        fields: The columns by name; those of a format that aren't named are empty.
        note: What was written otherwise than it was; empty where nothing was.
        code: Why it was refused, in a stable word.
        reason: Why it was refused, for a person.
    """

    fields: Mapping[str, Any] | None
    note: str = ""
    code: str = ""
    reason: str = ""


def refused(code: str, reason: str) -> Converted:
    """Return a conversation that a format can't hold."""
    return Converted(None, code=code, reason=reason)


@dataclass(frozen=True, slots=True)
class Format:
    """A format.

    Attributes:
        name: What it is called on the command line.
        line: What it is, in a line for a list.
        columns: Its columns and what each holds, in order.
        convert: Writes a conversation into the columns.
        optional: Columns that are written where some row of an export needs them; then
            all rows have them, so that each loader finds the same columns in each row.
        metadata: Whether a further column can say where a row comes from.
        smallest: The fewest rows that its reader accepts.
        container: The only container that its reader accepts; empty for any.
    """

    name: str
    line: str
    columns: Mapping[str, Column]
    convert: Callable[[tuple[Turn, ...]], Converted]
    optional: tuple[str, ...] = ()
    metadata: bool = True
    smallest: int = 1
    container: str = ""
