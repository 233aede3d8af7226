"""When a step counts as hung, and how that is said: one definition for a run and all that watch it.

The run's own process knows each step, and warns; who reads its events knows those that were
logged, and how long the process has lived since the last of them.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

HUNG_STEPS = 20
"""How many times as long as the steps before it a step takes before it counts as hung."""

HUNG_S = 300.0
"""A step shorter than this is never called hung, in seconds."""

FIRST_S = 900.0
"""The same for the first steps, which load and compile."""

KNOWN_STEPS = 3
"""Steps after which it is known how long one takes."""

RECENT_STEPS = 20
"""How many of the last steps tell how long one takes."""

HUNG = "run-hung"
"""The code of the warning, and of a run's state."""


def usual_s(recent: Sequence[float]) -> float:
    """Return how long a step usually takes, in seconds: the median; 0 where that is not known.

    Args:
        recent: Seconds that the last steps took, at most the last :data:`RECENT_STEPS`.
    """
    return statistics.median(recent) if len(recent) >= KNOWN_STEPS else 0.0


def hung_after(usual: float, *, first_s: float = FIRST_S) -> float:
    """Return the seconds without the end of a step after which it counts as hung.

    Args:
        usual: See :func:`usual_s`.
        first_s: See :data:`FIRST_S`.
    """
    return max(HUNG_S, HUNG_STEPS * usual) if usual else first_s


def hung_words(quiet_s: float, usual: float) -> str:
    """Return that a step hangs, such as ``no step for 12 min; those before took 8 s``.

    Args:
        quiet_s: Seconds since the last step ended.
        usual: See :func:`usual_s`.
    """
    before = f"; those before took {usual:.2g} s" if 0 < usual < 10 else ""
    if usual >= 10:
        before = f"; those before took {age_words(usual)}"
    return f"no step for {age_words(quiet_s)}{before}"


def age_words(seconds: float) -> str:
    """Return an age in words: ``3 s``, ``4 min``, ``2 h``, ``5 days``."""
    seconds = max(0.0, seconds)
    for unit, from_s, size in (("days", 172_800, 86_400), ("h", 7_200, 3_600), ("min", 120, 60)):
        if seconds >= from_s:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
