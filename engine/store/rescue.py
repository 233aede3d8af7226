"""Decisions saved outside of a database, and taken over into another.

A file of decisions has a line of JSON for each journal entry. Sequence numbers mean nothing
in another database, so an entry names what it undoes by what that is, and what its person
had seen by a count: so many of the first entries of its example's history, which stands on a
line of its own. So it is also known whether a database has an entry already, and taking a
file over twice changes nothing.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from engine.errors import JournalInvalid, WorkspaceReadOnly
from engine.frozen import frozen
from engine.models import ROLES, Action, JournalEntry, Turn
from engine.paths import shorten, write_atomic
from engine.store.connection import BUSY_SECONDS, Connection
from engine.store.fold import fold_one
from engine.store.journal import AT_ONCE, by_examples, insert, last_journal_seq, materialise
from engine.store.journal import entries as all_entries

_SQLITE = b"SQLite format 3\0"

HEAD = {"finetui": "decisions", "version": 1}

Key = tuple[str, str, float, str]
"""What an entry is among those of its example: action, session, time, operation."""


@frozen
class Saved:
    """A journal entry without numbers.

    ``history`` are the entries about the example, oldest first, where it comes from, and
    ``seen`` how many of them, from the first, the person had seen: None where that was not
    told. ``target`` is the key of the decision that an undo or redo is about.
    """

    example_id: str
    key: Key
    turns: tuple[Turn, ...] = ()
    seen: int | None = None
    target: Key | None = None
    history: tuple[Key, ...] = ()


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
    entries: Iterable[JournalEntry], histories: Mapping[str, Sequence[JournalEntry]]
) -> Iterator[Saved]:
    """Yield entries without their numbers.

    Args:
        entries: The entries, oldest first.
        histories: For each of their examples all entries about it, oldest first, as far as
            they can be read. What is missing counts as not seen.
    """
    keys = {one: tuple(map(key_of, history)) for one, history in histories.items()}
    for entry in entries:
        history = histories.get(entry.example_id, ())
        # What was seen may be the number of an entry about another example: all up to there.
        seen = None if entry.seen is None else bisect_right(history, entry.seen, key=_seq)
        target = None
        if entry.target:
            at = bisect_right(history, entry.target, key=_seq) - 1
            if at < 0 or history[at].seq != entry.target:
                continue  # nobody could say what it undid
            target = key_of(history[at])
        known = keys.get(entry.example_id, ())
        yield Saved(entry.example_id, key_of(entry), entry.turns, seen, target, known)


def _seq(entry: JournalEntry) -> int:
    return entry.seq


def write_file(path: Path, decisions: Sequence[Saved]) -> None:
    """Write decisions as a file that :func:`read_file` reads.

    Raises:
        DiskFull: There is no room.
    """
    lines = [json.dumps(HEAD)]
    for example_id, history in {one.example_id: one.history for one in decisions}.items():
        if history:
            keys = [_named(key) for key in history]
            lines.append(json.dumps({"example": example_id, "history": keys}))
    for one in decisions:
        row: dict[str, Any] = {"example": one.example_id} | _named(one.key)
        if one.turns:
            row["messages"] = [{"role": turn.role, "content": turn.content} for turn in one.turns]
        if one.seen is not None:
            row["seen"] = one.seen
        if one.target is not None:
            row["target"] = _named(one.target)
        lines.append(json.dumps(row))
    write_atomic(path, ("\n".join(lines) + "\n").encode())


_NAMES = ("action", "session", "at", "operation")


def _named(key: Key) -> dict[str, Any]:
    return dict(zip(_NAMES, key, strict=True))


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
    histories: dict[str, list[JournalEntry]] = {}
    for entry in entries:
        histories.setdefault(entry.example_id, []).append(entry)
    return list(saved(entries, histories))


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
    histories: dict[str, tuple[Key, ...]] = {}
    found = []
    for number, line in enumerate(lines[1:], start=2):
        row = _object(line)
        if isinstance(row, dict) and "history" in row:
            try:
                histories[row["example"]] = tuple(map(_key, row["history"]))
            except (KeyError, TypeError, ValueError) as error:
                raise _invalid(path, number) from error
        else:
            found.append(_read(row, histories, number, path))
    return found


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


def _read(row: Any, histories: Mapping[str, tuple[Key, ...]], number: int, path: Path) -> Saved:
    try:
        turns = tuple(Turn(one["role"], one["content"]) for one in row.get("messages", ()))
        seen = row.get("seen")
        target = row.get("target")
        read = Saved(
            row["example"],
            _key(row),
            turns,
            seen,
            None if target is None else _key(target),
            histories.get(row["example"], ()),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _invalid(path, number) from error
    action, texts = read.key[0], [turn.content for turn in turns]
    fits = (
        isinstance(read.example_id, str)
        and (seen is None or (type(seen) is int and seen >= 0))
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

    Each keeps its session, time and operation. Of the entries that are here its person counts
    as having seen the first ones, up to one that they had not: nothing that others did here is
    overridden unseen, and where others did nothing all comes to what it was.
    """
    taken: list[JournalEntry] = []
    known = gone = 0
    with db.transaction():
        last = last_journal_seq(db)
        here = _Here(db, decisions)
        for one in decisions:
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
                    target,
                    one.turns,
                    operation,
                    here.seen(one),
                )
                here.add(entry)
                taken.append(entry)
        insert(db, taken)
        ids = list(dict.fromkeys(entry.example_id for entry in taken))
        materialise(db, ids)
        conflicts = [
            example_id
            for example_id, entries in by_examples(db, ids)
            if fold_one(entries).conflict is not None
        ]
    return TakenOver(len(taken), known, gone, tuple(conflicts))


