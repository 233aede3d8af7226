"""A sealed trial tells nothing until it is revealed, and takes one vote."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import os
import pickle
import signal
import traceback
from random import Random
from typing import Any

import pytest

from engine.errors import EvaluateError
from engine.evaluate.blind import BlindChunk, Choice, Trial, new_trial, reveal, vote
from engine.evaluate.pair import Pair, Side
from engine.store import Store
from engine.workspace import Workspace

pytestmark = pytest.mark.slow
PROMPT = "What did you take away from the offsite?"


def sealed(left: Side) -> Trial:
    """Return a trial with that side on the left."""
    numbers = (Random(seed) for seed in range(100))
    wanted = next(
        rng.getstate() for rng in numbers if (copy.copy(rng).random() < 0.5) == (left == "base")
    )
    rng = Random()
    rng.setstate(wanted)
    return new_trial(PROMPT, rng, seed=7)


async def ask(trial: Trial, pair: Pair, **how: Any) -> list[BlindChunk]:
    return [chunk async for chunk in trial.ask(pair, max_tokens=12, temperature=1.0, **how)]


def everything_drawable(value: object, depth: int = 4) -> str:
    """Return what any drawing of a value could show: texts of it and of what it holds."""
    seen = [repr(value), str(value), f"{value}"]
    if depth and not isinstance(value, str | int | float | bool | type(None)):
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            seen.append(str(dataclasses.asdict(value)))
        attributes = getattr(value, "__dict__", {})
        slots = {name: getattr(value, name) for name in getattr(type(value), "__slots__", ())}
        for inner in (*attributes.values(), *slots.values()):
            if not callable(inner):
                seen.append(everything_drawable(inner, depth - 1))
        if isinstance(value, dict):
            seen += [everything_drawable(inner, depth - 1) for inner in value.values()]
    return " ".join(seen)


@pytest.mark.parametrize("left", ["base", "tuned"])
async def test_nothing_tells_the_sides(pair: Pair, left: Side) -> None:
    trial = sealed(left)
    before = everything_drawable(trial)
    chunks = await ask(trial, pair)
    drawn = before + everything_drawable(trial) + everything_drawable(chunks)
    # The file names hold "base" or the run's id, so neither may stand anywhere.
    assert "base" not in drawn
    assert "tuned" not in drawn
    assert pair.files()["tuned"].name not in drawn


def test_a_seal_can_be_neither_stored_nor_copied() -> None:
    trial = new_trial(PROMPT)
    with pytest.raises(TypeError):
        pickle.dumps(trial._seal)
    with pytest.raises(TypeError):
        copy.deepcopy(trial._seal)


def test_the_lot_falls_both_ways_and_follows_its_source() -> None:
    lefts = [reveal(new_trial(PROMPT, Random(seed))).left for seed in range(200)]
    assert 70 < lefts.count("base") < 130
    assert lefts == [reveal(new_trial(PROMPT, Random(seed))).left for seed in range(200)]
    assert {reveal(new_trial(PROMPT)).left for _ in range(100)} == {"base", "tuned"}


def test_left_and_right_are_different() -> None:
    for left in ("base", "tuned"):
        sides = reveal(sealed(left))
        assert {sides.left, sides.right} == {"base", "tuned"}
        assert sides.left == left


@pytest.mark.parametrize(
    ("left", "choice", "kept"),
    [
        ("base", "left", "base"),
        ("base", "right", "tuned"),
        ("tuned", "left", "tuned"),
        ("tuned", "right", "base"),
        ("base", "tie", "tie"),
        ("tuned", "both-bad", "both-bad"),
    ],
)
async def test_a_vote_is_kept_unsealed(
    pair: Pair, workspace: Workspace, left: Side, choice: Choice, kept: str
) -> None:
    trial = sealed(left)
    await ask(trial, pair)
    given = vote(workspace.store, trial, choice, at=12.5)
    assert workspace.store.votes(pair.run_id) == [given]
    assert (given.choice, given.left, given.blind, given.at) == (kept, left, True, 12.5)
    assert (given.prompt, given.quant, given.run_id) == (PROMPT, "f16", pair.run_id)
    texts = {"base": given.base_text, "tuned": given.tuned_text}
    assert texts[left] == trial.text("left")
    assert given.base_text != given.tuned_text
    metadata = given.metadata
    assert (metadata["seed"], metadata["temperature"]) == ("7", "1")
    assert float(metadata["tuned_tokens_per_s"]) > 0
    assert int(metadata["base_tokens"]) > 0
    assert metadata["trial"] == trial.id


async def test_one_trial_takes_one_vote(pair: Pair, workspace: Workspace) -> None:
    trial = sealed("base")
    await ask(trial, pair)
    results = await asyncio.gather(
        *(asyncio.to_thread(vote, workspace.store, trial, "left") for _ in range(8)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, EvaluateError) for result in results) == 7
    assert len(workspace.store.votes()) == 1
    with pytest.raises(EvaluateError, match="has its vote"):
        await ask(trial, pair)


async def test_a_vote_needs_both_answers(pair: Pair, workspace: Workspace) -> None:
    trial = new_trial(PROMPT)
    with pytest.raises(EvaluateError, match="both sides"):
        vote(workspace.store, trial, "left")
    async for chunk in trial.ask(pair, max_tokens=12, one_by_one=True):
        if chunk.done:
            break
    with pytest.raises(EvaluateError, match="both sides"):
        vote(workspace.store, trial, "left")
    with pytest.raises(EvaluateError, match="no choice"):
        vote(workspace.store, trial, "up")  # type: ignore[arg-type]
    assert workspace.store.votes() == []


async def test_a_vote_after_the_reveal_is_not_blind(pair: Pair, workspace: Workspace) -> None:
    trial = sealed("tuned")
    await ask(trial, pair)
    reveal(trial)
    assert not vote(workspace.store, trial, "left").blind


async def test_one_by_one_left_comes_whole_before_right(pair: Pair) -> None:
    chunks = await ask(sealed("tuned"), pair, one_by_one=True)
    positions = [chunk.position for chunk in chunks]
    assert positions == sorted(positions)
    assert set(positions) == {"left", "right"}


async def test_both_ways_of_asking_give_the_same_answers(pair: Pair) -> None:
    mixed, ordered = sealed("base"), sealed("tuned")
    await ask(mixed, pair)
    await ask(ordered, pair, one_by_one=True)
    assert mixed.text("left") == ordered.text("right")
    assert mixed.text("right") == ordered.text("left")


async def test_a_failure_does_not_tell_the_side(exported: Workspace, workspace: Workspace) -> None:
    with Pair.open(exported, "last") as pair:
        os.kill(pair._workers["tuned"].pid, signal.SIGKILL)
        trial = sealed("base")
        chunks = await ask(trial, pair)
        (failed,) = [chunk for chunk in chunks if chunk.error]
        assert failed.position == "right"
        assert failed.error is not None
        told = (
            failed.error.message
            + failed.error.hint
            + "".join(traceback.format_exception(failed.error))
        )
        assert "tuned" not in told
        assert "gguf" not in told
        assert "tuned" not in everything_drawable(trial)
        assert not trial.complete
        with pytest.raises(EvaluateError):
            vote(workspace.store, trial, "left")
        assert await asyncio.to_thread(pair.revive) == ("tuned",)
        await ask(trial, pair)
        assert trial.complete
        assert vote(workspace.store, trial, "right").choice == "tuned"


def test_votes_survive_a_restart(workspace: Workspace, pair: Pair) -> None:
    trial = sealed("base")
    asyncio.run(ask(trial, pair))
    given = vote(workspace.store, trial, "tie")
    workspace.close()
    again = Store.open(workspace.root / "finetui.db")
    assert again.votes() == [given]
    again.close()
