"""The leak meter: how near each row that is held out is to what is trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

BINS = 10
_WORST = 5
_SLACK = 1e-5  # single precision gives the same pair another last digit in another product


@dataclass(frozen=True, slots=True)
class LeakPair:
    """A held-out row and the row to train on that is nearest to it.

    Args:
        held_out: The held-out row's id.
        train: The other's.
        similarity: The lesser of their questions' and their answers' similarity.
        answer: The highest similarity of its answer to one that is trained on, of any row.
    """

    held_out: str
    train: str
    similarity: float
    answer: float


@dataclass(frozen=True, slots=True)
class Nearest:
    """What was found for one held-out row; similarities are cosines, 1 for equal text.

    Args:
        held_out: Its id.
        train: The id of the nearest row to train on; empty where there is none.
        similarity: The lesser of their questions' and answers' similarity.
        answer: The highest similarity of its answer to one that is trained on.
        answer_train: The id of that answer's row.
        long: Whether its answer and that one are so long that they are alike by no chance.
        equal: Whether a row to train on equals it but for spelling.
    """

    held_out: str
    train: str
    similarity: float
    answer: float
    answer_train: str
    long: bool
    equal: bool


@dataclass(frozen=True, slots=True)
class LeakSummary:
    """How near a side, or a file, is to what is trained on.

    Args:
        side: "validation", "test", or a file's name.
        rows: How many rows it has.
        threshold: The similarity from which rows count as near-duplicates.
        equal: Rows that equal a row to train on but for spelling.
        over: Rows with a near-duplicate to train on, the equal ones among them.
        answers_over: Rows whose long answer has a near-duplicate among those trained on.
        median: The middle similarity to the nearest row; half are nearer.
        high: The similarity that one row in ten reaches.
        highest: The highest.
        bins: How many rows are from 0 to below 0.1, … and from 0.9 to 1.
        worst: The nearest pairs, the nearest first.
        measured: Whether embeddings were compared, or else only the text.
        reason: Why they were not.
        level: The name of the threshold, "copies" or "paraphrases"; empty where it has none.
    """

    side: str
    rows: int
    threshold: float
    equal: int = 0
    over: int = 0
    answers_over: int = 0
    median: float = 0.0
    high: float = 0.0
    highest: float = 0.0
    bins: tuple[int, ...] = (0,) * BINS
    worst: tuple[LeakPair, ...] = ()
    measured: bool = True
    reason: str = ""
    level: str = ""

    @property
    def leaking(self) -> int:
        """Rows that are no fair test: they, or their long answers, are trained on."""
        return max(self.over, self.answers_over)

    def as_dict(self) -> dict[str, Any]:
        """Return it as the manifest holds it."""
        return asdict(self)

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> LeakSummary:
        """Return what :meth:`as_dict` gave."""
        known = {field.name for field in fields(cls)}
        taken = {name: one for name, one in value.items() if name in known}
        taken["bins"] = tuple(taken.get("bins", ()))
        taken["worst"] = tuple(LeakPair(**pair) for pair in taken.get("worst", ()))
        return cls(**taken)


def summarise(
    side: str,
    found: Sequence[Nearest],
    threshold: float,
    *,
    level: str = "",
    measured: bool = True,
    reason: str = "",
    worst: int = _WORST,
) -> LeakSummary:
    """Put what was found for each row together.

    Similarities are rounded to three places: the last ones differ between machines.
    """
    least = min(threshold + _SLACK, 1.0)
    values = sorted(one.similarity for one in found)
    bins = [0] * BINS
    for value in values:
        bins[min(max(int(value * BINS), 0), BINS - 1)] += 1
    nearest = sorted(found, key=lambda one: (-round(one.similarity, 3), one.held_out))
    return LeakSummary(
        side=side,
        rows=len(found),
        threshold=threshold,
        level=level,
        equal=sum(one.equal for one in found),
        over=sum(one.similarity >= least for one in found),
        answers_over=sum(one.long and one.answer >= least for one in found),
        median=round(_quantile(values, 0.5), 3),
        high=round(_quantile(values, 0.9), 3),
        highest=round(values[-1], 3) if values else 0.0,
        bins=tuple(bins),
        worst=tuple(
            LeakPair(one.held_out, one.train, round(one.similarity, 3), round(one.answer, 3))
            for one in nearest[:worst]
            if one.train
        ),
        measured=measured,
        reason=reason,
    )


def _quantile(values: Sequence[float], share: float) -> float:
    return values[min(int(share * len(values)), len(values) - 1)] if values else 0.0
