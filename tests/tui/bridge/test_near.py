"""What is near an example: along the links, at any threshold; and which one is the best."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.models import STATES, Card, Example, Link, Provenance, Turn
from engine.similarity import clusters
from engine.similarity.near import best_of, neighbours, reached
from engine.workspace import Workspace
from tests.tui.findings import flag_some, link_some

shares = st.integers(70, 100).map(lambda number: number / 100)


@st.composite
def forests(draw: st.DrawFn) -> list[Link]:
    """Return links that form no circle, as a maximum spanning forest does."""
    size = draw(st.integers(2, 12))
    links = []
    for node in range(1, size):
        if draw(st.booleans()):
            links.append(Link("both", draw(st.integers(0, node - 1)), node, draw(shares)))
    return links


@given(forests(), shares)
def test_what_is_reached_is_the_cluster(links: list[Link], threshold: float) -> None:
    near = {at for at, one in reached(links, 0).items() if one.similarity >= threshold}
    cluster = next((one for one in clusters(links, threshold) if 0 in one), (0,))
    assert near | {0} == set(cluster)


def card_of(position: int, state: str, quality: float | None, length: int) -> Card:
    turns = (Turn("user", "?"), Turn("assistant", "x" * length))
    example = Example(f"b2-{position:032x}", "qa", turns, Provenance("s", "a.md"))
    measures = {} if quality is None else {"quality": quality}
    return Card(example, turns, state, False, position, measures=measures)  # type: ignore[arg-type]


kinds = st.tuples(st.sampled_from(STATES), st.none() | shares, st.integers(0, 4))


@given(st.lists(kinds, min_size=1, max_size=6))
def test_the_best_is_what_flags_take_for_it(
    some: list[tuple[str, float | None, int]],
) -> None:
    from engine.similarity.marks import representative
    from engine.similarity.reading import About

    cards = [card_of(position, *one) for position, one in enumerate(some)]
    about = [
        About(card.position, card.example.id, "s", card.state, quality, length)
        for card, (_, quality, length) in zip(cards, some, strict=True)
    ]
    assert best_of(cards).position == representative(about)


def test_what_is_alike_and_how_near(filled: Workspace) -> None:
    flag_some(filled.store)
    link_some(filled.store)
    cards = list(filled.store.cards())
    found = neighbours(filled.store, cards[0])
    assert found.known
    at = {card.position: number for number, card in enumerate(cards)}
    assert [at[near.card.position] for near in found.members] == [1, 2, 4, 3, 5]
    assert [near.what(0.9) for near in found.members] == ["both", "prompt", "both", "answer", None]
    assert found.members[2].reach["both"].similarity == 0.92
    assert not found.members[2].reach["both"].direct
    assert {near.source for near in found.members} == {"/home/ana/notes"}
    assert neighbours(filled.store, cards[7]).members == ()


def test_what_was_edited_since_is_not_compared_yet(filled: Workspace) -> None:
    link_some(filled.store)
    first = next(filled.store.cards())
    turns = (first.turns[0], Turn("assistant", "Something else."))
    filled.store.append("edit", first.example.id, turns=turns, at=1.0)
    assert not neighbours(filled.store, filled.store.card(first.example.id)).known
