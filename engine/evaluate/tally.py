"""What many judgements say: counts, and an interval that holds for few of them."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from engine.models import Vote

# The two-sided 95% quantile of the normal distribution.
_Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Tally:
    """How many judgements went where.

    ``low`` and ``high`` bound, at 95%, the share of untied judgements that the tuned
    model wins.
    """

    tuned: int
    base: int
    ties: int
    both_bad: int
    low: float
    high: float

    @property
    def total(self) -> int:
        """All judgements."""
        return self.tuned + self.base + self.ties + self.both_bad

    @property
    def share(self) -> float | None:
        """The share of untied judgements that the tuned model won; None without any."""
        untied = self.tuned + self.base
        return self.tuned / untied if untied else None


def tally(
    votes: Iterable[Vote], *, blind_only: bool = True, without: Collection[str] = ()
) -> Tally:
    """Count votes.

    Args:
        votes: The votes.
        blind_only: Whether those given with open sides are left out.
        without: Trials whose votes are left out: of sides that are sealed still, a count
            that moves would tell which is which.
    """
    counts = {"tuned": 0, "base": 0, "tie": 0, "both-bad": 0}
    for item in votes:
        if item.metadata.get("trial") in without:
            continue
        if item.blind or not blind_only:
            counts[item.choice] += 1
    low, high = wilson(counts["tuned"], counts["tuned"] + counts["base"])
    return Tally(
        tuned=counts["tuned"],
        base=counts["base"],
        ties=counts["tie"],
        both_bad=counts["both-bad"],
        low=low,
        high=high,
    )


def wilson(wins: int, trials: int) -> tuple[float, float]:
    """Return the 95% score interval of a proportion.

    Source: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical
    Inference", JASA 22 (158), 1927, 209-212. It holds its level for few trials, where the
    usual interval p ± z·s does not: L. D. Brown, T. T. Cai, A. DasGupta, "Interval Estimation
    for a Binomial Proportion", Statistical Science 16 (2), 2001, 101-133.

    Args:
        wins: Successes.
        trials: Trials; without any the answer is (0, 1).
    """
    if not trials:
        return 0.0, 1.0
    share, square = wins / trials, _Z95 * _Z95
    middle = share + square / (2 * trials)
    spread = _Z95 * math.sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    scale = 1 + square / trials
    # At the ends the bound is the end itself, which rounding would miss by a last bit.
    low = (middle - spread) / scale if wins else 0.0
    high = (middle + spread) / scale if wins < trials else 1.0
    return low, high
