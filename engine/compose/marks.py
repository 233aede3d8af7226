"""Which texts in a journal a model wrote.

A model's text is an edit like a person's, in a session that bears the model's name. So it
survives every scan, can be undone, and is never taken for a person's.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from engine.models import JournalEntry
from engine.store import Store
from engine.store.authors import PREFIX, model_of, session_of
from engine.store.fold import effective


@contextmanager
def writing_as(store: Store, model: str) -> Iterator[Store]:
    """Open a store again, with what is written into it recorded as a model's."""
    with store.again(session=session_of(model)) as opened:
        yield opened


def take_back(store: Store, model: str = "") -> int:
    """Undo what models wrote into examples that no person has decided or edited since.

    Args:
        store: The store.
        model: Only what this model wrote; empty means any.

    Returns:
        How many examples have their own question again.
    """
    wanted = session_of(model) if model else PREFIX
    by_example: dict[str, list[JournalEntry]] = {}
    for entry in reversed(store.journal()):
        by_example.setdefault(entry.example_id, []).append(entry)
    undone = 0
    with store.operation():
        for example_id, entries in by_example.items():
            standing = effective(entries)
            if not standing or any(not model_of(entry.session) for entry in standing):
                continue
            theirs = [entry for entry in standing if entry.session.startswith(wanted)]
            for entry in reversed(theirs):
                store.append("undo", example_id, target=entry.seq, at=time.time())
            undone += bool(theirs)
    return undone
