"""Lists that are drawn: the cursor, the scrolling, and what a move repaints."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import App, ComposeResult
from textual.geometry import Region

from tests.tui.support import text_of
from tui.widgets.rows import FixedRows, Part, RowList
from tui.widgets.textpane import Block, TextPane, text


class Million(RowList):
    """A million rows, none of them in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn: list[int] = []

    @property
    def count(self) -> int:
        return 1_000_000

    def draw(self, index: int, width: int) -> Sequence[Part]:
        self.drawn.append(index)
        return [(f"row {index}", "row")]


class Host(App[None]):
    """One list."""

    def __init__(self, widget: RowList | TextPane) -> None:
        super().__init__()
        self.widget = widget
        self.moves: list[int] = []
        self.chosen: list[int] = []

    def compose(self) -> ComposeResult:
        yield self.widget

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        self.moves.append(event.index)

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        self.chosen.append(event.index)


async def test_a_million_rows_draw_only_what_is_seen() -> None:
    rows = Million()
    app = Host(rows)
    async with app.run_test(size=(40, 10)) as pilot:
        rows.rows_changed()
        await pilot.pause()
        assert set(rows.drawn) <= set(range(10))
        rows.move_to(999_999)
        await pilot.pause()
        assert text_of(rows).splitlines()[-1].startswith("▌row 999999")
        assert app.moves == [999_999]
        rows.move_to(2_000_000)
        assert rows.cursor == 999_999


async def test_a_move_repaints_two_rows() -> None:
    rows = Million()
    app = Host(rows)
    async with app.run_test(size=(40, 10)) as pilot:
        rows.rows_changed()
        await pilot.pause()
        regions: list[Region] = []
        refresh = rows.refresh

        def counting(*given: Region, **options: bool) -> RowList:
            regions.extend(given or [Region(0, 0, 40, 10)])
            return refresh(*given, **options)

        rows.refresh = counting  # type: ignore[method-assign, assignment]
        rows.move(1)
        await pilot.pause()
        assert sorted(region.y for region in regions) == [0, 1]
        assert {region.height for region in regions} == {1}


async def test_the_cursor_stays_in_sight_and_in_the_list() -> None:
    rows = FixedRows()
    app = Host(rows)
    async with app.run_test(size=(40, 5)) as pilot:
        rows.show([[(f"row {index}", "row")] for index in range(30)])
        rows.page(2)
        await pilot.pause()
        assert f"▌row {rows.cursor}" in text_of(rows)
        rows.show([[("only", "row")]])
        await pilot.pause()
        assert rows.cursor == 0
        assert text_of(rows).splitlines()[0].rstrip() == "▌only"
        rows.show([])
        await pilot.pause()
        assert rows.cursor == 0
        rows.move(1)
        assert rows.cursor == 0


class Ahead(Million):
    """The same, with what comes next kept in sight."""

    LOOK_AHEAD = True

    @property
    def count(self) -> int:
        return 30


async def test_a_list_that_looks_ahead_jumps_by_half_a_page() -> None:
    rows = Ahead()
    app = Host(rows)
    async with app.run_test(size=(40, 10)) as pilot:
        rows.rows_changed()
        await pilot.pause()
        tops: list[int] = []
        for index in range(1, 30):
            rows.move(1)
            await pilot.pause()
            top = rows.scroll_offset.y
            assert rows.cursor == index
            # A row that follows is in sight, but at the very end.
            assert top <= index < top + 9 or index == 29
            if not tops or tops[-1] != top:
                tops.append(top)
        assert tops == [0, 4, 8, 12, 16, 20]
        rows.move_to(19)
        await pilot.pause()
        assert rows.scroll_offset.y == 14


async def test_the_mouse_moves_the_cursor_and_a_second_click_chooses() -> None:
    rows = FixedRows()
    app = Host(rows)
    async with app.run_test(size=(40, 5)) as pilot:
        rows.styles.border = ("round", "red")
        rows.show([[(f"row {index}", "row")] for index in range(3)])
        await pilot.pause()
        await pilot.click(rows, offset=(3, 2))
        await pilot.pause()
        assert rows.cursor == 1
        assert app.chosen == []
        await pilot.click(rows, offset=(3, 2))
        await pilot.pause()
        assert app.chosen == [1]


async def test_text_is_wrapped_indented_and_scrolled() -> None:
    pane = TextPane()
    app = Host(pane)
    async with app.run_test(size=(30, 4)) as pilot:
        pane.show(
            [
                Block(text("head"), right=text("14 tokens")),
                Block(text("a longer line of words that has to be wrapped"), indent=2),
                Block(text("[bold]as it is[/]")),
            ]
        )
        await pilot.pause()
        lines = text_of(pane).splitlines()
        assert lines[0] == "head" + " " * 15 + "14 tokens"
        assert lines[1].startswith("  a longer")
        assert lines[2].startswith("  ")
        pane.pages_down(1)
        await pilot.pause()
        assert "[bold]as it is[/]" in text_of(pane)
        assert pane.text.startswith("head\n")


async def test_a_line_that_does_not_wrap_is_cut_before_what_is_at_its_right() -> None:
    pane = TextPane()
    app = Host(pane)
    async with app.run_test(size=(30, 4)) as pilot:
        head = Block(text("a place that is far too long"), right=text("! 2 flags"), wraps=False)
        pane.show([head, Block(text("the text"))])
        await pilot.pause()
        first, second, *_ = text_of(pane).splitlines()
        assert first.rstrip().endswith("… ! 2 flags")
        assert second.startswith("the text")


async def test_an_update_in_place_keeps_the_place_and_paints_the_difference() -> None:
    pane = TextPane()
    app = Host(pane)
    async with app.run_test(size=(30, 4)) as pilot:
        blocks = [Block(text(f"line {index}")) for index in range(10)]
        pane.show(blocks)
        pane.lines_down(3)
        await pilot.pause()
        blocks[4] = Block(text("line X"))
        pane.show(blocks, top=False)
        await pilot.pause()
        assert pane.scroll_offset.y == 3
        assert "line X" in text_of(pane)
        pane.show([Block(text("short"))])
        await pilot.pause()
        assert text_of(pane).strip() == "short"


async def test_a_resize_wraps_anew() -> None:
    pane = TextPane()
    app = Host(pane)
    async with app.run_test(size=(60, 6)) as pilot:
        pane.show([Block(text("words " * 9))])
        await pilot.pause()
        assert text_of(pane).strip().count("\n") == 0
        await pilot.resize_terminal(20, 6)
        await pilot.pause()
        assert text_of(pane).strip().count("\n") >= 2
