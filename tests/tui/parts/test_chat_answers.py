"""The answers in a host app with the real stylesheet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar, cast

from textual._path import CSSPathType
from textual.app import App, ComposeResult
from textual.content import Content
from textual.pilot import Pilot

from engine.evaluate.pair import Pair
from engine.export.held_out import Prompt
from engine.models import Turn
from tests.tui.scripted import ScriptedPair, lines
from tests.tui.support import text_of, wait_until
from tui.parts.chat_answers import Answers
from tui.parts.chat_talk import Talk
from tui.stylesheets import stylesheet

SMALL, LARGE = (80, 17), (160, 38)
PROMPT = Prompt((Turn("user", "Why?"),), held_out=True, answer="What I wrote.")


class Host(App[None]):
    CSS_PATH: ClassVar[CSSPathType | None] = [stylesheet("app"), stylesheet("chat")]

    def compose(self) -> ComposeResult:
        yield Answers()


@asynccontextmanager
async def hosted(size: tuple[int, int]) -> AsyncIterator[tuple[Answers, Pilot[Any]]]:
    app = Host()
    async with app.run_test(size=size) as pilot:
        yield app.query_one(Answers), pilot


async def answered(
    base: str, tuned: str, *, blind: bool = False, prompt: Prompt | None = None
) -> Talk:
    talk = Talk(PROMPT.turns, blind=blind, prompt=prompt)
    await answer(talk, base, tuned)
    return talk


async def answer(talk: Talk, base: str, tuned: str) -> None:
    pair = cast("Pair", ScriptedPair({"base": [base], "tuned": [tuned]}))
    async for chunk in talk.current.trial.ask(pair):
        talk.current.take(chunk)
    talk.current.uncover()


async def test_in_80_columns_a_stands_above_b() -> None:
    async with hosted(SMALL) as (answers, pilot):
        answers.show(await answered(lines("base", 3), lines("tuned", 3)))
        await wait_until(pilot, lambda: "tuned 3" in text_of(answers))
        rows = text_of(answers).splitlines()
        first, second = (
            next(index for index, row in enumerate(rows) if name in row)
            for name in ("─ A · base", "─ B · tuned")
        )
        assert first < second
        assert "base 3" in "\n".join(rows[first:second])


async def test_in_160_columns_a_stands_beside_b() -> None:
    async with hosted(LARGE) as (answers, pilot):
        answers.show(await answered(lines("base", 3), lines("tuned", 3)))
        await wait_until(pilot, lambda: "tuned 3" in text_of(answers))
        row = next(row for row in text_of(answers).splitlines() if "─ A · base" in row)
        assert "─ B · tuned" in row
        await pilot.resize_terminal(*SMALL)
        await wait_until(pilot, lambda: answers.stacked)


async def test_one_key_reads_both_to_the_end() -> None:
    async with hosted(SMALL) as (answers, pilot):
        answers.show(await answered(lines("base", 20), lines("tuned", 14)))
        await wait_until(pilot, lambda: "more lines ↓" in text_of(answers))
        assert not answers.all_seen
        pages = 0
        while answers.more:
            answers.page(1)
            pages += 1
            await wait_until(pilot, lambda: answers.left.scroll_offset.y > 0)
            await pilot.pause()
        await wait_until(pilot, lambda: answers.all_seen)
        assert pages <= 4
        assert text_of(answers).count("seen") == 2
        assert "base 20" in text_of(answers)
        assert "tuned 14" in text_of(answers)


async def test_lines_that_were_jumped_over_are_named() -> None:
    async with hosted(SMALL) as (answers, pilot):
        answers.show(await answered(lines("base", 30), "one"))
        await wait_until(pilot, lambda: "more lines ↓" in text_of(answers))
        answers.jump("end")
        await wait_until(pilot, lambda: "↑ not shown" in text_of(answers))
        assert not answers.all_seen
        answers.jump("start")
        await wait_until(pilot, lambda: text_of(answers).count("more lines ↓") == 1)


async def test_a_short_answer_leaves_its_rows_to_the_long_one() -> None:
    async with hosted(SMALL) as (answers, pilot):
        answers.show(await answered("one", lines("tuned", 11)))
        await wait_until(pilot, lambda: "tuned 11" in text_of(answers))
        assert answers.all_seen


async def test_either_answer_can_be_made_larger() -> None:
    async with hosted(SMALL) as (answers, pilot):
        answers.show(await answered(lines("base", 30), lines("tuned", 30)))
        await wait_until(pilot, lambda: "more lines ↓" in text_of(answers))
        half = answers.left.size.height
        answers.enlarge()
        await wait_until(pilot, lambda: answers.left.size.height > half + 3)
        await wait_until(
            pilot, lambda: "B · tuned · 30 more lines ↓" in text_of(answers), seconds=3
        )
        answers.enlarge()
        await wait_until(pilot, lambda: answers.right.size.height > half + 3)
        assert "A · base · " in text_of(answers)
        answers.enlarge()
        await wait_until(pilot, lambda: answers.left.size.height == half)


async def test_sealed_sides_tell_nothing() -> None:
    async with hosted(SMALL) as (answers, pilot):
        talk = await answered("first words", "other words", blind=True)
        answers.show(talk)
        await wait_until(pilot, lambda: text_of(answers).count("sealed") == 2)
        shown = text_of(answers)
        assert not any(word in shown for word in ("base", "tuned", "tokens"))
        talk.reveal()
        answers.show(talk)
        await wait_until(pilot, lambda: text_of(answers).count("tokens/s") == 2)


async def test_the_turn_is_named_and_earlier_ones_can_be_scrolled_to() -> None:
    async with hosted(SMALL) as (answers, pilot):
        talk = await answered("base said this", "tuned said that")
        answers.show(talk)
        talk.go_on("And then?")
        answers.show(talk)
        await answer(talk, "base again", "tuned again")
        answers.show(talk)
        await wait_until(pilot, lambda: "tuned again" in text_of(answers))
        assert "› turn 2 · And then?" in text_of(answers)
        assert "said this" not in text_of(answers)
        answers.page(-1)
        await wait_until(pilot, lambda: "base said this" in text_of(answers))
        assert "tuned said that" in text_of(answers)


async def test_what_the_person_wrote_is_shown_when_asked_for_and_not_for_the_next() -> None:
    async with hosted(SMALL) as (answers, pilot):
        answers.show(await answered("b", "t"))
        assert not answers.toggle_own()
        answers.show(await answered("b", "t", prompt=PROMPT))
        assert answers.toggle_own()
        await wait_until(pilot, lambda: "What I wrote." in text_of(answers))
        answers.show(await answered("b", "t", prompt=PROMPT))
        await wait_until(pilot, lambda: "What I wrote." not in text_of(answers))


async def test_before_a_question_it_teaches() -> None:
    async with hosted(SMALL) as (answers, pilot):
        answers.teach(Content("do this"), Content("or that"))
        await wait_until(pilot, lambda: "or that" in text_of(answers))
        answers.show(await answered("b", "t"))
        await wait_until(pilot, lambda: "do this" not in text_of(answers))
        assert answers.all_seen
