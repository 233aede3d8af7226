"""Deciding examples: approve, reject, skip, edit, undo and redo, and how fast it goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from engine.errors import ExampleInvalid
from engine.frozen import frozen
from engine.models import ROLES, Action, BulkDecided, Card, Conflict, Filter, Reverted, Turn
from engine.settings import CurationSettings
from engine.store import Store
from engine.store.fold import STATE_AFTER

WINDOW_SECONDS = 600.0
PACE_DECISIONS = 5
PACE_SECONDS = 15.0
IDLE_SECONDS = 60.0
# A longer pause ends a stretch of work: what was done before it says nothing of now.
PAUSE_SECONDS = 300.0
# Decisions that follow closer than a hand can are one act, as approving all of a kind is.
ONE_ACT_SECONDS = 0.05


class Curator:
    """Makes a person's decisions on a store's examples.

    Every decision is on the disk when its method returns. A decision that would change
    nothing (approving what is approved) writes no entry, so that an undo always undoes
    something that can be seen.

    Args:
        store: The store.
        clock: Gives the time of a decision, in seconds since the epoch.
    """

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    def approve(self, example_id: str, seen: int | None = None) -> Card:
        """Approve an example, by id or prefix, and return it as it is then."""
        return self.decide("approve", example_id, seen)

    def reject(self, example_id: str, seen: int | None = None) -> Card:
        """Reject an example, by id or prefix, and return it as it is then."""
        return self.decide("reject", example_id, seen)

    def skip(self, example_id: str, seen: int | None = None) -> Card:
        """Set an example aside, by id or prefix, and return it as it is then."""
        return self.decide("skip", example_id, seen)

    def decide(self, action: Action, example_id: str, seen: int | None = None) -> Card:
        """Approve, reject or skip an example, whichever ``action`` says.

        Args:
            action: The decision.
            example_id: The example's id or a prefix of it.
            seen: ``Card.seen`` of the card that the person decided on; None if not told.

        Returns:
            The example as it is then. Its ``conflict`` is what other sessions did that the
            person had not seen, or else what nobody has resolved yet.
        """
        _check_action(action)
        whole = self._store.card(example_id).example.id
        conflict = self._store.decide(action, whole, seen=seen, at=self._clock())
        return self._after(whole, conflict)

    def decide_many(self, action: Action, pairs: Sequence[tuple[str, int | None]]) -> BulkDecided:
        """Decide many examples alike, as one operation that one undo takes back.

        Args:
            action: "approve", "reject" or "skip".
            pairs: Whole ids, each with what was seen of it as in :meth:`decide`.
        """
        _check_action(action)
        return self._store.decide_many(action, pairs, at=self._clock())

    def decide_filtered(self, action: Action, which: Filter) -> BulkDecided:
        """Decide all examples of a filter as they are in that very moment: one operation."""
        _check_action(action)
        return self._store.decide_filtered(action, which, at=self._clock())

    def _after(self, example_id: str, conflict: Conflict | None) -> Card:
        card = self._store.card(example_id)
        return card if conflict is None else replace(card, conflict=conflict)

    def edit(self, example_id: str, turns: Sequence[Turn], seen: int | None = None) -> Card:
        """Give an example another text; its state and its original stay.

        Args:
            example_id: The example's id or a prefix of it.
            turns: The whole conversation as it shall be.
            seen: ``Card.seen`` of the card whose text was edited; None if not told.

        Returns:
            The example with its new text; for its ``conflict`` see :meth:`decide`.

        Raises:
            ExampleInvalid: What is left can't be an example; nothing was changed.
        """
        card = self._store.card(example_id)
        after = tuple(turns)
        if after != card.turns:
            check_turns(after, before=card.turns)
        whole = card.example.id
        conflict = self._store.edit(whole, after, seen=seen, at=self._clock())
        return self._after(whole, conflict)

    def undo(self, example_id: str = "") -> Reverted | None:
        """Undo one's own latest operation, else the latest of whoever; None if there is none.

        Args:
            example_id: If given, the latest decision on this example instead.
        """
        whole = self._store.card(example_id).example.id if example_id else ""
        return self._store.undo(at=self._clock(), example_id=whole)

    def redo(self) -> Reverted | None:
        """Do again what was undone last; None if there is nothing, or a decision came since."""
        return self._store.redo(at=self._clock())


def _check_action(action: Action) -> None:
    if action not in STATE_AFTER:
        raise ValueError(f"{action} is no decision on a state")


def check_turns(turns: Sequence[Turn], *, before: Sequence[Turn] = ()) -> None:
    """Raise unless turns can be a training example.

    Args:
        turns: The conversation.
        before: The conversation that it was. Where an edit leaves the order of the roles
            as it was, that order is not judged.

    Raises:
        ExampleInvalid: A role is unknown, a user's turn is empty, no assistant's turn has
            text, or the roles don't follow one another as in a conversation.
    """
    unknown = [turn.role for turn in turns if turn.role not in ROLES]
    if unknown:
        raise ExampleInvalid(f"there is no role {unknown[0]}", hint=f"roles are {', '.join(ROLES)}")
    if not any(turn.role == "assistant" and turn.content.strip() for turn in turns):
        raise ExampleInvalid(
            "no assistant turn has text", hint="write the answer that the model shall learn"
        )
    for number, turn in enumerate(turns, start=1):
        if turn.role == "user" and not turn.content.strip():
            raise ExampleInvalid(
                f"turn {number}, the user's, is empty", hint="write the question, or reject"
            )
    if [turn.role for turn in turns] != [turn.role for turn in before]:
        _check_order(turns)


_MAY_FOLLOW: dict[str, tuple[str, ...]] = {
    "": ("system", "user", "assistant"),
    "system": ("user", "assistant"),
    "user": ("assistant",),
    "assistant": ("user", "tool"),
    "tool": ("tool", "assistant"),
}


def _check_order(turns: Sequence[Turn]) -> None:
    previous = ""
    for number, turn in enumerate(turns, start=1):
        if turn.role not in _MAY_FOLLOW[previous]:
            where = f"after {previous}" if previous else "at the beginning"
            raise ExampleInvalid(
                f"turn {number}: {turn.role} can't stand {where}",
                hint="user and assistant take turns; a system turn stands first",
            )
        previous = turn.role
    if previous != "assistant":
        raise ExampleInvalid(
            f"the conversation ends with {previous}",
            hint="end with the assistant's answer, which is what is learnt",
        )


@frozen
class Pace:
    """How fast a person decides.

    ``per_hour`` is 0 before there is a pace; ``minutes_to_target`` is None where it can't
    be told, and 0 where the target is reached.
    """

    per_hour: float
    decided_today: int
    minutes_to_target: float | None


def pace(store: Store, now: float, *, target: int = CurationSettings().target) -> Pace:
    """Return the pace of the present stretch of work, at most its last ten active minutes.

    A pause of more than five minutes ends a stretch, that between the last decision and now
    included: after it there is no pace until enough was decided again. Of a shorter time
    between two decisions at most a minute counts. Examples decided by one act count as one.
    The way to the target assumes that the share of approvals stays.

    Args:
        store: The store.
        now: The time, in seconds since the epoch.
        target: How many approved examples are wanted.
    """
    midnight = datetime.fromtimestamp(now).replace(hour=0, minute=0, second=0, microsecond=0)
    # Ten active minutes may reach back over midnight, but not beyond a day.
    times = store.decision_times(min(midnight.timestamp(), now - 86_400.0))
    per_hour = _per_hour([at for at in times if at <= now], now)
    today = sum(midnight.timestamp() <= at <= now for at in times)
    return Pace(per_hour, today, _minutes_to_target(store, target, per_hour))


def _per_hour(times: Sequence[float], now: float) -> float:
    active, decided, later = 0.0, 0, now
    for at in reversed(times):
        if decided and later - at < ONE_ACT_SECONDS:
            later = at
            continue
        if later - at > PAUSE_SECONDS:
            break
        gap = min(later - at, IDLE_SECONDS)
        if decided and active + gap > WINDOW_SECONDS:
            break
        active += gap
        decided += 1
        later = at
    # A few keys in a few seconds are no pace: it would promise to be done in no time.
    if decided < PACE_DECISIONS or active < PACE_SECONDS:
        return 0.0
    return 3600.0 * decided / active


def _minutes_to_target(store: Store, target: int, per_hour: float) -> float | None:
    counts = store.counts()
    missing = target - counts.approved
    if missing <= 0:
        return 0.0
    decided = counts.approved + counts.rejected + counts.skipped
    approvals_per_hour = per_hour * counts.approved / decided if decided else 0.0
    return 60.0 * missing / approvals_per_hour if approvals_per_hour else None


def progress(store: Store, target: int) -> tuple[int, int]:
    """Return how many examples are approved, and the target."""
    return store.counts().approved, target
