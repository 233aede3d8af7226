"""Clusters out of links, at any threshold, without looking at a text again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from engine.models import Link

DEFAULT_THRESHOLD = 0.9
"""The similarity from which examples count as duplicates."""

OFF_TOPIC = 0.4
"""Which share of other questions must fit an answer better than its own for it to be flagged."""

FLOOR = 0.7
"""Links below this similarity are not kept, so no threshold can be lower."""


NUMBERS_APART = 0.1
"""What is taken from the similarity of two texts that both hold numbers, and not the same."""

EXACT_LIMIT = 200_000
"""Up to how many different texts all pairs are compared; above, an index finds neighbours."""


def clusters(links: Iterable[Link], threshold: float) -> list[tuple[int, ...]]:
    """Return the clusters that links of one kind form: single linkage at a threshold.

    Args:
        links: Links of one ``what``, in any order.
        threshold: The least similarity that joins two examples.

    Returns:
        The positions of each cluster of two and more, ascending, and the clusters by
        their first.
    """
    parent: dict[int, int] = {}

    def root(node: int) -> int:
        while (above := parent.setdefault(node, node)) != node:
            parent[node] = parent.setdefault(above, above)
            node = parent[node]
        return node

    for link in links:
        if link.similarity >= threshold:
            one, other = root(link.a), root(link.b)
            if one != other:
                parent[max(one, other)] = min(one, other)
    members: defaultdict[int, list[int]] = defaultdict(list)
    for node in list(parent):
        members[root(node)].append(node)
    return sorted(tuple(sorted(cluster)) for cluster in members.values() if len(cluster) > 1)
