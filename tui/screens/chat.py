"""Chat: base and tuned side by side, at the same quantisation, open or blind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.events import DescendantBlur, DescendantFocus
from textual.widgets import Input

from tui.actions import Action, bindings
from tui.bridge.chat_pair import PairHolder
from tui.parts import chat_words as words
from tui.parts.chat_answers import Answers
from tui.parts.chat_asking import Asking
from tui.parts.chat_models import Models
from tui.parts.chat_votes import Votes
from tui.screens.modals.pick import PairDialog
from tui.screens.stage import StageScreen
from tui.stylesheets import stylesheet

if TYPE_CHECKING:
    from engine.evaluate.blind import Choice as VoteChoice
    from tui.parts.chat_round import Round

VOTES = frozenset({"left", "right", "tie", "both_bad"})


class ChatScreen(StageScreen):
    """Holds the models, the line to ask in, the answers, and the votes.

    Both models run in worker processes that are started when the stage is first shown and
    end with the app.
    """

    STAGE = "chat"
    BINDINGS = bindings("chat")
    CSS_PATH = stylesheet("chat")

    answers = getters.query_one("#answers", Answers)
    models = getters.query_one("#models", Models)
    votes = getters.query_one("#votes", Votes)
    asking = getters.query_one("#asking", Asking)

    def compose_body(self) -> ComposeResult:
        """From the answers down to the line."""
        holder = PairHolder()
        yield Answers(id="answers")
        with Horizontal(id="mode"):
            yield Models(self.app.workspace, holder, id="models")
            yield Votes(self.app.workspace.store, id="votes")
        yield Asking(holder, id="asking")

    def entered(self) -> None:
        """Look which pairs there are, and what of the answers can be seen now."""
        self.models.look()
        self.answers.look()

    def on_unmount(self) -> None:
        """End the workers."""
        self.models.end()

    @property
    def _current(self) -> Round | None:
        talk = self.asking.talk
        return talk.current if talk is not None else None

    # -- the models -----------------------------------------------------------------

    def action_models(self) -> None:
        """Choose run and quantisation."""
        choice = self.models.choice
        dialog = PairDialog(self.app.workspace, choice.key if choice is not None else "")
        self.app.ask(dialog, lambda at: self.models.load(dialog.found[at]))

    @on(Models.Changed)
    def _models_changed(self) -> None:
        models = self.models
        if models.is_loading:
            self.asking.restart()
            choice = models.choice
            self.say(f"loading base and tuned of {choice.name if choice else ''} …", kind="busy")
        self.answers.teach(
            *words.teaching(
                models.choice,
                loading=models.is_loading,
                failure=models.failure,
                exports=models.exports,
            )
        )
        self._count()

    @on(Models.Loaded)
    def _models_loaded(self, event: Models.Loaded) -> None:
        self.asking.restart(event.prompts)
        loaded = f"{event.choice.name}: both loaded in {event.seconds:.1f} s"
        hint = f"no prompts to offer: {event.problem.message}" if event.problem else ""
        self.say(loaded, hint=hint, kind="done")

    @on(Models.Failed)
    @on(Asking.Failed)
    @on(Votes.Failed)
    def _part_failed(self, event: Models.Failed | Asking.Failed | Votes.Failed) -> None:
        self.app.complain(event.error)

    # -- asking ---------------------------------------------------------------------

    @on(Input.Submitted, "#line")
    def action_send(self) -> None:
        """Ask what stands in the line, or go there."""
        if not self.asking.waits:
            self.asking.write()
        elif not self.models.loaded:
            self._say_not_loaded()
        else:
            self.asking.send()

    def action_write(self) -> None:
        """Go to the line; what is typed replaces the last question."""
        self.asking.write()

    def action_again(self) -> None:
        """Ask the same question with another seed."""
        self.asking.ask_again()

    def action_new(self) -> None:
        """Start a new conversation."""
        self.asking.start_new()
        self.asking.write()
        self.say("a new conversation")

    def action_stop(self) -> None:
        """Stop the answers; while nothing is under way, leave the line."""
        if self.asking.stop():
            self.say("stopped", hint="R asks again")
        else:
            self.asking.leave()

    def action_next(self) -> None:
        """Offer the next prompt of the run's dataset."""
        if not self.models.loaded:
            self._say_not_loaded()
        elif not self.asking.prompts:
            self.say("this run's dataset has no prompts to offer", hint="i goes to the line")
        else:
            self.asking.offer()
            self.say("enter asks both, in a new conversation")

    def action_next_here(self) -> None:
        """Offer the next prompt, also while writing."""
        self.action_next()

    def action_blind(self) -> None:
        """Hide the sides of the next conversation, or show them."""
        how = "blind" if self.asking.toggle_blind() else "open"
        begun = self.asking.talk is not None
        hint = "n or ctrl+l starts one" if begun else ""
        self.say(f"{how} from the {'next' if begun else 'first'} conversation on", hint=hint)
        self._count()

    def _say_not_loaded(self) -> None:
        models = self.models
        message, hint = words.not_loaded(models.is_loading, models.failure, models.exports)
        self.say(message, hint=hint)

    @on(Asking.Changed)
    def _talk_changed(self) -> None:
        current, talk = self._current, self.asking.talk
        self.answers.show(talk)
        if talk is None or current is None:
            self._count()
            return
        if not current.answered:
            self.say("")
        elif current.failed and (failed := words.failed_words(talk)):
            self.say(failed[0], hint=failed[1], kind="error")
        self._count()

    @on(Asking.Streamed)
    def _streamed(self) -> None:
        self.answers.stream()

    @on(Asking.Noted)
    def _noted(self, event: Asking.Noted) -> None:
        self.say(event.text)

    # -- reading --------------------------------------------------------------------

    @on(Answers.Read)
    def _read(self) -> None:
        current = self._current
        if current is not None and current.votable and not self.status_line.text:
            hint = "" if self.answers.all_seen else "a vote counts when both were on the screen"
            self.say("← A better · → B better · ↑ tie · ↓ both bad", hint=hint)
        self.refresh_bindings()

    def action_scroll_down(self) -> None:
        """Scroll both answers down by a page."""
        self.answers.page(1)

    def action_scroll_up(self) -> None:
        """Scroll both answers up by a page."""
        self.answers.page(-1)

    def action_down(self) -> None:
        """Scroll both answers down by a line."""
        self.answers.line(1)

    def action_up(self) -> None:
        """Scroll both answers up by a line."""
        self.answers.line(-1)

    def action_first(self) -> None:
        """Go to the start of both answers."""
        self.answers.jump("start")

    def action_last(self) -> None:
        """Go to the end of both answers."""
        self.answers.jump("end")

    def action_swap_panes(self) -> None:
        """Make A larger, then B, then both the same."""
        self.answers.enlarge()

    def action_own(self) -> None:
        """Show or hide what the person wrote to this prompt."""
        if not self.answers.toggle_own():
            self.say("only a prompt of the dataset has an answer of yours")

    # -- judging --------------------------------------------------------------------

    async def action_left(self) -> None:
        """A is better."""
        await self._vote("left")

    async def action_right(self) -> None:
        """B is better."""
        await self._vote("right")

    async def action_tie(self) -> None:
        """Both are equally good."""
        await self._vote("tie")

    async def action_both_bad(self) -> None:
        """Neither is any good."""
        await self._vote("both-bad")

    async def _vote(self, choice: VoteChoice) -> None:
        current = self._current
        refusal = words.not_votable(current, self.answers.panes)
        if refusal is not None:
            self.say(refusal[0], hint=refusal[1])
        elif current is not None:
            given = await self.votes.give(current.trial, choice)
            message, hint = words.given_words(given, sealed=current.sealed)
            self.say(message, hint=hint, kind="done")
            self.answers.show(self.asking.talk)
            self._count()

    async def action_undo(self) -> None:
        """Take back the last vote; again for the one before."""
        choice, talk = self.models.choice, self.asking.talk
        if choice is None:
            self._say_not_loaded()
            return
        taken = await self.votes.take_back(choice.run_id, talk.trials if talk else ())
        if taken is None:
            self.say("no vote to take back")
            return
        message, hint = words.taken_back_words(taken, talk)
        self.say(message, hint=hint, kind="done")
        self.answers.show(talk)
        self._count()

    def action_reveal(self) -> None:
        """Show which side is which."""
        current = self._current
        if current is None or not current.sealed:
            self.say("no sides are sealed", hint="b makes the next conversation blind")
        elif not current.answered:
            self.say("both have to answer first", hint="escape stops them")
        else:
            self.asking.reveal()
            message, hint = words.revealed_words(self.asking.talk)
            self.say(message, hint=hint, kind="done")

    def _count(self) -> None:
        """Count the votes anew, except those that would tell sealed sides apart."""
        talk, choice = self.asking.talk, self.models.choice
        if choice is not None:
            sealed = talk.trials if talk is not None and talk.sealed else ()
            self.votes.count(
                choice.run_id, blind=self.asking.blind, without={trial.id for trial in sealed}
            )
        self.refresh_bindings()

    # -- which keys work --------------------------------------------------------------

    @on(Votes.Counted)
    @on(DescendantFocus)
    @on(DescendantBlur)
    def _keys_changed(self) -> None:
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let no key vote while it is meant for the line."""
        if action in VOTES | {"reveal"} and self.is_mounted and self.asking.writing:
            return False
        return super().check_action(action, parameters)

    def offers(self, action: Action) -> bool:
        """Show the keys that can do something now."""
        if not self.is_mounted:
            return False
        current, loaded = self._current, self.models.loaded
        free = loaded and not self.asking.streaming
        votable = current is not None and current.votable and self.answers.all_seen
        sealed = current is not None and current.sealed and current.answered
        can = {
            **dict.fromkeys(VOTES, votable),
            "scroll_down": self.answers.more,
            "stop": self.asking.streaming or self.asking.writing,
            "reveal": sealed,
            "send": free and self.asking.waits,
            "write": free and not self.asking.writing,
            "next": free and self.asking.prompts > 0,
            "undo": self.votes.given > 0,
            "blind": loaded,
            "models": bool(self.models.exports),
            "own": bool(self.answers.own.text),
            "again": free and current is not None,
            "new": free and current is not None,
        }
        return can.get(action.method, True)
