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
from engine.store.packing import dump_checks, load_checks, load_turns

DUPLICATES = "duplicates"
"""The check that is no check of one example: its flags name other examples."""

_AT_ONCE = 500
_FLAG = "kind, code, score, reason, turn, start, stop"
# A flag's field is stored before its reason; no reason holds this character.
_PLACE = "\x1f"
_Checks = dict[str, tuple[str, Mapping[str, float | str]]]


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
    of_one: dict[int, dict[str, Found]] = {}
    for check, found_by in findings.items():
        for found in found_by:
            of_one.setdefault(found.position, {})[check] = found
    with db.transaction():
        before = _checks_of(db, list(of_one))
        for at, said in of_one.items():
            present = _text_id(db, at)
            current = {name: found for name, found in said.items() if found.text_id == present}
            if current:
                _write_one(db, at, current, before.get(at, {}))
                written += len(current)
    return written


def _text_id(db: Connection, position: int) -> str:
    text = db.value(
        "SELECT coalesce(edited_turns, turns) FROM examples WHERE position = ?", [position]
    )
    return "" if text is None else example_id(load_turns(text))


def _write_one(db: Connection, at: int, said: Mapping[str, Found], before: _Checks) -> None:
    """Write what checks found in one example, beside what other checks found before."""
    columns: dict[str, float | str] = {}
    checks = dict(before)
    for check, found in said.items():
        if check in before:
            db.execute("DELETE FROM flags WHERE position = ? AND name = ?", [at, check])
        db.many(
            f"INSERT INTO flags (position, name, {_FLAG}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [[at, check, *_values(flag)] for flag in found.flags],
        )
        measures = dict(found.measures)
        checks[check] = (found.version, measures)
        columns.update({name: measures[name] for name in _COLUMNS if name in measures})
    _save_checks(db, at, checks)
    known = "".join(f", {name} = ?" for name in columns)
    db.execute(
        f"UPDATE queue SET flagged = (SELECT count(*) FROM flags WHERE position = ?){known} "
        "WHERE position = ?",
        [at, *columns.values(), at],
    )


_COLUMNS = ("language", "quality")
"""Measures that the queue is narrowed by, and so has in columns of its own."""


def _checks_of(db: Connection, positions: Sequence[int]) -> dict[int, _Checks]:
    """Return version and measures of each check that has seen some examples, by its name."""
    found: dict[int, _Checks] = {}
    select = (
        "SELECT c.position, l.said, c.measures FROM checked AS c "
        "JOIN looks AS l ON l.number = c.look WHERE c.position IN "
    )
    for at, said, measures in _paged(db, select, positions, "c.position"):
        found[at] = load_checks(said, measures)
    return found


def _save_checks(db: Connection, position: int, checks: _Checks) -> None:
    if not checks:
        db.execute("DELETE FROM checked WHERE position = ?", [position])
        return
    said, measures = dump_checks(checks)
    db.execute("INSERT OR IGNORE INTO looks (said) VALUES (?)", [said])
    db.execute(
        "INSERT OR REPLACE INTO checked (position, look, measures) "
        "SELECT ?, number, ? FROM looks WHERE said = ?",
        [position, measures, said],
    )


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
            checks = _checks_of(db, [at]).get(at, {})
            if checks.pop(check, None) is not None:
                _save_checks(db, at, checks)
            db.execute(
                "UPDATE queue SET flagged = (SELECT count(*) FROM flags WHERE position = ?1) "
                "WHERE position = ?1",
                [at],
            )


def versions(db: Connection, check: str) -> dict[int, str]:
    """Return which version of a check has seen an example's present text, by position."""
    found: dict[int, str] = {}
    for number, said in db.all("SELECT number, said FROM looks"):
        version = {name: version for name, version, _ in json.loads(said)}.get(check)
        if version is not None:
            rows = db.all("SELECT position FROM checked WHERE look = ?", [number])
            found.update((row[0], version) for row in rows)
    return found


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
    found: dict[int, Mapping[str, float | str]] = {}
    for at, checks in _checks_of(db, positions).items():
        if checks.keys() != {DUPLICATES}:
            seen = [measures for name, (_, measures) in checks.items() if name != DUPLICATES]
            found[at] = MappingProxyType({key: one[key] for one in seen for key in one})
    return found


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
    alone = [
        number
        for number, said in db.all("SELECT number, said FROM looks")
        if [name for name, *_ in json.loads(said)] == [DUPLICATES]
    ]
    if alone:
        marks = ", ".join("?" * len(alone))
        some = db.value(f"SELECT 1 FROM checked WHERE look IN ({marks}) LIMIT 1", alone)
        if some is not None:
            return True
    # Both tables are counted by their keys alone.
    return bool(
        db.value(
            "SELECT 1 FROM queue AS q WHERE NOT EXISTS "
            "(SELECT 1 FROM checked AS c WHERE c.position = q.position) LIMIT 1"
        )
    )