class _Here:
    """What a journal holds about some examples."""

    def __init__(self, db: Connection, decisions: Sequence[Saved]) -> None:
        ids = list(dict.fromkeys(one.example_id for one in decisions))
        self._numbers: dict[str, dict[Key, int]] = {}
        self._reverts: set[tuple[str, Key, int]] = set()
        self._ranks: dict[str, dict[Key, int]] = {}
        for one in decisions:
            if one.example_id not in self._ranks:
                ranks = {key: rank for rank, key in enumerate(one.history)}
                self._ranks[one.example_id] = ranks
        self._order: dict[str, list[tuple[int, int | None]]] = {}
        for start in range(0, len(ids), AT_ONCE):
            some = ids[start : start + AT_ONCE]
            marks = ", ".join("?" * len(some))
            present = f"SELECT example_id FROM queue WHERE example_id IN ({marks})"
            for (example_id,) in db.all(present, some):
                self._numbers[example_id] = {}
        for _, entries in by_examples(db, ids):
            for entry in entries:
                self.add(entry)

    def add(self, entry: JournalEntry) -> None:
        key = key_of(entry)
        self._numbers.setdefault(entry.example_id, {})[key] = entry.seq
        rank = self._ranks.get(entry.example_id, {}).get(key)
        self._order.setdefault(entry.example_id, []).append((entry.seq, rank))
        if entry.target:
            self._reverts.add((entry.example_id, key, entry.target))

    def has(self, example_id: str) -> bool:
        return example_id in self._numbers

    def number(self, example_id: str, key: Key) -> int:
        """Return the number of an entry; 0 where it is not here."""
        return self._numbers.get(example_id, {}).get(key, 0)

    def seen(self, one: Saved) -> int | None:
        """Return up to which entry here the person of a decision had seen all."""
        if one.seen is None:
            return None
        last = 0
        for number, rank in self._order.get(one.example_id, ()):
            if rank is None or rank >= one.seen:
                break
            last = number
        return last

    def knows(self, one: Saved) -> bool:
        if one.target is None:
            return one.key in self._numbers[one.example_id]
        target = self.number(one.example_id, one.target)
        return (one.example_id, one.key, target) in self._reverts
