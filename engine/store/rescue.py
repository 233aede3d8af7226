"""Decisions saved outside of a database, and taken over into another.

A file of decisions has a line of JSON for each journal entry. Sequence numbers mean nothing
in another database, so an entry names those that it refers to (what its person had seen,
what it undoes) by what they are; so it is also known whether a database has it already, and
taking a file over twice changes nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from engine.errors import JournalInvalid, WorkspaceReadOnly
from engine.frozen import frozen
from engine.models import ROLES, Action, JournalEntry, Turn
from engine.paths import shorten, write_atomic
from engine.store.connection import BUSY_SECONDS, Connection
from engine.store.fold import fold_one
from engine.store.journal import AT_ONCE, by_example, insert, last_journal_seq, materialise
from engine.store.journal import entries as all_entries

_SQLITE = b"SQLite format 3\0"

HEAD = {"finetui": "decisions", "version": 1}

Key = tuple[str, str, float, str]
"""What an entry is among those of its example: action, session, time, operation."""


@frozen
class Saved:
    """A journal entry without numbers.

    ``seen`` is the key of the last entry that the person had seen: None where it was not
    told, and empty where there was none or it is not known. ``target`` is that of the
    decision that an undo or redo is about.
    """

    example_id: str
    key: Key
    turns: tuple[Turn, ...] = ()
    seen: Key | tuple[()] | None = None
    target: Key | None = None


@frozen
class TakenOver:
    """What taking decisions over did.

    ``taken`` entries were written, ``known`` were there; ``gone`` are about examples that the
    workspace does not have, or undo what it does not have. ``conflicts`` are the ids that are
    in conflict now.
    """

    taken: int
    known: int
    gone: int
    conflicts: tuple[str, ...]


def key_of(entry: JournalEntry) -> Key:
    """Return what an entry is among those of its example."""
    return entry.action, entry.session, entry.at, entry.operation


def saved(
    entries: Iterable[JournalEntry], of: Callable[[int], JournalEntry | None]
) -> Iterator[Saved]:
    """Yield entries without their numbers.

    Args:
        entries: The entries, oldest first.
        of: Gives the entry of a number, or None where it can't be read.
    """
    for entry in entries:
        seen: Key | tuple[()] | None = None
        if entry.seen is not None:
            found = of(entry.seen) if entry.seen else None
            seen = key_of(found) if found else ()
        target = of(entry.target) if entry.target else None
        if entry.target and target is None:
            continue  # nobody could say what it undid
        yield Saved(
            entry.example_id, key_of(entry), entry.turns, seen, key_of(target) if target else None
        )


def write_file(path: Path, decisions: Sequence[Saved]) -> None:
    """Write decisions as a file that :func:`read_file` reads.

    Raises:
        DiskFull: There is no room.
    """
    lines = [json.dumps(HEAD)]
    for one in decisions:
        row: dict[str, Any] = {"example": one.example_id} | _named(one.key)
        if one.turns:
            row["messages"] = [{"role": turn.role, "content": turn.content} for turn in one.turns]
        if one.seen is not None:
            row["seen"] = _named(one.seen)
        if one.target is not None:
            row["target"] = _named(one.target)
        lines.append(json.dumps(row))
    write_atomic(path, ("\n".join(lines) + "\n").encode())


_NAMES = ("action", "session", "at", "operation")


def _named(key: Key | tuple[()]) -> dict[str, Any]:
    return dict(zip(_NAMES, key, strict=False))


def read(path: Path) -> list[Saved]:
    """Return the decisions of a file of decisions, or of a database.

    Raises:
        JournalInvalid: It is neither, or can't be read.
    """
    try:
        with path.open("rb") as file:
            is_database = file.read(len(_SQLITE)) == _SQLITE
    except OSError as error:
        raise _unreadable(path, error) from error
    if not is_database:
        return read_file(path)
    from engine.store.opening import look_at

    opened = look_at(path, BUSY_SECONDS, WorkspaceReadOnly(f"{shorten(path)} is only read"))
    try:
        entries = all_entries(opened.connection, None, "")[::-1]
    finally:
        opened.connection.close()
        if opened.copy is not None:
            opened.copy.cleanup()
    by_number = {entry.seq: entry for entry in entries}
    return list(saved(entries, by_number.get))


def read_file(path: Path) -> list[Saved]:
    """Return the decisions of a file.

    Raises:
        JournalInvalid: It can't be read, or holds something else.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise _unreadable(path, error) from error
    if not lines or _object(lines[0]) != HEAD:
        raise JournalInvalid(
            f"{shorten(path)} is not a file of decisions",
            hint="name one that finetui saved when a database was replaced",
        )
    return [_read(line, number, path) for number, line in enumerate(lines[1:], start=2)]


