"""Curate: a queue and a card, decided by single keys."""

from __future__ import annotations

from dataclasses import replace

from textual import work

from engine.errors import ExampleMissing
from engine.models import ORIGINS, Action, Filter
from tui.actions import bindings
from tui.bridge.curation import shares
from tui.bridge.queue import NO_FILTER, QueuePages
from tui.bridge.threads import off_loop
from tui.screens.curate_checks import CurateChecks
from tui.screens.modals.filter import FilterDialog, choices
from tui.screens.modals.search import SearchDialog
from tui.stylesheets import stylesheet
from tui.widgets.queue import filter_words
from tui.widgets.words import EDITED, FLAGGED, ORIGIN_SIGNS, SIGNS, counted

DONE = {"approve": "approved", "reject": "rejected", "skip": "skipped"}
UNDONE = {**DONE, "edit": "edited"}


class CurateScreen(CurateChecks):
    """The queue on the left, the card on the right, progress below.

    A decision is written to SQLite by the key's own handler, before the next key is
    read; which example it is about is looked up there and then, so that keys typed
    ahead each decide the card that follows.
    """

    STAGE = "curate"
    LEGEND = "  ".join(
        [f"{sign} {state}" for state, sign in SIGNS.items()]
        + [f"{EDITED} edited", f"{FLAGGED} flagged"]
        + [f"{ORIGIN_SIGNS[origin]} {origin} in its source" for origin in ORIGINS]
    )
    BINDINGS = bindings("curate")
    CSS_PATH = stylesheet("curate")

    # -- deciding -------------------------------------------------------------------

    def _decide(self, action: Action) -> None:
        row = self._row()
        if row is None:
            self.say("there is no example here", hint="1 goes to Sources")
            return
        try:
            card = self._curator.decide(action, row.example_id)
        except ExampleMissing:
            self._reload()
            self.say("a scan took that example away", hint="the queue is as it is now")
            return
        self._say_card(DONE[action], card)
        self._after(card)
        self._to_undecided(after=card.position)

    def _to_undecided(self, after: int) -> None:
        which = self._pages.filter
        row = self._store.next_undecided(which, after) or self._store.next_undecided(which)
        if row is None:
            self._show_current()
            if self._pages.size:
                self.say(
                    f"{self.status_line.text} · nothing undecided is left here",
                    hint="3 freezes what is approved",
                    kind="done",
                )
            return
        self.queue.move_to(self._pages.rank_of(row.position, self.queue.cursor))
        self._show_current()

    def action_approve(self) -> None:
        """Approve the card."""
        self._decide("approve")

    def action_reject(self) -> None:
        """Reject the card."""
        self._decide("reject")

    def action_skip(self) -> None:
        """Leave the card for later."""
        self._decide("skip")

    def action_next_undecided(self) -> None:
        """Go to the next undecided example."""
        row = self._row()
        self._to_undecided(after=row.position if row is not None else -1)

    def action_undo(self) -> None:
        """Undo the last decision, whoever made it."""
        entry = self._curator.undo()
        if entry is None:
            self.say("there is nothing to undo")
            return
        self._went_back("undid", entry.example_id, entry.target)

    def action_redo(self) -> None:
        """Do again what was undone."""
        entry = self._curator.redo()
        if entry is None:
            self.say("there is nothing to redo")
            return
        self._went_back("did again", entry.example_id, entry.target)

    def _went_back(self, did: str, example_id: str, target: int) -> None:
        """Go to the example whose decision was undone or redone."""
        card = self._store.card(example_id)
        what = next(
            (entry.action for entry in self._store.journal(example_id=example_id)
             if entry.seq == target), "",
        )  # fmt: skip
        self._after(card)
        if what == "edit":
            self.app.checks.follow([card.example.id])
        rank = self._pages.rank_of(card.position, self.queue.cursor)
        row = self._pages.row(rank)
        inside = row is not None and row.example_id == example_id
        if inside:
            self.queue.move_to(rank)
        self._show_current()
        self._say_card(
            f"{did}: {UNDONE.get(what, what)}",
            card,
            hint="" if inside else "it is not in the part of the queue that is shown",
        )

    # -- which part of the queue ------------------------------------------------------

    def action_search(self) -> None:
        """Find text in the queue."""
        self._ask_search()

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def _ask_search(self) -> None:
        text = await self.app.push_screen_wait(SearchDialog(self._pages.filter))
        if text is not None:
            self._narrow(replace(self._pages.filter, text=text.strip()))

    def action_filter(self) -> None:
        """Choose which part of the queue is shown."""
        self._ask_filter()

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def _ask_filter(self) -> None:
        lines = choices(await off_loop(shares, self._store))
        chosen = await self.app.push_screen_wait(FilterDialog(self._pages.filter, lines))
        if chosen is not None:
            self._narrow(chosen)

    def action_clear(self) -> None:
        """Show the whole queue."""
        if self._pages.filter != NO_FILTER:
            self._narrow(NO_FILTER)

    def show_part(self, which: Filter) -> None:
        """Show a part of the queue, for another stage."""
        self._entered = True
        self._narrow(which)

    def _narrow(self, which: Filter) -> None:
        if which == self._pages.filter:
            return
        self._pages = QueuePages(self._store, which)
        stays = self._card is not None and which == NO_FILTER
        self._reload(to_undecided=not stays)
        hint = "" if which == NO_FILTER else "escape shows the whole queue"
        self.say(f"{counted(self._pages.size, 'example')}: {filter_words(which)}", hint=hint)
