"""The line, its prompts, and the conversation, in a host app with two scripted sides."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest
from textual._path import CSSPathType
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from engine.errors import EvaluateError, WorkerDied
from engine.evaluate.pair import SIDES, Side
from engine.evaluate.system import FrozenSystem
from engine.export.held_out import Prompt
from engine.models import Turn
from engine.serve.protocol import Threads
from tests.tui.scripted import ScriptedHolder, ScriptedPair
from tests.tui.support import text_of, wait_until
from tui.messages import PartFailed
from tui.parts.chat_asking import Asking
from tui.parts.chat_words import side_state
from tui.stylesheets import stylesheet

PROMPTS = [Prompt((Turn("user", f"Prompt {n}?"),), n < 2, "Mine.") for n in (1, 2)]
BOTH: dict[Side, list[str]] = {"base": ["b1", "b2", "b3"], "tuned": ["t1", "t2", "t3"]}


class Host(App[None]):
    """Counts what the part tells."""

    CSS_PATH: ClassVar[CSSPathType | None] = [stylesheet("app"), stylesheet("chat")]
    AUTO_FOCUS = ""

    def __init__(self, pair: ScriptedPair | None) -> None:
        super().__init__()
        self.holder = ScriptedHolder(pair)
        self.changed = 0
        self.failed: list[BaseException] = []

    def compose(self) -> ComposeResult:
        yield Asking(self.holder)

    def on_asking_changed(self) -> None:
        self.changed += 1

    def on_part_failed(self, event: PartFailed) -> None:
        self.failed.append(event.error)


@asynccontextmanager
async def hosted(
    pair: ScriptedPair | None,
) -> AsyncIterator[tuple[Asking, Host, Pilot[Any]]]:
    app = Host(pair)
    async with app.run_test(size=(80, 10)) as pilot:
        asking = app.query_one(Asking)
        asking.restart(PROMPTS)
        yield asking, app, pilot


async def done(asking: Asking, pilot: Pilot[Any]) -> None:
    await wait_until(pilot, lambda: not asking.streaming)


async def say(asking: Asking, pilot: Pilot[Any], text: str) -> None:
    """Type a line in place of what stands there, and ask it."""
    asking.write()
    await wait_until(pilot, lambda: asking.writing)
    await pilot.press(*text)
    asking.send()
    await done(asking, pilot)


async def test_what_is_typed_replaces_the_old_question() -> None:
    async with hosted(ScriptedPair(BOTH)) as (asking, _, pilot):
        await say(asking, pilot, "one")
        await wait_until(pilot, lambda: not asking.writing)
        assert asking.line.value == "one"
        asking.write()
        await wait_until(pilot, lambda: asking.writing)
        await pilot.press(*"two")
        assert asking.line.value == "two"


async def test_a_typed_line_goes_on_with_the_conversation() -> None:
    pair = ScriptedPair(BOTH)
    async with hosted(pair) as (asking, _, pilot):
        assert "new conversation · open" in text_of(asking)
        await say(asking, pilot, "one")
        await wait_until(pilot, lambda: "turn 2 · open" in text_of(asking))
        await say(asking, pilot, "two")
        assert asking.talk is not None
        assert asking.talk.number == 2
        assert [turn.content for turn in pair.asked[1]["tuned"]] == ["one", "t1", "two"]
        assert [turn.content for turn in pair.asked[1]["base"]] == ["one", "b1", "two"]


async def test_a_new_conversation_knows_nothing_of_the_old_one() -> None:
    pair = ScriptedPair(BOTH)
    async with hosted(pair) as (asking, _, pilot):
        await say(asking, pilot, "one")
        asking.start_new()
        assert asking.talk is None
        await say(asking, pilot, "two")
        assert [turn.content for turn in pair.asked[1]["base"]] == ["two"]


async def test_a_prompt_starts_a_new_conversation() -> None:
    pair = ScriptedPair(BOTH)
    async with hosted(pair) as (asking, _, pilot):
        await say(asking, pilot, "one")
        asking.offer()
        await wait_until(pilot, lambda: "prompt 1 of 2 · held out" in text_of(asking))
        assert "new conversation" in text_of(asking)
        asking.send()
        await done(asking, pilot)
        assert asking.talk is not None
        assert asking.talk.current.prompt is PROMPTS[0]
        assert [turn.content for turn in pair.asked[1]["base"]] == ["Prompt 1?"]
        # One that was changed is one's own, and goes on.
        asking.offer()
        await wait_until(pilot, lambda: "prompt 2 of 2 · was trained on" in text_of(asking))
        asking.line.value += " Really?"
        await wait_until(pilot, lambda: "turn 2" in text_of(asking))


async def test_the_next_conversation_is_blind_not_this_one() -> None:
    async with hosted(ScriptedPair(BOTH)) as (asking, _, pilot):
        await say(asking, pilot, "one")
        assert asking.toggle_blind()
        await say(asking, pilot, "two")
        assert asking.talk is not None
        assert not asking.talk.sealed
        asking.offer()
        await wait_until(pilot, lambda: "new conversation · blind" in text_of(asking))
        asking.send()
        assert asking.talk.sealed
        await done(asking, pilot)


async def test_while_both_answer_nothing_else_is_asked() -> None:
    pair = ScriptedPair()
    async with hosted(pair) as (asking, app, pilot):
        asking.offer()
        asking.send()
        await wait_until(pilot, lambda: bool(pair.asked))
        with pytest.raises(EvaluateError, match="still answering"):
            asking.send()
        with pytest.raises(EvaluateError, match="still answering"):
            asking.ask_again()
        pair.say("base", "words ")
        pair.say("tuned", "words ")
        current = asking.talk.current if asking.talk is not None else None
        assert current is not None
        await wait_until(pilot, lambda: bool(current.shown("left") and current.shown("right")))
        assert asking.stop()
        await wait_until(pilot, lambda: not asking.streaming)
        assert current.votable
        assert not asking.stop()
        assert app.failed == []


async def test_a_side_that_fails_ends_the_question_and_it_can_be_asked_again() -> None:
    pair = ScriptedPair()
    async with hosted(pair) as (asking, _, pilot):
        asking.offer()
        asking.send()
        await wait_until(pilot, lambda: bool(pair.asked))
        pair.say("base", "words", done=True)
        pair.say("tuned", "", error=WorkerDied("it ended"))
        await done(asking, pilot)
        assert asking.talk is not None
        assert asking.talk.current.failed
        asking.ask_again()
        await wait_until(pilot, lambda: len(pair.asked) == 2)
        pair.say("base", "words", done=True)
        pair.say("tuned", "words", done=True)
        await done(asking, pilot)
        assert asking.talk.current.votable


async def test_without_models_nothing_can_be_asked() -> None:
    async with hosted(None) as (asking, _, pilot):
        asking.offer()
        with pytest.raises(EvaluateError, match="no models"):
            asking.send()
        with pytest.raises(EvaluateError, match="nothing was asked"):
            asking.ask_again()
        await pilot.pause()
        assert asking.talk is None


async def test_models_that_were_let_go_of_meanwhile_are_an_error() -> None:
    async with hosted(ScriptedPair(BOTH)) as (asking, app, pilot):
        asking.offer()
        asking.send()
        app.holder.scripted = None
        await wait_until(pilot, lambda: bool(app.failed))
        assert isinstance(app.failed[0], EvaluateError)
        await done(asking, pilot)
        assert asking.talk is not None
        assert asking.talk.current.failed


async def test_typed_questions_carry_the_datasets_system_prompt() -> None:
    pair = ScriptedPair(BOTH)
    async with hosted(pair) as (asking, _, pilot):
        asking.restart(PROMPTS, FrozenSystem("You are Ana.", 2, 0))
        await wait_until(pilot, lambda: "system: You are Ana." in text_of(asking))
        await say(asking, pilot, "one")
        await say(asking, pilot, "two")
        for side in SIDES:
            roles = [(turn.role, turn.content) for turn in pair.asked[1][side]]
            assert roles[:2] == [("system", "You are Ana."), ("user", "one")]
            assert roles[3:] == [("user", "two")]
        # It is changed for the next conversation, not for this one.
        asking.set_system("Be brief.")
        assert "system: You are Ana." in text_of(asking)
        asking.start_new()
        await wait_until(pilot, lambda: "system: Be brief." in text_of(asking))
        await say(asking, pilot, "three")
        assert [turn.content for turn in pair.asked[2]["base"]] == ["Be brief.", "three"]
        asking.set_system("")
        asking.start_new()
        await wait_until(pilot, lambda: "none: the dataset's is left out" in text_of(asking))
        await say(asking, pilot, "four")
        assert [turn.content for turn in pair.asked[3]["base"]] == ["four"]
        # A prompt of the dataset brings its own, or none.
        asking.set_system("You are Ana.")
        asking.offer()
        asking.send()
        await done(asking, pilot)
        assert [turn.content for turn in pair.asked[4]["base"]] == ["Prompt 1?"]


async def test_a_question_in_place_of_one_that_failed_keeps_the_system_prompt() -> None:
    pair = ScriptedPair()
    async with hosted(pair) as (asking, _, pilot):
        asking.restart((), FrozenSystem("You are Ana."))
        asking.write()
        await wait_until(pilot, lambda: asking.writing)
        await pilot.press(*"one")
        asking.send()
        await wait_until(pilot, lambda: bool(pair.asked))
        pair.say("base", "", error=WorkerDied("it ended"))
        pair.say("tuned", "", error=WorkerDied("it ended"))
        await done(asking, pilot)
        asking.write()
        await pilot.press(*"two")
        asking.send()
        await wait_until(pilot, lambda: len(pair.asked) == 2)
        assert [turn.content for turn in pair.asked[1]["base"]] == ["You are Ana.", "two"]
        asking.stop()


async def test_what_else_uses_the_processor_is_said_while_they_answer() -> None:
    pair = ScriptedPair()
    async with hosted(pair) as (asking, _, pilot):
        asking.offer()
        asking.send()
        await wait_until(pilot, lambda: bool(pair.asked))
        pair.say("base", "", threads=Threads(1, 4, "run 20260101-000000-3f2a"))
        await wait_until(
            pilot, lambda: "open · 1 of 4 threads a side beside run 3f2a " in text_of(asking)
        )
        pair.say("base", "", threads=Threads(4, 4))
        await wait_until(pilot, lambda: "beside" not in text_of(asking))
        busy = Threads(1, 1, "other programs")
        pair.say("base", "words", done=True, threads=busy)
        pair.say("tuned", "words", done=True, threads=busy)
        await done(asking, pilot)
        assert "1 thread a side beside other programs" in text_of(asking)
        assert asking.talk is not None
        state = side_state(asking.talk.current, "left")
        assert state == "1 tokens · first 0.21 s · 21.4 tokens/s · 1 thread"
