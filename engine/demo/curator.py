"""The curator that stands in for a person when the demo runs without one.

It does what a person would do first: keep what reads as a whole answer, and of two
notes that say the same in nearly the same words keep one.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.curate import Curator
from engine.models import Card, Filter
from engine.workspace import Workspace

SHINGLE = 5
NEAR = 0.4


def shingles(text: str, size: int = SHINGLE) -> frozenset[tuple[str, ...]]:
    """Return the runs of ``size`` words of a text, lower-cased.

    Broder, "On the resemblance and containment of documents", 1997.
    """
    words = text.lower().split()
    if len(words) < size:
        return frozenset({tuple(words)})
    return frozenset(tuple(words[at : at + size]) for at in range(len(words) - size + 1))


def resemblance(first: frozenset[tuple[str, ...]], second: frozenset[tuple[str, ...]]) -> float:
    """Return the share of runs that two texts have in common, from 0 to 1 (Jaccard)."""
    either = len(first | second)
    return len(first & second) / either if either else 0.0


def near_copies(cards: Sequence[Card]) -> frozenset[str]:
    """Return the ids of examples whose answer an earlier one gives in nearly the same words."""
    seen: list[frozenset[tuple[str, ...]]] = []
    copies: set[str] = set()
    for card in cards:
        answer = " ".join(turn.content for turn in card.turns if turn.role == "assistant")
        runs = shingles(answer)
        if any(resemblance(runs, other) >= NEAR for other in seen):
            copies.add(card.example.id)
        else:
            seen.append(runs)
    return frozenset(copies)


def curate(workspace: Workspace) -> None:
    """Decide everything that is undecided: near-copies are rejected, the rest approved."""
    curator = Curator(workspace.store)
    copies = near_copies(list(workspace.store.cards(Filter(states=("undecided", "approved")))))
    with workspace.store.operation():
        for card in list(workspace.store.cards(Filter(states=("undecided",)))):
            decide = curator.reject if card.example.id in copies else curator.approve
            decide(card.example.id, card.seen)
