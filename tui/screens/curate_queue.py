"""What Curate shows: the queue, the card under its cursor, and how far curation has got."""

from __future__ import annotations

from textual import getters, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal

from engine.curate import Curator
from engine.models import Card, QueueRow, short_id
from tui.bridge.curation import Drafts, measure
from tui.bridge.queue import NO_FILTER, QueuePages
from tui.bridge.threads import off_loop
from tui.bridge.tokens import TokenCounter
from tui.screens.stage import StageScreen
from tui.widgets.borders import set_border
from tui.widgets.card import CardPane, card_label
from tui.widgets.meter import Meter
from tui.widgets.queue import QueueList, filter_words
from tui.widgets.rows import RowList


class CurateQueue(StageScreen):
    """The queue on the left, the card on the right, progress below; moving among them."""

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

    def examples_changed(self) -> None:
        """Show what a scan has brought, and stay on the same example."""
        if self._entered:
            self._reload(to_undecided=self._card is None)

    # -- showing --------------------------------------------------------------------

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

    def _say_card(self, did: str, card: Card, hint: str = "") -> None:
        self.say(f"{did} {short_id(card.example.id)} · {card_label(card)}", hint=hint, kind="done")

    def _after(self, card: Card) -> None:
        """Show what a decision or an edit changed in the queue."""
        if self._pages.update(card):
            self.queue.repaint(self._pages.rank_of(card.position, self.queue.cursor))
        else:
            self.queue.rows_changed()
        self._measure()

    @on(RowList.Moved, "#queue")
    def _moved(self) -> None:
        row = self._row()
        if row is not None and (self._card is None or row.example_id != self._card.example.id):
            self._show_current()

    @on(RowList.Chosen, "#queue")
    def _chosen(self) -> None:
        if self.is_narrow:
            self.action_swap_panes()

    def show_example(self, example_id: str) -> None:
        """Show an example, for another stage; the whole queue where a filter would hide it."""
        card = self._store.card(example_id)
        row = self._pages.row(self._pages.rank_of(card.position))
        if row is None or row.example_id != card.example.id:
            self._pages = QueuePages(self._store)
        self._entered = True
        self._reload(position=card.position)

    # -- moving ---------------------------------------------------------------------

    def _go(self, rows: int | None = None, *, to: int | None = None) -> None:
        if to is not None:
            self.queue.move_to(to)
        elif rows is not None:
            self.queue.move(rows)
        self._show_current()

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
