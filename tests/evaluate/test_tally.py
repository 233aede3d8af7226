"""Votes are counted, and their interval is Wilson's."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.evaluate.tally import tally, wilson
from engine.models import Vote


def given_votes(
    *choices: Literal["base", "tuned", "tie", "both-bad"], blind: bool = True
) -> list[Vote]:
    return [
        Vote(
            id=index,
            run_id="r",
            quant="f16",
            prompt="p",
            base_text="b",
            tuned_text="t",
            left="base",
            choice=choice,
            blind=blind,
            at=0.0,
        )
        for index, choice in enumerate(choices)
    ]


# Table I, method 3, of R. G. Newcombe, "Two-sided confidence intervals for the single
# proportion: comparison of seven methods", Statistics in Medicine 17, 1998, 857-872.
@pytest.mark.parametrize(
    ("wins", "trials", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_known_intervals(wins: int, trials: int, low: float, high: float) -> None:
    assert wilson(wins, trials) == pytest.approx((low, high), abs=5e-5)


def test_without_votes_nothing_is_known() -> None:
    counted = tally([])
    assert (counted.low, counted.high, counted.share, counted.total) == (0.0, 1.0, None, 0)


def test_ties_do_not_move_the_interval() -> None:
    votes = [vote for _ in range(18) for vote in given_votes("tuned")]
    votes += [vote for _ in range(7) for vote in given_votes("base")]
    more = [*votes, *given_votes("tie", "tie", "both-bad")]
    counted = tally(more)
    assert (counted.tuned, counted.base, counted.ties, counted.both_bad) == (18, 7, 2, 1)
    assert (counted.low, counted.high) == (tally(votes).low, tally(votes).high)
    assert counted.share == 18 / 25
    assert counted.total == 28


def test_open_votes_are_left_out_unless_asked_for() -> None:
    votes = [*given_votes("tuned"), *given_votes("base", "base", blind=False)]
    assert tally(votes).base == 0
    assert tally(votes, blind_only=False).base == 2


@given(st.integers(1, 500), st.data())
def test_the_interval_holds_the_share_and_is_symmetric(trials: int, data: st.DataObject) -> None:
    wins = data.draw(st.integers(0, trials))
    low, high = wilson(wins, trials)
    assert 0 <= low <= wins / trials <= high <= 1
    mirrored = wilson(trials - wins, trials)
    assert mirrored == pytest.approx((1 - high, 1 - low))
