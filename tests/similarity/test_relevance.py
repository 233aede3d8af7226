"""Answers that fit other questions better than their own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from engine.models import Flag
from engine.similarity import dedup
from engine.similarity.relevance import CODE
from engine.workspace import Workspace
from tests.similarity.support import fill, plant
from tests.store.support import turns

MANY = 30
LONG = "It is answered here at such a length that somebody may well say what it is about: {}."


def about(topic: int, chance: np.random.Generator) -> list[float]:
    """Return a vector of a topic; all topics have something in common, and nothing is exact."""
    row = 0.05 * chance.standard_normal(100)
    row[topic] += 1.0
    row[90] += 1.0
    return [float(value) for value in row]


def filled(space: Workspace, topics: Sequence[int], answer: str = LONG) -> list[str]:
    """Fill a workspace with questions 0, 1, …, each with the answer to that of ``topics``."""
    chance = np.random.default_rng(4)
    asked = [f"Could you say something of number {one}?" for one in range(len(topics))]
    said = [answer.format(one) for one in range(len(topics))]
    plant({text: about(one, chance) for texts in (asked, said) for one, text in enumerate(texts)})
    fill(space, [turns(asked[one], said[topic]) for one, topic in enumerate(topics)])
    return asked


def flagged(space: Workspace) -> dict[str, Flag]:
    """Return the flags by question."""
    return {
        card.turns[0].content: flag
        for card in space.store.cards()
        for flag in card.flags
        if flag.code == CODE
    }


def test_swapped_answers_are_told_with_place_and_reason(workspace: Workspace) -> None:
    topics = [5, *range(1, 5), 0, *range(6, MANY)]
    asked = filled(workspace, topics)
    report = dedup(workspace)
    found = flagged(workspace)
    assert set(found) == {asked[0], asked[5]}
    assert report.flags[CODE] == 2
    flag = found[asked[0]]
    assert (flag.kind, flag.turn) == ("quality", 1)
    # Of the 28 others that share neither text with it, about half are a little nearer by chance.
    assert flag.reason == f"{flag.score:.0%} of other questions fit this answer better than its own"
    assert dedup(workspace).flags[CODE] == 2
    assert dedup(workspace, off_topic=1).flags == {}
    assert flagged(workspace) == {}


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        pytest.param(15, LONG, id="too few others"),
        pytest.param(MANY, "No {}.", id="short answers"),
        pytest.param(MANY, "Всё это здесь подробно описано, " * 3 + "{}", id="unknown letters"),
    ],
)
def test_what_can_not_be_judged_has_no_mark(workspace: Workspace, number: int, answer: str) -> None:
    filled(workspace, [*range(1, number), 0], answer)
    dedup(workspace)
    assert flagged(workspace) == {}


def test_a_question_that_fits_all_is_no_reason(workspace: Workspace) -> None:
    asked = filled(workspace, range(MANY))
    fill(
        workspace,
        [turns("Can you tell me what stays with you?", LONG.format(one)) for one in range(5)],
        "/diary",
        start=MANY,
    )
    chance = np.random.default_rng(5)
    plant({"Can you tell me what stays with you?": about(80, chance)})
    dedup(workspace)
    assert flagged(workspace) == {}
    assert len(asked) == MANY
