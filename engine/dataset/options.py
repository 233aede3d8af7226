"""What decides a dataset, next to the approved examples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from engine.errors import UsageError
from engine.models import FLAG_KINDS
from engine.similarity.levels import DEFAULT_LEVEL, Nearness, threshold_of
from engine.similarity.linkage import FLOOR

Near = Literal["now", "known", "no"]
"""Near-duplicates brought up to date first; as far as they are known; or left aside."""


@dataclass(frozen=True, slots=True)
class DatasetOptions:
    """What decides a dataset, next to the approved examples.

    Args:
        validation_fraction: The share of rows that is held out to watch training with.
        seed: The seed of the split.
        system_prompt: Put before conversations without a system message.
        max_length: The longest sequence in tokens; None cuts nothing.
        test_fraction: The share of rows that is held out besides, for the end.
        min_quality: Rows of a lower quality, from 0 to 1, are left out; None leaves none out.
        min_length: Rows whose answers have fewer characters together are left out.
        languages: Only rows of these languages are taken, as ISO 639-1 codes; empty takes all.
        exclude_flags: Rows with such a flag are left out, as "kind" or "kind:code".
        deduplicate: Of a cluster of near-duplicates one row is taken.
        holdout: Files whose rows become the test side; what equals them is left out.
        allow_secrets: Secrets that are let through, each by its code or an example's id.
        near_duplicates: Whether near-duplicates are computed first, taken as known, or left aside.
        threshold: From when on rows are near-duplicates: a level, or a similarity of the model;
            None takes the measured default.
        model: The embedding model: a folder or a name, or empty for the embedded one.
        fresh_split: Whether rows may change sides that earlier datasets gave them.
        same_question: Whether rows of one question stay together; for tests.
    """

    validation_fraction: float
    seed: int
    system_prompt: str
    max_length: int | None
    test_fraction: float = 0.0
    min_quality: float | None = None
    min_length: int = 0
    languages: tuple[str, ...] = ()
    exclude_flags: tuple[str, ...] = ()
    deduplicate: bool = False
    holdout: tuple[Path, ...] = ()
    allow_secrets: tuple[str, ...] = ()
    near_duplicates: Near = "known"
    threshold: Nearness | None = None
    model: str = ""
    fresh_split: bool = False
    same_question: bool = True

    @property
    def least(self) -> float:
        """The least similarity of near-duplicates."""
        asked = DEFAULT_LEVEL if self.threshold is None else self.threshold
        return threshold_of(asked, self.model)

    def check(self) -> DatasetOptions:
        """Return the options if they can be meant.

        Raises:
            UsageError: A number is out of range, or two wishes exclude each other.
        """
        for problem, hint in self._problems():
            raise UsageError(problem, hint=hint)
        return self

    def _problems(self) -> Iterator[tuple[str, str]]:
        for share, held_out in (
            (self.validation_fraction, 0 < self.validation_fraction < 1),
            (self.test_fraction, 0 <= self.test_fraction < 1),
        ):
            if not held_out:
                yield f"{share} can't be the share that is held out", "take one between 0 and 1"
        if self.validation_fraction + self.test_fraction >= 1:
            yield "nothing is left to train on", "hold out less for validation and test"
        if self.test_fraction and self.holdout:
            yield "a test share and holdout files exclude each other", "give one of the two"
        if self.min_quality is not None and not 0 <= self.min_quality <= 1:
            yield f"{self.min_quality} is no quality", "take one from 0 to 1"
        if not FLOOR <= self.least <= 1:
            yield f"{self.threshold} can't be the threshold", f"take one from {FLOOR:g} to 1"
        for flag in self.exclude_flags:
            if flag.partition(":")[0] not in FLAG_KINDS:
                yield f"there are no flags of kind {flag!r}", f"kinds are: {', '.join(FLAG_KINDS)}"

    def filters(self) -> dict[str, Any]:
        """Return what leaves rows out, as the manifest records it."""
        return {
            "min_quality": self.min_quality,
            "min_length": self.min_length,
            "languages": sorted(self.languages),
            "exclude_flags": sorted(self.exclude_flags),
            "deduplicate": self.deduplicate,
        }
