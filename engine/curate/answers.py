"""Other texts that could stand in an example, out of its source."""

from __future__ import annotations

from engine.models import Alternative, Card, Turn


def other_answers(card: Card) -> list[Alternative]:
    """Return the texts that could stand in a card in the place of one that stands there.

    They are the alternatives of its source, and the text as it was extracted where
    another was taken. A turn that an edit removed, or gave to another role, has none.
    """
    original = card.example.turns
    there = dict.fromkeys(one.turn for one in card.example.alternatives)
    found = [Alternative(turn, original[turn].content) for turn in there if turn < len(original)]
    return [
        one
        for one in (*found, *card.example.alternatives)
        if one.turn < min(len(card.turns), len(original))
        and card.turns[one.turn].role == original[one.turn].role
        and card.turns[one.turn].content != one.content
    ]


def with_answer(card: Card, answer: Alternative) -> tuple[Turn, ...]:
    """Return a card's turns with another answer in its place."""
    turns = list(card.turns)
    turns[answer.turn] = Turn(turns[answer.turn].role, answer.content)
    return tuple(turns)
