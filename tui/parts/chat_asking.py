"""The line to write in, the prompts that it offers, and the conversation that comes of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from textual import getters, on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.events import DescendantBlur, DescendantFocus
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input

from engine.errors import EvaluateError, FinetuiError
from tui.bridge.threads import off_loop
from tui.messages import PartFailed
from tui.parts import chat_conditions as conditions
from tui.parts import chat_words as words
from tui.parts.chat_prompts import PromptShelf
from tui.parts.chat_round import Round
from tui.parts.chat_talk import Talk
from tui.widgets.borders import set_border
from tui.widgets.field import Field
from tui.widgets.words import fit, one_line

if TYPE_CHECKING:
    from engine.evaluate.pair import Pair
    from engine.evaluate.system import FrozenSystem, System
    from engine.export.held_out import Prompt

FLUSH_SECONDS = 0.125
"""Time between two redraws of a streaming answer, however fast its tokens come."""


class Holder(Protocol):
    """What keeps the two models loaded."""

    @property
    def pair(self) -> Pair | None:
        """The models, if any are loaded."""

    def revive(self) -> tuple[str, ...]:
        """Start workers that ended again and return their sides."""


class Asking(Vertical):
    """Asks both sides what stands in the line, and listens to them.

    A line that was typed goes on with the conversation; a prompt of the dataset starts a
    new one. While answers stream, only their new characters are shown, eight times a second
    at most.

    Args:
        holder: What keeps the models loaded.
    """

    class Changed(Message):
        """A turn began or ended, or another conversation is there."""

    class Streamed(Message):
        """More of the answers may be seen."""

        def can_replace(self, message: Message) -> bool:
            """Only the last one counts."""
            return isinstance(message, Asking.Streamed)

    class Noted(Message):
        """Something happened that a person should know."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    line = getters.query_one("#line", Field)

    def __init__(self, holder: Holder, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._holder = holder
        self._shelf = PromptShelf()
        self._talk: Talk | None = None
        self._system: System | None = None
        self._blind = False
        self._flusher: Timer | None = None

    def compose(self) -> ComposeResult:
        """The line alone."""
        yield Field(id="line", placeholder="write a question, or n for a held-out prompt")

    def on_mount(self) -> None:
        """Prepare the timer that redraws; it stands still while nothing streams."""
        self._flusher = self.set_interval(FLUSH_SECONDS, self._flush, pause=True)
        self._show_line()

    # -- what there is --------------------------------------------------------------

    @property
    def talk(self) -> Talk | None:
        """The conversation that goes on."""
        return self._talk

    @property
    def streaming(self) -> bool:
        """Whether an answer is under way, or not all of it is uncovered."""
        return self._talk is not None and not self._talk.current.uncovered

    @property
    def blind(self) -> bool:
        """Whether a new conversation hides the sides."""
        return self._blind

    @property
    def system(self) -> System | None:
        """What a conversation of typed questions begins with; None while that is not known."""
        return self._system

    @property
    def prompts(self) -> int:
        """How many prompts can be offered."""
        return len(self._shelf)

    @property
    def writing(self) -> bool:
        """Whether keys go into the line."""
        return self.line.has_focus

    @property
    def waits(self) -> bool:
        """Whether the line holds something that was not asked yet."""
        text = self.line.value.strip()
        asked = self._talk is not None and one_line(self._talk.current.question) == text
        return bool(text) and (self.writing or not asked)

    # -- writing --------------------------------------------------------------------

    def write(self) -> None:
        """Go to the line, with the old question marked: what is typed replaces it."""
        self.line.focus()
        self.line.action_select_all()

    def leave(self) -> None:
        """Leave the line."""
        if self.writing:
            self.line.blur()

    def offer(self) -> None:
        """Put the next prompt into the line; after the last comes the first."""
        self.line.value = self._shelf.offer()
        self.line.cursor_position = 0
        self._show_line()

    # -- asking ---------------------------------------------------------------------

    def restart(self, prompts: Sequence[Prompt] = (), frozen: FrozenSystem | None = None) -> None:
        """Start without a conversation, with the prompts and the system prompt of another run."""
        from engine.evaluate.system import System

        self._shelf = PromptShelf(prompts)
        if frozen is not None:
            same = self._system is not None and self._system.frozen == frozen
            self._system = System(frozen, self._system.given if same and self._system else None)
        self.start_new()

    def set_system(self, text: str) -> None:
        """Ask typed questions with another system prompt, from the next conversation on.

        Args:
            text: The system prompt; empty leaves it out.
        """
        if self._system is not None:
            given = None if text.strip() == self._system.frozen.text.strip() else text
            self._system = replace(self._system, given=given)
            self._show_line()

    def start_new(self) -> None:
        """End the conversation; what is typed next starts another one."""
        self.workers.cancel_group(self, "ask")
        self._talk = None
        self._tell()

    def send(self) -> None:
        """Ask both sides what stands in the line.

        Raises:
            EvaluateError: They are answering still, or no models are loaded.
        """
        self._check_free()
        turns, prompt = self._shelf.turns(self.line.value)
        if self._talk is None or prompt is not None:
            if prompt is None and self._system is not None:
                turns = self._system.opening(turns[-1].content)
            self._talk = Talk(turns, blind=self._blind, prompt=prompt)
        else:
            self._talk.go_on(turns[-1].content)
        self._ask(self._talk.current)

    def ask_again(self) -> None:
        """Ask the last question with another seed.

        Raises:
            EvaluateError: Nothing was asked yet, or they are answering still.
        """
        if self._talk is None:
            raise EvaluateError("nothing was asked yet", hint="n offers a prompt")
        self._check_free()
        self._ask(self._talk.ask_again())

    def stop(self) -> bool:
        """Stop the answers where they are; return whether there was anything to stop."""
        if self._talk is None or not self.streaming:
            return False
        current = self._talk.current
        if current.answered:  # only the uncovering goes on
            current.uncover()
        else:
            current.stop()
            self.workers.cancel_group(self, "ask")
        self._flush()
        return True

    def reveal(self) -> None:
        """Show which side is which, for the rest of the conversation."""
        if self._talk is not None:
            self._talk.reveal()
            self._tell()

    def toggle_blind(self) -> bool:
        """Hide the sides of the next conversation, or show them; return whether they hide."""
        self._blind = not self._blind
        self._show_line()
        return self._blind

    def _check_free(self) -> None:
        if self._holder.pair is None:
            raise EvaluateError("no models are loaded", hint="m chooses a pair")
        if self.streaming:
            raise EvaluateError("both are still answering", hint="escape stops them")

    def _ask(self, current: Round) -> None:
        self.leave()
        self._tell()
        self._listen(current)

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def _listen(self, current: Round) -> None:
        try:
            revived = await off_loop(self._holder.revive)
            if revived and not current.sealed:
                self.post_message(self.Noted(f"started again: {' and '.join(revived)}"))
            if (pair := self._holder.pair) is None:
                raise EvaluateError("the models were let go of", hint="m loads them again")
            if self._flusher is not None:
                self._flusher.resume()
            async with contextlib.aclosing(current.trial.ask(pair)) as chunks:
                async for chunk in chunks:
                    current.take(chunk)
                    if chunk.threads is not None:
                        self._show_line()
        except Exception as error:
            told = error if isinstance(error, FinetuiError) else EvaluateError("it can't be asked")
            current.fail(told)
            self.post_message(PartFailed(error))
        finally:
            if not current.answered:
                current.stop()
            self._flush()

    def _flush(self) -> None:
        """Show what streams; tell once when all of it is there."""
        current = self._talk.current if self._talk is not None else None
        if current is None:
            if self._flusher is not None:
                self._flusher.pause()
            return
        current.advance(time.monotonic())
        if current.uncovered:
            if self._flusher is not None:
                self._flusher.pause()
            self._tell()
        else:
            self.post_message(self.Streamed())

    def _tell(self) -> None:
        self._show_line()
        self.post_message(self.Changed())

    # -- the line's border ----------------------------------------------------------

    @on(Input.Changed, "#line")
    @on(DescendantFocus)
    @on(DescendantBlur)
    def _typed(self) -> None:
        self._show_line()

    def _show_line(self) -> None:
        """Say what the line's text is, and what asking it would do."""
        prompt = self._shelf.offered
        if prompt is not None and self.line.value.strip() != one_line(prompt.text):
            prompt = None
        fresh = prompt is not None and (
            self._talk is None or self._talk.current.prompt is not prompt or self.writing
        )
        what = words.line_words(self._talk, blind=self._blind, fresh=fresh)
        offered = words.prompt_words(prompt, self._shelf.number, len(self._shelf))
        system = conditions.system_words(self._talk, self._system, prompt, fresh=fresh)
        room = max(0, self.size.width - 6)
        set_border(self.line, what, fit(" · ".join(filter(None, [offered, system])), room).strip())
