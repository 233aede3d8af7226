"""What deduplication found, as verbs and screens show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.models import LinkWhat


@dataclass(frozen=True, slots=True)
class Member:
    """An example of a cluster.

    Args:
        position: Its place in the queue.
        example_id: Its id.
        label: What the queue shows of it.
        source_id: The source that it comes from.
        similarity: To the cluster's representative, 1 for equal text; it may be under the
            threshold where others stand between the two.
    """

    position: int
    example_id: str
    label: str
    source_id: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Cluster:
    """Examples that say the same, the representative first.

    Args:
        what: What is alike.
        members: The representative, then the others by similarity to it.
        across: Whether they come from more than one source.
    """

    what: LinkWhat
    members: tuple[Member, ...]
    across: bool


@dataclass(frozen=True, slots=True)
class DedupReport:
    """What a run of deduplication did, and how many examples it marks.

    Args:
        examples: How many examples there are.
        compared: How many of them were new or changed since the last run.
        embedded: How many texts had no vector yet.
        links: How many links each ``what`` has.
        clusters: How many clusters of duplicates there are at the threshold.
        flags: How many flags of each code stand in the workspace.
        model: The model that the vectors come from.
        space: The name under which the store has the links.
        threshold: The threshold that was marked at.
        level: The name of that threshold: "copies", "paraphrases", or nothing.
        exact: Whether all neighbours were compared; False where an index found them.
        unreadable: Examples that could not be compared, and why, by id.
        cancelled: It was stopped; vectors are kept, links and marks are as they were.
    """

    examples: int = 0
    compared: int = 0
    embedded: int = 0
    links: Mapping[str, int] = field(default_factory=dict)
    clusters: int = 0
    flags: Mapping[str, int] = field(default_factory=dict)
    model: str = ""
    space: str = ""
    threshold: float = 0.0
    level: str = ""
    exact: bool = True
    unreadable: Mapping[str, str] = field(default_factory=dict)
    cancelled: bool = False
