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

AT_LEAST_ROWS = 64
AT_MOST_ROWS = 512
"""Examples of a large validation split that an evaluation looks at."""

FORWARD = 1 / 3
"""What a forward pass takes of a step's forward and backward pass."""

_EVALUATIONS = 5  # the base's, three more and the last one
_NOISE = 1e-9  # times add up inexactly, which may not take an evaluation away
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
        self._coming: tuple[int, int] | None = None

    def made(self, step: int, seconds: float) -> None:
        """Count an evaluation, or a part of one: what it took is added up by step."""
        self._costs[step] = self._costs.get(step, 0.0) + seconds
        self._coming = None

    def restore(self, costs: Mapping[int, float]) -> None:
        """Take up the evaluations of a run's earlier processes: seconds by step."""
        self._costs = dict(costs)
        self._coming = None

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
        return step >= self.following(taken_s + step_s * (self._total - step))

    def coming(self, steps_s: float) -> int:
        """Return how many evaluations are still to come before the last one, as it looks now.

        Args:
            steps_s: Seconds that all steps of the run take.
        """
        ahead, each, count = Pace(self._total, share=self._share), self._each(), 0
        ahead.restore(self._costs)
        while (step := ahead.following(steps_s)) < self._total:
            ahead.made(step, each)
            count += 1
        return count

    def following(self, steps_s: float) -> int:
        """Return the step after which the next evaluation is made, as it looks now.

        Args:
            steps_s: Seconds that all steps of the run take.
        """
        last, left = max(self._costs, default=0), self._left(steps_s)
        return last + math.ceil((self._total - last) / (left + 1))

    def left_s(self, step: int, *, taken_s: float, step_s: float) -> float:
        """Return the seconds that evaluations after a step are expected to take.

        Args:
            step: Steps that are done, that step's evaluation made where it was due.
            taken_s: Seconds that they took.
            step_s: Seconds that each of the others is expected to take.
        """
        if step >= self._total or not self._costs:
            return 0.0
        if self._every:
            inner = (self._total - 1) // self._every - step // self._every
        else:
            # Counting takes a while: anew after each evaluation, and after twice as many steps.
            if self._coming is None or self._coming[0] != step.bit_length():
                count = self.coming(taken_s + step_s * (self._total - step))
                self._coming = step.bit_length(), count
            inner = min(self._coming[1], self._total - step - 1)
        return (inner + 1) * self._each()

    def _each(self) -> float:
        """Return what the last evaluations took on average, in seconds; nothing is infinite."""
        recent = [self._costs[step] for step in sorted(self._costs)[-_RECENT:]]
        return sum(recent) / len(recent) if recent else math.inf

    def _left(self, steps_s: float) -> int:
        """Return how many evaluations can still be made before the last one."""
        inner = sum(1 for step in self._costs if step > 0)
        owed = max(0, AT_LEAST - inner)
        spent = sum(self._costs.values())
        each = self._each()
        room = steps_s * self._share / (1 - self._share) - spent
        afford = AT_MOST if each * AT_MOST <= room else int(room / each + _NOISE) if room > 0 else 0
        return max(owed, min(afford - 1, AT_MOST - inner))  # one is for the end


def evaluations(total: int, *, every: int = 0, steps_s: float, each_s: float) -> int:
    """Return how many evaluations a run makes, the base's and the last one included.

    Args:
        total: Steps of the run.
        every: Steps between evaluations, where a person has set them; 0 goes by time.
        steps_s: Seconds that all steps take.
        each_s: Seconds that an evaluation takes together with its samples.
    """
    if every:
        return 2 + (total - 1) // every
    pace = Pace(total)
    pace.made(0, each_s)
    return 2 + pace.coming(steps_s)


def evaluated_rows(of: int, *, trained_rows: float) -> int:
    """Return by how many examples a run is evaluated: all, or a part of a large split.

    It is as many as five evaluations in a tenth of the run allow, between 64 and 512.

    Args:
        of: Examples of the validation split.
        trained_rows: How many rows the whole run trains on, each as often as it is seen.
    """
    room = int(SHARE * trained_rows / (_EVALUATIONS * FORWARD))
    return min(of, max(AT_LEAST_ROWS, room), AT_MOST_ROWS)
