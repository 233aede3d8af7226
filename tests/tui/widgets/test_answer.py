"""The answer pane: wrapped, inert, and right however the text arrives."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.content import Content
from textual.screen import ModalScreen

from tests.tui.scripted import lines
from tests.tui.support import text_of, wait_until
from tui.widgets.answer import Answer, Exchange

LONG = "Three evenings in a row I caught myself reading the same page. " * 4


class Host(App[None]):
    def compose(self) -> ComposeResult:
        yield Answer()


async def test_text_wraps_at_words_and_grows() -> None:
    app = Host()
    async with app.run_test(size=(40, 12)) as pilot:
        answer = app.query_one(Answer)
        for end in range(0, len(LONG), 7):
            answer.show(LONG[:end])
        answer.show(LONG)
        await pilot.pause()
        assert " ".join(" ".join(answer.lines).split()) == LONG.strip()
        assert all(len(line) <= 40 for line in answer.lines)
        assert "Three evenings in a row I caught" in text_of(answer)


async def test_the_view_stays_at_the_start_while_the_text_grows() -> None:
    app = Host()
    async with app.run_test(size=(40, 5)) as pilot:
        answer = app.query_one(Answer)
        for count in range(1, 31):
            answer.show(lines("line", count))
        await wait_until(pilot, lambda: "line 5" in text_of(answer))
        assert text_of(answer).startswith("line 1")
        assert answer.below == 25
        answer.page(1)
        await wait_until(pilot, lambda: text_of(answer).startswith("line 5"))
        answer.show(lines("line", 31))
        await wait_until(pilot, lambda: answer.below == 22)
        assert text_of(answer).startswith("line 5")


async def test_it_knows_which_lines_were_on_the_screen() -> None:
    app = Host()
    async with app.run_test(size=(40, 5)) as pilot:
        answer = app.query_one(Answer)
        answer.show(lines("line", 12))
        await wait_until(pilot, lambda: answer.unseen == 7)
        answer.to_end()
        await wait_until(pilot, lambda: answer.unseen == 2)
        assert answer.unseen_above
        answer.page(-1)
        await wait_until(pilot, lambda: answer.unseen == 0)
        answer.to_start()
        await pilot.pause()
        assert answer.unseen == 0


async def test_what_was_seen_stays_seen_at_another_size() -> None:
    app = Host()
    async with app.run_test(size=(80, 6)) as pilot:
        answer = app.query_one(Answer)
        answer.show(LONG)
        await wait_until(pilot, lambda: answer.unseen == 0)
        await pilot.resize_terminal(20, 4)
        await wait_until(pilot, lambda: len(answer.lines) > 12)
        assert answer.unseen == 0
        # And what was seen of a narrow text is not all of a wide one's lines.
        answer.show(LONG * 2)
        await pilot.resize_terminal(60, 4)
        await wait_until(pilot, lambda: 0 < answer.unseen < len(answer.lines))


async def test_an_answer_behind_a_dialog_is_not_seen() -> None:
    app = Host()
    async with app.run_test(size=(40, 5)) as pilot:
        answer = app.query_one(Answer)
        await app.push_screen(ModalScreen())
        answer.show("one line")
        await wait_until(pilot, lambda: "one line" in answer.text)
        await pilot.pause()
        assert answer.unseen == 1
        app.pop_screen()
        await pilot.pause()
        answer.look()
        await wait_until(pilot, lambda: answer.unseen == 0)


async def test_another_answer_was_never_seen() -> None:
    app = Host()
    async with app.run_test(size=(40, 5)) as pilot:
        answer = app.query_one(Answer)
        answer.show(lines("line", 12), key=1)
        answer.page(1)
        answer.page(1)
        await wait_until(pilot, lambda: answer.below == 0)
        # The very same words again, by somebody else.
        answer.show(lines("line", 12), key=2)
        await wait_until(pilot, lambda: answer.unseen == 7)
        assert text_of(answer).startswith("line 1")


async def test_earlier_turns_stand_above_the_answer() -> None:
    app = Host()
    async with app.run_test(size=(40, 6)) as pilot:
        answer = app.query_one(Answer)
        earlier = [Exchange("Why?", "Because."), Exchange("And then?", "Nothing.")]
        answer.show("", key=3, earlier=earlier)
        answer.show("The third.", key=3, earlier=earlier)
        await wait_until(pilot, lambda: text_of(answer).startswith("The third."))
        assert "Because." not in text_of(answer)
        answer.page(-1)
        await wait_until(pilot, lambda: "Nothing." in text_of(answer))
        assert "── turn 3 ──" in text_of(answer)
        answer.page(-1)
        await wait_until(pilot, lambda: "Because." in text_of(answer))
        assert text_of(answer).startswith("── turn 1 ──")
        assert answer.unseen == 0
        await pilot.resize_terminal(20, 6)
        answer.to_start()
        await wait_until(pilot, lambda: text_of(answer).startswith("The third."))


async def test_another_height_keeps_the_start_of_the_answer() -> None:
    app = Host()
    async with app.run_test(size=(40, 4)) as pilot:
        answer = app.query_one(Answer)
        answer.show("The second.", earlier=[Exchange("Why?", "Because.")])
        for rows in (4, 7, 12, 3):
            await pilot.resize_terminal(40, rows)
            await wait_until(pilot, lambda rows=rows: answer.size.height == rows)  # type: ignore[misc]
            await wait_until(pilot, lambda: text_of(answer).startswith("The second."))


async def test_escapes_and_markup_are_shown_as_text() -> None:
    app = Host()
    async with app.run_test(size=(60, 5)) as pilot:
        answer = app.query_one(Answer)
        answer.show("\x1b[2J[bold]boo[/bold]")
        await pilot.pause()
        assert r"\x1b[2J[bold]boo[/bold]" in text_of(answer)


async def test_a_note_stands_where_no_text_is_yet() -> None:
    app = Host()
    async with app.run_test(size=(60, 5)) as pilot:
        answer = app.query_one(Answer)
        answer.show("", note=Content("loading the base…"))
        await pilot.pause()
        assert "loading the base…" in text_of(answer)
        answer.show("Hello")
        await pilot.pause()
        assert "loading" not in text_of(answer)
        assert "Hello" in text_of(answer)


async def test_another_width_wraps_again() -> None:
    app = Host()
    async with app.run_test(size=(40, 12)) as pilot:
        answer = app.query_one(Answer)
        answer.show(LONG)
        await pilot.pause()
        narrow = len(answer.lines)
        await pilot.resize_terminal(80, 12)
        await pilot.pause()
        assert len(answer.lines) < narrow


async def test_while_the_text_fits_no_layout_is_needed() -> None:
    app = Host()
    async with app.run_test(size=(40, 20)) as pilot:
        answer = app.query_one(Answer)
        answer.show("One word")
        await pilot.pause()
        before = answer.virtual_size
        answer.show("One word" + " and another" * 20)
        assert len(answer.lines) > 5
        assert answer.virtual_size == before


async def test_another_width_keeps_the_place() -> None:
    app = Host()
    async with app.run_test(size=(80, 4)) as pilot:
        answer = app.query_one(Answer)
        answer.show("\n".join(f"{number} " + "word " * 12 for number in range(20)))
        answer.line(10)
        await wait_until(pilot, lambda: text_of(answer).startswith("10 "))
        await pilot.resize_terminal(30, 4)
        await wait_until(pilot, lambda: text_of(answer).startswith("10 "))
        await pilot.resize_terminal(80, 4)
        await wait_until(pilot, lambda: text_of(answer).startswith("10 "))


@pytest.mark.parametrize("size", [(30, 6), (80, 12)])
async def test_arriving_in_pieces_is_the_same_as_at_once(size: tuple[int, int]) -> None:
    app = Host()
    async with app.run_test(size=size):
        answer = app.query_one(Answer)

        @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(st.lists(st.text(alphabet="ab \n\t日🙂\x1b", max_size=12), max_size=12))
        def pieces(parts: list[str]) -> None:
            answer.show("")
            text = ""
            for part in parts:
                text += part
                answer.show(text)
            streamed = answer.lines
            answer.show("")
            answer.show(text)
            assert answer.lines == streamed

        pieces()
