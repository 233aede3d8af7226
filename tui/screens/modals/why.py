"""What is known of an example besides its text."""

from __future__ import annotations

from collections.abc import Callable

from textual import getters, on, work
from textual.app import ComposeResult

from engine.models import Card, Flag, JournalEntry, short_id
from tui.actions import bindings
from tui.bridge.threads import off_loop
from tui.screens.modals.pick import PickDialog
from tui.widgets.card import provenance_blocks
from tui.widgets.conflict import conflict_blocks, history_blocks
from tui.widgets.flags import (
    SEVERITY,
    SEVERITY_SIGNS,
    Severity,
    by_severity,
    code_label,
    flag_heading,
    measure_blocks,
    where_words,
    why_blocks,
)
from tui.widgets.rows import FixedRows, Part, RowList, Style
from tui.widgets.textpane import BLANK, Block, TextPane
from tui.widgets.words import counted, fit, one_line

_ROW_STYLE: dict[Severity, Style] = {"severe": "error", "warning": "warning", "note": "muted"}


class WhyDialog(PickDialog):
    """Lists an example's flags, where it comes from, and what was measured.

    Args:
        card: The example.
        source: The root of its source.
        history: Returns the example's journal, the newest entry first; called in a thread.
        session: Whose terminal this is.
    """

    GROUP = "why"
    OK = "close"
    BINDINGS = bindings("why")

    MOST_ROWS = 8

    pane = getters.query_one("#why-text", TextPane)

    def __init__(
        self, card: Card, source: str, history: Callable[[], list[JournalEntry]], session: str
    ) -> None:
        self._card = card
        self._source = source
        self._history = history
        self._session = session
        self._entries: list[JournalEntry] = []
        self._flags = by_severity(card.flags)
        super().__init__([self._row(flag) for flag in self._flags])

    def compose_box(self) -> ComposeResult:
        """The list and what is known of the flag under the cursor."""
        yield FixedRows(id="pick-rows")
        yield TextPane(id="why-text")

    def on_mount(self) -> None:
        """Show the flag that matters most."""
        count = counted(len(self._flags), "flag") if self._card.checked else "not checked"
        self.title_box(f"{short_id(self._card.example.id)} · {count}")
        self.rows.display = bool(self._flags)
        self._show()
        self._read()
        if not self._card.checked:
            self.say("the text was not checked as it is now", hint="C on Curate checks")
        elif self._flags:
            self.say("flags decide nothing: that is for you, or for rules that you wrote")
        else:
            self.say("the checks found nothing to flag in it")

    @work(group="load", exclusive=True, exit_on_error=False)
    async def _read(self) -> None:
        self._entries = await off_loop(self._history)
        self._show(top=False)

    def _row(self, flag: Flag) -> list[Part]:
        severity = SEVERITY[flag.kind]
        return [
            (fit(SEVERITY_SIGNS[severity], 3), _ROW_STYLE[severity]),
            (fit(flag.kind, 10) + " ", "muted"),
            (fit(code_label(flag.code), 18) + " ", "row"),
            (f"{flag.score:.2f}  ", "muted"),
            (f"{where_words(self._card, flag)}  ", "muted"),
            (one_line(flag.reason), "muted"),
        ]

    def _show(self, *, top: bool = True) -> None:
        blocks: list[Block] = []
        if self._card.conflict is not None:
            # Without its last line, which says where one is now.
            blocks += [*conflict_blocks(self._card.conflict, self._session)[:-1], BLANK]
        if self._flags:
            blocks += [*why_blocks(self._card, self._flags[self.rows.cursor]), BLANK]
        blocks += [flag_heading("Where it comes from")]
        blocks += provenance_blocks(self._card, self._source)
        if self._card.measures:
            blocks += [BLANK, flag_heading("Measured"), *measure_blocks(self._card.measures)]
        if self._entries:
            blocks += [BLANK, flag_heading("History")]
            blocks += history_blocks(self._entries, self._session)
        self.pane.show(blocks, top=top)

    @on(RowList.Moved)
    def _moved(self) -> None:
        self._show()

    def action_down(self) -> None:
        """Next flag; where there is none, a line further."""
        self.rows.move(1) if self._flags else self.pane.lines_down(1)

    def action_up(self) -> None:
        """Previous flag; where there is none, a line back."""
        self.rows.move(-1) if self._flags else self.pane.lines_down(-1)

    def action_accept(self) -> None:
        """Close: there is nothing to take."""
        self.dismiss(None)

    def action_scroll_down(self) -> None:
        """Scroll the text down."""
        self.pane.pages_down(1)

    def action_scroll_up(self) -> None:
        """Scroll the text up."""
        self.pane.pages_down(-1)
