"""The log view: batches, inert lines, and following the end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult

from tests.tui.support import text_of
from tui.widgets.logview import MAX_LINES, LogView, wrapped


class Host(App[None]):
    def compose(self) -> ComposeResult:
        yield LogView()


async def test_foreign_lines_are_inert() -> None:
    app = Host()
    async with app.run_test(size=(60, 10)) as pilot:
        log = app.query_one(LogView)
        log.add(["\x1b[31m[red]loss[/red]", "tab\there", "form\x0cfeed\u2028line", ""])
        await pilot.pause()
        shown = text_of(log)
        assert r"\x1b[31m[red]loss[/red]" in shown
        assert len(log.lines) == 4
        assert not any("\x1b" in line for line in log.lines)


async def test_it_keeps_the_newest_lines_and_their_end_in_view() -> None:
    app = Host()
    async with app.run_test(size=(60, 10)) as pilot:
        log = app.query_one(LogView)
        log.add(f"line {number}" for number in range(MAX_LINES + 10))
        await pilot.pause()
        assert len(log.lines) == MAX_LINES
        assert f"line {MAX_LINES + 9}" in text_of(log)
        log.scroll_home(animate=False)
        await pilot.pause()
        log.add(["news"])
        await pilot.pause()
        assert "news" not in text_of(log)


async def test_replacing_shows_another_log() -> None:
    app = Host()
    async with app.run_test(size=(60, 10)) as pilot:
        log = app.query_one(LogView)
        log.add(["of the first run"])
        log.replace(["of the second run"])
        await pilot.pause()
        assert text_of(log).split("\n")[0] == "of the second run"
        assert list(log.lines) == ["of the second run"]


async def test_it_follows_from_the_first_line_on() -> None:
    app = Host()
    async with app.run_test(size=(60, 6)) as pilot:
        log = app.query_one(LogView)
        for number in range(40):
            log.add([f"line {number}"])
            await pilot.pause()
        assert text_of(log).rstrip().endswith("line 39")


async def test_the_scrollbar_stands_where_the_text_does() -> None:
    app = Host()
    async with app.run_test(size=(60, 6)) as pilot:
        log = app.query_one(LogView)
        log.replace([f"line {number}" for number in range(60)])
        await pilot.pause()
        await pilot.pause()
        assert log.vertical_scrollbar.position == log.scroll_y == log.max_scroll_y


async def test_long_lines_are_wrapped_where_that_is_wanted() -> None:
    app = Host()
    async with app.run_test(size=(40, 12)) as pilot:
        log = app.query_one(LogView)
        long = "one two three four five six seven eight nine ten END"
        log.add(["short", long, "東" * 30])
        await pilot.pause()
        assert "END" not in text_of(log)
        log.wraps = True
        await pilot.pause()
        assert "END" in text_of(log)
        assert text_of(log).count("東") == 30
        # Lines that come later are wrapped too, and another width wraps all of them anew.
        log.add(["§" * 60])
        await pilot.resize_terminal(30, 24)
        await pilot.pause()
        assert text_of(log).count("§") == 60
        assert all(cell_len(line) <= 30 for line in text_of(log).splitlines())
        log.wraps = False
        await pilot.pause()
        assert "END" not in text_of(log)
        assert len(log.lines) == 4


@given(st.lists(st.text(max_size=200), max_size=5), st.integers(2, 60))
def test_wrapping_loses_no_character(lines: list[str], width: int) -> None:
    pieces = list(wrapped(lines, width))
    assert "".join(pieces) == "".join(lines)
    assert all(cell_len(piece) <= width for piece in pieces)
