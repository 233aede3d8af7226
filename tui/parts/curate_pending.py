"""What was asked for on Curate and is not on the disk yet.

Mostly that is one decision for a few milliseconds, and keys are held meanwhile: the next one
is about the card that follows. Where another process keeps the workspace, the queue goes on
after half a second. Decisions then wait in order, marked in the queue and called nothing
that they are not yet.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Set
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from engine.errors import FinetuiError, WorkspaceReplaced
from engine.models import Card
from tui.bridge.writer import Withdrawn, Write, Writer
from tui.host import explain
from tui.parts.curate_decisions import Outcome
from tui.widgets.frame import Kind
from tui.widgets.words import counted


@dataclass(eq=False, slots=True)
class Pending:
    """A decision, an edit, an undo or a redo under way.

    Attributes:
        write: What is awaited.
        card: The example as it was decided on; None for an undo or a redo.
        waited: Whether it takes so long that the queue went on without it.
        dropped: Whether it was given up with one before it, which is said once.
    """

    write: Write[Outcome]
    card: Card | None
    waited: bool = False
    dropped: bool = False


Then = Callable[[Pending, Outcome], object]
"""What follows when a change is on the disk."""


class Keys(Protocol):
    """Where keys wait that were typed ahead."""

    def drop_keys(self) -> int:
        """Forget them."""

    def release_keys(self) -> None:
        """Hand them on, now that they are no longer held."""


class Desk(Protocol):
    """What shows the queue and the card."""

    def say(self, message: str, *, hint: str = "", kind: Kind = "info") -> None:
        """Write the status line, where the person looks."""

    def go_on(self, card: Card) -> None:
        """Go to what follows a card, if it is the one that is shown."""

    def go_back(self, card: Card) -> None:
        """Go to a card."""

    def mark_pending(self, ids: Set[str]) -> None:
        """Mark the examples whose decisions wait to be stored."""


class Changes:
    """What is under way, in the order of the keys.

    Args:
        writer: Writes it.
        desk: What follows it on the screen.
        keys: Where keys wait meanwhile.
    """

    def __init__(self, writer: Writer, desk: Desk, keys: Keys) -> None:
        self._writer = writer
        self._desk = desk
        self._keys = keys
        self._all: list[Pending] = []
        self._behind: deque[Callable[[], None]] = deque()

    @property
    def waiting(self) -> bool:
        """Whether the queue goes on while something waits to be stored."""
        return any(one.waited for one in self._all)

    @property
    def holding(self) -> bool:
        """Whether keys wait for what is under way."""
        return bool(self._all) and not self.waiting

    @property
    def ids(self) -> frozenset[str]:
        """The examples that were decided on and whose decision waits."""
        return frozenset(one.card.example.id for one in self._all if one.card and one.waited)

    def in_turn(self, act: Callable[[], None]) -> None:
        """Act now, or when what is under way has shown the card that follows.

        Keys are held meanwhile, but one may have been handed on before that was known.
        """
        if self.holding:
            self._behind.append(act)
        else:
            act()

    def drop_keys(self) -> None:
        """Forget what was typed ahead: what it was meant for did not come."""
        self._behind.clear()
        self._keys.drop_keys()

    def _go_on(self) -> None:
        while self._behind and not self.holding:
            self._behind.popleft()()
        self._keys.release_keys()

    def begin(self, call: Callable[[], Outcome], words: str, card: Card | None = None) -> Pending:
        """Have something written; :meth:`follow` it then.

        Args:
            call: Writes, in the writer's thread.
            words: What it writes, in a few words.
            card: The example that is decided on; None where the queue does not go on from one.
        """
        pending = Pending(self._writer.submit(call, words), card, waited=self.waiting)
        self._all.append(pending)
        if pending.waited:
            self._go_on_without(pending)
        return pending

    async def follow(self, pending: Pending, then: Then) -> None:
        """Go on when something is on the disk, or back where it could not be stored.

        Raises:
            WorkspaceReplaced: The database is not in its place any more.
            Exception: What the call raised, if it has no name.
        """
        try:
            outcome = await pending.write.result(partial(self._go_on_without, pending))
        except Exception as error:
            self._not_stored(pending, error)
            if isinstance(error, WorkspaceReplaced) or not isinstance(
                error, (FinetuiError, Withdrawn)
            ):
                raise
        else:
            self._all.remove(pending)
            self._desk.mark_pending(self.ids)
            then(pending, outcome)
            if self.waiting:
                self._say_waiting()
        finally:
            self._go_on()

    def give_up(self) -> None:
        """Withdraw all that is not stored yet."""
        self._writer.withdraw()

    def _go_on_without(self, pending: Pending) -> None:
        """Let the queue go on while something waits to be stored."""
        pending.waited = True
        self._desk.mark_pending(self.ids)
        if pending.card is None:
            self.drop_keys()  # they were meant for the card that it goes back to
        else:
            self._desk.go_on(pending.card)
        self._say_waiting()
        self._go_on()

    def _say_waiting(self) -> None:
        words = f"{self._all[0].write.waits_for}: {len(self._all):,} not stored yet"
        self._desk.say(words, hint="esc gives up", kind="busy")

    def _not_stored(self, pending: Pending, error: Exception) -> None:
        """Go back to what was not stored, with all that came after it."""
        if pending.dropped:
            return
        after = [one for one in self._all if one.write.batch <= pending.write.batch]
        for one in after:
            one.dropped = True
            self._all.remove(one)
        self.drop_keys()
        self._desk.mark_pending(self.ids)
        if pending.card is not None:
            self._desk.go_back(pending.card)
        others = f", and {counted(len(after) - 1, 'later change')}" if len(after) > 1 else ""
        words = f"not stored: {pending.write.words}{others}"
        why, hint = ("", "") if isinstance(error, Withdrawn) else explain(error)
        self._desk.say(f"{words}: {why}" if why else words, hint=hint, kind="error")
