"""Curves drawn with braille dots, of which a character holds two by four."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

from textual.content import Content
from textual.events import Resize

from tui.widgets.lines import Lines

Point = tuple[float, float]

_BRAILLE = 0x2800
# The bit of each dot in a braille character, by row and column.
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))

_DENSE = 24
"""From so many points on, the line is a moving average and the points are drawn behind it."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve of a plot.

    Attributes:
        name: What the legend calls it.
        points: (x, y) by rising x.
        kind: ``line`` for many noisy points, ``marks`` for few that matter each.
        style: The theme variable of its colour.
        faint: That of the noise behind a smoothed line.
        mark: The character of a mark.
        group: What curves have in common, such as their run; the legend says it once
            instead of their names.
    """

    name: str
    points: tuple[Point, ...]
    kind: Literal["line", "marks"] = "line"
    style: str = "$primary"
    faint: str = "$primary 40%"
    mark: str = "◆"
    group: str = ""


@dataclass(slots=True)
class _Cell:
    bits: int = 0
    character: str = ""
    style: str = ""
    rank: int = -1


@dataclass(slots=True)
class _Canvas:
    """A grid of characters; dots are addressed from the bottom left."""

    width: int
    height: int
    rows: list[list[_Cell]] = field(init=False)

    def __post_init__(self) -> None:
        self.rows = [[_Cell() for _ in range(self.width)] for _ in range(self.height)]

    def dot(self, x: int, y: int, style: str, rank: int) -> None:
        if not (0 <= x < self.width * 2 and 0 <= y < self.height * 4):
            return
        top = self.height * 4 - 1 - y
        cell = self.rows[top // 4][x // 2]
        if rank < cell.rank:
            return
        if rank > cell.rank:
            cell.bits, cell.style, cell.rank = 0, style, rank
        cell.bits |= _DOTS[top % 4][x % 2]

    def line(self, start: tuple[int, int], end: tuple[int, int], style: str, rank: int) -> None:
        (x0, y0), (x1, y1) = start, end
        steps = max(abs(x1 - x0), abs(y1 - y0), 1)
        for index in range(steps + 1):
            share = index / steps
            self.dot(round(x0 + (x1 - x0) * share), round(y0 + (y1 - y0) * share), style, rank)

    def mark(self, x: int, y: int, character: str, style: str, rank: int) -> None:
        column, row = x // 2, self.height - 1 - y // 4
        if 0 <= column < self.width and 0 <= row < self.height:
            self.rows[row][column] = _Cell(0, character, style, rank)

    def content(self, row: int) -> Content:
        parts: list[tuple[str, str]] = []
        for cell in self.rows[row]:
            character = cell.character or (chr(_BRAILLE | cell.bits) if cell.bits else " ")
            if parts and parts[-1][1] == cell.style:
                parts[-1] = (parts[-1][0] + character, cell.style)
            else:
                parts.append((character, cell.style))
        return Content.assemble(*parts)


def nice_ticks(low: float, high: float, most: int) -> list[float]:
    """Return at most ``most`` round numbers in ``[low, high]``: multiples of 1, 2 or 5 x 10^n."""
    if most < 1 or not (math.isfinite(low) and math.isfinite(high)) or high < low:
        return []
    span = high - low
    if span == 0:
        return [low]
    magnitude: float = 10.0 ** math.floor(math.log10(span / max(most, 1)))
    for factor in (1, 2, 5, 10, 20, 50, 100):
        step = magnitude * factor
        first = math.ceil(low / step - 1e-9)
        last = math.floor(high / step + 1e-9)
        if last - first + 1 <= most:
            return [index * step for index in range(first, last + 1)]
    return []


def tick_label(value: float, step: float) -> str:
    """Return a tick's number with as many decimals as the distance of ticks needs."""
    if abs(value) >= 1e6:
        return f"{value:.1e}"
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 2
    return f"{value:,.{min(decimals, 6)}f}"


