"""The votes on a run: gives them, takes them back, and shows what they amount to."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from textual import work
from textual.content import Content
from textual.message import Message

from tui.bridge.threads import off_loop
from tui.messages import PartFailed
from tui.parts import chat_words as words
from tui.widgets.lines import Lines

if TYPE_CHECKING:
    from engine.evaluate.blind import Choice, Trial
    from engine.evaluate.tally import Tally
    from engine.models import Vote
    from engine.store import Store


class Votes(Lines):
    """Shows the score at its right end.

    Votes of sides that are sealed still are not counted: a score that moves would tell
    which is which.

    Args:
        store: Where votes are kept.
    """

    class Counted(Message):
        """The votes were counted."""

    def __init__(self, store: Store, *, id: str | None = None) -> None:
        super().__init__(id=id, lines=[Content("")])
        self._store = store
        self._tally: Tally | None = None
        self._blind = False
        self._given = 0

    @property
    def given(self) -> int:
        """How many votes on the run could be taken back."""
        return self._given

    async def give(self, trial: Trial, choice: Choice) -> Vote:
        """Keep a vote; it is on the disk when this returns.

        Args:
            trial: What is judged.
            choice: The better position, "tie" or "both-bad".

        Raises:
            FinetuiError: It can't be kept, or the trial has its vote.
        """
        from engine.evaluate.blind import vote

        return await off_loop(vote, self._store, trial, choice)

    async def take_back(self, run_id: str, trials: Iterable[Trial]) -> Vote | None:
        """Take back the last vote on a run that stands, and return it.

        Args:
            run_id: The run.
            trials: Those of the present conversation, which can then be voted on again.
        """
        from engine.evaluate.blind import take_back

        return await off_loop(take_back, self._store, run_id, trials)

    @work(group="count", exclusive=True, exit_on_error=False)
    async def count(self, run_id: str, *, blind: bool, without: Collection[str] = ()) -> None:
        """Count the votes on a run and show the score.

        Args:
            run_id: The run.
            blind: Whether it is said that there are none yet.
            without: Ids of trials whose sides are sealed still.
        """
        from engine.evaluate.tally import tally

        try:
            given = await off_loop(self._store.votes, run_id)
        except Exception as error:
            self.post_message(PartFailed(error))
            return
        self._tally, self._given, self._blind = tally(given, without=without), len(given), blind
        self._draw()
        self.post_message(self.Counted())

    def on_resize(self) -> None:
        """Stand at the right end."""
        self._draw()

    def _draw(self) -> None:
        self.show([words.score_line(self._tally, blind=self._blind, width=self.size.width)])
