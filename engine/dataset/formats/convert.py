"""Rows on their way into a format: the system message, the metadata, and what gets lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.dataset.formats.base import Column, Converted, Format, refused
from engine.dataset.formats.told import Keys, keys_of, told
from engine.dataset.gate import Refusal
from engine.dataset.rows import Row
from engine.models import Turn, example_id
from engine.sources import Refused
from engine.sources.facts import clean
from engine.sources.instructions.exact import TEXT_ID, conversations
from engine.sources.turns import tidy

_EMPTY: Mapping[str, Any] = {"text": "", "pairs": []}


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person chose about an export.

    Attributes:
        system: Whether system messages are written.
        system_prompt: Put before conversations that have no system message (any more).
        metadata: Whether each row says where it comes from.
    """

    system: bool = True
    system_prompt: str = ""
    metadata: bool = False

    def applied(self, turns: tuple[Turn, ...]) -> tuple[tuple[Turn, ...], str]:
        """Return a conversation with the system message that it shall have, and what was done."""
        done = ""
        if not self.system and any(turn.role == "system" for turn in turns):
            turns = tuple(turn for turn in turns if turn.role != "system")
            done = "system message left out, as asked"
        prompt = self.system_prompt.strip()
        if prompt and not any(turn.role == "system" for turn in turns):
            turns = (Turn("system", prompt), *turns)
            done = f"system message {'replaced' if done else 'put in front'}, as asked"
        return turns, done


@dataclass(slots=True)
class Tally:
    """What became of the rows.

    Attributes:
        refused: Rows that the format can't hold.
        notes: What was written otherwise than it was, or is read back otherwise, by row.
    """

    refused: list[Refusal] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns that all rows of an export have.

    Attributes:
        columns: The format's columns, and what each holds.
        keys: The keys of the metadata; empty where none is written.
    """

    columns: Mapping[str, Column]
    keys: Keys


@dataclass(frozen=True, slots=True)
class Written:
    """A row as it is written.

    Attributes:
        row: The row of the dataset.
        turns: Its turns with the system message that it shall have.
        converted: The columns, or why there are none; the note says what was done.
        reread: What an import would make otherwise; empty where it gives the same turns.
    """

    row: Row
    turns: tuple[Turn, ...]
    converted: Converted
    asked: str = ""
    reread: str = ""

    @property
    def notes(self) -> tuple[str, ...]:
        """All that is to be said about the row."""
        return tuple(filter(None, (self.asked, self.converted.note, self.reread)))


def write_row(row: Row, format: Format, choices: Choices) -> Written:
    """Write a row into a format, and read it back to see what an import makes of it."""
    turns, asked = choices.applied(row.turns)
    try:
        "".join(turn.content for turn in turns).encode("utf-8")
    except UnicodeEncodeError:
        broken = refused("not-unicode", "its text holds half of a surrogate pair")
        return Written(row, turns, broken, asked)
    converted = format.convert(turns)
    if converted.fields is None:
        return Written(row, turns, converted, asked)
    fields = dict(converted.fields)
    if choices.metadata:
        fields["metadata"] = {"id": row.id, **row.metadata, TEXT_ID: example_id(turns)}
    converted = Converted(fields, converted.note)
    return Written(row, turns, converted, asked, _reread(fields, turns))


def shape_of(rows: Callable[[], Iterable[Row]], format: Format, choices: Choices) -> Shape:
    """Return the columns that all rows of an export have.

    Args:
        rows: Gives the rows; it is called once for each thing that has to be looked for.
        format: The format.
        choices: What was chosen.
    """
    needed: set[str] = set()
    for row in rows() if format.optional else ():
        fields = format.convert(choices.applied(row.turns)[0]).fields or {}
        needed.update(name for name in format.optional if name in fields)
        if len(needed) == len(format.optional):
            break
    columns = {name: kind for name, kind in format.columns.items()
               if name not in format.optional or name in needed}  # fmt: skip
    return Shape(columns, keys_of(rows()) if choices.metadata else {})


def written(
    rows: Iterable[Row], format: Format, choices: Choices, shape: Shape, tally: Tally
) -> Iterator[Mapping[str, Any]]:
    """Yield the rows that a format can hold, each with all columns; count the others.

    Args:
        rows: The rows.
        format: The format.
        choices: What was chosen.
        shape: The columns.
        tally: Where it is written down what became of the rows.
    """
    for row in rows:
        one = write_row(row, format, choices)
        fields = one.converted.fields
        if fields is None:
            tally.refused.append(Refusal(row.id, one.converted.code, one.converted.reason))
            continue
        tally.notes.update(one.notes)
        whole = {name: fields.get(name, _EMPTY.get(kind)) for name, kind in shape.columns.items()}
        if shape.keys:
            whole["metadata"] = told(fields["metadata"], shape.keys)
        yield whole


def _reread(fields: Mapping[str, Any], turns: tuple[Turn, ...]) -> str:
    """Return why an import gives other turns than were written; empty where it gives the same."""
    try:
        found = conversations(fields)
    except Refused as error:
        return f"not read back by finetui: {error.code}"
    if len(found) == 1 and found[0].turns == turns and not found[0].alternatives:
        return ""
    if any(clean(turn.content) != turn.content for turn in turns):
        return "read back with other line ends, or without NUL characters"
    if any(turn.content.strip() != turn.content for turn in turns):
        return "read back without white space at the ends of its texts"
    try:
        if tidy(turns, "").turns != turns:
            return "read back with turns of one speaker joined"
    except Refused:
        pass
    return "read back otherwise: its text holds what is taken for markers or tokens"
