"""What checks found in examples: flags, measures, and which check saw which text.

Findings go with the text that they are about: a trigger of the schema forgets them when
an example's text changes or the example goes, so what is stored is always about the text
as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from engine.models import Flag, FlagKind, Found, example_id
from engine.store.connection import Connection, Row
from engine.store.packing import load_turns

DUPLICATES = "duplicates"
"""The check that is no check of one example: its flags name other examples."""

_AT_ONCE = 500
_FLAG = "kind, code, score, reason, turn, start, stop"
# A flag's field is stored before its reason; no reason holds this character.
_PLACE = "\x1f"


def write(db: Connection, findings: Mapping[str, Iterable[Found]]) -> int:
    """Record what checks found, in place of what they found before; one transaction.

    A finding about a text that has changed since, or about an example that is gone, is
    left out: the check will see the new text.

    Args:
        db: The store's connection.
        findings: What was found, by check.

    Returns:
        How many were recorded.
    """
    written = 0
    present: dict[int, str] = {}
    with db.transaction():
        for check, found_by in findings.items():
            for found in found_by:
                if found.position not in present:
                    present[found.position] = _text_id(db, found.position)
                if present[found.position] == found.text_id:
                    _write_one(db, check, found)
                    written += 1
    return written


def _text_id(db: Connection, position: int) -> str:
    text = db.value(
        "SELECT coalesce(edited_turns, turns) FROM examples WHERE position = ?", [position]
    )
    return "" if text is None else example_id(load_turns(text))


def _write_one(db: Connection, check: str, found: Found) -> None:
    at = found.position
    db.execute("DELETE FROM flags WHERE position = ? AND name = ?", [at, check])
    for flag in found.flags:
        db.execute(
            f"INSERT INTO flags (position, name, {_FLAG}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [at, check, *_values(flag)],
        )
    measures = dict(found.measures)
    db.execute(
        "INSERT OR REPLACE INTO checks (position, name, version, measures) VALUES (?, ?, ?, ?)",
        [at, check, found.version, json.dumps(measures, sort_keys=True)],
    )
    db.execute(
        "UPDATE queue SET flagged = (SELECT count(*) FROM flags WHERE position = ?1) "
        "WHERE position = ?1",
        [at],
    )
    for column in ("language", "quality"):
        if column in measures:
            db.execute(f"UPDATE queue SET {column} = ? WHERE position = ?", [measures[column], at])


def _values(flag: Flag) -> tuple[object, ...]:
    return (
        flag.kind,
        flag.code,
        flag.score,
        f"{flag.place}{_PLACE}{flag.reason}" if flag.place else flag.reason,
        flag.turn,
        flag.start,
        flag.end,
    )


def _flag(kind: FlagKind, code: str, score: float, reason: str, *span: int) -> Flag:
    """Return a flag as it was written: the reverse of :func:`_values`."""
    place, mark, rest = reason.partition(_PLACE)
    turn, start, stop = span
    if not mark:
        place, rest = "", reason
    return Flag(kind, code, score, rest, turn, start, stop, place)


def forget(db: Connection, check: str, positions: Sequence[int]) -> None:
    """Forget what a check found in some examples; one transaction."""
    with db.transaction():
        for at in positions:
            db.execute("DELETE FROM flags WHERE position = ? AND name = ?", [at, check])
            db.execute("DELETE FROM checks WHERE position = ? AND name = ?", [at, check])
            db.execute(
                "UPDATE queue SET flagged = (SELECT count(*) FROM flags WHERE position = ?1) "
                "WHERE position = ?1",
                [at],
            )


def versions(db: Connection, check: str) -> dict[int, str]:
    """Return which version of a check has seen an example's present text, by position."""
    return dict(db.all("SELECT position, version FROM checks WHERE name = ?", [check]))


def flags_of(db: Connection, positions: Sequence[int]) -> dict[int, tuple[Flag, ...]]:
    """Return the flags of some examples, in the order in which they stand in the text."""
    found: dict[int, list[Flag]] = {}
    for rows in _paged(
        db, f"SELECT position, {_FLAG} FROM flags WHERE position IN ", positions, "turn, start"
    ):
        at, kind, code, score, reason, turn, start, stop = rows
        flag = _flag(kind, code, score, reason, turn, start, stop)
        found.setdefault(at, []).append(flag)
    return {at: tuple(flags) for at, flags in found.items()}


def flags_by(db: Connection, check: str) -> dict[int, tuple[Flag, ...]]:
    """Return all flags that a check has set, by position."""
    found: dict[int, list[Flag]] = {}
    for row in db.all(
        f"SELECT position, {_FLAG} FROM flags WHERE name = ? ORDER BY position, turn, start",
        [check],
    ):
        at, kind, code, score, reason, turn, start, stop = row
        found.setdefault(at, []).append(_flag(kind, code, score, reason, turn, start, stop))
    return {at: tuple(flags) for at, flags in found.items()}


def measures_of(db: Connection, positions: Sequence[int]) -> dict[int, Mapping[str, float | str]]:
    """Return what is known of some examples besides flags; those never checked are absent."""
    found: dict[int, dict[str, float | str]] = {}
    select = "SELECT position, measures FROM checks WHERE name != 'duplicates' AND position IN "
    for at, measures in _paged(db, select, positions, "name"):
        found.setdefault(at, {}).update(json.loads(measures))
    return {at: MappingProxyType(values) for at, values in found.items()}


def _paged(db: Connection, select: str, positions: Sequence[int], order: str) -> Iterable[Row]:
    for start in range(0, len(positions), _AT_ONCE):
        some = positions[start : start + _AT_ONCE]
        marks = ", ".join("?" * len(some))
        yield from db.all(f"{select} ({marks}) ORDER BY position, {order}", some)


def flag_counts(db: Connection) -> list[tuple[str, str, int]]:
    """Return kind, code and how many examples have the flag, the commonest first."""
    return [
        (kind, code, number)
        for kind, code, number in db.all(
            "SELECT kind, code, count(DISTINCT position) AS n FROM flags "
            "GROUP BY kind, code ORDER BY n DESC, kind, code"
        )
    ]


def languages(db: Connection) -> list[tuple[str, int]]:
    """Return every language and how many examples are in it, the commonest first."""
    return [
        (language, number)
        for language, number in db.all(
            "SELECT language, count(*) FROM queue WHERE language != '' "
            "GROUP BY language ORDER BY count(*) DESC, language"
        )
    ]


def any_unchecked(db: Connection) -> bool:
    """Return whether there is an example that no check has looked at as it is now."""
    return bool(
        db.value(
            "SELECT 1 FROM queue AS q WHERE NOT EXISTS (SELECT 1 FROM checks AS c "
            "WHERE c.position = q.position AND c.name != ?) LIMIT 1",
            [DUPLICATES],
        )
    )
