"""Deduplication in a process of its own: ``python -m engine.similarity.child``.

Embedding takes the processor for minutes and PyTorch takes hundreds of megabytes; the
terminal app keeps both out of its own process.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.child import (
    Cancelled,
    Progress,
    end_with_caller,
    never,
    quiet,
    run_child,
    run_step,
    sparing,
)
from engine.setup import require
from engine.similarity.levels import DEFAULT_LEVEL, Nearness
from engine.similarity.linkage import OFF_TOPIC
from engine.similarity.names import E5
from engine.similarity.reports import DedupReport
from engine.workspace import open_workspace

_MODULE = "engine.similarity.child"


def dedup_apart(
    root: Path,
    *,
    model: str = "",
    threshold: Nearness = DEFAULT_LEVEL,
    off_topic: float = OFF_TOPIC,
    cache: Path | None = None,
    progress: Progress = quiet,
    cancelled: Callable[[], bool] = never,
) -> DedupReport:
    """Link and mark near-duplicates in a process of its own.

    See :func:`engine.similarity.stage.dedup`. What was embedded when it is stopped or
    killed is kept, and the next run goes on from there.

    Args:
        root: The workspace's folder.
        model: An embedding model's folder or name; empty for the embedded one.
        threshold: The level, or the similarity, from which examples are marked.
        off_topic: Which share of other questions must fit an answer better for a mark.
        cache: The folder of vectors; the user's where None.
        progress: Called with what is done and what there is, in texts to embed.
        cancelled: Asked several times a second whether to stop.

    Raises:
        DependencyMissing: What makes embeddings is not installed.
    """
    require_libraries(model)
    what = {
        "root": str(root),
        "model": model,
        "threshold": threshold,
        "off_topic": off_topic,
        "cache": "" if cache is None else str(cache),
    }
    try:
        found = run_child(
            _MODULE,
            [],
            progress,
            given=json.dumps(what),
            # The embedding model is on this machine; nothing is asked of any other.
            environment={"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"},
            cancelled=cancelled,
        )
    except Cancelled:
        return DedupReport(cancelled=True)
    return DedupReport(**found)


def require_libraries(model: str) -> None:
    """Raise where what a model needs is not installed; see :func:`engine.setup.require`.

    Raises:
        DependencyMissing: It is not installed.
    """
    if model != E5:  # which brings an engine of its own
        require("embeddings")


def main(_: Sequence[str]) -> Mapping[str, Any]:
    """Do what standard input says."""
    what = json.loads(sys.stdin.read())
    end_with_caller()
    # A person who types meanwhile goes first.
    os.nice(10)
    # Hundreds of thousands of small values live to the end; looking for cycles finds none.
    gc.disable()
    from engine.similarity.stage import dedup

    with open_workspace(Path(what["root"])) as space:
        report = dedup(
            space,
            model=what["model"],
            threshold=what["threshold"],
            off_topic=what["off_topic"],
            cache=Path(what["cache"]) if what["cache"] else None,
            progress=sparing(),
        )
    return asdict(report)


if __name__ == "__main__":
    sys.exit(run_step(main, sys.argv[1:]))
