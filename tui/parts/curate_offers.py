"""Which of Curate's keys can do something with the card that is shown."""

from __future__ import annotations

from engine.curate import other_answers
from engine.models import Card
from tui.parts.curate_versions import has_versions

_OF_A_CARD = frozenset(
    {"approve", "reject", "skip", "edit", "near", "why", "tokens", "redact", "answers",
     "versions", "question", "editor", "card_down", "card_up"}
)  # fmt: skip
_OF_A_QUEUE = frozenset({"next_undecided", "search", "filter"})


def refusal(action: str, card: Card | None, *, narrowed: bool) -> str:
    """Return why an action can't work now; empty where it can, as far as that is seen at once.

    Args:
        action: The action's method.
        card: The card that is shown.
        narrowed: Whether only a part of the queue is shown.
    """
    if card is None:
        if action in _OF_A_CARD or (action in _OF_A_QUEUE and not narrowed):
            return "there is no example here"
        return ""
    if action == "answers" and not other_answers(card):
        return "this example has no other answer"
    if action == "versions" and not has_versions(card):
        return "it was not edited, and its source has no other version of it"
    if action == "redact" and card.checked and not _redactable(card):
        return "no secret and no personal data was found in it"
    if action == "question" and [turn.role for turn in card.turns] != ["user", "assistant"]:
        return "only a question with one answer can be worded by a model"
    return ""


def _redactable(card: Card) -> bool:
    return any(flag.kind in ("secret", "personal") for flag in card.flags)
