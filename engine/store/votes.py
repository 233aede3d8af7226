"""Blind votes, and single values that a workspace remembers.

A vote is never changed or removed: one that was taken back has a row in
``votes_taken_back`` as well, and is left out of what is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from engine.models import NO_METADATA, Vote
from engine.store.connection import Connection, Row
from engine.store.packing import dump_texts, load_mapping

KEYS_AT_ONCE = 500
_COLUMNS = 'id, run_id, quant, prompt, base_text, tuned_text, "left", choice, blind, at, metadata'


def add(
    db: Connection,
    *,
    run_id: str,
    quant: str,
    prompt: str,
    base_text: str,
    tuned_text: str,
    left: Literal["base", "tuned"],
    choice: Literal["base", "tuned", "tie", "both-bad"],
    blind: bool,
    at: float,
    metadata: Mapping[str, str] = NO_METADATA,
) -> Vote:
    """Record a vote, durably, and return it with its number."""
    values = [run_id, quant, prompt, base_text, tuned_text, left, choice, int(blind), at]
    cursor = db.execute(
        'INSERT INTO votes (run_id, quant, prompt, base_text, tuned_text, "left", choice, blind, '
        "at, metadata) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [*values, dump_texts(metadata)],
    )
    assert cursor.lastrowid is not None
    return Vote(
        id=cursor.lastrowid,
        run_id=run_id,
        quant=quant,
        prompt=prompt,
        base_text=base_text,
        tuned_text=tuned_text,
        left=left,
        choice=choice,
        blind=blind,
        at=at,
        metadata=metadata,
    )


def votes(db: Connection, run_id: str) -> list[Vote]:
    """Return the votes that stand, in the order in which they were given.

    Args:
        db: The database.
        run_id: The run; empty for all.
    """
    where, parameters = _standing(run_id)
    rows = db.all(f"SELECT {_COLUMNS} FROM votes WHERE {where} ORDER BY id", parameters)
    return [_vote(row) for row in rows]


def take_back(db: Connection, run_id: str, at: float) -> Vote | None:
    """Take back the last vote that stands, durably, and return it; None where none does."""
    where, parameters = _standing(run_id)
    with db.transaction():
        row = db.one(
            f"SELECT {_COLUMNS} FROM votes WHERE {where} ORDER BY id DESC LIMIT 1", parameters
        )
        if row is None:
            return None
        taken = _vote(row)
        db.execute("INSERT INTO votes_taken_back (vote_id, at) VALUES (?, ?)", [taken.id, at])
    return taken


def _standing(run_id: str) -> tuple[str, list[str]]:
    """Return the condition for votes that stand, of a run or of all, and its parameters."""
    where = "id NOT IN (SELECT vote_id FROM votes_taken_back)"
    return (f"run_id = ? AND {where}", [run_id]) if run_id else (where, [])


def _vote(row: Row) -> Vote:
    number, run, quant, prompt, base_text, tuned_text, left, choice, blind, at, metadata = row
    return Vote(
        id=number,
        run_id=run,
        quant=quant,
        prompt=prompt,
        base_text=base_text,
        tuned_text=tuned_text,
        left=left,
        choice=choice,
        blind=bool(blind),
        at=at,
        metadata=load_mapping(metadata),
    )


def get_meta(db: Connection, key: str) -> str | None:
    """Return a remembered value, or None."""
    value: str | None = db.value("SELECT value FROM meta WHERE key = ?", [key])
    return value


def get_metas(db: Connection, keys: Sequence[str]) -> dict[str, str]:
    """Return the remembered values of some keys; those without one are absent."""
    found: dict[str, str] = {}
    for start in range(0, len(keys), KEYS_AT_ONCE):
        some = keys[start : start + KEYS_AT_ONCE]
        marks = ", ".join("?" * len(some))
        found.update(db.all(f"SELECT key, value FROM meta WHERE key IN ({marks})", some))
    return found


def set_meta(db: Connection, key: str, value: str) -> None:
    """Remember a value under a key."""
    db.execute(
        "INSERT INTO meta (key, value) VALUES (?, ?) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        [key, value],
    )


def update_meta(db: Connection, key: str, change: Callable[[str | None], str]) -> str:
    """Replace a remembered value by what follows from it; one write transaction."""
    with db.transaction():
        value = change(get_meta(db, key))
        set_meta(db, key, value)
    return value


def change_metas(db: Connection, change: Callable[[], Mapping[str, str]]) -> None:
    """Remember values that follow from what is stored, in one write transaction.

    Args:
        db: The database.
        change: Reads what it depends on, and returns the values by key.
    """
    with db.transaction():
        for key, value in change().items():
            set_meta(db, key, value)
