"""The log view: batches, inert lines, and following the end."""

from __future__ import annotations

from typing import Self

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.geometry import Offset, Region
from textual.selection import Selection

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


async def test_a_search_goes_to_the_newest_match_and_on_from_there() -> None:
    app = Host()
    async with app.run_test(size=(60, 10)) as pilot:
        log = app.query_one(LogView)
        log.add(f"step {number} {'Loss' if number % 100 == 0 else 'rate'}" for number in range(501))
        await pilot.pause()
        assert log.count("loss") == 6
        assert log.count("Loss") == 6
        assert log.count("LOSS") == 0  # a capital counts
        assert log.search("loss") == (6, 6)
        assert log.go_to_match(-1) == (5, 6)
        await pilot.pause()
        assert "step 400 Loss" in text_of(log)
        assert not log.is_following
        assert log.go_to_match(1) == (6, 6)
        assert log.go_to_match(1) == (1, 6)  # round to the oldest
        await pilot.pause()
        assert "step 0 Loss" in text_of(log)
        # What comes meanwhile is counted and does not move the text.
        log.add(["loss, at last"])
        assert log.go_to_match(1) == (2, 7)
        assert log.search("nowhere") == (0, 0)
        assert log.search("") == (0, 0)


async def test_a_match_that_was_dropped_is_not_gone_back_to() -> None:
    app = Host()
    async with app.run_test(size=(60, 10)) as pilot:
        log = app.query_one(LogView)
        log.add(["needle old", *["hay"] * (MAX_LINES - 2), "needle new"])
        await pilot.pause()
        assert log.search("needle") == (2, 2)
        assert log.go_to_match(-1) == (1, 2)
        log.add(["hay", "hay"])
        assert log.go_to_match(-1) == (1, 1)
        await pilot.pause()
        assert "needle new" in text_of(log)


async def test_a_match_in_a_wrapped_line_is_gone_to() -> None:
    app = Host()
    async with app.run_test(size=(40, 8)) as pilot:
        log = app.query_one(LogView)
        log.wraps = True
        log.add([*[f"{n} " + "wrapped " * 20 for n in range(40)], "needle", *["w " * 90] * 40])
        await pilot.pause()
        assert log.search("needle") == (1, 1)
        await pilot.pause()
        assert "needle" in text_of(log)


async def test_what_is_found_is_shown_where_it_stands() -> None:
    app = Host()
    async with app.run_test(size=(60, 4)) as pilot:
        log = app.query_one(LogView)
        log.add(["東京 step 12 loss 2.5"])
        log.search("12")
        await pilot.pause()
        found = [segment.text for segment in log.render_line(0) if segment.style.reverse]  # type: ignore[union-attr]
        assert found == ["12"]


async def test_a_held_log_stays_though_its_end_is_in_view() -> None:
    app = Host()
    async with app.run_test(size=(60, 6)) as pilot:
        log = app.query_one(LogView)
        log.add(f"line {number}" for number in range(40))
        await pilot.pause()
        log.hold()
        log.add(["news"])
        await pilot.pause()
        assert "news" not in text_of(log)
        log.scroll_end(animate=False)
        await pilot.pause()
        await pilot.pause()
        assert "news" in text_of(log)
        log.add(["more of it"])
        await pilot.pause()
        assert "more of it" not in text_of(log)
        log.follow()
        await pilot.pause()
        assert "more of it" in text_of(log)


async def test_a_wrapped_line_is_copied_as_one() -> None:
    app = Host()
    async with app.run_test(size=(40, 12)) as pilot:
        log = app.query_one(LogView)
        long = "pip install --no-deps something==1.0 and then some more of it " * 2
        log.add(["before", long, "after \x1b[31m"])
        log.wraps = True
        await pilot.pause()
        assert len(log.lines) > 3
        found = log.get_selection(Selection(None, None))
        assert found is not None
        assert found[0] == f"before\n{long}\nafter \\x1b[31m"
        within = log.get_selection(Selection(Offset(0, 1), Offset(4, 3)))
        assert within is not None
        assert within[0] == "".join(log.lines[1:3]) + log.lines[3][:4]


class Watched(LogView):
    """Remembers what it asked to be painted; None for all of it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[Region, ...] | None] = []

    def refresh(
        self,
        *regions: Region,
        repaint: bool = True,
        layout: bool = False,
        recompose: bool = False,
    ) -> Self:
        if repaint or layout:
            self.asked.append(regions if regions and not layout else None)
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)


class WatchedHost(App[None]):
    def compose(self) -> ComposeResult:
        yield Watched()


async def test_a_new_line_paints_the_columns_that_differ_and_nothing_else() -> None:
    app = WatchedHost()
    async with app.run_test(size=(60, 8)) as pilot:
        log = app.query_one(Watched)
        log.add(f"step {number}/9999  loss 2.5" for number in range(1000, 2000))
        await pilot.pause()
        log.asked.clear()
        log.add(["step 2000/9999  loss 2.5"])
        await pilot.pause()
        assert text_of(log).rstrip().endswith("step 2000/9999  loss 2.5")
        assert log.asked
        assert None not in log.asked
        # Of "step 1994" and "step 1995" one digit differs; of "step 1999" and "2000" four.
        cells = sum(region.area for regions in log.asked if regions for region in regions)
        assert cells <= 7 + 3 + 3
        log.asked.clear()
        log.add([])
        await pilot.pause()
        assert log.asked == []


@given(st.lists(st.text(max_size=200), max_size=5), st.integers(2, 60))
def test_wrapping_loses_no_character(lines: list[str], width: int) -> None:
    pieces = list(wrapped(lines, width))
    assert "".join(pieces) == "".join(lines)
    assert all(cell_len(piece) <= width for piece in pieces)
