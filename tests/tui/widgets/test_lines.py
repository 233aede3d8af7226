"""A panel of lines: only what changed is painted again."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from textual.app import App, ComposeResult
from textual.content import Content
from textual.geometry import Region

from tests.tui.support import text_of
from tui.widgets.lines import Lines, changed_columns


class Recorded(Lines):
    """Lines that note which regions they asked to have painted."""

    def __init__(self, lines: Sequence[Content]) -> None:
        super().__init__(lines=lines)
        self.painted: list[tuple[Region, ...]] = []

    def refresh(
        self,
        *regions: Region,
        repaint: bool = True,
        layout: bool = False,
        recompose: bool = False,
    ) -> Recorded:
        if hasattr(self, "painted"):
            self.painted.append(regions)
        super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)
        return self


class Host(App[None]):
    def compose(self) -> ComposeResult:
        yield Recorded([Content("step 11"), Content("loss 2.31")])


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("same", "same", None),
        ("step 11", "step 12", (6, 7)),
        ("a", "abc", (1, 3)),
        ("abc", "a", (1, 3)),
        ("日本 1", "日本 2", (5, 6)),
        ("日本", "日a", (2, 4)),
        ("", "x", (0, 1)),
    ],
)
def test_changed_columns(old: str, new: str, expected: tuple[int, int] | None) -> None:
    assert changed_columns(Content(old), Content(new)) == expected


def test_a_colour_is_a_change_too() -> None:
    old = Content.assemble("cpu ", ("90%", "$primary"))
    new = Content.assemble("cpu ", ("90%", "$warning"))
    assert changed_columns(old, new) == (4, 7)


async def test_only_the_changed_columns_are_painted() -> None:
    app = Host()
    async with app.run_test(size=(40, 6)) as pilot:
        lines = app.query_one(Recorded)
        lines.painted.clear()
        assert not lines.show([Content("step 11"), Content("loss 2.31")])
        assert lines.painted == []
        assert lines.show([Content("step 12"), Content("loss 2.31")])
        assert lines.painted == [(Region(6, 0, 1, 1),)]
        await pilot.pause()
        assert text_of(lines).splitlines() == ["step 12", "loss 2.31"]


async def test_another_number_of_lines_is_laid_out() -> None:
    app = Host()
    async with app.run_test(size=(40, 6)) as pilot:
        lines = app.query_one(Recorded)
        lines.show([Content("one"), Content("two"), Content("three")])
        await pilot.pause()
        assert lines.size.height == 3
        assert text_of(lines).splitlines() == ["one", "two", "three"]


async def test_markup_in_a_line_is_text() -> None:
    app = Host()
    async with app.run_test(size=(40, 6)) as pilot:
        lines = app.query_one(Recorded)
        lines.show([Content("[red]no[/red]"), Content("")])
        await pilot.pause()
        assert "[red]no[/red]" in text_of(lines)
