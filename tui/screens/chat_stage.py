"""What Chat shows: which two models are loaded, and the question that was asked last."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from textual import events, getters, on, work
from textual.app import ComposeResult
from textual.timer import Timer
from textual.widgets import Input

from engine.errors import FinetuiError
from tui.bridge.chat_pair import Choice, PairHolder, choices, preferred, prompts_of, remember
from tui.bridge.threads import off_loop
from tui.screens import chat_view as view
from tui.screens.chat_panes import ChatPanes, ChatState
from tui.screens.chat_prompts import PromptShelf
from tui.screens.chat_round import Round
from tui.screens.modals.pick import PairDialog
from tui.screens.stage import StageScreen

if TYPE_CHECKING:
    from engine.evaluate.blind import Tally
    from engine.evaluate.pair import Pair

FLUSH_SECONDS = 0.125
"""Time between two redraws of a streaming answer, however fast its tokens come."""


class ChatStage(StageScreen):
    """Loads a pair of models, and draws both sides."""

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
