"""Which keys of the Chat stage can do something now, and why the others can't."""

from __future__ import annotations

from tui.parts import chat_words as words
from tui.parts.chat_answers import Answers
from tui.parts.chat_asking import Asking
from tui.parts.chat_conditions import Said
from tui.parts.chat_models import Models
from tui.parts.chat_votes import Votes

VOTES = frozenset({"left", "right", "tie", "both_bad"})
"""The actions that judge."""

_NEEDS_MODELS = frozenset({"send", "write", "next", "next_here", "blind", "system", "undo"})
_NOT_WHILE_WRITING = VOTES | {"reveal", "undo"}


def workable(action: str, asking: Asking, answers: Answers, models: Models, votes: Votes) -> bool:
    """Return whether an action can do something now.

    Args:
        action: The action's method.
        asking: The line and the conversation.
        answers: The two answers.
        models: The models.
        votes: The votes on the run.
    """
    if action in _NOT_WHILE_WRITING and asking.writing:
        return False
    if action == "stop":
        return asking.streaming or asking.writing
    if action == "scroll_down":
        return answers.more
    if action == "swap_panes":
        return answers.stacked and asking.talk is not None
    return not refusal(action, asking, answers, models, votes)[0]


def refusal(action: str, asking: Asking, answers: Answers, models: Models, votes: Votes) -> Said:
    """Return why an action can do nothing now, and what to do instead; empty where it can."""
    current = asking.talk.current if asking.talk is not None else None
    if action in VOTES:
        return words.not_votable(current, answers.panes) or ("", "")
    if action == "models":
        return words.not_loaded(models) if models.exports == 0 else ("", "")
    if (
        action in {"send", "write", "next", "next_here", "blind", "system", "undo"}
        and not models.loaded
    ):
        return words.not_loaded(models)
    if action in {"next", "next_here"} and not asking.prompts:
        return "this run's dataset has no prompts to offer", "i goes to the line"
    if action == "undo" and not votes.given:
        return "no vote to take back", ""
    if action == "reveal" and (current is None or not current.sealed):
        return "no sides are sealed", "b makes the next conversation blind"
    if action == "own" and not answers.has_own:
        return "only a prompt of the dataset has an answer of yours", ""
    if action in {"again", "new"} and current is None:
        return "nothing was asked yet", "n offers a prompt"
    if action in {"again", "reveal"} and current is not None and not current.answered:
        return "both are still answering", "escape stops them"
    return "", ""