def _unreadable(path: Path, error: OSError) -> JournalInvalid:
    return JournalInvalid(
        f"{shorten(path)} can't be read: {error.strerror or error}",
        hint="name a file of decisions, or a copy of the database",
    )


def _object(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _read(line: bytes, number: int, path: Path) -> Saved:
    row = _object(line)
    try:
        turns = tuple(Turn(one["role"], one["content"]) for one in row.get("messages", ()))
        seen = row.get("seen")
        target = row.get("target")
        read = Saved(
            row["example"],
            _key(row),
            turns,
            None if seen is None else _key(seen) if seen else (),
            None if target is None else _key(target),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _invalid(path, number) from error
    action, texts = read.key[0], [turn.content for turn in turns]
    fits = (
        isinstance(read.example_id, str)
        and all(isinstance(text, str) for text in texts)
        and all(turn.role in ROLES for turn in turns)
        and (action == "edit") == bool(turns)
        and (action in ("undo", "redo")) == (read.target is not None)
    )
    if not fits:
        raise _invalid(path, number)
    return read


def _key(row: Mapping[str, Any]) -> Key:
    action, session, at, operation = (row[name] for name in _NAMES)
    if action not in get_args(Action) or not math.isfinite(at):
        raise ValueError(action)
    if not isinstance(session, str) or not isinstance(operation, str):
        raise TypeError(session)
    return action, session, float(at), operation


def _invalid(path: Path, number: int) -> JournalInvalid:
    return JournalInvalid(
        f"{shorten(path)}, line {number}: this is no decision",
        hint="the file was changed or cut; take that line out to take the rest over",
    )


def take_over(db: Connection, decisions: Sequence[Saved]) -> TakenOver:
    """Write decisions into a journal, in their order, except those that it has.

    Each keeps its session, time and operation. What its person had seen is looked for among
    the entries that are here; where it is not here, they count as having seen nothing, so
    that nothing that others did here is overridden unseen.
    """
    taken: list[JournalEntry] = []
    known = gone = 0
    with db.transaction():
        last = last_journal_seq(db)
        here = _Here(db, decisions)
        for one in decisions:
            seen = here.number(one.example_id, one.seen)
            target = here.number(one.example_id, one.target) if one.target else 0
            if not here.has(one.example_id) or (one.target and not target):
                gone += 1
            elif here.knows(one):
                known += 1
            else:
                action, session, at, operation = one.key
                entry = JournalEntry(
                    last + len(taken) + 1,
                    one.example_id,
                    action,  # type: ignore[arg-type]  # _key and the store allow no other
                    at,
                    session,
                    target or 0,
                    one.turns,
                    operation,
                    seen,
                )
                here.add(entry)
                taken.append(entry)
        insert(db, taken)
        ids = list(dict.fromkeys(entry.example_id for entry in taken))
        materialise(db, ids)
        conflicts = [
            example_id
            for start in range(0, len(ids), AT_ONCE)
            for example_id, entries in by_example(db, ids[start : start + AT_ONCE])
            if fold_one(entries).conflict is not None
        ]
    return TakenOver(len(taken), known, gone, tuple(conflicts))


class _Here:
    """What a journal holds about some examples."""

    def __init__(self, db: Connection, decisions: Iterable[Saved]) -> None:
        ids = list(dict.fromkeys(one.example_id for one in decisions))
        self._numbers: dict[str, dict[Key, int]] = {}
        self._reverts: set[tuple[str, Key, int]] = set()
        for start in range(0, len(ids), AT_ONCE):
            some = ids[start : start + AT_ONCE]
            marks = ", ".join("?" * len(some))
            present = f"SELECT example_id FROM queue WHERE example_id IN ({marks})"
            for (example_id,) in db.all(present, some):
                self._numbers[example_id] = {}
            for _, entries in by_example(db, some):
                for entry in entries:
                    self.add(entry)

    def add(self, entry: JournalEntry) -> None:
        self._numbers.setdefault(entry.example_id, {})[key_of(entry)] = entry.seq
        if entry.target:
            self._reverts.add((entry.example_id, key_of(entry), entry.target))

    def has(self, example_id: str) -> bool:
        return example_id in self._numbers

    def number(self, example_id: str, key: Key | tuple[()] | None) -> int | None:
        """Return the number of an entry; 0 where it is not here, None where none is meant."""
        if key is None:
            return None
        return self._numbers.get(example_id, {}).get(key, 0) if key else 0

    def knows(self, one: Saved) -> bool:
        if one.target is None:
            return one.key in self._numbers[one.example_id]
        target = self.number(one.example_id, one.target) or 0
        return (one.example_id, one.key, target) in self._reverts
