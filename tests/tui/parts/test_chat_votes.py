"""The votes on a run, in a host app with a real store."""

from __future__ import annotations

from typing import cast

from textual.app import App, ComposeResult

from engine.evaluate.blind import Trial, follow, new_trial
from engine.evaluate.pair import Pair
from engine.store import Store
from engine.workspace import Workspace
from tests.tui.scripted import RUN, ScriptedPair
from tests.tui.support import text_of, wait_until
from tui.parts.chat_votes import Votes


class Host(App[None]):
    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store

    def compose(self) -> ComposeResult:
        yield Votes(self._store)


async def answered(trial: Trial) -> Trial:
    pair = cast("Pair", ScriptedPair({"base": ["b"], "tuned": ["t"]}))
    async for _ in trial.ask(pair):
        pass
    return trial


async def test_a_vote_is_given_counted_and_taken_back(workspace: Workspace) -> None:
    app = Host(workspace.store)
    async with app.run_test(size=(70, 3)) as pilot:
        votes = app.query_one(Votes)
        votes.count(RUN, blind=True)
        await wait_until(pilot, lambda: text_of(votes).endswith("no votes yet"))
        trial = await answered(new_trial("Why?"))
        given = await votes.give(trial, "tie")
        assert workspace.store.votes() == [given]
        votes.count(RUN, blind=True)
        await wait_until(pilot, lambda: text_of(votes).endswith("tuned won 0, lost 0, tied 1"))
        assert votes.given == 1
        assert await votes.take_back(RUN, [trial]) == given
        votes.count(RUN, blind=True)
        await wait_until(pilot, lambda: text_of(votes).endswith("no votes yet"))
        assert votes.given == 0
        # The same answers can be judged again.
        await votes.give(trial, "both-bad")
        assert await votes.take_back("another-run", []) is None


async def test_votes_of_sealed_sides_do_not_move_the_score(workspace: Workspace) -> None:
    app = Host(workspace.store)
    async with app.run_test(size=(70, 3)) as pilot:
        votes = app.query_one(Votes)
        before = await answered(new_trial("Before?"))
        await votes.give(before, "tie")
        first = await answered(new_trial("Why?"))
        second = await answered(follow(first, "And then?"))
        for trial in (first, second):
            await votes.give(trial, "left")
        votes.count(RUN, blind=True, without={first.id, second.id})
        await wait_until(pilot, lambda: text_of(votes).endswith("tuned won 0, lost 0, tied 1"))
        assert votes.given == 3
        votes.count(RUN, blind=True)
        await wait_until(pilot, lambda: "at 95%" in text_of(votes))


async def test_a_narrow_line_keeps_the_counts(workspace: Workspace) -> None:
    app = Host(workspace.store)
    async with app.run_test(size=(40, 3)) as pilot:
        votes = app.query_one(Votes)
        await votes.give(await answered(new_trial("Why?")), "left")
        votes.count(RUN, blind=True)
        await wait_until(pilot, lambda: "tied 0" in text_of(votes))
        assert "95%" not in text_of(votes)
        await pilot.resize_terminal(70, 3)
        await wait_until(pilot, lambda: text_of(votes).endswith("95%"))
