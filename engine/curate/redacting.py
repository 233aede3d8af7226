"""Redaction as an edit: placeholders for what checks flagged as secret or personal."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.curate.queue import Curator
from engine.models import Card
from engine.store import Store

if TYPE_CHECKING:
    from engine.quality.finder import Value


@dataclass(frozen=True, slots=True)
class Redaction:
    """What a redaction did.

    Args:
        card: The example as it is now.
        replaced: How many values were replaced, by the flags' code; empty where nothing was.
        fields: What was flagged besides the conversation, as "title" or "column author": it
            is written with placeholders from now on.
        values: What was replaced, for a look at other examples; it is never stored.
    """

    card: Card
    replaced: Mapping[str, int]
    fields: tuple[str, ...] = ()
    values: tuple[Value, ...] = field(default=(), repr=False)


def redact_example(store: Store, example_id: str) -> Redaction:
    """Put placeholders in the place of what is flagged in an example.

    It is an edit of the journal like a person's; an undo takes it back. What checks would
    flag only in the new text is seen by the next check. Titles, paths, tags and columns stay
    as the source has them; with the edit they count as redacted, and are written with
    placeholders (see :mod:`engine.quality.fields`). Where only they hold something, the
    edit's text is the one that was there.

    Args:
        store: The workspace's store.
        example_id: The example's id or a prefix of it.

    Raises:
        ExampleMissing: There is no such example.
        WorkspaceError: What the workspace remembers of placeholders can't be read.
    """
    # Two dozen regular expressions and their tables, which opening the queue does not need.
    from engine.curate.elsewhere import authored_marks
    from engine.quality.fields import CHECKED_BY
    from engine.quality.naming import WorkspacePlaceholders
    from engine.quality.redact import REDACTED_KINDS, flagged_values, redact

    card = store.card(example_id)
    done = redact(
        card.turns, card.flags, names=WorkspacePlaceholders(store), authored=authored_marks(card)
    )
    fields = [flag for flag in card.flags if flag.place and flag.kind in REDACTED_KINDS]
    if not done.replaced and not fields:
        return Redaction(card, {})
    replaced: Counter[str] = Counter(flag.code for flag in fields)
    for one in done.replaced:
        replaced[one.code] += one.count
    if done.replaced:
        after = Curator(store).edit(card.example.id, done.turns, card.seen)
    else:
        store.append("edit", card.example.id, turns=card.turns, seen=card.seen, at=time.time())
        for check in CHECKED_BY:
            # The text is as it was, so that nothing else makes the check look again.
            store.forget_flags(check, [card.position])
        after = store.card(card.example.id)
    places = tuple(dict.fromkeys(flag.place for flag in fields))
    values = tuple(flagged_values(card.turns, card.flags)) if done.replaced else ()
    return Redaction(after, dict(replaced), places, values)
