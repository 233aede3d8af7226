"""How the rows of one file are read: by the columns that were named, known, or guessed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from engine.sources.columns import ROLES, Columns, known, value_at
from engine.sources.files import Refused
from engine.sources.instructions.boxes import unboxed
from engine.sources.instructions.guess import columns_of, guess
from engine.sources.records import Record
from engine.sources.refusals import OTHER_DATA, check, why_unknown
from engine.sources.tables import Format

SAMPLE_ROWS = 200
"""How many rows of a file are looked at before the first is read."""
SAMPLE_CHARACTERS = 8_000_000

_SET_THEM = "name them with the options prompt and answer, or messages, or text"


@dataclass(frozen=True, slots=True)
class Plan:
    """How rows are read.

    Attributes:
        columns: The columns of every row; None where each row's own names tell them.
        by: What told the columns.
        sure: 0 to 1.
        named: A person named them.
        others: Columns that may be meant instead.
    """

    columns: Columns | None = None
    by: str = ""
    sure: float = 0.95
    named: bool = False
    others: tuple[str, ...] = ()


def looked_ahead(
    stream: Iterator[Record], limit: int = SAMPLE_ROWS
) -> tuple[list[Record], Iterator[Record]]:
    """Return the first rows of a stream, and the stream with them in front."""
    first: list[Record] = []
    size = 0
    for record in chain.from_iterable(map(unboxed, stream)):
        first.append(record)
        size += sum(len(value) for value in record.fields.values() if isinstance(value, str | list))
        if len(first) >= limit or size >= SAMPLE_CHARACTERS:
            break
    return first, chain(first, chain.from_iterable(map(unboxed, stream)))


def made(rows: Sequence[Mapping[str, Any]], found: Format, options: Mapping[str, str]) -> Plan:
    """Return how rows are read.

    Args:
        rows: The first ones.
        found: How the file is written.
        options: What the person set.

    Raises:
        Refused: A column that was named is not there; or the file is a table
            of which no column is known to ask or to answer.
    """
    chosen = {role: options[role].strip() for role in ROLES if options.get(role, "").strip()}
    if chosen:
        return _set(rows, chosen)
    if any(known(row) is not None or _is_other(row) for row in rows):
        if found != "json":
            _refuse_all(rows)
        return Plan()
    seen = guess(rows)
    if seen is not None and seen.columns.whole:
        return Plan(seen.columns, seen.by, seen.sure, others=seen.others)
    if found == "json" or not rows:
        return Plan()
    _refuse_all(rows)
    named = ", ".join(columns_of(rows)[:12])
    told = "it can't be told which column asks and which answers" if seen else (
        "none of its columns is known to ask or to answer"
    )  # fmt: skip
    raise Refused("unknown-columns", f"{told}; its columns: {named}; {_SET_THEM}")


def _is_other(row: Mapping[str, Any]) -> bool:
    try:
        check(row)
    except Refused:
        return True
    return False


def _refuse_all(rows: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a table of which every row looked at is data of another sort."""
    refused: list[Refused] = []
    for row in rows:
        try:
            check(row)
            if known(row) is not None:
                return
            refused.append(why_unknown(row))
        except Refused as error:
            refused.append(error)
    codes = {error.code for error in refused}
    if len(codes) == 1 and codes <= OTHER_DATA.keys():
        raise Refused(refused[0].code, f"in each row looked at: {refused[0].reason}")


def _set(rows: Sequence[Mapping[str, Any]], chosen: Mapping[str, str]) -> Plan:
    columns = columns_of(rows)
    for role, name in chosen.items():
        if not any(_holds(row, name) for row in rows) and name not in columns:
            listed = ", ".join(columns) or "none"
            raise Refused(
                "missing-column", f"there is no column {name} ({role}); its columns: {listed}"
            )
    several = [role for role in ("messages", "text") if role in chosen]
    if len(several) > 1 or (several and chosen.keys() & {"prompt", "answer", "input"}):
        raise Refused(
            "columns-conflict", "name messages, or text, or a prompt and an answer, not both"
        )
    taken = Columns(**chosen)
    found = taken if taken.whole else _completed(rows, taken)
    if not found.whole:
        missing = "answers" if found.prompt else "asks"
        listed = ", ".join(columns[:12])
        raise Refused(
            "unknown-columns", f"which column {missing} is not known; its columns: {listed}"
        )
    return Plan(found, "you", 1.0, named=True)


def _completed(rows: Sequence[Mapping[str, Any]], taken: Columns) -> Columns:
    """Return the columns that a person named with the others found."""
    usual = next((found for row in rows if (found := known(row)) is not None), None)
    if usual is not None and not taken.prompt and not taken.answer:
        return replace(usual, **_given(taken))
    if usual is not None and usual.prompt:
        merged = replace(usual, **_given(taken))
        if merged.prompt != merged.answer:
            return merged
    seen = guess(rows, taken)
    return replace(seen.columns, **_given(taken)) if seen is not None else taken


def _given(columns: Columns) -> dict[str, str]:
    return {role: name for role in ROLES if (name := getattr(columns, role))}


def _holds(row: Mapping[str, Any], name: str) -> bool:
    return name in row or value_at(row, name) is not None
