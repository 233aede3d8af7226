"""Round numbers for axes, and points made fewer or smoother.

Every finite number can be drawn: a loss that has run away has any size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Point = tuple[float, float]

_FARTHEST = 1e300
"""What is farther from 0 is drawn here, so that no sum or difference of numbers overflows."""

_SUMMED = 1e6
"""How many times larger than the smallest a number may be, for means by running sums."""

_EXPONENTS = 307
"""Powers of ten that a number can have, with any of their multiples up to 10, above and below."""


def nice_ticks(low: float, high: float, most: int) -> list[float]:
    """Return at most ``most`` round numbers in ``[low, high]``: multiples of 1, 2 or 5 x 10^n."""
    if most < 1 or not (math.isfinite(low) and math.isfinite(high)) or high < low:
        return []
    span = high - low
    if span / most < 10.0**-_EXPONENTS:  # no number there is round
        return [low]
    magnitude: float = 10.0 ** math.floor(math.log10(span / most))
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
    if 0 < step < 1e-4:
        return f"{value:.1e}"
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 2
    return f"{value:,.{min(decimals, 6)}f}"


def smoothed(points: Sequence[Point]) -> list[Point]:
    """Return a centred moving average, which neither lags behind the points nor runs ahead.

    The window grows with the number of points, and shrinks towards both ends so that
    it stays centred.
    """
    half = min(max(len(points) // 24, 1), 25)
    values = [y for _, y in points]
    sizes = [abs(y) for y in values if y]
    # Differences of running sums are quick, but beside large numbers they lose small ones.
    sums = [0.0]
    if sizes and max(sizes) / _SUMMED <= min(sizes):
        for y in values:
            sums.append(sums[-1] + y)
    result: list[Point] = []
    for index, (x, _) in enumerate(points):
        reach = min(half, index, len(points) - 1 - index)
        start, end = index - reach, index + reach + 1
        total = sums[end] - sums[start] if len(sums) > 1 else math.fsum(values[start:end])
        result.append((x, total / (end - start)))
    return result


def held(points: Sequence[Point], log: bool) -> tuple[Point, ...]:
    """Return finite points where they can be drawn: none is too far from 0, or too near it."""
    lowest = 1 / _FARTHEST if log else -_FARTHEST
    return tuple(
        (max(-_FARTHEST, min(x, _FARTHEST)), max(lowest, min(y, _FARTHEST))) for x, y in points
    )


def thinned(points: Sequence[Point], most: int) -> Sequence[Point]:
    """Return about ``most`` of the points, with the lowest and highest of each stretch kept."""
    if most < 2 or len(points) <= most:
        return points
    size = math.ceil(2 * len(points) / most)
    found: list[Point] = []
    for start in range(0, len(points), size):
        part = points[start : start + size]
        ends = {min(part, key=_height), max(part, key=_height)}
        found += sorted(ends)
    return found


def _height(point: Point) -> float:
    return point[1]


def y_ticks(limits: tuple[float, float], most: int, log: bool) -> list[tuple[float, str]]:
    """Return the values of an axis that are written, with their labels."""
    if not log:
        ticks = nice_ticks(*limits, most=most)
        step = ticks[1] - ticks[0] if len(ticks) > 1 else limits[1] - limits[0]
        return [(tick, tick_label(tick, step)) for tick in ticks]
    limits = (max(limits[0], -_EXPONENTS), min(limits[1], _EXPONENTS))
    low, high = (10.0**limit for limit in limits)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        values = [
            factor * 10.0**exponent
            for exponent in range(math.floor(limits[0]), math.ceil(limits[1]) + 1)
            for factor in factors
            if low <= factor * 10.0**exponent <= high
        ]
        if 2 <= len(values) <= most:
            return [(value, f"{value:g}") for value in values]
    # Less than a decade, or many: round numbers between the ends.
    if limits[1] - limits[0] < 1:
        ticks = [tick for tick in nice_ticks(low, high, most) if tick > 0]
        return [(tick, f"{tick:g}") for tick in ticks]
    exponents = nice_ticks(*limits, most=most)
    return [(10.0**exponent, f"{10.0**exponent:g}") for exponent in exponents]


def share(value: float, limits: tuple[float, float], most: int) -> int:
    """Return where a value lies between limits, in 0 to ``most``."""
    low, high = limits
    return round((value - low) / (high - low) * most) if high > low else most // 2
