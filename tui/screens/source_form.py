"""What can be set about a source, as the rows of a form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.sources import Detection, Option


@dataclass(frozen=True, slots=True)
class Added:
    """What the person settled on: a place, the kind to read it as, and what is set about it."""

    place: str
    kind: str
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FormRow:
    """One thing that can be set.

    Attributes:
        name: The option's name.
        help: What it does, in a sentence.
        value: What was set before; empty where nothing was.
        found: What was detected here, which holds where nothing is set.
        default: What holds where nothing was found either.
        values: What it can be, as far as that is known.
        closed: Whether it can be nothing else.
    """

    name: str
    help: str
    value: str = ""
    found: str = ""
    default: str = ""
    values: tuple[str, ...] = ()
    closed: bool = False

    @property
    def otherwise(self) -> str:
        """What holds where nothing is set."""
        return self.found or self.default

    @property
    def unset(self) -> str:
        """What is written in the place of an empty value."""
        return f"{self.found} (found)" if self.found else self.default or "not set"

    @property
    def start(self) -> str:
        """What the row's field starts with: a closed list shows what holds."""
        return self.value or (self.otherwise if self.closed else "")


def form_rows(
    options: Sequence[Option], found: Detection | None, chosen: Mapping[str, str]
) -> list[FormRow]:
    """Return a row an option, with what was found here and what was chosen before.

    Args:
        options: What can be set about the kind.
        found: What the place was detected to be; None where nobody looked.
        chosen: What is set already.
    """
    detected = found.options if found is not None else {}
    known = found.choices if found is not None else {}
    rows = []
    for option in options:
        closed = bool(option.choices)
        row = FormRow(
            name=option.name,
            help=option.help,
            value=chosen.get(option.name, ""),
            found=detected.get(option.name, ""),
            default=option.default,
            values=option.choices or known.get(option.name, ()),
            closed=closed,
        )
        if closed and not row.otherwise:
            row = replace(row, values=("", *row.values))
        rows.append(row)
    return rows


def to_set(rows: Sequence[FormRow], typed: Mapping[str, str]) -> dict[str, str]:
    """Return what is to be set: what was typed, and neither what was found nor a default."""
    chosen: dict[str, str] = {}
    for row in rows:
        value = typed.get(row.name, row.start).strip()
        if value and (value == row.value or not row.closed or value != row.otherwise):
            chosen[row.name] = value
    return chosen
