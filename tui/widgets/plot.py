"""Curves over their axes, one chart or several side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from textual.content import Content
from textual.events import Resize

from tui.widgets.canvas import ASCII, BRAILLE, Canvas, Pen
from tui.widgets.legend import Entry, fitted
from tui.widgets.lines import Lines
from tui.widgets.scales import (
    Point,
    held,
    nice_ticks,
    share,
    smoothed,
    thinned,
    tick_label,
    y_ticks,
)

_DENSE = 24
"""From so many points on, the line is a moving average and the points are drawn behind it."""

_GAP = 2
"""Columns between two charts."""

_CHART_ROWS, _CHART_COLUMNS = 6, 30
"""What a chart needs at least to be read, beside others."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve of a plot.

    Attributes:
        name: What the legend calls it.
        points: (x, y) by rising x.
        kind: ``line`` for many noisy points, ``marks`` for few that matter each.
        style: The theme variable of its colour.
        faint: That of the noise behind a smoothed line; empty for none.
        mark: The character of a mark.
        letter: What stands for it where only ASCII can be shown.
        best: The x of the mark that is the best; None where none is.
        best_at: What the legend calls that x, where its number does not say it.
        group: What curves have in common, such as their run; the legend says it once
            instead of their names.
    """

    name: str
    points: tuple[Point, ...]
    kind: Literal["line", "marks"] = "line"
    style: str = "$primary"
    faint: str = "$primary 40%"
    mark: str = "◆"
    letter: str = "*"
    best: float | None = None
    best_at: str = ""
    group: str = ""


BEST, OTHER = "◆", "◇"
"""The best mark of a curve that has one, and its others."""

_PLAIN_BEST, _PLAIN_OTHER = "@", "o"


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves that share axes.

    Attributes:
        title: What is drawn; said where there are several charts.
        curves: What to draw; points that are no finite numbers are left out.
        x_name: The label of the x axis.
        x_end: The x that the axis reaches to at least, so that a curve that is being
            drawn grows towards its end.
        log: Whether y is on a logarithmic scale; what is not above 0 is left out then.
        empty: What to say instead while there is no point.
    """

    title: str
    curves: tuple[Curve, ...]
    x_name: str = "step"
    x_end: float = 0.0
    log: bool = False
    empty: str = ""


@dataclass(frozen=True, slots=True)
class _Scale:
    """Maps values to dots."""

    x: tuple[float, float]
    y: tuple[float, float]
    dots: tuple[int, int]
    log: bool = False

    def __call__(self, point: Point) -> tuple[int, int]:
        height = math.log10(point[1]) if self.log else point[1]
        return (
            share(point[0], self.x, self.dots[0] - 1),
            share(height, self.y, self.dots[1] - 1),
        )


def _limits(curves: Sequence[Curve], chart: Chart) -> tuple[tuple[float, float], ...]:
    """Return the ends of both axes; those of y are exponents of ten on a logarithmic scale."""
    xs = [x for curve in curves for x, _ in curve.points]
    ys = [y for curve in curves for _, y in curve.points]
    low, high = min(ys), max(ys)
    if chart.log:
        low, high = math.log10(low), math.log10(high)
        margin = (high - low) * 0.06 or 0.1
    else:
        margin = (high - low) * 0.06 or abs(high) * 0.05 or 0.5
    end = held(((chart.x_end, 0.0),), log=False)[0][0]
    return (min(0.0, *xs), max(end, *xs, 1.0)), (low - margin, high + margin)


def draw(
    curves: Sequence[Curve],
    width: int,
    height: int,
    *,
    x_name: str = "step",
    x_end: float = 0.0,
    log: bool = False,
    pen: Pen = BRAILLE,
) -> list[Content]:
    """Return the lines of a plot with a legend, axes and labels; see :class:`Chart`.

    Args:
        curves: What to draw.
        width: Columns.
        height: Rows, the legend's and the x axis's included.
        x_name: The label of the x axis.
        x_end: The x that the axis reaches to at least.
        log: Whether y is on a logarithmic scale.
        pen: What it is drawn with.

    Returns:
        Exactly ``height`` lines; empty ones where there is nothing to draw or no room.
    """
    return _draw(Chart("", tuple(curves), x_name, x_end, log), width, height, pen)


