"""Chat: base and tuned side by side, at the same quantisation, open or blind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.events import DescendantBlur, DescendantFocus
from textual.widgets import Input

from tui.actions import bindings
from tui.bridge.chat_pair import PairHolder
from tui.bridge.serving import ServerDesk
from tui.parts import chat_conditions as conditions
from tui.parts import chat_words as words
from tui.parts.chat_answers import Answers
from tui.parts.chat_asking import Asking
from tui.parts.chat_conditions import Said
from tui.parts.chat_keys import VOTES, refusal, workable
from tui.parts.chat_models import Models
from tui.parts.chat_votes import Votes
from tui.screens.modals.pick import PairDialog
from tui.screens.stage import StageScreen
from tui.stylesheets import stylesheet
from tui.widgets.frame import Kind

if TYPE_CHECKING:
    from engine.evaluate.blind import Choice as VoteChoice
    from tui.parts.chat_round import Round


class ChatScreen(StageScreen):
    """Holds the models, the line to ask in, the answers, and the votes.

    Both models run in worker processes that are started when the stage is first shown and
    end with the app.
    """

    STAGE = "chat"
    BINDINGS = bindings("chat")
    CSS_PATH = stylesheet("chat")

    _told = ""
    """What was said about reading and voting; it gives way when both were read."""

    answers = getters.query_one("#answers", Answers)
    models = getters.query_one("#models", Models)
    votes = getters.query_one("#votes", Votes)
    asking = getters.query_one("#asking", Asking)

    def __init__(self) -> None:
        super().__init__()
        self._holder = PairHolder()
        self._desk: ServerDesk | None = None

    def compose_body(self) -> ComposeResult:
        """From the answers down to the line."""
        yield Answers(id="answers")
        with Horizontal(id="mode"):
            yield Models(self.app.workspace, self._holder, id="models")
            yield Votes(self.app.workspace.store, id="votes")
        yield Asking(self._holder, id="asking")

    def entered(self) -> None:
        """Look which pairs there are, and what of the answers can be seen now."""
        self.models.look()
        self.answers.look()

    def on_unmount(self) -> None:
        """End the workers."""
        self._holder.drop()

    @property
    def _current(self) -> Round | None:
        talk = self.asking.talk
        return talk.current if talk is not None else None

    @property
    def _parts(self) -> tuple[Asking, Answers, Models, Votes]:
        return self.asking, self.answers, self.models, self.votes

    def _say(self, said: Said, kind: Kind = "info") -> None:
        self.say(said[0], hint=said[1], kind=kind)

    # -- the models -----------------------------------------------------------------

    def action_models(self) -> None:
        """Choose run and quantisation."""
        choice = self.models.choice
        usual = self.app.workspace.settings.chat.weights
        now = (choice.weights or usual) if choice is not None else usual
        dialog = PairDialog(self.app.workspace, choice.key if choice is not None else "", now)
        self.app.ask(
            dialog,
            lambda at: self.models.load(replace(dialog.found[at], weights=dialog.weights)),
        )

    @on(Models.Changed)
    def _models_changed(self) -> None:
        if self.models.is_loading and (choice := self.models.choice) is not None:
            self.asking.restart()
            self.say(f"loading base and tuned of {choice.name} …", kind="busy")
        self.answers.teach(*words.teaching(self.models))
        self._count()

    @on(Models.Loaded)
    def _models_loaded(self, event: Models.Loaded) -> None:
        self.asking.restart(event.prompts, event.system)
        pair = self._holder.pair
        how = pair.sharing.words() if pair is not None and pair.sharing.why else ""
        said = conditions.loaded_words(event.choice, event.seconds, event.problem, how)
        self._say(said, "done")

    # -- asking ---------------------------------------------------------------------

    @on(Input.Submitted, "#line")
    def action_send(self) -> None:
        """Ask what stands in the line, or go there."""
        if not self.asking.waits:
            self.asking.write()
        elif not self.models.loaded:
            self._say(words.not_loaded(self.models))
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
        self.asking.offer()
        self.say("enter asks both, in a new conversation")

    def action_next_here(self) -> None:
        """Offer the next prompt, also while writing."""
        self.action_next()

    def action_blind(self) -> None:
        """Hide the sides of the next conversation, or show them."""
        blind = self.asking.toggle_blind()
        self._say(words.blind_words(blind=blind, begun=self.asking.talk is not None))
        self._count()

    def action_system(self) -> None:
        """Change the system prompt of typed questions."""
        from tui.screens.modals.system import SystemDialog

        if (system := self.asking.system) is not None:
            self.app.ask(SystemDialog(system), self._use_system)

    def _use_system(self, text: str) -> None:
        self.asking.set_system(text)
        if (system := self.asking.system) is not None:
            self._say(conditions.system_changed(system, begun=self.asking.talk is not None))

    @on(Asking.Changed)
    def _talk_changed(self) -> None:
        talk = self.asking.talk
        self.answers.show(talk)
        if talk is not None and not talk.current.answered:
            self.say("")
        elif talk is not None and (failed := words.failed_words(talk)):
            self._say(failed, "error")
        self._count()

    @on(Asking.Streamed)
    def _streamed(self) -> None:
        self.answers.stream()

    @on(Asking.Noted)
    def _noted(self, event: Asking.Noted) -> None:
        self.say(event.text)

    # -- serving --------------------------------------------------------------------

    def action_serve(self) -> None:
        """Open the panel of the workspace's server."""
        from tui.screens.modals.serve import ServeDialog

        self._desk = self._desk or ServerDesk(self.app.workspace)
        self.app.ask(ServeDialog(self._desk))

    # -- reading --------------------------------------------------------------------

    @on(Answers.Read)
    def _read(self) -> None:
        hint = words.reading_hint(self._current, all_seen=self.answers.all_seen)
        if hint is not None and self.status_line.text in ("", self._told):
            self._say(hint)
            self._told = self.status_line.text
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
        self.answers.toggle_own()

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
        if current is not None:
            given = await self.votes.give(current.trial, choice)
            self._say(words.given_words(given, sealed=current.sealed), "done")
            self.answers.show(self.asking.talk)
            self._count()

    async def action_undo(self) -> None:
        """Take back the last vote; again for the one before."""
        choice, talk = self.models.choice, self.asking.talk
        if choice is None:
            return
        taken = await self.votes.take_back(choice.run_id, talk.trials if talk else ())
        if taken is None:
            self.say("no vote to take back")
        else:
            self._say(words.taken_back_words(taken, talk), "done")
            self.answers.show(talk)
            self._count()

    def action_reveal(self) -> None:
        """Show which side is which."""
        self.asking.reveal()
        self._say(words.revealed_words(self.asking.talk), "done")

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
        """Offer what can be done now."""
        if self.is_mounted and not workable(action, *self._parts):
            return False
        return super().check_action(action, parameters)

    def refusal(self, action: str) -> Said:
        """Say why a key can do nothing now."""
        said = refusal(action, *self._parts)
        if action in VOTES:
            self._told = " · ".join(filter(None, said))
        return said
