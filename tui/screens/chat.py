"""Chat: base and tuned side by side, at the same quantisation, open or blind."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from textual import events, getters, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input

from engine.errors import EvaluateError, FinetuiError
from engine.models import Turn
from tui.actions import bindings
from tui.bridge.chat_pair import Choice, PairHolder, choices, preferred, prompts_of
from tui.bridge.threads import off_loop
from tui.screens import chat_view as view
from tui.screens.chat_round import Round
from tui.screens.modals.pick import PairDialog
from tui.screens.stage import StageScreen
from tui.stylesheets import stylesheet
from tui.widgets.answer import Answer
from tui.widgets.borders import set_border
from tui.widgets.field import Field
from tui.widgets.lines import Lines
from tui.widgets.words import one_line

if TYPE_CHECKING:
    from engine.evaluate.blind import Choice as VoteChoice
    from engine.evaluate.blind import Position, Tally, Trial
    from engine.export.held_out import Prompt

FLUSH_SECONDS = 0.125
"""Time between two redraws of a streaming answer, however fast its tokens come."""

_SIDES: tuple[Position, ...] = ("left", "right")


class ChatScreen(StageScreen):
    """Two sides, a line to write in, and votes.

    Both models run in worker processes that this screen starts when it is first used and
    ends with the app. While an answer streams only its new characters are sent.
    """

    STAGE = "chat"
    BINDINGS = bindings("chat")
    CSS_PATH = stylesheet("chat")

    asked = getters.query_one("#asked", Lines)
    left = getters.query_one("#left", Answer)
    right = getters.query_one("#right", Answer)
    own = getters.query_one("#own", Answer)
    mode = getters.query_one("#mode", Lines)
    line = getters.query_one("#line", Field)

    def __init__(self) -> None:
        super().__init__()
        self._workspace = self.app.workspace
        self._holder = PairHolder()
        self._choice: Choice | None = None
        self._loading = False
        self._failure: FinetuiError | None = None
        self._exports: list[Choice] | None = None
        self._prompts: list[Prompt] = []
        self._offered = -1
        self._round: Round | None = None
        self._blind = False
        self._own_shown = False
        self._tally: Tally | None = None
        self._flusher: Timer | None = None

    def compose_body(self) -> ComposeResult:
        """The question, the two sides, the votes and the line."""
        yield Lines(id="asked")
        with Horizontal(id="sides"):
            yield Answer(id="left", classes="pane pane-first")
            yield Answer(id="right", classes="pane pane-second")
        with Vertical(id="below"):
            yield Answer(id="own", classes="pane")
            yield Lines(id="mode")
            yield Field(id="line", placeholder="write a question, or n for a held-out prompt")

    def on_mount(self) -> None:
        """Prepare the timer that redraws; it stands still while nothing streams."""
        super().on_mount()
        self._flusher = self.set_interval(FLUSH_SECONDS, self._flush, pause=True)
        set_border(self.own, "You wrote")
        self._draw()

    def on_unmount(self) -> None:
        """End the workers."""
        self._holder.drop()

    def entered(self) -> None:
        """Look which pairs there are; load one when there is none yet."""
        self._look()

    @property
    def sides(self) -> dict[Position, Answer]:
        """The two panes."""
        return {"left": self.left, "right": self.right}

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
        self._prompts, self._offered, self._tally = [], -1, None
        self._loading = True
        self.say(f"loading base and tuned of {choice.name} …", kind="busy")
        self._draw()
        began = time.monotonic()
        try:
            pair = await off_loop(self._holder.load, self._workspace, choice)
        except FinetuiError as error:
            if self._choice is choice:
                self._loading, self._failure = False, error
                self.complain(error)
                self._draw()
            return
        if pair is None or self._choice is not choice:  # another one was chosen meanwhile
            return
        self._prompts = await off_loop(prompts_of, self._workspace, choice.run_id)
        self._loading = False
        await self._count()
        self.say(f"{choice.name}: both loaded in {time.monotonic() - began:.1f} s", kind="done")
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
    def streaming(self) -> bool:
        """Whether an answer is under way, or not all of it is uncovered."""
        return self._round is not None and not self._round.uncovered

    @on(Input.Submitted, "#line")
    def _submitted(self) -> None:
        self.action_send()

    def action_send(self) -> None:
        """Ask what stands in the line, or go there."""
        text = self.line.value.strip()
        waiting = self._round is not None and self._round.question.strip() == text
        if not text or (waiting and not self.line.has_focus):
            self.line.focus()
            return
        prompt = self._prompt()
        if prompt is not None and text == one_line(prompt.text):
            self._ask_turns(prompt.turns, prompt)
        else:
            self._ask_turns((Turn("user", self.line.value),), None)

    def action_again(self) -> None:
        """Ask the same question with another seed."""
        if self._round is None:
            self.say("nothing was asked yet", hint="n offers a prompt")
            return
        self._ask_turns(self._round.trial.turns, self._round.prompt)

    def _ask_turns(self, turns: tuple[Turn, ...], prompt: Prompt | None) -> None:
        if self._holder.pair is None:
            self.say(*self._why_not(), kind="info")
            return
        if self.streaming:
            self.say("both are still answering", hint="escape stops them")
            return
        self._ask(turns, prompt)

    def _why_not(self) -> str:
        if self._loading:
            return "the models are still loading"
        if self._failure is not None:
            return self._failure.message
        return "no models are loaded: m chooses a pair"

    def _prompt(self) -> Prompt | None:
        return self._prompts[self._offered] if 0 <= self._offered < len(self._prompts) else None

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
                    self.complain(chunk.error)

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
        if not self._prompts:
            self.say("this run's dataset has no prompts to offer" if self._choice else "no models")
            return
        self._offered = (self._offered + 1) % len(self._prompts)
        prompt = self._prompts[self._offered]
        self.line.value = one_line(prompt.text)
        self.line.cursor_position = 0
        self._draw_line()
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
        if current is None or self.line.has_focus:
            return
        if not current.votable:
            self.say(_not_votable(current))
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
        self._show_errors(current)
        self._recount()

    def _show_errors(self, current: Round) -> None:
        for half in current.halves.values():
            if half.error is not None:
                self.complain(half.error)

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
        self._draw_sides()
        if current.uncovered and self._flusher is not None:
            self._flusher.pause()
            self._ended(current)

    def _ended(self, current: Round) -> None:
        if not current.failed and not self.status_line.text:
            self.say("← A better  → B better  ↑ tie  ↓ both bad" if current.sealed else "")
        self._draw()
        self.refresh_bindings()

    def _draw(self) -> None:
        self._draw_sides()
        self._draw_line()
        width = max(0, self.size.width - 2)
        self.asked.show(view.asked_lines(self._round, width, 2 if self.is_narrow else 3))
        self.asked.display = self._round is not None
        self.mode.show(
            [view.mode_line(self._choice, blind=self._blind, tally=self._tally, width=width)]
        )
        self.own.display = self._own_shown
        if self._own_shown and self._round is not None and self._round.prompt is not None:
            self.own.show(self._round.prompt.answer)
        self.refresh_bindings()

    def _draw_sides(self) -> None:
        current = self._round
        for position, pane in self.sides.items():
            text = current.shown(position) if current is not None else ""
            pane.show(text, note=self._note(position) if not text else None)
            title = view.side_title(current, position)
            subtitle = view.side_subtitle(current, position)
            if current is None and self._loading:
                subtitle = "loading"
            set_border(pane, title, subtitle)
            pane.set_class(current is not None and current.sealed, "-sealed")

    def _draw_line(self) -> None:
        prompt = self._prompt()
        if prompt is not None and self.line.value != one_line(prompt.text):
            prompt = None
        words = view.prompt_words(prompt, self._offered + 1, len(self._prompts))
        set_border(self.line, subtitle=words)

    @on(Input.Changed, "#line")
    def _typed(self) -> None:
        self._draw_line()

    def _note(self, position: Position) -> Content:
        """Return what stands in an empty pane."""
        current = self._round
        if current is not None:
            error = current.halves[position].error
            if error is not None:
                return Content.assemble((error.message, "$text-error"))
            said = "it said nothing" if current.answered and not current.cancelled else ""
            return Content.styled(said, "$text-muted")
        if self._failure is not None:
            hint = f"\n{self._failure.hint}" if self._failure.hint else ""
            return Content.assemble(
                (self._failure.message, "$text-error"), (hint, "$text-muted"),
                ("\nm chooses another pair", "$text-muted"),
            )  # fmt: skip
        return Content.styled("\n".join(self._teaching(position)), "$text-muted")

    def _teaching(self, position: Position) -> list[str]:
        if self._loading and self._choice is not None:
            return [f"loading at {self._choice.quant} …"]
        if self._choice is not None:
            if position == "left":
                return ["n offers a prompt that training never saw,", "enter asks both."]
            return ["b hides which side is which,", "so that you judge the words alone."]
        if self._exports is None:
            return []
        if position == "left":
            return ["There is no exported model yet.", "", "4 then e exports a finished run."]
        return ["Here base and tuned will answer side by side,", "at the same quantisation."]

    # -- focus, folding and scrolling -----------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer votes where they can be given, and the reveal where something is sealed."""
        current = self._round
        if action in {"left", "right", "tie", "both_bad"}:
            return current is not None and current.votable and not self.line.has_focus
        if action == "reveal":
            return current is not None and current.sealed and current.answered
        if action == "own":
            return current is not None and current.prompt is not None
        if action == "again":
            return current is not None and current.answered
        return super().check_action(action, parameters)

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
        for pane in self.sides.values():
            pane.scroll_page_down(animate=False)

    def action_scroll_up(self) -> None:
        """Scroll both answers up."""
        for pane in self.sides.values():
            pane.scroll_page_up(animate=False)


def _not_votable(current: Round) -> str:
    if current.trial.vote is not None:
        return "this question has its vote; n offers the next prompt"
    if current.failed:
        return "both sides have to answer before a vote; R asks again"
    return "both have to answer first"
