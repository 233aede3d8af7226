"""The answer pane: wrapped, inert, and right however the text arrives."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.content import Content

from tests.tui.support import text_of
from tui.widgets.answer import Answer

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


async def test_it_follows_the_end_until_someone_scrolls_up() -> None:
    app = Host()
    async with app.run_test(size=(40, 5)) as pilot:
        answer = app.query_one(Answer)
        text = "\n".join(f"line {number}" for number in range(30))
        answer.show(text)
        await pilot.pause()
        assert "line 29" in text_of(answer)
        answer.scroll_home(animate=False)
        await pilot.pause()
        answer.show(text + "\nline 30")
        await pilot.pause()
        assert "line 0" in text_of(answer)
        assert "line 30" not in text_of(answer)


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


async def test_a_lower_pane_has_its_end_in_view() -> None:
    app = Host()
    async with app.run_test(size=(40, 20)) as pilot:
        answer = app.query_one(Answer)
        answer.show("\n".join(f"line {number}" for number in range(10)))
        await pilot.pause()
        await pilot.resize_terminal(40, 5)
        await pilot.pause()
        assert "line 9" in text_of(answer)
        await pilot.resize_terminal(40, 20)
        await pilot.pause()
        assert "line 0" in text_of(answer)


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
