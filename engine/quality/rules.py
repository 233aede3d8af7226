"""Rules that a person wrote: the only way in which a finding decides anything.

A rule fits examples by what checks found. It decides those that nobody has ever decided,
as an entry of the journal like any other, so that it is seen there and can be undone; what
was undone is not decided again.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from engine.models import Filter
from engine.settings import CheckRule
from engine.store import Store

SESSION = "rule:"


def words(rule: CheckRule) -> str:
    """Return what a rule says, in a few words: its name in the journal."""
    parts = [
        rule.flag,
        rule.language,
        f"below {rule.below_quality}" if rule.below_quality is not None else "",
        f"above {rule.above_quality}" if rule.above_quality is not None else "",
    ]
    return f"{rule.action} {' '.join(part for part in parts if part)}"


def apply(store: Store, rules: Sequence[CheckRule], *, at: float) -> Counter[str]:
    """Decide by rules, the first that fits an example; return how many by action.

    Args:
        store: The workspace's store.
        rules: The rules, in the order in which they are tried.
        at: When, in seconds since the epoch.
    """
    decided: Counter[str] = Counter()
    if not rules:
        return decided
    # Every opening is a session of its own in the journal: this one bears the rule's name.
    with store.again() as opened, opened.operation():
        for rule in rules:
            opened.session = SESSION + words(rule)
            for position in opened.positions(_filter(rule)):
                for card in opened.cards_at([position]):
                    if not opened.journal(limit=1, example_id=card.example.id):
                        # Whatever somebody does in this moment is not overridden unseen.
                        opened.decide(rule.action, card.example.id, seen=0, at=at)
                        decided[rule.action] += 1
    return decided


def _filter(rule: CheckRule) -> Filter:
    below = rule.below_quality
    return Filter(
        states=("undecided",),
        flags=(rule.flag,) if rule.flag else (),
        languages=(rule.language,) if rule.language else (),
        min_quality=rule.above_quality,
        # A filter's bounds are inclusive; a rule's upper one is not.
        max_quality=None if below is None else math.nextafter(below, -math.inf),
    )