def smoothed(points: Sequence[Point]) -> list[Point]:
    """Return a centred moving average, which neither lags behind the points nor runs ahead.

    The window grows with the number of points, and shrinks towards both ends so that
    it stays centred.
    """
    half = min(max(len(points) // 24, 1), 25)
    sums = [0.0]
    for _, y in points:
        sums.append(sums[-1] + y)
    result: list[Point] = []
    for index, (x, _) in enumerate(points):
        reach = min(half, index, len(points) - 1 - index)
        mean = (sums[index + reach + 1] - sums[index - reach]) / (2 * reach + 1)
        result.append((x, mean))
    return result


@dataclass(frozen=True, slots=True)
class _Scale:
    """Maps values to dots."""

    x: tuple[float, float]
    y: tuple[float, float]
    dots: tuple[int, int]

    def __call__(self, point: Point) -> tuple[int, int]:
        return (
            _share(point[0], self.x, self.dots[0] - 1),
            _share(point[1], self.y, self.dots[1] - 1),
        )


def _share(value: float, limits: tuple[float, float], most: int) -> int:
    low, high = limits
    return round((value - low) / (high - low) * most) if high > low else most // 2


def _limits(curves: Sequence[Curve], x_end: float) -> tuple[tuple[float, float], ...]:
    xs = [x for curve in curves for x, _ in curve.points]
    ys = [y for curve in curves for _, y in curve.points]
    low, high = min(ys), max(ys)
    margin = (high - low) * 0.06 or abs(high) * 0.05 or 0.5
    return (min(0.0, *xs), max(x_end, *xs, 1.0)), (low - margin, high + margin)


def draw(
    curves: Sequence[Curve], width: int, height: int, *, x_name: str = "step", x_end: float = 0.0
) -> list[Content]:
    """Return the lines of a plot with a legend, axes and labels.

    Args:
        curves: What to draw; points that are no finite numbers are left out.
        width: Columns.
        height: Rows, the legend's and the x axis's included.
        x_name: The label of the x axis.
        x_end: The x that the axis reaches to at least, so that a curve that is being
            drawn grows towards its end.

    Returns:
        Exactly ``height`` lines; empty ones where there is nothing to draw or no room.
    """
    curves = [_finite(curve) for curve in curves]
    drawn = [curve for curve in curves if curve.points]
    if not drawn or width < 16 or height < 4:
        return [Content("")] * max(height, 0)
    x_limits, y_limits = _limits(drawn, x_end)
    rows = height - 3
    ticks = nice_ticks(*y_limits, most=max(2, min(rows // 2 + 1, 8)))
    step = ticks[1] - ticks[0] if len(ticks) > 1 else y_limits[1] - y_limits[0]
    labels = [tick_label(tick, step) for tick in ticks]
    margin = max((len(label) for label in labels), default=3)
    canvas = _Canvas(width - margin - 1, rows)
    scale = _Scale(x_limits, y_limits, (canvas.width * 2, canvas.height * 4))
    for rank, curve in enumerate(drawn):
        _draw_curve(canvas, curve, scale, rank)
    at_row: dict[int, str] = {}
    for tick, label in zip(ticks, labels, strict=True):
        at_row.setdefault(rows - 1 - scale((0, tick))[1] // 4, label)
    lines = [_legend(curves, width)]
    for row in range(rows):
        label = at_row.get(row, "")
        axis = f"{label:>{margin}}{'┤' if label else '│'}"
        lines.append(Content.styled(axis, "$text-muted") + canvas.content(row))
    return [*lines, *_x_axis(x_limits, margin, canvas.width, x_name)]


def _finite(curve: Curve) -> Curve:
    points = tuple(point for point in curve.points if all(map(math.isfinite, point)))
    if len(points) == len(curve.points):
        return curve
    return replace(curve, points=points)


def _draw_curve(canvas: _Canvas, curve: Curve, scale: _Scale, index: int) -> None:
    # Ranks: noise lies behind every line, lines behind the marks.
    if curve.kind == "marks":
        dots = [scale(point) for point in curve.points]
        for start, end in pairwise(dots):
            _dotted(canvas, start, end, curve.faint, 10 + index)
        for x, y in dots:
            canvas.mark(x, y, curve.mark, curve.style, 40 + index)
        return
    points: Sequence[Point] = curve.points
    if len(points) >= _DENSE:
        noise = [scale(point) for point in points]
        for start, end in pairwise(noise):
            canvas.line(start, end, curve.faint, index)
        points = smoothed(points)
    dots = [scale(point) for point in points]
    if len(dots) == 1:
        canvas.dot(*dots[0], curve.style, 20 + index)
    for start, end in pairwise(dots):
        canvas.line(start, end, curve.style, 20 + index)


def _dotted(
    canvas: _Canvas, start: tuple[int, int], end: tuple[int, int], style: str, rank: int
) -> None:
    steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
    for index in range(0, steps + 1, 3):
        share = index / steps
        x = round(start[0] + (end[0] - start[0]) * share)
        y = round(start[1] + (end[1] - start[1]) * share)
        canvas.dot(x, y, style, rank)


def _legend(curves: Sequence[Curve], width: int) -> Content:
    parts: list[Content] = []
    group = ""
    for curve in curves:
        sign = curve.mark if curve.kind == "marks" else "━"
        value = f"{curve.points[-1][1]:.3f}" if curve.points else "–"
        name = "" if curve.group else f"{curve.name} "
        part = Content.assemble((f"{sign} ", curve.style), (name, "$text-muted"), value)
        if curve.group and curve.group != group:
            part = Content.assemble((f"{curve.group}  ", "bold"), part)
        group = curve.group
        parts.append(part)
    legend = Content("   ").join(parts)
    return legend.pad_left(max(0, width - legend.cell_length)).truncate(width)


def _x_axis(limits: tuple[float, float], margin: int, width: int, name: str) -> list[Content]:
    low, high = limits
    line = ["─"] * width
    text = [" "] * (width + margin + 1)
    # No more ticks than labels have room, and none between two steps.
    ticks = nice_ticks(low, high, most=min(width // (len(f"{high:,.0f}") + 5), int(high - low) + 1))
    step = ticks[1] - ticks[0] if len(ticks) > 1 else high - low
    free = 0
    end = len(text) - len(name) - 1
    for tick in ticks:
        column = _share(tick, limits, width * 2 - 1) // 2
        label = tick_label(tick, step)
        start = min(margin + 1 + column - len(label) // 2, len(text) - len(label))
        if start < free or start + len(label) >= end:
            continue
        line[column] = "┬"
        text[start : start + len(label)] = label
        free = start + len(label) + 1
    text[end + 1 :] = name
    return [
        Content.styled(" " * margin + "└" + "".join(line), "$text-muted"),
        Content.styled("".join(text), "$text-muted"),
    ]


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
        self._curves: tuple[Curve, ...] = ()
        self._x_name = "step"
        self._x_end = 0.0
        self._empty = empty

    @property
    def curves(self) -> tuple[Curve, ...]:
        """The curves that are drawn."""
        return self._curves

    def plot(
        self, curves: Sequence[Curve], *, x_name: str = "step", x_end: float = 0.0, empty: str = ""
    ) -> None:
        """Draw other curves; the arguments are those of :func:`draw`.

        ``empty`` is what to say instead while there is no point.
        """
        self._curves = tuple(curves)
        self._x_name = x_name
        self._x_end = x_end
        self._empty = empty
        self._draw()

    def on_resize(self, event: Resize) -> None:
        """Draw again at the new size."""
        self._draw()

    def _draw(self) -> None:
        width, height = self.size
        if not any(curve.points for curve in self._curves):
            middle = Content.styled(self._empty, "$text-muted")
            pad = max(0, (width - middle.cell_length) // 2)
            self.show([Content("")] * (height // 2) + [middle.pad_left(pad)])
            return
        self.show(draw(self._curves, width, height, x_name=self._x_name, x_end=self._x_end))
