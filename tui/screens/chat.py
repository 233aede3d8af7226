"""Chat: base and tuned side by side, at the same quantisation, open or blind."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from textual import on, work
from textual.widgets import Input

from engine.errors import EvaluateError, FinetuiError
from engine.models import Turn
from tui.actions import bindings
from tui.bridge.threads import off_loop
from tui.screens import chat_view as view
from tui.screens.chat_round import Round
from tui.screens.chat_stage import ChatStage
from tui.stylesheets import stylesheet
from tui.widgets.words import one_line

if TYPE_CHECKING:
    from engine.evaluate.blind import Choice as VoteChoice
    from engine.evaluate.blind import Trial
    from engine.export.held_out import Prompt


class ChatScreen(ChatStage):
    """Two sides, a line to write in, and votes.

    Both models run in worker processes that this screen starts when it is first used and
    ends with the app. While an answer streams only its new characters are sent.
    """

    STAGE = "chat"
    BINDINGS = bindings("chat")
    CSS_PATH = stylesheet("chat")

    # -- asking ---------------------------------------------------------------------

    @on(Input.Submitted, "#line")
    def _submitted(self) -> None:
        self.action_send()

    def action_send(self) -> None:
        """Ask what stands in the line, or go there."""
        text = self.panes.line.value.strip()
        asked = self._round is not None and one_line(self._round.question) == text
        if not text or (asked and not self.panes.line.has_focus):
            self.panes.line.focus()
            return
        self._ask_turns(*self._shelf.turns(self.panes.line.value))

    def action_again(self) -> None:
        """Ask the same question with another seed."""
        if self._round is None:
            self.say("nothing was asked yet", hint="n offers a prompt")
            return
        self._ask_turns(self._round.trial.turns, self._round.prompt)

    def _ask_turns(self, turns: tuple[Turn, ...], prompt: Prompt | None) -> None:
        if self._holder.pair is None:
            self.say(view.not_loaded(self._loading, self._failure))
            return
        if self.streaming:
            self.say("both are still answering", hint="escape stops them")
            return
        self._ask(turns, prompt)

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def _ask(self, turns: tuple[Turn, ...], prompt: Prompt | None) -> None:
        trial = self._trial(turns)
        current = Round(trial, blind=self._blind, prompt=prompt)
        if not self._blind:
            from engine.evaluate.blind import reveal

            current.revealed = reveal(trial)
        self._round, self._own_shown = current, False
        self.set_focus(None)
        await self._count()
        self.say("")
        self._draw()
        try:
            await self._listen(current)
        except FinetuiError as error:
            current.cancelled = True
            self.complain(error)
        finally:
            if not current.answered:
                current.cancelled = True
            self._flush()

    def _trial(self, turns: tuple[Turn, ...]) -> Trial:
        from engine.evaluate.blind import Trial, new_trial
        from engine.evaluate.pair import new_seed

        if self._blind:
            return new_trial(turns)
        # With open sides nothing is drawn by lot: the base stands left, always.
        return Trial(turns, left="base", seed=new_seed())

    async def _listen(self, current: Round) -> None:
        revived = await off_loop(self._holder.revive)
        if revived:
            self.say(f"started again: {' and '.join(revived)}" if not current.sealed else "")
        pair = self._holder.pair
        if pair is None:
            raise EvaluateError("the models were let go of", hint="m loads them again")
        if self._flusher is not None:
            self._flusher.resume()
        async with contextlib.aclosing(current.trial.ask(pair)) as chunks:
            async for chunk in chunks:
                current.take(chunk)
                if chunk.error is not None:
                    self._tell_failed(current)

    def action_stop(self) -> None:
        """Stop the answers; while nothing is under way, leave the line."""
        current = self._round
        if current is not None and not current.answered:
            current.cancelled = True
            self.workers.cancel_group(self, "ask")
            self.say("stopped", hint="R asks again")
            self._flush()
        elif self.streaming and current is not None:
            current.uncover()
            self._flush()
        else:
            self.set_focus(None)

    # -- prompts --------------------------------------------------------------------

    def action_next(self) -> None:
        """Offer the next prompt of the run's dataset."""
        if not self._shelf:
            self.say("this run's dataset has no prompts to offer" if self._choice else "no models")
            return
        self.panes.write(self._shelf.offer())
        self._draw()
        self.say("enter asks both")

    def action_next_here(self) -> None:
        """Offer the next prompt, also while writing."""
        self.action_next()

    def action_own(self) -> None:
        """Show or hide what the person wrote to this prompt."""
        current = self._round
        if current is None or current.prompt is None or not current.prompt.answer:
            self.say("only a prompt of the dataset has an answer of yours")
            return
        self._own_shown = not self._own_shown
        self._draw()

    # -- judging --------------------------------------------------------------------

    def action_left(self) -> None:
        """A is better."""
        self._vote("left")

    def action_right(self) -> None:
        """B is better."""
        self._vote("right")

    def action_tie(self) -> None:
        """Both are equally good."""
        self._vote("tie")

    def action_both_bad(self) -> None:
        """Neither is any good."""
        self._vote("both-bad")

    def _vote(self, choice: VoteChoice) -> None:
        current = self._round
        if current is None or self.panes.line.has_focus:
            return
        if not current.votable:
            self.say(view.not_votable(current))
            return
        from engine.evaluate.blind import vote

        given = vote(self._workspace.store, current.trial, choice)
        then = "space shows which is which" if current.sealed else "n offers the next prompt"
        self.say(view.vote_words(given, current), hint=then, kind="done")
        self._recount()

    @work(group="count", exclusive=True, exit_on_error=False)
    async def _recount(self) -> None:
        current = self._round
        # Before the reveal the tally stands still: its change would tell the sides.
        if current is None or not current.sealed:
            await self._count()
        self._draw()

    def action_reveal(self) -> None:
        """Show which side is which."""
        current = self._round
        if current is None or not current.sealed:
            return
        if not current.answered:
            self.say("both have to answer first", hint="escape stops them")
            return
        from engine.evaluate.blind import reveal

        current.uncover()
        current.revealed = reveal(current.trial)
        names = f"A is {current.revealed.left}, B is {current.revealed.right}"
        hint = "" if current.trial.vote else "a vote now is kept, but not counted as blind"
        self.say(names, hint=hint or "n offers the next prompt", kind="done")
        self._tell_failed(current)
        self._recount()

    def _tell_failed(self, current: Round) -> None:
        """Say which side failed, by its letter alone while the sides are sealed."""
        for position, half in current.halves.items():
            if half.error is not None:
                side = view.side_title(current, position)
                self.say(
                    f"{side}: {half.error.message}",
                    hint="R asks again, and starts a worker anew that ended",
                    kind="error",
                )

    def action_blind(self) -> None:
        """Hide the sides of the next question, or show them."""
        self._blind = not self._blind
        self.say("blind from the next question on" if self._blind else "open again")
        self._draw()

    # -- which keys work --------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer votes where they can be given, and the reveal where something is sealed."""
        current, allowed = self._round, super().check_action(action, parameters)
        if not allowed:
            return allowed
        if action in {"left", "right", "tie", "both_bad"}:
            return current is not None and current.votable and not self.panes.line.has_focus
        if action == "reveal":
            return current is not None and current.sealed and current.answered
        if action == "own":
            return current is not None and current.prompt is not None
        if action == "again":
            return current is not None and current.answered
        return allowed

    def on_descendant_focus(self) -> None:
        """Keep the line of keys true while writing."""
        self.refresh_bindings()

    def on_descendant_blur(self) -> None:
        """Keep the line of keys true after writing."""
        self.refresh_bindings()
