"""What the verbs say of decisions: conflicts, times, and what becomes of refused ones."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from engine.errors import FinetuiError, WorkspaceReplaced
from engine.models import Action, Conflict
from engine.paths import shell_path, state_dir

if TYPE_CHECKING:
    from engine.workspace import Workspace

_DONE: dict[Action, str] = {
    "approve": "approved",
    "reject": "rejected",
    "skip": "skipped",
    "edit": "edited",
    "undo": "undid a decision",
    "redo": "redid a decision",
}


def when(at: float) -> str:
    """Return a time of the journal, in the local zone, to the second."""
    return datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M:%S")


def conflict_words(conflict: Conflict) -> str:
    """Return a conflict in a line: what was not seen, and what follows."""
    missed = "; ".join(
        f"session {one.session[:6]} {_DONE[one.action]} ({when(one.at)})" for one in conflict.missed
    )
    if conflict.agrees:
        return f"not seen, and the same: {missed}"
    words = f"conflict: {_DONE[conflict.action]} without having seen: {missed}"
    if not conflict.withdrawn:
        return f"{words}; decide it again to resolve it"
    if conflict.action == "approve":
        return f"{words}; an approval of a text that was edited meanwhile doesn't count"
    return f"{words}; the approval is of another text and doesn't count any more"


def conflict_json(conflict: Conflict | None) -> dict[str, Any] | None:
    """Return a conflict as ``--json`` prints it."""
    if conflict is None:
        return None
    return {
        "seq": conflict.seq,
        "action": conflict.action,
        "session": conflict.session,
        "at": conflict.at,
        "agrees": conflict.agrees,
        "withdrawn": conflict.withdrawn,
        "missed": [
            {
                "seq": one.seq,
                "action": one.action,
                "session": one.session,
                "at": one.at,
                "changed_text": one.changed_text,
            }
            for one in conflict.missed
        ],
    }


@contextmanager
def saving_decisions(space: Workspace) -> Iterator[None]:
    """Save the decisions of a block elsewhere where the database is no longer in its place.

    Raises:
        WorkspaceReplaced: It is not; the hint names the file.
    """
    try:
        yield
    except WorkspaceReplaced as error:
        if not space.store.unsaved():
            raise
        name = f"{space.root.name}-{time.strftime('%Y%m%d-%H%M%S')}-{space.store.session[:6]}"
        try:
            saved = space.store.rescue(state_dir() / "saved" / f"{name}.jsonl")
        except (FinetuiError, OSError) as failure:
            raise error from failure
        words = "decision is" if saved.count == 1 else "decisions are"
        whole = f"; the whole database in {shell_path(saved.database)}" if saved.database else ""
        raise WorkspaceReplaced(
            f"{error.message}. {saved.count:,} {words} saved{whole}",
            hint=f"take them over with: finetui journal import {shell_path(saved.decisions)}",
        ) from error
