"""Numbers, times and texts as the screens write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.widgets.numbers import count_lines, histogram, joined_counts
from tui.widgets.words import ago, bar, counted, duration, fit, one_line


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])), st.integers(0, 40))
def test_fit_takes_exactly_its_width(text: str, width: int) -> None:
    assert cell_len(fit(text, width)) == width


def test_fit_cuts_with_an_ellipsis() -> None:
    assert fit("abcdef", 4) == "abc…"
    assert fit("日本語", 4) == "日… "
    assert fit("ab", 4) == "ab  "


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.6, "1:00"), (245, "4:05"), (3753, "1:02:33"), (-3, "0 s")],
)
def test_duration(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("past", "words"),
    [(5, "just now"), (130, "2 min ago"), (3600, "1 hour ago"), (7300, "2 hours ago"),
     (200_000, "2 days ago")],
)  # fmt: skip
def test_ago(past: float, words: str) -> None:
    assert ago(1_000_000 - past, 1_000_000) == words


def test_ago_of_what_never_was() -> None:
    assert ago(0, 1_000_000) == "never"


def test_counted() -> None:
    assert counted(1, "note") == "1 note"
    assert counted(1204, "note") == "1,204 notes"
    assert counted(2, "entry", "entries") == "2 entries"


@given(st.floats(0, 10, allow_nan=False), st.floats(0, 10, allow_nan=False), st.integers(0, 30))
def test_a_bar_is_as_wide_as_it_was_asked_to_be(done: float, total: float, width: int) -> None:
    assert len(bar(done, total, width)) == width


def test_a_bar_is_full_only_at_the_end() -> None:
    assert bar(1, 2, 4) == "██  "
    assert bar(5, 2, 3) == "███"
    assert bar(1, 16, 2) == "▏ "


def test_one_line_shows_controls_and_joins_lines() -> None:
    assert one_line("a\x1b[31m\nb\t c") == "a\\x1b[31m b c"


def test_counts_are_aligned_and_compared() -> None:
    lines = [block.content.plain for block in count_lines([("a", 1000, ""), ("b", 10, "")])]
    assert lines[0].index("1,000") + 5 == lines[1].index("10") + 2
    assert lines[0].count("█") > lines[1].count("█")


def test_joined_counts_tell_how_many_more() -> None:
    assert joined_counts([("a", 3), ("b", 2), ("c", 1)], most=2) == "a 3 · b 2 · 1 more"


def test_a_histogram_shows_every_bin_that_has_something() -> None:
    lines = [line.plain for line in histogram([(0, 1000), (10, 0), (20, 1)], last=30, height=2)]
    assert lines[-1].split() == ["0", "30"]
    assert lines[-2] == "████    ▁▁▁▁"
    assert histogram([(0, 0)]) == []
