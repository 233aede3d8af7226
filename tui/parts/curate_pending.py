"""What was asked for on Curate and is not on the disk yet.

Mostly that is one decision for a few milliseconds, and keys are held meanwhile: the next one
is about the card that follows. Where another process keeps the workspace, the queue goes on
after half a second. Decisions then wait in order, marked in the queue and called nothing
that they are not yet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.models import Card
from tui.bridge.writer import Write, Writer
from tui.parts.curate_decisions import Outcome
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


class Pendings:
    """What is under way, in the order of the keys.

    Args:
        writer: Writes it.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._all: list[Pending] = []

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

    def begin(self, call: Callable[[], Outcome], words: str, card: Card | None = None) -> Pending:
        """Have something written; end it with :meth:`end` when its outcome is known."""
        pending = Pending(self._writer.submit(call, words), card, waited=self.waiting)
        self._all.append(pending)
        return pending

    def end(self, pending: Pending) -> None:
        """Forget one whose outcome is known."""
        self._all.remove(pending)

    def drop(self, batch: int) -> list[Pending]:
        """Forget those that were given up with one that failed, and return them."""
        gone = [one for one in self._all if one.write.batch <= batch]
        for one in gone:
            one.dropped = True
            self._all.remove(one)
        return gone

    def give_up(self) -> None:
        """Withdraw all that is not stored yet."""
        self._writer.withdraw()

    @property
    def words(self) -> str:
        """Say why what is under way is not stored."""
        number = counted(len(self._all), "change")
        return f"{self._all[0].write.waits_for} · {number} not stored yet"
