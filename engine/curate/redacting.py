"""Redaction as an edit: placeholders for what checks flagged as secret or personal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from engine.curate.queue import Curator
from engine.models import Card
from engine.store import Store


@dataclass(frozen=True, slots=True)
class Redaction:
    """What a redaction did.

    Args:
        card: The example as it is now.
        replaced: How many values were replaced, by the flags' code; empty where nothing was.
    """

    card: Card
    replaced: Mapping[str, int]


def redact_example(store: Store, example_id: str) -> Redaction:
    """Put placeholders in the place of what is flagged in an example.

    It is an edit of the journal like a person's; an undo takes it back. What checks would
    flag only in the new text is seen by the next check.

    Args:
        store: The workspace's store.
        example_id: The example's id or a prefix of it.

    Raises:
        ExampleMissing: There is no such example.
        WorkspaceError: What the workspace remembers of placeholders can't be read.
    """
    # Two dozen regular expressions and their tables, which opening the queue does not need.
    from engine.quality.naming import WorkspacePlaceholders
    from engine.quality.redact import redact

    card = store.card(example_id)
    done = redact(card.turns, card.flags, names=WorkspacePlaceholders(store))
    if not done.replaced:
        return Redaction(card, {})
    after = Curator(store).edit(card.example.id, done.turns, card.seen)
    replaced: Counter[str] = Counter()
    for one in done.replaced:
        replaced[one.code] += one.count
    return Redaction(after, dict(replaced))
