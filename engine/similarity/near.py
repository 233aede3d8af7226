"""The near-duplicates of an example, out of the store's links."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from engine.models import Card, Link, LinkWhat, example_id
from engine.similarity.best import best
from engine.store import Store

MOST = 300
"""Members that are listed; of a larger cluster the nearest."""

WHATS: tuple[LinkWhat, ...] = ("both", "prompt", "answer")


@dataclass(frozen=True, slots=True)
class Reach:
    """How near one example is to another, along the links between them.

    Attributes:
        similarity: The least of the links on the way: the threshold up to which both are
            in one cluster, and of their own similarity all that the links tell.
        direct: Whether one link joins them, so that it is their own similarity.
    """

    similarity: float
    direct: bool


@dataclass(frozen=True, slots=True)
class Near:
    """An example that another is near to.

    Attributes:
        card: The example.
        source: Its source's root.
        reach: How near, by what is alike.
    """

    card: Card
    source: str
    reach: Mapping[LinkWhat, Reach]

    def what(self, threshold: float) -> LinkWhat | None:
        """Return what is alike at a threshold; None where it is too far."""
        for what in WHATS:
            if what in self.reach and self.reach[what].similarity >= threshold:
                return what
        return None


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What an example is near to.

    Attributes:
        known: Whether its text was compared with the others at all.
        members: Those near it, the nearest first.
        left_out: How many more there are that are less near.
    """

    known: bool
    members: tuple[Near, ...] = ()
    left_out: int = 0

    def at(self, threshold: float) -> list[Near]:
        """Return those that a threshold lets through."""
        return [near for near in self.members if near.what(threshold) is not None]


def reached(links: Iterable[Link], start: int) -> dict[int, Reach]:
    """Return how near each example is that a forest's links lead to from one of them.

    Args:
        links: A forest: between two examples there is at most one way.
        start: The position to begin at.
    """
    beside: defaultdict[int, list[tuple[int, float]]] = defaultdict(list)
    for link in links:
        beside[link.a].append((link.b, link.similarity))
        beside[link.b].append((link.a, link.similarity))
    found: dict[int, Reach] = {}
    front = [(start, 1.0)]
    while front:
        at, least = front.pop()
        for other, similarity in beside[at]:
            if other != start and other not in found:
                here = min(least, similarity)
                found[other] = Reach(here, direct=at == start)
                front.append((other, here))
    return found


def neighbours(store: Store, card: Card) -> Neighbours:
    """Return what a card is near to. Reads links and cards; runs in a thread."""
    models = store.link_models()
    # The key begins with the id of the text that was compared: an edit since then was not.
    linked = store.linked(models[0]) if models else {}
    if not linked.get(card.position, "").startswith(example_id(card.turns)):
        return Neighbours(known=False)
    reach: defaultdict[int, dict[LinkWhat, Reach]] = defaultdict(dict)
    for what in WHATS:
        for position, one in reached(store.links(models[0], what), card.position).items():
            reach[position][what] = one
    nearest = sorted(reach, key=lambda at: (-max(one.similarity for one in reach[at].values()), at))
    roots = {source.id: source.root for source in store.sources()}
    members = [
        Near(
            one,
            roots.get(one.example.provenance.source_id, ""),
            MappingProxyType(reach[one.position]),
        )
        for one in store.cards_at(nearest[:MOST])
    ]
    order = {position: rank for rank, position in enumerate(nearest)}
    members.sort(key=lambda near: order[near.card.position])
    return Neighbours(True, tuple(members), len(nearest) - len(members))


def best_of(cards: Sequence[Card]) -> Card:
    """Return the one of several like examples that stands for them; see :func:`best`."""

    def quality(card: Card) -> float | None:
        return float(card.measures["quality"]) if "quality" in card.measures else None

    def answers(card: Card) -> int:
        return sum(len(turn.content) for turn in card.turns if turn.role == "assistant")

    return cards[
        best([(card.state, quality(card), answers(card), card.position) for card in cards])
    ]
