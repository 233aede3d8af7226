"""Which keys of the Chat stage can do something now."""

from __future__ import annotations

from collections.abc import Mapping

from tui.parts.chat_answers import Answers
from tui.parts.chat_asking import Asking
from tui.parts.chat_models import Models
from tui.parts.chat_votes import Votes

VOTES = frozenset({"left", "right", "tie", "both_bad"})
"""The actions that judge."""


def workable(asking: Asking, answers: Answers, models: Models, votes: Votes) -> Mapping[str, bool]:
    """Return for each action whether it can do anything; those left out always can."""
    current = asking.talk.current if asking.talk is not None else None
    free = models.loaded and not asking.streaming
    return {
        **dict.fromkeys(VOTES, current is not None and current.votable and answers.all_seen),
        "scroll_down": answers.more,
        "stop": asking.streaming,
        "reveal": current is not None and current.sealed and current.answered,
        "send": free and asking.waits,
        "write": models.loaded and not asking.writing,
        "next": free and asking.prompts > 0,
        "undo": votes.given > 0,
        "blind": models.loaded,
        "models": bool(models.exports),
        "own": answers.has_own,
        "swap_panes": answers.stacked and current is not None,
        "again": free and current is not None,
        "new": free and current is not None,
    }
