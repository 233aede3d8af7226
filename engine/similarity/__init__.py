"""Which examples say the same: embeddings and their cache, neighbours, clusters.

Importing this package loads nothing heavy: numpy is imported when vectors are worked
on, and torch only where a text has no vector yet, which is best done in a process of
its own (:mod:`engine.similarity.child`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.child import Progress, never, quiet
from engine.similarity.levels import DEFAULT_LEVEL, Level, Nearness, level_of, threshold_of
from engine.similarity.linkage import DEFAULT_THRESHOLD, FLOOR, OFF_TOPIC, clusters
from engine.similarity.reports import Cluster, DedupReport, Member
from engine.similarity.texts import TextPair, normal_form, parts
from engine.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "DEFAULT_LEVEL",
    "DEFAULT_THRESHOLD",
    "FLOOR",
    "Cluster",
    "DedupReport",
    "Level",
    "Member",
    "Nearness",
    "TextPair",
    "clusters",
    "dedup",
    "embed",
    "level_of",
    "nearest",
    "normal_form",
    "parts",
    "threshold_of",
]


def dedup(
    workspace: Workspace,
    *,
    model: str = "",
    threshold: Nearness = DEFAULT_LEVEL,
    off_topic: float = OFF_TOPIC,
    cache: Path | None = None,
    progress: Progress = quiet,
    cancelled: Callable[[], bool] = never,
) -> DedupReport:
    """Link and mark a workspace's near-duplicates; see :func:`engine.similarity.stage.dedup`."""
    from engine.similarity.stage import dedup as run

    return run(
        workspace,
        model=model,
        threshold=threshold,
        off_topic=off_topic,
        cache=cache,
        progress=progress,
        cancelled=cancelled,
    )


def embed(
    texts: Sequence[str],
    *,
    model: str = "",
    cache: Path | None = None,
    progress: Progress = quiet,
) -> NDArray[np.float32]:
    """Embed texts, each once; see :func:`engine.similarity.vectors.embed`."""
    from engine.similarity.vectors import embed as run

    return run(texts, model=model, cache=cache, progress=progress)


def nearest(
    queries: NDArray[np.float32], rows: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return each query's nearest row; see :func:`engine.similarity.pairs.nearest`."""
    from engine.similarity.pairs import nearest as run

    return run(queries, rows)
