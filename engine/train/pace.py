"""When a run is evaluated: as often as fits in a tenth of its time, and at least three times.

Only measured times enter, and they decide when the model is looked at, never what it learns.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

SHARE = 0.1
"""Share of a run's time that evaluations and samples may take."""

AT_LEAST = 3
"""Evaluations between the base's and the last one, whatever they take."""

AT_MOST = 50
"""Evaluations between them, however little they take: a curve shows no more."""

_RECENT = 3  # the last evaluations alone say what one takes, so that it follows the machine


class Pace:
    """Says after which steps a run is evaluated.

    The base and the end are always evaluated. Between them evaluations are spread evenly over the
    steps that are left; how many there can be is computed anew after each step.

    Args:
        total: Steps of the run.
        every: Steps between evaluations, where a person has set them; 0 goes by time.
        share: Share of the run's time that evaluations may take, below 1.
    """

    def __init__(self, total: int, *, every: int = 0, share: float = SHARE) -> None:
        self._total = total
        self._every = every
        self._share = share
        self._costs: dict[int, float] = {}

    def made(self, step: int, seconds: float) -> None:
        """Count an evaluation, or a part of one: what it took is added up by step."""
        self._costs[step] = self._costs.get(step, 0.0) + seconds

    def restore(self, costs: Mapping[int, float]) -> None:
        """Take up the evaluations of a run's earlier processes: seconds by step."""
        self._costs = dict(costs)

    def has(self, step: int) -> bool:
        """Say whether an evaluation was made after a step."""
        return step in self._costs

    def due(self, step: int, *, taken_s: float, step_s: float) -> bool:
        """Say whether to evaluate after a step.

        Args:
            step: Steps that are done, at least 1.
            taken_s: Seconds that they took.
            step_s: Seconds that each of the others is expected to take.
        """
        if step in self._costs:
            return False
        if step >= self._total:
            return True
        if self._every:
            return step % self._every == 0
        left = self._left(taken_s + step_s * (self._total - step))
        last = max(self._costs, default=0)
        return left > 0 and step - last >= math.ceil((self._total - last) / (left + 1))

    def _left(self, steps_s: float) -> int:
        """Return how many evaluations can still be made before the last one."""
        inner = sum(1 for step in self._costs if step > 0)
        owed = max(0, AT_LEAST - inner)
        spent = sum(self._costs.values())
        recent = [self._costs[step] for step in sorted(self._costs)[-_RECENT:]]
        each = sum(recent) / len(recent) if recent else math.inf
        room = steps_s * self._share / (1 - self._share) - spent
        afford = AT_MOST if each * AT_MOST <= room else int(room / each) if room > 0 else 0
        return max(owed, min(afford - 1, AT_MOST - inner))  # one is for the end
