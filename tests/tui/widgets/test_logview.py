"""The log view: batches, inert lines, and following the end."""

from __future__ import annotations

from textual.app import App, ComposeResult

from tests.tui.support import text_of
from tui.widgets.logview import MAX_LINES, LogView


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
