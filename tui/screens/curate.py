"""Curate: a queue and a card, decided by single keys."""

from __future__ import annotations

from dataclasses import replace

from textual import getters, on, work
from textual.app import ComposeResult, SuspendNotSupported
from textual.containers import Horizontal

from engine.curate import Curator, check_turns, from_text, to_text
from engine.curate.editor import edit_text
from engine.errors import DependencyMissing
from engine.models import Action, Card, Filter, QueueRow, Turn, short_id
from tui.actions import bindings
from tui.bridge.curation import Drafts, measure
from tui.bridge.queue import NO_FILTER, QueuePages
from tui.bridge.threads import off_loop
from tui.bridge.tokens import TokenCounter
from tui.screens.modals.edit import EditDialog
from tui.screens.modals.filter import FilterDialog, choices
from tui.screens.modals.search import SearchDialog
from tui.screens.stage import StageScreen
from tui.stylesheets import stylesheet
from tui.widgets.borders import set_border
from tui.widgets.card import CardPane
from tui.widgets.meter import Meter
from tui.widgets.queue import QueueList, filter_words
from tui.widgets.rows import RowList
from tui.widgets.words import EDITED, SIGNS, counted, one_line

DONE = {"approve": "approved", "reject": "rejected", "skip": "skipped"}
UNDONE = {**DONE, "edit": "edited"}


