"""Curate: a queue and a card, decided by single keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Set
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from textual import events, getters, on, work
from textual.app import ComposeResult, SuspendNotSupported
from textual.containers import Horizontal

from engine.curate import Drafts, other_answers, with_answer
from engine.curate.editor import edit_text
from engine.curate.questions import why_not
from engine.errors import DependencyMissing
from engine.models import ORIGINS, Action, Card, Filter, short_id
from tui.actions import bindings
from tui.bridge.elsewhere import DecidedElsewhere, ScannedElsewhere, Watch
from tui.bridge.questions import Asked
from tui.bridge.queue import NO_FILTER
from tui.bridge.tokens import TokenCounter
from tui.parts.curate_card import CardPart
from tui.parts.curate_checks import ChecksPart
from tui.parts.curate_decisions import Decisions, Outcome
from tui.parts.curate_meter import MeterPart
from tui.parts.curate_offers import refusal
from tui.parts.curate_pending import Changes, Pending, Then
from tui.parts.curate_queue import QueuePart
from tui.parts.curate_texts import Texts
from tui.screens.curate_dialogs import Dialogs
from tui.screens.stage import StageScreen
from tui.stylesheets import stylesheet
from tui.widgets.lines import Lines
from tui.widgets.queue import filter_words, upcoming_words
from tui.widgets.textpane import text
from tui.widgets.words import CONFLICT, EDITED, FLAGGED, ORIGIN_SIGNS, SIGNS, counted

if TYPE_CHECKING:
    from tui.screens.modals.edit import Edited


# Dialogs are imported by the actions that show them: a stage opens without what it may need.


class CurateScreen(StageScreen):
    """The queue on the left, the card on the right, progress below.

    A decision is about the card that is shown, and on the disk before the next key is read, so
    that keys typed ahead each decide the card that follows. Where that takes long the queue
    goes on; see :mod:`tui.parts.curate_pending`.
    """

    STAGE = "curate"
    LEGEND = "  ".join(
        [f"{sign} {state}" for state, sign in SIGNS.items()]
        + [f"{EDITED} edited", f"{FLAGGED} flagged", f"{CONFLICT} in conflict"]
        + [f"{ORIGIN_SIGNS[origin]} {origin} in its source" for origin in ORIGINS]
    )
    BINDINGS = bindings("curate")
    CSS_PATH = stylesheet("curate")

    queue = getters.query_one(QueuePart)
    card = getters.query_one(CardPart)
    meter = getters.query_one(MeterPart)
    upcoming = getters.query_one("#upcoming", Lines)

    def __init__(self) -> None:
        super().__init__()
        workspace = self.app.workspace
        self._store, self._settings = workspace.store, workspace.settings
        self._decisions = Decisions(self._store)
        self._checks = ChecksPart(self._store)
        self._drafts = Drafts(self._store)
        self._changes = Changes(self.app.writer, self, self.app)
        self._texts = Texts(self._decisions, self._drafts, self.app.writer)
        self._dialogs = Dialogs(workspace, self._decisions, self._drafts, self.app.writer)
        self._tokens = TokenCounter(self._settings.training.base)
        self._watch = Watch(self, self._store)
        self._entered = self._painted = False

    def compose_body(self) -> ComposeResult:
        """The queue, the card, what comes next, and the meter."""
        with Horizontal(id="panes"):
            yield QueuePart(self._store, id="queue", classes="pane pane-second")
            yield CardPart(self._tokens, self._store.session, id="card", classes="pane pane-first")
        yield Lines(id="upcoming")
        yield MeterPart(self._store, self._settings.curation.target, id="meter")

    # -- what is shown --------------------------------------------------------------

    @property
    def holds_keys(self) -> bool:
        """Whether keys wait: nobody decides a card that has not been on the screen."""
        return not self._painted or self._changes.holding

    def entered(self) -> None:
        """Show the queue as it is now: a scan may have changed it."""
        self._painted = False
        try:
            self._reload(undecided=not self._entered)
        finally:
            self._entered = True
            self.call_after_refresh(setattr, self, "_painted", True)
        self._watch.start()

    @on(events.ScreenSuspend)
    @on(events.Unmount)
    def _suspended(self) -> None:
        self._watch.stop()

    @on(DecidedElsewhere)
    def _decided_elsewhere(self, event: DecidedElsewhere) -> None:
        """Show what other sessions decided, and say so once."""
        if not self._watch.told(event.found) or not self._entered:
            return
        before = self.card.card
        self.queue.refresh_rows()
        if before is not None and not self.queue.is_on(before):
            self._watch.replaced("another terminal has just decided the card before this one")
        self._show_current()
        self.meter.measure()
        if not self._changes.waiting:
            hint = "the text that you see is a new one" if self.card.edited_elsewhere else ""
            self.say(f"{event.found.examples:,} decided elsewhere", hint=hint)

    @on(ScannedElsewhere)
    def _scanned_elsewhere(self, event: ScannedElsewhere) -> None:
        self.examples_changed()
        if not self.app.scans.bring:  # the app's own scans say it themselves
            number = counted(abs(event.more), "example")
            self.say(f"another process {'added' if event.more > 0 else 'removed'} {number}")

    def examples_changed(self) -> None:
        """Show what a scan or a check has brought, and stay on the same example."""
        if self._entered:
            self._reload(undecided=self.card.card is None)

    def show_example(self, example_id: str) -> None:
        """Show an example, for another stage; the whole queue where a filter would hide it."""
        card = self._store.card(example_id)
        self._entered = True
        if not self.queue.go_to(card):
            self.queue.show(NO_FILTER)
        self._reload(position=card.position)

    def show_part(self, which: Filter) -> None:
        """Show a part of the queue, for another stage."""
        self._entered = True
        self._narrow(which)

    def _reload(self, *, undecided: bool = False, position: int | None = None) -> None:
        if not undecided and position is None:
            position = self.card.card.position if self.card.card is not None else 0
        self.queue.reload(position=position)
        self._show_current()
        self.meter.measure()

    def _show_current(self, *, own: bool = False) -> None:
        """Show the card under the cursor, and what comes after; ``own`` as in the card's show."""
        row = self.queue.current
        if row is not None:
            card = self._store.card(row.example_id)
            self.card.show(card, draft=bool(self._drafts.of(card.example.id)), own=own)
        else:
            self.card.show_nothing(self.queue.filter)
        self.upcoming.show([text(upcoming_words(self.queue.upcoming(3)), "$text-muted")])
        self.refresh_bindings()

    @on(QueuePart.Moved)
    def _moved(self) -> None:
        if (card := self.card.card) is None or not self.queue.is_on(card):
            self._show_current()

    @on(QueuePart.Opened)
    def _opened(self) -> None:
        if self.is_narrow:
            self.action_swap_panes()

    @on(MeterPart.Measured)
    def _measured(self, event: MeterPart.Measured) -> None:
        self.queue.show_title(event.counts)

    def _take(self, outcome: Outcome, *, hint: str = "", show: bool = True) -> None:
        """Show what a decision or an edit changed, and say it."""
        if outcome.gone:
            self._watch.replaced(outcome.message)
            self._reload()
        elif outcome.card is not None:
            ids = outcome.examples or (outcome.card.example.id,)
            self.queue.take(outcome.card, several=len(ids) > 1)
            self.meter.measure()
            if show:
                self._show_current(own=self.queue.is_on(outcome.card))
            if outcome.checks:
                self.app.checks.follow(list(ids))
        self.say(outcome.message, hint=hint or outcome.hint, kind=outcome.kind)

    # -- what works now ---------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what can be done with the card."""
        if self._entered and refusal(action, self.card.card, narrowed=self.queue.narrowed):
            return False
        return super().check_action(action, parameters)

    def refusal(self, action: str) -> tuple[str, str]:
        """Return why a key can't do what it does elsewhere; see :func:`refusal`."""
        return refusal(action, self.card.card, narrowed=self.queue.narrowed), ""

    # -- deciding -------------------------------------------------------------------

    def _decide(self, action: Action) -> None:
        if (card := self.card.card) is None:
            return
        example_id = card.example.id
        if example_id in self._changes.ids:
            self.say("what you decided on it is not stored yet", hint="esc gives up waiting")
            return
        if why := self._watch.refusal:
            self.say(f"{why}: look again")
            return
        call = partial(self._decisions.decide, action, example_id, self.card.seen)
        self._change(call, f"{action} {short_id(example_id)}", self._decided, card)

    def _change(
        self, call: Callable[[], Outcome], words: str, then: Then, card: Card | None = None
    ) -> None:
        """Have something written off the event loop, and go on when it is on the disk."""
        self._follow(self._changes.begin(call, words, card), then)

    @work(group="change", exclusive=False, exit_on_error=False)
    async def _follow(self, pending: Pending, then: Then) -> None:
        await self._changes.follow(pending, then)

    def go_on(self, card: Card) -> None:
        """Go to what follows a card, if it is the one that is shown."""
        if self.queue.is_on(card):
            self._to_undecided(card.position)

    def go_back(self, card: Card) -> None:
        """Go to a card that is in the part of the queue that is shown."""
        self.queue.go_to(card)
        self._show_current()

    def mark_pending(self, ids: Set[str]) -> None:
        """Mark the examples whose decisions wait to be stored."""
        self.queue.show_pending(ids)

    def _decided(self, pending: Pending, outcome: Outcome) -> None:
        self._take(outcome, show=pending.waited or outcome.conflict)
        if outcome.conflict or outcome.gone:
            self._changes.drop_keys()  # they were meant for the card that follows
        if outcome.card is None or pending.waited or outcome.conflict:
            return
        if not self._to_undecided(outcome.card.position):
            words = f"{outcome.message} · nothing undecided is left here"
            self.say(words, hint="3 freezes what is approved", kind="done")

    def _to_undecided(self, after: int) -> bool:
        found = self.queue.go_undecided(after, but=self._changes.ids)
        self._show_current()
        return found

    def action_approve(self) -> None:
        """Approve the card."""
        self._changes.in_turn(partial(self._decide, "approve"))

    def action_reject(self) -> None:
        """Reject the card."""
        self._changes.in_turn(partial(self._decide, "reject"))

    def action_skip(self) -> None:
        """Leave the card for later."""
        self._changes.in_turn(partial(self._decide, "skip"))

    def action_next_undecided(self) -> None:
        """Go to the next undecided example."""
        row = self.queue.current
        if not self._to_undecided(row.position if row is not None else -1):
            self.say("nothing undecided is left here", hint="3 freezes what is approved")

    def action_undo(self) -> None:
        """Undo the last decision, whoever made it."""
        self._go_back(self._decisions.undo, "the undo")

    def action_redo(self) -> None:
        """Redo what was undone."""
        self._go_back(self._decisions.redo, "the redo")

    def _go_back(self, call: Callable[[], Outcome], words: str) -> None:
        self._changes.in_turn(lambda: self._change(call, words, self._went_back))

    def _went_back(self, pending: Pending, outcome: Outcome) -> None:
        """Go to the example whose decision was undone or redone."""
        hint = ""
        if outcome.card is not None and not pending.waited:
            self.queue.update(outcome.card)
            if not self.queue.go_to(outcome.card):
                hint = "it is not in the part of the queue that is shown"
        self._take(outcome, hint=hint)

    # -- which part of the queue ------------------------------------------------------

    def action_search(self) -> None:
        """Find text in the queue."""
        from tui.screens.modals.search import SearchDialog

        which = self.queue.filter
        self.app.ask(
            SearchDialog(which), lambda words: self._narrow(replace(which, text=words.strip()))
        )

    def action_filter(self) -> None:
        """Choose which part of the queue is shown."""
        self.app.ask(self._dialogs.filter(self.queue.filter), self._narrow)

    def action_clear(self) -> None:
        """Give up what waits to be stored; else show the whole queue."""
        if self._changes.waiting:
            self._changes.give_up()
        else:
            self._narrow(NO_FILTER)

    def _narrow(self, which: Filter) -> None:
        self._painted &= not self.queue.choose(which, partial(self._show_part, which))

    def _show_part(self, which: Filter) -> None:
        self._reload(undecided=self.card.card is None or which != NO_FILTER)
        hint = "escape shows the whole queue" if self.queue.narrowed else ""
        self.say(f"{counted(self.queue.count, 'example')}: {filter_words(which)}", hint=hint)
        self.call_after_refresh(setattr, self, "_painted", True)

    # -- the card's text ----------------------------------------------------------------

    def action_edit(self) -> None:
        """Edit the card's text here."""
        if card := self.card.card:
            self.app.ask(self._dialogs.edit(card), self._edited)

    def _edited(self, edited: Edited) -> None:
        if edited.outcome is not None:
            self._take(edited.outcome)
        self._await_outcome(self._texts.write(left=edited.outcome is None))

    def action_editor(self) -> None:
        """Edit the card's text in the person's own editor; the terminal is its own meanwhile."""
        if card := self.card.card:
            try:
                with self.app.suspend():
                    edit = partial(edit_text, configured=self._settings.curation.editor)
                    words = self._texts.edit_with(edit, card)
            except SuspendNotSupported as error:
                raise DependencyMissing(
                    "this terminal can't be handed to an editor", hint="e edits the text here"
                ) from error
            # What can't be read or saved stays a draft, and e continues it.
            self._await_outcome(self._texts.save(card, words))

    def action_answers(self) -> None:
        """Show the other answers of a card, and take one instead."""
        if card := self.card.card:
            self.app.ask(self._dialogs.answers(card), partial(self._take_answer, card))

    def _take_answer(self, card: Card, at: int) -> None:
        call = partial(self._decisions.save, card, with_answer(card, other_answers(card)[at]))
        name = f"the answer of {short_id(card.example.id)}"
        self._change(call, name, lambda _, outcome: self._take(outcome))

    def action_versions(self) -> None:
        """Show the card's edit against the original, or an older text against a newer."""
        if card := self.card.card:
            self.app.ask(self._dialogs.versions(card), self.show_example)

    def action_tokens(self) -> None:
        """Show which tokens of the card are trained."""
        if card := self.card.card:
            self.app.ask(self._dialogs.tokens(card))

    # -- what was found in it -----------------------------------------------------------

    def action_why(self) -> None:
        """Show where the card comes from, its flags and what was measured."""
        if card := self.card.card:
            self.app.ask(self._dialogs.why(card))

    def action_near(self) -> None:
        """Show the near-duplicates of the card, and decide them there."""
        if card := self.card.card:
            self.app.ask(self._dialogs.near(card), self.show_example)

    def action_question(self) -> None:
        """Let a model word the card's question."""
        if (card := self.card.card) is None:
            return
        if reason := self._checks.wording or why_not(self._store, card):
            self.say(reason)
        else:
            self.app.ask(self._dialogs.question(), partial(self._word_question, card))

    def _word_question(self, card: Card, asked: Asked) -> None:
        self.say("a model is wording the question; you can go on meanwhile", kind="busy")
        self._await_outcome(self._checks.word(card, asked))

    def action_redact(self) -> None:
        """Replace secrets and personal data by placeholders."""
        if (card := self.card.card) is not None:
            self._await_outcome(self._checks.redact(card))

    def action_redact_elsewhere(self) -> None:
        """Redact the values of the last redaction in all other examples."""
        self._await_outcome(self._checks.redact_elsewhere())

    @work(group="outcome", exclusive=False, exit_on_error=False)
    async def _await_outcome(self, coming: Awaitable[Outcome | None]) -> None:
        if outcome := await coming:
            self._take(outcome)

    # -- moving ---------------------------------------------------------------------

    def action_down(self) -> None:
        """Next example."""
        self.queue.go(1)
        self._show_current()

    def action_up(self) -> None:
        """Previous example."""
        self.queue.go(-1)
        self._show_current()

    def action_page_down(self) -> None:
        """Next page."""
        self.queue.go_pages(1)
        self._show_current()

    def action_page_up(self) -> None:
        """Previous page."""
        self.queue.go_pages(-1)
        self._show_current()

    def action_first(self) -> None:
        """First example."""
        self.queue.go_first()
        self._show_current()

    def action_last(self) -> None:
        """Last example."""
        self.queue.go_last()
        self._show_current()

    def action_card_down(self) -> None:
        """Scroll the card down."""
        self.card.scroll_pages(1)

    def action_card_up(self) -> None:
        """Scroll the card up."""
        self.card.scroll_pages(-1)
