"""A blind round uncovers both answers at one pace, whichever side is the faster."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import WorkerDied
from engine.evaluate.blind import BlindChunk, new_trial, reveal
from engine.serve.client import Timing
from tui.parts.chat_round import Round

Position = Literal["left", "right"]
TIMING = Timing(0.2, 20.0, 12, 30)


def blind_round() -> Round:
    return Round(new_trial("Why?", Random(1), seed=1), blind=True)


def chunk(position: Position, text: str, *, done: bool = False) -> BlindChunk:
    return BlindChunk(position, text, done, TIMING if done else None, "stop" if done else "")


def test_an_open_round_shows_all_at_once() -> None:
    current = Round(new_trial("Why?", Random(1)), blind=False)
    current.revealed = reveal(current.trial)
    current.take(chunk("left", "a" * 30))
    current.take(chunk("right", "b"))
    current.advance(1.0)
    assert current.shown("left") == "a" * 30
    assert current.shown("right") == "b"


def test_the_faster_side_waits_for_the_slower() -> None:
    current = blind_round()
    current.take(chunk("left", "a" * 100))
    current.advance(1.0)
    assert current.shown("left") == current.shown("right") == ""
    current.take(chunk("right", "b" * 10))
    current.advance(2.0)
    assert len(current.shown("left")) == len(current.shown("right")) == 10


def test_the_rest_of_the_longer_answer_comes_at_the_pace_so_far() -> None:
    current = blind_round()
    current.take(chunk("left", "a" * 60, done=True))
    for second in range(1, 5):
        current.take(chunk("right", "b" * 10, done=second == 4))
        current.advance(float(second))
    # The slower side showed 30 characters from second 1 to 3; then it was done, with 40.
    assert not current.uncovered
    before = len(current.shown("left"))
    current.advance(4.5)
    after = len(current.shown("left"))
    assert before < after < 60
    current.advance(60.0)
    assert current.uncovered
    assert current.shown("left") == "a" * 60
    assert current.shown("right") == "b" * 40


def test_all_can_be_uncovered_at_once_when_both_are_done() -> None:
    current = blind_round()
    current.take(chunk("left", "a" * 60, done=True))
    current.take(chunk("right", "b" * 10))
    current.uncover()
    assert current.shown("left") == ""
    current.take(chunk("right", "", done=True))
    current.uncover()
    assert current.shown("left") == "a" * 60


def test_a_vote_waits_until_all_is_seen() -> None:
    current = blind_round()
    current.take(chunk("left", "a" * 60, done=True))
    current.take(chunk("right", "b" * 10, done=True))
    assert not current.votable
    current.uncover()
    assert current.votable


def test_a_side_that_failed_makes_no_vote() -> None:
    current = blind_round()
    current.take(chunk("left", "a", done=True))
    current.take(BlindChunk("right", "", done=True, error=WorkerDied("it ended")))
    current.uncover()
    assert current.uncovered
    assert not current.votable


@dataclass(frozen=True)
class Arrival:
    """What comes at a moment: characters of a side, or its end."""

    after: float
    position: Position
    size: int


arrivals = st.lists(
    st.builds(
        Arrival,
        after=st.floats(0.01, 0.5),
        position=st.sampled_from(["left", "right"]),
        size=st.integers(1, 12),
    ),
    max_size=40,
)


@given(arrivals, st.sampled_from(["left", "right"]))
def test_what_is_seen_never_tells_which_side_was_faster(
    stream: list[Arrival], last: Position
) -> None:
    """Exchange the sides' speed: the same lengths are seen at the same moments."""

    def seen(*, mirrored: bool) -> list[tuple[int, int]]:
        def side(position: Position) -> Position:
            if not mirrored:
                return position
            return "right" if position == "left" else "left"

        current, now, lengths = blind_round(), 0.0, []
        for one in stream:
            now += one.after
            current.take(chunk(side(one.position), "x" * one.size))
            current.advance(now)
            lengths.append((len(current.shown("left")), len(current.shown("right"))))
        first: Position = "right" if last == "left" else "left"
        for position in (first, last):
            now += 0.1
            current.take(chunk(side(position), "", done=True))
            current.advance(now)
            lengths.append((len(current.shown("left")), len(current.shown("right"))))
        return lengths

    plain, mirrored = seen(mirrored=False), seen(mirrored=True)
    assert [(right, left) for left, right in mirrored] == plain
    # Until a side is at its end, both have as much to read.
    assert all(left == right for left, right in plain[: len(stream)])


@given(arrivals)
def test_nothing_seen_is_taken_back_and_all_is_seen_in_the_end(stream: list[Arrival]) -> None:
    current, now, before = blind_round(), 0.0, 0
    for one in stream:
        now += one.after
        current.take(chunk(one.position, "x" * one.size))
        current.advance(now)
        total = len(current.shown("left")) + len(current.shown("right"))
        assert total >= before
        before = total
    for position in ("left", "right"):
        current.take(chunk(position, "", done=True))
    for _ in range(3):
        now += 1e6
        current.advance(now)
    assert current.uncovered


def test_stopping_ends_an_open_round_where_it_is() -> None:
    current = Round(new_trial("Why?", Random(1)), blind=False)
    current.revealed = reveal(current.trial)
    current.take(chunk("left", "abc"))
    current.take(chunk("right", "b"))
    current.advance(1.0)
    current.stop()
    assert (current.shown("left"), current.shown("right")) == ("abc", "b")
    assert current.answered
    assert current.votable


def test_stopping_a_sealed_round_leaves_what_both_had_shown() -> None:
    current = blind_round()
    current.take(chunk("left", "a" * 60, done=True))
    current.take(chunk("right", "b" * 10))
    current.advance(1.0)
    current.take(chunk("right", "b" * 10))
    current.stop()
    assert (current.shown("left"), current.shown("right")) == ("a" * 10, "b" * 10)
    assert current.uncovered
    assert current.votable


def test_what_was_stopped_before_it_said_anything_makes_no_vote() -> None:
    current = blind_round()
    current.take(chunk("left", "abc"))
    current.advance(1.0)
    current.stop()
    assert current.shown("left") == ""
    assert current.answered
    assert not current.votable


def test_an_error_ends_the_sides_that_were_under_way() -> None:
    current = blind_round()
    current.take(chunk("left", "abc", done=True))
    current.fail(WorkerDied("it ended"))
    current.advance(1.0)
    assert current.halves["left"].error is None
    assert current.halves["right"].error is not None
    assert current.answered
    assert not current.votable


@pytest.mark.parametrize("position", ["left", "right"])
def test_a_side_is_complete_once_all_of_it_is_seen(position: Position) -> None:
    current = blind_round()
    current.take(chunk("left", "aa", done=True))
    current.take(chunk("right", "bbbb"))
    current.advance(1.0)
    assert current.complete("left")
    assert not current.complete("right")
