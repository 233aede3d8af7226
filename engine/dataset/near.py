"""What is known of near-duplicates among a workspace's examples, and bringing it up to date."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.child import Cancelled, Progress, never, quiet
from engine.dataset.candidates import Candidate
from engine.dataset.groups import NearClusters
from engine.dataset.options import DatasetOptions
from engine.errors import CheckError, DependencyMissing, FinetuiError
from engine.similarity import clusters, level_of
from engine.store import Store
from engine.workspace import Workspace


@dataclass(frozen=True, slots=True)
class NearDuplicates:
    """What a dataset knows of near-duplicates.

    Args:
        checked: Whether all its rows were compared by embeddings.
        reason: Why they were not; what is then joined is equal but for spelling.
        space: The name of the embeddings: the model's fingerprint and the form of the text.
        threshold: The least similarity of near-duplicates.
        level: Its name, "copies" or "paraphrases"; empty where it has none.
        clusters: What is near what, by place in the queue.
    """

    checked: bool
    reason: str
    space: str
    threshold: float
    level: str = ""
    clusters: NearClusters = NearClusters()  # noqa: RUF009 - it is frozen

    def as_dict(self) -> dict[str, Any]:
        """Return what the manifest records."""
        return {
            "checked": self.checked,
            "reason": self.reason,
            "embeddings": self.space,
            "threshold": self.threshold,
            "level": self.level,
        }


def refresh(
    workspace: Workspace,
    options: DatasetOptions,
    *,
    progress: Progress = quiet,
    cancelled: Callable[[], bool] = never,
) -> tuple[str, str]:
    """Bring near-duplicates up to date in a process of their own.

    What was embedded before is not embedded again; where nothing changed since the last
    time, no process is started.

    Returns:
        The name of the embeddings, and why there are none.

    Raises:
        Cancelled: It was stopped.
    """
    from engine.similarity.child import dedup_apart

    try:
        report = dedup_apart(
            workspace.root,
            model=options.model,
            # It also marks examples, for which the workspace has a threshold of its own.
            threshold=workspace.settings.check.duplicate_threshold,
            off_topic=workspace.settings.check.off_topic,
            progress=progress,
            cancelled=cancelled,
        )
    except FinetuiError as error:
        # Also a child that ended without a word: what is broken may be broken in many ways.
        if not (isinstance(error, CheckError | DependencyMissing) or type(error) is FinetuiError):
            raise
        return "", first_line(error)
    if report.cancelled:
        raise Cancelled
    return report.space, ""


def first_line(error: FinetuiError) -> str:
    """Return why something could not be done; the lines of a child's log tell it to nobody."""
    message = error.message.partition("\n")[0].rstrip(":")
    return f"{message}; {error.hint}" if error.hint else message


def known(
    store: Store,
    candidates: Sequence[Candidate],
    options: DatasetOptions,
    *,
    space: str = "",
    reason: str = "",
) -> NearDuplicates:
    """Return what is known of near-duplicates.

    Args:
        store: Where the links are.
        candidates: The rows that it is about.
        options: The threshold, and whether they are left aside.
        space: The embeddings to take; those of most examples where empty.
        reason: Why they could not be brought up to date, if so.
    """
    threshold = options.least
    level = level_of(threshold, options.model) or ""
    if options.near_duplicates == "no":
        return NearDuplicates(False, "left out", "", threshold, level)
    taken = space or next(iter(store.link_models()), "")
    if not taken:
        why = reason or "they were never looked for: finetui dedup"
        return NearDuplicates(False, why, "", threshold, level)
    compared = store.linked(taken)
    missing = _not_in(compared, candidates)
    if missing and not reason:
        reason = f"{missing:,} of {len(candidates):,} rows were not compared: finetui dedup"
    found = NearClusters(
        both=tuple(clusters(store.links(taken, "both", threshold), threshold)),
        answers=tuple(clusters(store.links(taken, "answer", threshold), threshold)),
    )
    why = reason if missing else ""
    return NearDuplicates(not missing, why, taken, threshold, level, found)


def _not_in(compared: Mapping[int, str], candidates: Sequence[Candidate]) -> int:
    """Return how many were not compared by the text that they have now."""
    # What is recorded begins with the id of the text that was compared.
    return sum(
        not compared.get(one.position, "").startswith(f"{one.text_id}|") for one in candidates
    )
