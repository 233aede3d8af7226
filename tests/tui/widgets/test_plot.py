"""The plot: what is drawn, and that it holds with any data."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult

from tui.widgets.canvas import ASCII, shows_braille
from tui.widgets.plot import Chart, Curve, Plot, draw, draw_grid
from tui.widgets.scales import nice_ticks, smoothed, thinned, tick_label

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


numbers = st.floats()


@given(
    st.lists(st.tuples(st.integers(0, 10**6), numbers), max_size=60),
    st.lists(st.tuples(st.integers(0, 10**6), numbers), max_size=5),
    st.integers(0, 170),
    st.integers(0, 50),
    st.booleans(),
)
def test_whatever_the_data_the_plot_fills_its_box(
    losses: list[tuple[int, float]],
    evals: list[tuple[int, float]],
    width: int,
    height: int,
    log: bool,
) -> None:
    curves = [
        Curve("loss", tuple(sorted(losses))), Curve("eval", tuple(sorted(evals)), "marks"),
    ]  # fmt: skip
    lines = [line.plain for line in draw(curves, width, height, x_end=100, log=log)]
    assert len(lines) == height
    assert all(cell_len(line) <= width for line in lines)


finite = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(finite, min_size=1, max_size=60), st.booleans())
@example([1e300, -1e300, 2.0], True)
@example([5e-324, 1.7976931348623157e308], True)
@example([5e-324, 1e-310], False)
@example([-1.7976931348623157e308, 1.7976931348623157e308], False)
@example([1e300] + [2.0] * 40, True)
def test_every_finite_number_is_drawn_on_both_scales(values: list[float], log: bool) -> None:
    points = tuple((float(step), value) for step, value in enumerate(values))
    lines = [line.plain for line in draw([Curve("loss", points)], 60, 12, log=log)]
    body = [line.partition("┤")[2] or line.partition("│")[2] for line in lines[1:-2]]
    assert any(line.strip() for line in body) is (not log or max(values) > 0)
    if len(values) < 24 and not log:
        assert sum(1 for line in lines if "┤" in line) >= 1, "the axis says how far it goes"


def test_a_mean_beside_a_number_that_ran_away_keeps_its_own_size() -> None:
    points = [(0.0, 1e300), *((float(x), 2.0) for x in range(1, 60))]
    assert [y for _, y in smoothed(points)[4:]] == [2.0] * 56


def test_numbers_that_are_none_are_left_out() -> None:
    points = ((1.0, 2.0), (2.0, math.nan), (3.0, math.inf), (4.0, 1.0))
    assert "━ loss 1.000" in plain([Curve("loss", points)])[0]
    assert not any(line for line in plain([Curve("loss", ((1.0, math.nan),))]))


# -- the best, other scales, other terminals, many runs -------------------------------------

EVALS = ((0.0, 3.606), (14.0, 3.388), (28.0, 3.445), (42.0, 3.689))


def test_the_best_evaluation_has_a_sign_of_its_own() -> None:
    lines = plain([Curve("eval", EVALS, "marks", best=14)])
    assert sum(line.count("◆") for line in lines[1:]) == 1
    assert sum(line.count("◇") for line in lines[1:]) == 3
    # The newest and the best, by number: nobody has to read them off the axes.
    assert "◇ eval 3.689   ◆ best 3.388 at 14" in lines[0]
    column = next(line.index("◆") for line in lines[1:] if "◆" in line)
    others = sorted(line.index("◇") for line in lines[1:] for _ in range(line.count("◇")))
    assert others[0] < column < others[-1]


def test_the_newest_that_is_the_best_is_said_once() -> None:
    lines = plain([Curve("eval", EVALS[:2], "marks", best=14)])
    assert "◆ eval 3.388" in lines[0]
    assert "best" not in lines[0]


def test_a_logarithmic_axis_makes_equal_factors_equal_steps() -> None:
    points = ((0.0, 100.0), (10.0, 10.0), (20.0, 1.0), (30.0, -1.0))
    marks = [Curve("rate", points, "marks", best=-1)]
    lines = [line.plain for line in draw(marks, 60, 23, log=True)]
    rows = [row for row, line in enumerate(lines[1:]) if "◇" in line]
    assert len(rows) == 3  # what is not above 0 is left out
    assert abs((rows[1] - rows[0]) - (rows[2] - rows[1])) <= 1
    assert any(line.lstrip().startswith("100┤") for line in lines)
    assert any(line.lstrip().startswith("1┤") for line in lines)


@given(st.lists(st.floats(1e-7, 1e7), min_size=1, max_size=30))
def test_a_logarithmic_axis_has_labels_whatever_it_spans(values: list[float]) -> None:
    curve = Curve("rate", tuple(enumerate(values)))
    lines = [line.plain for line in draw([curve], 60, 14, log=True)]
    assert len(lines) == 14
    assert all(cell_len(line) <= 60 for line in lines)


def test_ascii_shows_the_same_numbers_in_seven_bits() -> None:
    noisy = tuple((float(step), 3.0 - step / 60 + 0.1 * math.sin(step)) for step in range(60))
    curves = [Curve("loss", noisy), Curve("eval", EVALS, "marks", best=14)]
    lines = [line.plain for line in draw(curves, 60, 14, pen=ASCII)]
    braille = [line.plain for line in draw(curves, 60, 14)]
    assert all(line.isascii() for line in lines)
    assert "* loss" in lines[0]
    assert "o eval 3.689   @ best 3.388 at 14" in lines[0]
    assert sum(line.count("@") for line in lines[1:]) == 1
    labels = [re.findall(r"(?m)^ *([\d.]+)[+┤]", "\n".join(drawn)) for drawn in (lines, braille)]
    assert labels[0] == labels[1]
    assert len(labels[0]) >= 3
    assert lines[-1] == braille[-1]


@pytest.mark.parametrize(
    ("environment", "braille"),
    [
        ({"TERM": "xterm-256color", "LANG": "en_GB.UTF-8"}, True),
        ({"TERM": "xterm-256color", "LANG": "en_GB.utf8"}, True),
        ({"TERM": "xterm-256color"}, True),
        ({"TERM": "linux", "LANG": "en_GB.UTF-8"}, False),
        ({"TERM": "xterm", "LANG": "de_DE.ISO-8859-1"}, False),
        ({"TERM": "xterm", "LANG": "C"}, False),
        ({"TERM": "xterm", "LC_ALL": "C", "LANG": "en_GB.UTF-8"}, False),
        ({"TERM": "xterm", "LC_ALL": "", "LC_CTYPE": "C.UTF-8", "LANG": "C"}, True),
    ],
)
def test_what_a_terminal_shows_is_told_by_its_environment(
    environment: dict[str, str], braille: bool
) -> None:
    assert shows_braille(environment) is braille


def test_fewer_points_keep_the_lowest_and_the_highest() -> None:
    points = [(float(x), math.sin(x / 50)) for x in range(10_000)]
    points[7777] = (7777.0, 9.0)
    found = thinned(points, 200)
    assert len(found) <= 210
    assert (7777.0, 9.0) in found
    assert min(y for _, y in found) == min(y for _, y in points)
    assert [x for x, _ in found] == sorted(x for x, _ in found)


CHARTS = [
    Chart(title, (Curve(title, FALLING),)) for title in ("loss", "rate", "gradient", "tokens/s")
]


@pytest.mark.parametrize(
    ("width", "height", "columns"), [(80, 12, 2), (40, 30, 1), (160, 10, 4), (110, 26, 1)]
)
def test_small_charts_reflow(width: int, height: int, columns: int) -> None:
    lines = [line.plain for line in draw_grid(CHARTS, width, height, ASCII)]
    assert len(lines) == height
    assert all(cell_len(line) <= width for line in lines)
    heads = [line for line in lines if any(chart.title + " " in line for chart in CHARTS)]
    assert max(sum(chart.title + " " in line for chart in CHARTS) for line in heads) == columns
    assert all(any(chart.title in line for line in lines) for chart in CHARTS)


def test_a_chart_without_points_says_so_among_the_others() -> None:
    lines = draw_grid([*CHARTS[:1], Chart("rate", ())], 80, 8, ASCII)
    assert "rate  none yet" in lines[0].plain


async def test_a_log_scale_says_why_it_is_empty() -> None:
    class Host(App[None]):
        def compose(self) -> ComposeResult:
            yield Plot()

    async with Host().run_test(size=(60, 12)) as pilot:
        plot = pilot.app.query_one(Plot)
        curve = Curve("loss", ((1.0, 0.0), (2.0, -3.0)))
        plot.plot([Chart("loss", (Curve("loss", FALLING),), log=True)])
        assert "3.000" in shown(plot)
        plot.plot([Chart("loss", (curve,), log=True, empty="the curve begins later")])
        assert shown(plot).strip() == "no value is above 0, as a log scale needs"
        plot.plot([Chart("loss", (curve,))])
        assert "loss -3.000" in shown(plot)
    lines = draw_grid([*CHARTS[:1], Chart("rate", (curve,), log=True)], 80, 8, ASCII)
    assert "rate  none above 0" in lines[0].plain


def shown(plot: Plot) -> str:
    return "\n".join(line.plain for line in plot.lines)


def test_a_legend_without_room_leaves_out_whole_entries_and_counts_them() -> None:
    def run(name: str) -> list[Curve]:
        return [Curve("loss", FALLING, group=name), Curve("eval", EVALS, "marks", group=name)]

    curves = [*run("aaaa"), *run("bbbb"), *run("cccc")]
    whole = plain(curves, 120)[0].strip()
    assert whole.count("━ 3.000") == 3
    assert plain(curves, 50)[0].strip() == "aaaa  ━ 3.000   cccc  ━ 3.000   ◆ 3.689   +3 more"
    for width in range(16, 120):
        line = plain(curves, width)[0]
        assert cell_len(line) <= width
        parts = line.split("   ") if "more" in line else []
        assert all(part.strip() in whole for part in parts[:-1])


def test_the_run_that_is_looked_at_is_the_last_to_leave_the_legend() -> None:
    others = [Curve("loss", FALLING, group=name) for name in ("aaaa", "bbbb")]
    curves = [*others, Curve("loss", FALLING, group="mine")]
    assert plain(curves, 30)[0].strip() == "mine  ━ 3.000   +2 more"
