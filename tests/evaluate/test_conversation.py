"""A conversation: each side goes on from its own answers, where it stands."""

from __future__ import annotations

import asyncio
import contextlib
import json
from random import Random

import pytest

from engine.cli.main import main as run_command
from engine.errors import EvaluateError, PromptTooLong
from engine.evaluate.blind import (
    POSITIONS,
    Trial,
    again,
    follow,
    new_trial,
    reveal,
    take_back,
    vote,
)
from engine.evaluate.pair import Pair
from engine.evaluate.tally import tally
from engine.models import Turn
from engine.workspace import Workspace

pytestmark = pytest.mark.slow
PROMPT = "What did you take away from the offsite?"


async def asked(trial: Trial, pair: Pair) -> Trial:
    async for _ in trial.ask(pair, max_tokens=8, temperature=1.0):
        pass
    return trial


async def test_each_side_goes_on_from_its_own_answer(pair: Pair) -> None:
    first = await asked(new_trial(PROMPT, Random(1), seed=7), pair)
    second = follow(first, "And then?", seed=8)
    for position in POSITIONS:
        assert second.turns(position) == (
            Turn("user", PROMPT),
            Turn("assistant", first.text(position)),
            Turn("user", "And then?"),
        )
    assert first.text("left") != first.text("right")
    await asked(second, pair)
    third = follow(second, "Why?")
    assert [turn.content for turn in third.turns("left")] == [
        PROMPT, first.text("left"), "And then?", second.text("left"), "Why?",
    ]  # fmt: skip
    assert (second.turn, third.turn) == (2, 3)
    assert third.conversation == first.id


async def test_what_is_sent_to_a_side_is_its_own_conversation(pair: Pair) -> None:
    first = await asked(new_trial(PROMPT, Random(1), seed=7), pair)
    second = await asked(follow(first, "And then?", seed=8), pair)
    sides = reveal(second)
    for position in POSITIONS:
        side = sides.left if position == "left" else sides.right
        alone = "".join(
            [
                chunk.text
                async for chunk in pair.ask(
                    second.turns(position), seed=8, max_tokens=8, temperature=1.0, sides=[side]
                )
            ]
        )
        assert alone == second.text(position)


@pytest.mark.parametrize("seed", range(6))
async def test_sides_stay_where_they_stand(pair: Pair, seed: int) -> None:
    first = await asked(new_trial(PROMPT, Random(seed)), pair)
    second = follow(first, "And then?")
    assert not second.revealed
    other = again(second)
    assert other.seed != second.seed
    assert other.turns("left") == second.turns("left")
    assert reveal(first) == reveal(second) == reveal(other)
    # Once they were shown they are shown for the rest of the conversation.
    await asked(second, pair)
    assert follow(second, "Why?").revealed
    assert again(second).revealed


async def test_a_conversation_goes_on_only_from_two_answers(pair: Pair) -> None:
    trial = new_trial(PROMPT)
    with pytest.raises(EvaluateError, match="both sides have to answer"):
        follow(trial, "And then?")


async def test_stopped_answers_are_what_was_shown(pair: Pair, workspace: Workspace) -> None:
    trial = new_trial(PROMPT, Random(1), seed=7)
    async with contextlib.aclosing(trial.ask(pair, max_tokens=400)) as chunks:
        async for _ in chunks:
            if min(len(trial.text("left")), len(trial.text("right"))) > 5:
                break
    trial.stop(4)
    assert trial.complete
    given = vote(workspace.store, trial, "tie")
    assert len(given.base_text) == len(given.tuned_text) == 4
    assert (given.metadata["base_stopped"], given.metadata["tuned_stopped"]) == ("yes", "yes")
    assert follow(trial, "And then?").turns("left")[1].content == trial.text("left")


async def test_a_conversation_that_grew_too_long_fails_on_both_sides(pair: Pair) -> None:
    trial = new_trial("word " * (pair.context + 1))
    chunks = [chunk async for chunk in trial.ask(pair)]
    assert {chunk.position for chunk in chunks} == {"left", "right"}
    for chunk in chunks:
        assert isinstance(chunk.error, PromptTooLong)
        assert "context window" in chunk.error.message
    assert not trial.complete


async def test_a_vote_in_a_conversation_keeps_what_led_to_it(
    pair: Pair, workspace: Workspace
) -> None:
    first = await asked(new_trial(PROMPT, Random(1), seed=7), pair)
    second = await asked(follow(first, "And then?"), pair)
    given = vote(workspace.store, second, "left")
    assert (given.prompt, given.metadata["turn"]) == ("And then?", "2")
    assert given.metadata["conversation"] == first.id
    history = json.loads(given.metadata["history"])
    left = reveal(second).left
    assert history[left] == [["user", PROMPT], ["assistant", first.text("left")]]


async def test_a_vote_can_be_taken_back_and_given_again(
    pair: Pair, workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    store = workspace.store
    first = await asked(new_trial(PROMPT), pair)
    second = await asked(follow(first, "And then?"), pair)
    one, two = vote(store, first, "left"), vote(store, second, "tie")
    assert take_back(store, pair.run_id, [first, second]) == two
    assert (first.vote, second.vote) == (one, None)
    assert tally(store.votes(pair.run_id)).ties == 0
    again_given = vote(store, second, "both-bad")
    assert [given.id for given in store.votes()] == [one.id, again_given.id]
    # A count that leaves sealed trials out stands still while they are voted on.
    assert tally(store.votes(), without={first.id, second.id}).total == 0
    here = ["--json", "--workspace", str(workspace.root)]
    assert await asyncio.to_thread(run_command, ["votes", "--take-back", *here]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["taken_back"], told["both_bad"]) == (again_given.id, 0)
    assert take_back(store, pair.run_id) == one
    assert take_back(store, pair.run_id) is None
