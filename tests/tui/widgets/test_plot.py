"""The plot: what is drawn, and that it holds with any data."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.widgets.plot import Curve, draw, nice_ticks, smoothed, tick_label

FALLING = tuple((float(step), 4.0 - step / 10) for step in range(1, 11))


def plain(curves: list[Curve], width: int = 60, height: int = 10, x_end: float = 0) -> list[str]:
    return [line.plain for line in draw(curves, width, height, x_end=x_end)]


def test_a_falling_line_starts_top_left_and_ends_bottom_right() -> None:
    lines = plain([Curve("loss", FALLING)])
    body = [line.partition("┤")[2] or line.partition("│")[2] for line in lines[1:-2]]
    first = next(row for row in body if row.strip())
    last = next(row for row in reversed(body) if row.strip())
    assert len(first) - len(first.lstrip()) < 8
    assert len(last.rstrip()) > 50


def test_axes_have_labels_and_the_legend_the_newest_values() -> None:
    lines = plain([Curve("loss", FALLING), Curve("eval", ((0, 4.1), (10, 3.25)), "marks")])
    assert "━ loss 3.000" in lines[0]
    assert "◆ eval 3.250" in lines[0]
    assert any(line.lstrip().startswith("4.0┤") for line in lines)
    assert lines[-1].rstrip().endswith("step")
    assert " 4 " in lines[-1]


def test_marks_lie_over_the_line() -> None:
    lines = plain([Curve("loss", ((0, 1.0), (10, 1.0))), Curve("eval", ((5, 1.0),), "marks")])
    assert sum(line.count("◆") for line in lines[1:]) == 1


def test_the_axis_reaches_to_the_end_that_is_planned() -> None:
    short, planned = plain([Curve("loss", FALLING)]), plain([Curve("loss", FALLING)], x_end=100)
    assert max(len(line.rstrip()) for line in short[1:-2]) > 50
    assert max(len(line.rstrip()) for line in planned[1:-2]) < 15
    assert "80" in planned[-1]


def test_many_points_are_smoothed_and_the_noise_stays_behind() -> None:
    noisy = tuple((float(step), 2 + 0.5 * (-1) ** step) for step in range(100))
    content = draw([Curve("loss", noisy)], 60, 12)
    styles = {str(span.style) for line in content for span in line.spans}
    assert {"$primary", "$primary 40%"} <= styles


def test_smoothing_keeps_a_straight_line() -> None:
    points = [(float(x), 5 - 0.01 * x) for x in range(200)]
    for (_, expected), (_, found) in zip(points, smoothed(points), strict=True):
        assert found == pytest.approx(expected)


@pytest.mark.parametrize(
    ("low", "high", "most", "expected"),
    [
        (0, 10, 6, [0, 2, 4, 6, 8, 10]),
        (2.1, 3.4, 4, [2.5, 3.0]),
        (0, 1, 2, [0, 1]),
        (5, 5, 4, [5]),
        (0, float("nan"), 4, []),
    ],
)
def test_ticks_are_round(low: float, high: float, most: int, expected: list[float]) -> None:
    assert nice_ticks(low, high, most) == pytest.approx(expected)


def test_tick_labels_have_the_decimals_that_tell_them_apart() -> None:
    assert tick_label(2.5, 0.5) == "2.5"
    assert tick_label(1000, 500) == "1,000"
    assert tick_label(0.00125, 0.00025) == "0.0013"


numbers = st.floats(allow_nan=True, allow_infinity=True, width=32)


@given(
    st.lists(st.tuples(st.integers(0, 10**6), numbers), max_size=60),
    st.lists(st.tuples(st.integers(0, 10**6), numbers), max_size=5),
    st.integers(0, 170),
    st.integers(0, 50),
)
def test_whatever_the_data_the_plot_fills_its_box(
    losses: list[tuple[int, float]], evals: list[tuple[int, float]], width: int, height: int
) -> None:
    curves = [
        Curve("loss", tuple(sorted(losses))), Curve("eval", tuple(sorted(evals)), "marks"),
    ]  # fmt: skip
    lines = plain(curves, width, height, x_end=100)
    assert len(lines) == height
    assert all(cell_len(line) <= width for line in lines)


def test_numbers_that_are_none_are_left_out() -> None:
    points = ((1.0, 2.0), (2.0, math.nan), (3.0, math.inf), (4.0, 1.0))
    assert "━ loss 1.000" in plain([Curve("loss", points)])[0]
    assert not any(line for line in plain([Curve("loss", ((1.0, math.nan),))]))
