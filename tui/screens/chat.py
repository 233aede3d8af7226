"""Chat: base and tuned side by side, at the same quantisation, open or blind."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from textual import events, getters, on, work
from textual.app import ComposeResult
from textual.timer import Timer
from textual.widgets import Input

from engine.errors import EvaluateError, FinetuiError
from engine.models import Turn
from tui.actions import bindings
from tui.bridge.chat_pair import Choice, PairHolder, choices, preferred, prompts_of, remember
from tui.bridge.threads import off_loop
from tui.screens import chat_view as view
from tui.screens.chat_panes import ChatPanes, ChatState
from tui.screens.chat_prompts import PromptShelf
from tui.screens.chat_round import Round
from tui.screens.modals.pick import PairDialog
from tui.screens.stage import StageScreen
from tui.stylesheets import stylesheet
from tui.widgets.words import one_line

if TYPE_CHECKING:
    from engine.evaluate.blind import Choice as VoteChoice
    from engine.evaluate.blind import Tally, Trial
    from engine.evaluate.pair import Pair
    from engine.export.held_out import Prompt

FLUSH_SECONDS = 0.125
"""Time between two redraws of a streaming answer, however fast its tokens come."""


class ChatScreen(StageScreen):
    """Two sides, a line to write in, and votes.

    Both models run in worker processes that this screen starts when it is first used and
    ends with the app. While an answer streams only its new characters are sent.
    """

    STAGE = "chat"
    BINDINGS = bindings("chat")
    CSS_PATH = stylesheet("chat")

    panes = getters.query_one("#panes", ChatPanes)

    def __init__(self) -> None:
        super().__init__()
        self._workspace = self.app.workspace
        self._holder = PairHolder()
        self._choice: Choice | None = None
        self._loading = False
        self._failure: FinetuiError | None = None
        self._exports: list[Choice] | None = None
        self._shelf = PromptShelf()
        self._round: Round | None = None
        self._blind = False
        self._own_shown = False
        self._tally: Tally | None = None
        self._flusher: Timer | None = None

    def compose_body(self) -> ComposeResult:
        """All is in the panes."""
        yield ChatPanes(id="panes")

    def on_mount(self) -> None:
        """Prepare the timer that redraws; it stands still while nothing streams."""
        super().on_mount()
        self._flusher = self.set_interval(FLUSH_SECONDS, self._flush, pause=True)
        self._draw()

    def on_unmount(self) -> None:
        """End the workers."""
        self._holder.drop()

    def entered(self) -> None:
        """Look which pairs there are; load one when there is none yet."""
        self._look()

    # -- the pair -------------------------------------------------------------------

    @work(group="look", exclusive=True, exit_on_error=False)
    async def _look(self) -> None:
        self._exports = await off_loop(choices, self._workspace)
        if self._choice is None and not self._loading and self._exports:
            wanted = preferred(self._workspace, self._exports)
            if wanted is not None:
                self._load(wanted)
        self._draw()

    @work(group="load", exclusive=True, exit_on_error=False)
    async def _load(self, choice: Choice) -> None:
        self.workers.cancel_group(self, "ask")
        self._choice, self._failure, self._round = choice, None, None
        self._shelf, self._tally = PromptShelf(), None
        self._loading = True
        self.say(f"loading base and tuned of {choice.name} …", kind="busy")
        self._draw()
        began = time.monotonic()
        try:
            pair = await off_loop(self._holder.load, self._workspace, choice)
            if pair is None:  # another one was chosen meanwhile
                return
            self._shelf = PromptShelf(await off_loop(prompts_of, self._workspace, choice.run_id))
            await self._count()
            remember(self._workspace, choice, self._exports or [])
            took = time.monotonic() - began
            self.say(f"{choice.name}: both loaded in {took:.1f} s", kind="done")
        except FinetuiError as error:
            self._failure = error
            self.complain(error)
        finally:
            if self._choice is choice:
                self._loading = False
                self._draw()

    async def _count(self) -> None:
        choice = self._choice
        if choice is None:
            return
        from engine.evaluate.blind import tally

        votes = await off_loop(self._workspace.store.votes, choice.run_id)
        if self._choice is choice:
            self._tally = tally(votes)

    def action_models(self) -> None:
        """Choose run and quantisation."""
        self._choose()

    @work(group="choose", exclusive=True, exit_on_error=False)
    async def _choose(self) -> None:
        self._exports = found = await off_loop(choices, self._workspace)
        if not found:
            self._draw()
            self.say("there is no export yet", hint="4, then e on a finished run, makes one")
            return
        now = self._choice.key if self._choice is not None else ""
        at = next((index for index, choice in enumerate(found) if choice.key == now), 0)
        taken = await self.app.push_screen_wait(
            PairDialog(view.choice_rows(found, time.time()), at=at)
        )
        if taken is not None:
            self._load(found[taken])

    # -- asking ---------------------------------------------------------------------

    @property
    def round(self) -> Round | None:
        """The question that was asked last, with its answers."""
        return self._round

    @property
    def pair(self) -> Pair | None:
        """The models that are loaded."""
        return self._holder.pair

    @property
    def streaming(self) -> bool:
        """Whether an answer is under way, or not all of it is uncovered."""
        return self._round is not None and not self._round.uncovered

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

    # -- drawing --------------------------------------------------------------------

    def _flush(self) -> None:
        """Redraw what streams, eight times a second at most."""
        current = self._round
        if current is None:
            return
        current.advance(time.monotonic())
        self.panes.show_sides()
        if current.uncovered and self._flusher is not None:
            self._flusher.pause()
            self._ended(current)

    def _ended(self, current: Round) -> None:
        if not current.failed and not self.status_line.text:
            self.say("← A better · → B better · ↑ tie · ↓ both bad" if current.sealed else "")
        self._draw()
        self.refresh_bindings()

    def _draw(self) -> None:
        state = ChatState(
            choice=self._choice,
            loading=self._loading,
            failure=self._failure,
            exports=None if self._exports is None else bool(self._exports),
            blind=self._blind,
            tally=self._tally,
            round=self._round,
            own=self._own_shown,
            offered=self._shelf.offered,
            number=self._shelf.number,
            total=len(self._shelf),
        )
        self.panes.show(state, narrow=self.is_narrow)
        self.refresh_bindings()

    @on(Input.Changed, "#line")
    def _typed(self) -> None:
        self.panes.show_line()

    # -- focus, folding and scrolling -----------------------------------------------

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

    def on_resize(self, event: events.Resize) -> None:
        """Fold, and wrap the question for the new width."""
        super().on_resize(event)
        if self.is_mounted:
            self._draw()

    def action_scroll_down(self) -> None:
        """Scroll both answers down."""
        self.panes.scroll_pages(1)

    def action_scroll_up(self) -> None:
        """Scroll both answers up."""
        self.panes.scroll_pages(-1)
