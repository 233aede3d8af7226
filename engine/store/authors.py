"""Who wrote a text in the journal: a person, or a model in a session that bears its name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.models import JournalEntry, Turn
from engine.store.fold import effective
from engine.text import inert

PREFIX = "model:"
_MAX_NAME = 80


def session_of(model: str) -> str:
    """Return the session under which a model's texts are recorded."""
    return PREFIX + inert(" ".join(model.split()))[:_MAX_NAME]


def model_of(session: str) -> str:
    """Return the model that a session bears the name of; empty for a person's session."""
    return session.removeprefix(PREFIX) if session.startswith(PREFIX) else ""


def question_by(entries: Iterable[JournalEntry], turns: Sequence[Turn]) -> str:
    """Return which model wrote an example's question; empty where none did.

    A person may have edited the answer since: the question is a model's as long as it reads
    as the model wrote it.

    Args:
        entries: All of the journal that concerns the example, oldest first.
        turns: The example's text as it is now.
    """
    asked = _first_question(turns)
    for entry in reversed(effective(entries)):
        model = model_of(entry.session)
        if model and entry.action == "edit" and _first_question(entry.turns) == asked:
            return model
    return ""


def _first_question(turns: Sequence[Turn]) -> str:
    return next((turn.content for turn in turns if turn.role == "user"), "")