def _draw(chart: Chart, width: int, height: int, pen: Pen) -> list[Content]:
    curves = [_drawable(curve, chart.log) for curve in chart.curves]
    drawn = [
        replace(curve, points=held(curve.points, chart.log)) for curve in curves if curve.points
    ]
    if not drawn or width < 16 or height < 4:
        return [Content("")] * max(height, 0)
    x_limits, y_limits = _limits(drawn, chart)
    rows = height - 3
    ticks = y_ticks(y_limits, max(2, min(rows // 2 + 1, 8)), chart.log)
    margin = max((len(label) for _, label in ticks), default=3)
    canvas = pen.canvas(width - margin - 1, rows)
    scale = _Scale(x_limits, y_limits, canvas.dots, chart.log)
    for rank, curve in enumerate(drawn):
        _draw_curve(canvas, curve, scale, rank, plain=pen is ASCII)
    at_row: dict[int, str] = {}
    for tick, label in ticks:
        at_row.setdefault(canvas.row_of(scale((0, tick))[1]), label)
    lines = [_legend(chart.title, curves, width, pen)]
    for row in range(rows):
        label = at_row.get(row, "")
        axis = f"{label:>{margin}}{pen.side_tick if label else pen.side}"
        lines.append(Content.styled(axis, "$text-muted") + canvas.content(row))
    return [*lines, *_x_axis(x_limits, margin, canvas, chart.x_name, pen)]


def _drawable(curve: Curve, log: bool) -> Curve:
    points = tuple(
        point
        for point in curve.points
        if all(map(math.isfinite, point)) and (point[1] > 0 or not log)
    )
    if len(points) == len(curve.points):
        return curve
    return replace(curve, points=points)


def _draw_curve(canvas: Canvas, curve: Curve, scale: _Scale, index: int, *, plain: bool) -> None:
    # Ranks: noise lies behind every line, lines behind the marks, those behind the best.
    if curve.kind == "marks":
        dots = [scale(point) for point in curve.points]
        for start, end in pairwise(dots):
            canvas.dotted(start, end, curve.faint, 10 + index, ".")
        for (x, _), (column, row) in zip(curve.points, dots, strict=True):
            best = curve.best is not None and x == curve.best
            mark, style = _mark(curve, best, plain), curve.style
            canvas.mark(
                column, row, mark, f"bold {style}" if best else style, 40 + index + 40 * best
            )
        return
    points: Sequence[Point] = curve.points
    most = 4 * canvas.dots[0]
    if len(points) >= _DENSE:
        if curve.faint:
            noise = [scale(point) for point in thinned(points, most)]
            for start, end in pairwise(noise):
                canvas.line(start, end, curve.faint, index, ".")
        points = smoothed(points)
    dots = [scale(point) for point in thinned(points, most)]
    if len(dots) == 1:
        canvas.dot(*dots[0], curve.style, 20 + index, curve.letter)
    for start, end in pairwise(dots):
        canvas.line(start, end, curve.style, 20 + index, curve.letter)


def _mark(curve: Curve, best: bool, plain: bool) -> str:
    if curve.best is None:
        return curve.letter if plain else curve.mark
    if plain:
        return _PLAIN_BEST if best else _PLAIN_OTHER
    return BEST if best else OTHER


def _legend(title: str, curves: Sequence[Curve], width: int, pen: Pen) -> Content:
    entries: list[Entry] = []
    group = ""
    plain = pen is ASCII
    for curve in curves:
        newest = curve.points[-1] if curve.points else None
        sign = curve.letter if plain else pen.line
        if curve.kind == "marks":
            sign = _mark(curve, newest is not None and newest[0] == curve.best, plain)
        value = _value(newest[1]) if newest else "–"
        name = "" if curve.group or title else f"{curve.name} "
        part = Content.assemble((f"{sign} ", curve.style), (name, "$text-muted"), value)
        if curve.group and curve.group != group:
            part = Content.assemble((f"{curve.group}  ", "bold"), part)
        group = curve.group
        entries.append(Entry(part, group))
        lowest = next((point for point in curve.points if point[0] == curve.best), None)
        if lowest is not None and newest != lowest:
            sign, name = _PLAIN_BEST if plain else BEST, "" if title else "best "
            said = f"{_value(lowest[1])} at {curve.best_at or f'{lowest[0]:.4g}'}"
            part = Content.assemble(
                (f"{sign} ", f"bold {curve.style}"), (name, "$text-muted"), said
            )
            entries.append(Entry(part, group))
    room = width - len(title) - 1 if title else width
    legend = fitted(entries, room, "  " if title else "   ")
    return Content.assemble(
        (title, "bold $text-muted"),
        legend.pad_left(max(0, width - len(title) - legend.cell_length)),
    )


def _value(value: float) -> str:
    """Return a value of the legend: three decimals, or three digits of what is far from 1."""
    if value and not 1e-2 <= abs(value) < 1e7:
        return f"{value:.2e}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3f}"


def _x_axis(
    limits: tuple[float, float], margin: int, canvas: Canvas, name: str, pen: Pen
) -> list[Content]:
    low, high = limits
    width = canvas.width
    line = [pen.bottom] * width
    text = [" "] * (width + margin + 1)
    # No more ticks than labels have room, and none between two steps.
    ticks = nice_ticks(low, high, most=min(width // (len(f"{high:,.0f}") + 5), int(high - low) + 1))
    step = ticks[1] - ticks[0] if len(ticks) > 1 else high - low
    free = 0
    end = len(text) - len(name) - 1
    for tick in ticks:
        column = share(tick, limits, canvas.dots[0] - 1) // canvas.across
        label = tick_label(tick, step)
        start = min(margin + 1 + column - len(label) // 2, len(text) - len(label))
        if start < free or start + len(label) >= end:
            continue
        line[column] = pen.bottom_tick
        text[start : start + len(label)] = label
        free = start + len(label) + 1
    text[end + 1 :] = name
    return [
        Content.styled(" " * margin + pen.corner + "".join(line), "$text-muted"),
        Content.styled("".join(text), "$text-muted"),
    ]


def draw_grid(charts: Sequence[Chart], width: int, height: int, pen: Pen) -> list[Content]:
    """Return the lines of several charts, in as many columns as let each be read."""
    columns = _columns(len(charts), width, height)
    rows = math.ceil(len(charts) / columns)
    lines: list[Content] = []
    for row in range(rows):
        tall = (row + 1) * height // rows - row * height // rows
        cells = charts[row * columns : (row + 1) * columns]
        wide = (width - _GAP * (columns - 1)) // columns
        drawn = [_small(chart, wide, tall, pen) for chart in cells]
        lines += [
            Content(" " * _GAP).join([_filled(cell[y], wide) for cell in drawn])
            for y in range(tall)
        ]
    return lines


def _columns(count: int, width: int, height: int) -> int:
    def worst(columns: int) -> float:
        tall = height // math.ceil(count / columns)
        wide = (width - _GAP * (columns - 1)) // columns
        return min(1.0, tall / _CHART_ROWS, wide / _CHART_COLUMNS)

    return max(range(1, count + 1), key=lambda columns: (worst(columns), -columns))


def _small(chart: Chart, width: int, height: int, pen: Pen) -> list[Content]:
    lines = _draw(chart, width, height, pen)
    if any(line.plain for line in lines) or not lines:
        return lines
    why = "none above 0" if _only_not_above_0(chart) else "none yet"
    said = Content.assemble((chart.title, "bold $text-muted"), (f"  {why}", "$text-muted"))
    return [said.truncate(width), *lines[1:]]


def _only_not_above_0(chart: Chart) -> bool:
    """Say whether a chart is empty since its scale is logarithmic and no value is above 0."""
    linear, logarithmic = (
        any(_drawable(curve, log).points for curve in chart.curves) for log in (False, True)
    )
    return chart.log and linear and not logarithmic


def _filled(line: Content, width: int) -> Content:
    return line + " " * max(0, width - line.cell_length)


class Plot(Lines):
    """A plot that fills its widget and redraws only what differs.

    Args:
        empty: What stands in the middle while there is no point.
    """

    DEFAULT_CSS = """
    Plot {
        height: 1fr;
    }
    """

    def __init__(self, *, id: str | None = None, empty: str = "") -> None:
        super().__init__(id=id)
        self._charts: tuple[Chart, ...] = (Chart("", (), empty=empty),)
        self._pen = BRAILLE

    @property
    def curves(self) -> tuple[Curve, ...]:
        """The curves of the first chart."""
        return self._charts[0].curves if self._charts else ()

    @property
    def charts(self) -> tuple[Chart, ...]:
        """The charts that are drawn."""
        return self._charts

    def use(self, pen: Pen) -> None:
        """Draw with another pen."""
        self._pen = pen
        self._draw()

    def plot(self, charts: Sequence[Chart]) -> None:
        """Draw other charts: one in the whole room, or several side by side."""
        self._charts = tuple(charts)
        self._draw()

    def on_resize(self, event: Resize) -> None:
        """Draw again at the new size."""
        self._draw()

    def _draw(self) -> None:
        try:
            self._draw_all()
        except Exception:
            self.show([])  # never the curves of another run, or of before
            raise

    def _draw_all(self) -> None:
        width, height = self.size
        empty = self._charts[0].empty if self._charts else ""
        if len(self._charts) == 1 and _only_not_above_0(self._charts[0]):
            empty = "no value is above 0, as a log scale needs"
        elif any(curve.points for chart in self._charts for curve in chart.curves):
            empty = ""
        if empty or not self._charts:
            middle = Content.styled(empty, "$text-muted")
            pad = max(0, (width - middle.cell_length) // 2)
            self.show([Content("")] * (height // 2) + [middle.pad_left(pad)])
            return
        if len(self._charts) > 1:
            self.show(draw_grid(self._charts, width, height, self._pen))
            return
        self.show(_draw(replace(self._charts[0], title=""), width, height, self._pen))
