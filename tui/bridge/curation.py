"""What the Curate screen asks besides decisions: counts, drafts of edits, other answers."""

from __future__ import annotations

import time
from dataclasses import dataclass

from engine.models import (
    FLAG_KINDS,
    ORIGINS,
    Counts,
    Filter,
    FlagKind,
    Origin,
    Source,
)
from engine.store import Store
from tui.messages import Progress


def measure(store: Store, target: int) -> tuple[Counts, Progress]:
    """Return the counts of the whole queue and what the meter shows. Runs in a thread."""
    from engine.curate import pace  # the curate stage, first needed here

    counts = store.counts()
    now = pace(store, time.time(), target=target)
    return counts, Progress(
        approved=counts.approved,
        target=target,
        rejected=counts.rejected,
        undecided=counts.undecided,
        per_hour=now.per_hour,
        minutes_left=now.minutes_to_target,
    )


QUALITY_BANDS: tuple[tuple[str, float | None, float | None], ...] = (
    ("below 0.5", None, 0.4999),
    ("0.5 to 0.7", 0.5, 0.6999),
    ("0.7 and more", 0.7, None),
)
"""What the queue is narrowed to by quality: a name, the least and the greatest."""


@dataclass(frozen=True, slots=True)
class Shares:
    """What the queue can be narrowed to, and how many examples each part has."""

    counts: Counts
    origins: dict[Origin, int]
    kinds: list[tuple[str, int]]
    sources: list[Source]
    tags: list[tuple[str, int]]
    flag_kinds: list[tuple[FlagKind, int]]
    flag_codes: list[tuple[str, str, int]]
    languages: list[tuple[str, int]]
    quality: list[tuple[str, int]]


def shares(store: Store) -> Shares:
    """Return the parts of the queue. Runs in a thread."""
    codes = store.flag_counts()
    flagged = {kind for kind, _, _ in codes}
    kinds = [kind for kind in FLAG_KINDS if kind in flagged]
    quality = [
        (name, store.queue_size(Filter(min_quality=least, max_quality=most)))
        for name, least, most in QUALITY_BANDS
    ]
    return Shares(
        counts=store.counts(),
        origins={origin: store.queue_size(Filter(origins=(origin,))) for origin in ORIGINS},
        kinds=store.kinds(),
        sources=store.sources(),
        tags=store.tags(),
        flag_kinds=[(kind, store.queue_size(Filter(flags=(kind,)))) for kind in kinds],
        flag_codes=codes,
        languages=store.languages(),
        quality=quality,
    )
