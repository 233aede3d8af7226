"""Workspaces in which checks have found something, without having run them."""

from __future__ import annotations

from collections.abc import Iterable

from engine.models import Card, Flag, Found, Link, example_id
from engine.store import Store

KEY = "AKIA" + "QYLPMN5HHHFPZAM2"
MODEL = "minilm:test"

PARTS: dict[str, float | str] = {
    "quality.complete": 1.0,
    "quality.repetition": 0.91,
    "quality.refusal": 1.0,
    "quality.echo": 0.62,
}


def found_in(
    card: Card, flags: Iterable[Flag] = (), *, language: str = "en", quality: float = 0.82
) -> Found:
    """Return what a check found in a card's text as it is."""
    measures = {"language": language, "quality": quality, **PARTS}
    return Found(card.position, example_id(card.turns), "1", tuple(flags), measures)


def span(card: Card, words: str, kind: str, code: str, reason: str, score: float = 0.9) -> Flag:
    """Return a flag on words of a card's text."""
    for number, turn in enumerate(card.turns):
        start = turn.content.find(words)
        if start >= 0:
            return Flag(kind, code, score, reason, number, start, start + len(words))  # type: ignore[arg-type]
    raise AssertionError(f"{words!r} is not in the card")


def flag_some(store: Store) -> None:
    """Record findings about the first five of the eight notes; the rest stays unchecked."""
    cards = list(store.cards())
    one, two, three, four, five = cards[:5]
    near = Flag("duplicate", "near", 0.93, "near 77b2e1 at 0.93")
    store.write_flags(
        "all",
        [
            found_in(
                one,
                [
                    near,
                    span(one, "I said no", "personal", "email", "an e-mail address"),
                    span(one, "took me a week", "personal", "email", "an e-mail address", 0.7),
                    span(one, "said no, and it", "secret", "aws-key", "a key of a cloud service"),
                ],
            ),
            found_in(two, [span(two, "olives", "safety", "violent", "violent words")], quality=0.4),
            found_in(three, [Flag("length", "long", 0.5, "40 tokens would be cut")], quality=0.6),
            found_in(four, language="ro"),
            found_in(five),
        ],
    )


def link_some(store: Store) -> None:
    """Link the first four notes: two alike, one by its question, one by its answer."""
    cards = list(store.cards())
    at = [card.position for card in cards]
    store.save_links(
        MODEL,
        linked={card.position: f"{example_id(card.turns)}|-" for card in cards},
        links=[
            Link("both", at[0], at[1], 0.97),
            Link("both", at[1], at[4], 0.92),
            Link("prompt", at[0], at[2], 0.95),
            Link("answer", at[0], at[3], 0.91),
            Link("both", at[4], at[5], 0.75),
        ],
    )