class CurateScreen(StageScreen):
    """The queue on the left, the card on the right, progress below.

    A decision is written to SQLite by the key's own handler, before the next key is
    read; which example it is about is looked up there and then, so that keys typed
    ahead each decide the card that follows.
    """

    STAGE = "curate"
    LEGEND = "  ".join(f"{sign} {state}" for state, sign in SIGNS.items()) + f"  {EDITED} edited"
    BINDINGS = bindings("curate")
    CSS_PATH = stylesheet("curate")

    queue = getters.query_one("#queue", QueueList)
    card_pane = getters.query_one("#card", CardPane)
    meter = getters.query_one("#meter", Meter)

    def __init__(self) -> None:
        super().__init__()
        self._store = self.app.workspace.store
        self._settings = self.app.workspace.settings
        self._curator = Curator(self._store)
        self._drafts = Drafts(self._store)
        self._tokens = TokenCounter(self._settings.training.base)
        self._pages = QueuePages(self._store)
        self._card: Card | None = None
        self._entered = False
        self._measure_again = False
        self._measuring = False

    def compose_body(self) -> ComposeResult:
        """The queue, the card and the meter."""
        with Horizontal(id="panes"):
            yield QueueList(id="queue", classes="pane pane-second")
            yield CardPane(id="card", classes="pane pane-first")
        yield Meter(id="meter")

    def entered(self) -> None:
        """Show the queue as it is now: a scan may have changed it."""
        first = not self._entered
        self._entered = True
        self._reload(to_undecided=first)

    # -- the queue ------------------------------------------------------------------

    def _reload(self, *, to_undecided: bool = False, position: int | None = None) -> None:
        """Read the queue anew and stay on the same example, or go to an undecided one."""
        self._pages.reload()
        if position is None and self._card is not None:
            position = self._card.position
        rank = 0
        if to_undecided:
            row = self._store.next_undecided(self._pages.filter)
            rank = self._pages.rank_of(row.position) if row is not None else 0
        elif position is not None:
            rank = self._pages.rank_of(position)
        self.queue.show(self._pages, rank)
        self._show_current()
        self._measure()

    def _row(self) -> QueueRow | None:
        return self._pages.row(self.queue.cursor)

    def _show_current(self) -> None:
        """Show the card under the cursor."""
        row = self._row()
        if row is None:
            self._card = None
            self._show_nothing()
            return
        card = self._store.card(row.example_id)
        other = self._card is None or self._card.example.id != card.example.id
        self._card = card
        self.card_pane.show_card(card, draft=bool(self._drafts.of(card)), top=other)
        self._count_tokens(card)

    def _show_nothing(self) -> None:
        if self._pages.filter != NO_FILTER:
            self.card_pane.show_words(
                f"Nothing here is {filter_words(self._pages.filter)}.",
                "",
                "escape shows the whole queue, f chooses another part.",
            )
        else:
            self.card_pane.show_words(
                "The queue is empty.",
                "",
                "1 goes to Sources: add a folder of notes there with a,",
                "or take the bundled demo sources with g.",
            )

    @work(group="tokens", exclusive=True, exit_on_error=False)
    async def _count_tokens(self, card: Card) -> None:
        found = await off_loop(self._tokens.counts, card.turns)
        if found and card is self._card:
            draft = bool(self._drafts.of(card))
            self.card_pane.show_card(card, tokens=found, draft=draft, top=False)

    def _measure(self) -> None:
        """Bring title and meter up to date; keys that come fast share one count."""
        self._measure_again = True
        if not self._measuring:
            self._measuring = True
            self._measure_all()

    @work(group="measure", exclusive=False, exit_on_error=False)
    async def _measure_all(self) -> None:
        try:
            await self._measure_until_still()
        finally:
            self._measuring = False

    async def _measure_until_still(self) -> None:
        while self._measure_again:
            self._measure_again = False
            counts, progress = await off_loop(measure, self._store, self._settings.curation.target)
            self.meter.show_progress(progress)
            shown = f"Queue · {filter_words(self._pages.filter)} · {self._pages.size:,}"
            if self._pages.filter != NO_FILTER:
                shown += f" of {counts.total:,}"
            set_border(self.queue, shown)

    @on(RowList.Moved, "#queue")
    def _moved(self) -> None:
        row = self._row()
        if row is not None and (self._card is None or row.example_id != self._card.example.id):
            self._show_current()

    @on(RowList.Chosen, "#queue")
    def _chosen(self) -> None:
        if self.is_narrow:
            self.action_swap_panes()

    def _go(self, rows: int | None = None, *, to: int | None = None) -> None:
        if to is not None:
            self.queue.move_to(to)
        elif rows is not None:
            self.queue.move(rows)
        self._show_current()

    def show_example(self, example_id: str) -> None:
        """Show an example, for another stage; the whole queue where a filter would hide it."""
        card = self._store.card(example_id)
        row = self._pages.row(self._pages.rank_of(card.position))
        if row is None or row.example_id != card.example.id:
            self._pages = QueuePages(self._store)
        self._entered = True
        self._reload(position=card.position)

    # -- deciding -------------------------------------------------------------------

    def _decide(self, action: Action) -> None:
        row = self._row()
        if row is None:
            self.say("there is no example here", hint="1 goes to Sources")
            return
        card = self._curator.decide(action, row.example_id)
        self._say_card(DONE[action], card)
        self._after(card)
        self._to_undecided(after=card.position)

    def _say_card(self, did: str, card: Card, hint: str = "") -> None:
        label = one_line(_label(card))
        self.say(f"{did} {short_id(card.example.id)} · {label}", hint=hint, kind="done")

    def _after(self, card: Card) -> None:
        """Show what a decision changed in the queue."""
        if self._pages.update(card):
            self.queue.repaint(self._pages.rank_of(card.position, self.queue.cursor))
        else:
            self.queue.rows_changed()
        self._measure()

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

    # -- editing --------------------------------------------------------------------

    def action_edit(self) -> None:
        """Edit the card's text here."""
        if (card := self._card) is not None:
            self._edit(card)

    @work(group="edit", exclusive=True, exit_on_error=False)
    async def _edit(self, card: Card) -> None:
        dialog = EditDialog(
            card,
            draft=self._drafts.of(card),
            check=lambda turns: check_turns(turns, before=card.turns),
            keep=lambda text: self._drafts.keep(card, text),
        )
        turns = await self.app.push_screen_wait(dialog)
        if turns is None:
            if self._drafts.of(card):
                self.say("the edit is kept, not saved", hint="e goes on with it", kind="info")
            self._show_current()
            return
        self._save(card, turns)

    def _save(self, card: Card, turns: tuple[Turn, ...]) -> None:
        if turns == card.turns:
            self.say("the text is as it was")
            self._show_current()
            return
        saved = self._curator.edit(card.example.id, turns)
        self._after(saved)
        self._show_current()
        self._say_card("edited", saved, hint="u takes it back")

    def action_editor(self) -> None:
        """Edit the card's text in the person's own editor; the terminal is its own meanwhile."""
        card = self._card
        if card is None:
            return
        before = self._drafts.of(card) or to_text(card.turns)
        try:
            with self.app.suspend():
                text = edit_text(before, configured=self._settings.curation.editor)
        except SuspendNotSupported as error:
            raise DependencyMissing(
                "this terminal can't be handed to an editor", hint="e edits the text here"
            ) from error
        self._drafts.keep(card, "" if text == to_text(card.turns) else text)
        turns = from_text(text)  # if it can't be read the draft stays, and e goes on with it
        check_turns(turns, before=card.turns)
        self._drafts.keep(card, "")
        self._save(card, turns)

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
        store = self._store
        counts, kinds, tags = await off_loop(lambda: (store.counts(), store.kinds(), store.tags()))
        lines = choices(counts, kinds, tags, store.sources())
        chosen = await self.app.push_screen_wait(FilterDialog(self._pages.filter, lines))
        if chosen is not None:
            self._narrow(chosen)

    def action_clear(self) -> None:
        """Show the whole queue."""
        if self._pages.filter != NO_FILTER:
            self._narrow(NO_FILTER)

    def _narrow(self, which: Filter) -> None:
        if which == self._pages.filter:
            return
        self._pages = QueuePages(self._store, which)
        stays = self._card is not None and which == NO_FILTER
        self._reload(to_undecided=not stays)
        hint = "" if which == NO_FILTER else "escape shows the whole queue"
        self.say(f"{counted(self._pages.size, 'example')}: {filter_words(which)}", hint=hint)

    # -- moving ---------------------------------------------------------------------

    def action_next_undecided(self) -> None:
        """Go to the next undecided example."""
        row = self._row()
        self._to_undecided(after=row.position if row is not None else -1)

    def action_down(self) -> None:
        """Next example."""
        self._go(1)

    def action_up(self) -> None:
        """Example before."""
        self._go(-1)

    def action_page_down(self) -> None:
        """A page further."""
        self.queue.page(1)
        self._show_current()

    def action_page_up(self) -> None:
        """A page back."""
        self.queue.page(-1)
        self._show_current()

    def action_first(self) -> None:
        """First example."""
        self._go(to=0)

    def action_last(self) -> None:
        """Last example."""
        self._go(to=self._pages.size - 1)

    def action_card_down(self) -> None:
        """Scroll the card down."""
        self.card_pane.pages_down(1)

    def action_card_up(self) -> None:
        """Scroll the card up."""
        self.card_pane.pages_down(-1)


def _label(card: Card) -> str:
    where = card.example.provenance
    first = next((turn.content for turn in card.turns if turn.role == "user"), "")
    label = one_line(where.heading or where.title or first)
    return label if len(label) <= 60 else label[:59] + "…"
