"""Which two models are loaded: looks for pairs, loads one, and says which."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from textual import work
from textual.message import Message

from engine.errors import FinetuiError
from tui.bridge.chat_pair import Choice, PairHolder, choices, preferred, prompts_of, remember
from tui.bridge.threads import off_loop
from tui.messages import PartFailed
from tui.parts import chat_conditions as conditions
from tui.widgets.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.evaluate.system import FrozenSystem
    from engine.export.held_out import Prompt
    from engine.workspace import Workspace


class Models(Lines):
    """Shows which pair is loaded, and loads another one.

    Args:
        workspace: Where runs and exports are.
        holder: What keeps the models.
    """

    class Changed(Message):
        """Another pair is loading, could not be loaded, or pairs were found."""

    class Loaded(Message):
        """A pair is loaded.

        Attributes:
            choice: The pair.
            prompts: The prompts of its run's dataset.
            system: The system prompt of typed questions, as that dataset has it.
            problem: Why those can't be read, if they can't.
            seconds: How long loading took.
        """

        def __init__(
            self,
            choice: Choice,
            prompts: Sequence[Prompt],
            system: FrozenSystem,
            problem: FinetuiError | None,
            seconds: float,
        ) -> None:
            super().__init__()
            self.choice = choice
            self.prompts = prompts
            self.system = system
            self.problem = problem
            self.seconds = seconds

    def __init__(self, workspace: Workspace, holder: PairHolder, *, id: str | None = None) -> None:
        super().__init__(id=id, lines=[conditions.pair_line(None)])
        self._workspace = workspace
        self._holder = holder
        self._found: list[Choice] | None = None
        self._choice: Choice | None = None
        self._loading = False
        self._failure: FinetuiError | None = None

    @property
    def choice(self) -> Choice | None:
        """The pair that is loaded, or being loaded."""
        return self._choice

    @property
    def is_loading(self) -> bool:
        """Whether it is still being loaded."""
        return self._loading

    @property
    def loaded(self) -> bool:
        """Whether a pair can be asked."""
        return self._holder.pair is not None and not self._loading

    @property
    def failure(self) -> FinetuiError | None:
        """Why the pair can't be loaded."""
        return self._failure

    @property
    def exports(self) -> int | None:
        """How many pairs there are; None while that is not known."""
        return None if self._found is None else len(self._found)

    @work(group="look", exclusive=True, exit_on_error=False)
    async def look(self) -> None:
        """Look which pairs there are; load one when there is none yet."""
        try:
            self._found = found = await off_loop(choices, self._workspace)
            wanted = await off_loop(preferred, self._workspace, found)
        except Exception as error:
            self.post_message(PartFailed(error))
            return
        if wanted is not None and self._choice is None:
            self.load(wanted)
        self._tell()

    def load(self, choice: Choice) -> None:
        """Load a pair in place of the present one.

        Args:
            choice: The pair.
        """
        self._choice, self._failure, self._loading = choice, None, True
        self._tell()
        self._load(choice)

    @work(group="load", exclusive=True, exit_on_error=False)
    async def _load(self, choice: Choice) -> None:
        began = time.monotonic()
        try:
            pair = await off_loop(self._holder.load, self._workspace, choice)
            if pair is None:  # another one was chosen meanwhile
                return
            prompts, system, problem = await off_loop(prompts_of, self._workspace, choice.run_id)
            await off_loop(remember, self._workspace, choice, self._found or [])
        except Exception as error:
            if self._choice is choice:
                self._loading = False
                self._failure = error if isinstance(error, FinetuiError) else None
                self._tell()
                self.post_message(PartFailed(error))
            return
        if self._choice is choice:
            self._loading = False
            self._tell()
            took = time.monotonic() - began
            self.post_message(self.Loaded(choice, prompts, system, problem, took))

    def _tell(self) -> None:
        pair = self._holder.pair
        weights = pair.weights if pair is not None and not self._loading else "files"
        self.show([conditions.pair_line(self._choice, weights)])
        self.post_message(self.Changed())
