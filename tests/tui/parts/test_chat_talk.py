"""A conversation: what the next question is, and where the sides stand."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from engine.errors import EvaluateError, WorkerDied
from engine.evaluate.blind import POSITIONS
from engine.evaluate.pair import Pair, Side
from engine.models import Turn
from tests.tui.scripted import ScriptedPair
from tui.parts.chat_talk import Talk

FIRST = (Turn("user", "Why?"),)


def answer(talk: Talk, pair: ScriptedPair) -> None:
    """Let both sides answer the last question, and show it."""

    async def listen() -> None:
        async for chunk in talk.current.trial.ask(cast("Pair", pair)):
            talk.current.take(chunk)

    asyncio.run(listen())
    talk.current.uncover()


def speakers() -> ScriptedPair:
    return ScriptedPair({"base": ["b1", "b2", "b3"], "tuned": ["t1", "t2", "t3"]})


@pytest.mark.parametrize("blind", [True, False])
def test_each_side_goes_on_from_its_own_answers(blind: bool) -> None:
    pair, talk = speakers(), Talk(FIRST, blind=blind)
    answer(talk, pair)
    assert talk.next_number == 2
    talk.go_on("And then?")
    assert (talk.number, talk.next_number) == (2, 3)
    answer(talk, pair)
    expected: dict[Side, str] = {"base": "b1", "tuned": "t1"}
    for side, said in expected.items():
        assert [turn.content for turn in pair.asked[1][side]] == ["Why?", said, "And then?"]
    assert [one.question for one in talk.earlier] == ["Why?"]


def test_the_sides_stay_where_they_stand() -> None:
    pair, talk = speakers(), Talk(FIRST, blind=True)
    answer(talk, pair)
    first = {position: talk.current.shown(position) for position in POSITIONS}
    talk.go_on("And then?")
    assert talk.sealed
    answer(talk, pair)
    for position in POSITIONS:
        assert talk.current.shown(position)[0] == first[position][0]
    talk.reveal()
    assert talk.name("left") == ("base" if first["left"] == "b1" else "tuned")
    talk.go_on("And now?")
    assert not talk.sealed
    assert talk.current.revealed == talk.revealed
    assert talk.current.trial.revealed


def test_a_question_waits_for_the_answers_before_it() -> None:
    talk = Talk(FIRST, blind=True)
    with pytest.raises(EvaluateError, match="still answering"):
        talk.go_on("And then?")


def test_the_next_question_takes_the_place_of_a_failed_one() -> None:
    pair, talk = speakers(), Talk(FIRST, blind=True)
    talk.current.fail(WorkerDied("it ended"))
    talk.current.uncover()
    assert talk.next_number == 1
    talk.go_on("Shorter?")
    assert (talk.number, talk.current.question) == (1, "Shorter?")
    answer(talk, pair)
    talk.go_on("And then?")
    talk.current.stop()
    assert talk.next_number == 2
    talk.go_on("Or this?")
    answer(talk, pair)
    assert [turn.content for turn in pair.asked[1]["base"]] == ["Shorter?", "b1", "Or this?"]


def test_asking_again_keeps_the_turn_and_the_sides() -> None:
    pair, talk = speakers(), Talk(FIRST, blind=True)
    answer(talk, pair)
    talk.go_on("And then?")
    answer(talk, pair)
    before = talk.current.trial
    talk.ask_again()
    assert talk.number == 2
    assert talk.current.trial.turns("left") == before.turns("left")
    assert talk.current.trial.seed != before.seed
    # A vote on the turn that was replaced still belongs to the conversation.
    assert before in talk.trials


def test_a_first_question_that_was_shown_can_be_judged_anew() -> None:
    pair, talk = speakers(), Talk(FIRST, blind=True)
    answer(talk, pair)
    talk.reveal()
    talk.ask_again()
    assert talk.sealed
    assert not talk.current.trial.revealed


def test_open_sides_are_never_blind() -> None:
    talk = Talk(FIRST, blind=False)
    assert (talk.name("left"), talk.name("right")) == ("base", "tuned")
    talk.current.fail(WorkerDied("it ended"))
    talk.current.uncover()
    talk.go_on("Again?")
    assert talk.current.trial.revealed
    assert talk.name("left") == "base"


def test_why_a_side_failed_is_told_once_the_sides_are_shown() -> None:
    pair, talk = ScriptedPair(), Talk(FIRST, blind=True)

    async def listen() -> None:
        chunks = talk.current.trial.ask(cast("Pair", pair))
        first = asyncio.ensure_future(anext(chunks))
        await asyncio.sleep(0)
        pair.say("base", "words", done=True)
        pair.say("tuned", "", error=WorkerDied("the worker of tuned.gguf ended"))
        talk.current.take(await first)
        async for chunk in chunks:
            talk.current.take(chunk)

    asyncio.run(listen())
    (failed,) = [half for half in talk.current.halves.values() if half.error is not None]
    assert failed.error is not None
    assert "tuned" not in failed.error.message
    talk.reveal()
    assert "tuned.gguf" in failed.error.message
