"""A row as the model sees it: what is trained, what is masked, what is cut off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual import getters, work
from textual.app import ComposeResult
from textual.content import Content

from engine.errors import FinetuiError
from engine.models import short_id
from engine.text import inert
from tui.actions import bindings
from tui.bridge.threads import off_loop
from tui.bridge.tokens import TokenRows, TokenView, TokenViews
from tui.screens.modals.dialog import Dialog
from tui.widgets.textpane import Block, TextPane, text
from tui.widgets.words import counted, one_line

if TYPE_CHECKING:
    from engine.dataset import Row

# Shown by more than colour: trained text is bold, cut text struck through.
STYLES = {
    "trained": "bold $text-success",
    "masked": "$text-muted",
    "cut": "strike $text-error",
}

LEGEND = Content.assemble(
    ("trained", STYLES["trained"]), "   ", ("masked", STYLES["masked"]), "   ",
    ("cut off", STYLES["cut"]),
)  # fmt: skip


LENGTHS = (512, 1024, 2048, 4096, 8192, None)
"""Max lengths to try, in tokens."""

VIEWS = ("text", "turns", "tokens")
"""What is shown: the text, counts by turn, or the tokens one by one."""


def view_blocks(view: TokenView, shown: str = "text") -> list[Block]:
    """Return what is shown of a row: its text in looks, counts by turn, or single tokens."""
    if shown == "turns":
        return _turn_blocks(view)
    if shown == "tokens":
        return _token_blocks(view)
    parts = [(inert(segment.text).expandtabs(4), STYLES[segment.kind]) for segment in view.segments]
    return [Block(Content.assemble(*parts))]


def _turn_blocks(view: TokenView) -> list[Block]:
    head = f"{'turn':<14}{'tokens':>9}{'trained':>9}{'masked':>9}{'cut off':>9}"
    blocks = [Block(Content.assemble((head, "$text-muted")))]
    for number, turn in enumerate(view.turns, 1):
        kinds = (("trained", turn.trained), ("masked", turn.masked), ("cut", turn.cut))
        counts = [
            (f"{count:>9,}", STYLES[kind] if count else "$text-muted") for kind, count in kinds
        ]
        blocks.append(
            Block(Content.assemble((f"{f'{number} {turn.role}':<14}{turn.total:>9,}", ""), *counts))
        )
    lost = sum(turn.lost for turn in view.turns)
    if lost:
        words = f"{lost:,} of {counted(lost + view.trained, 'trained token')} would be lost"
        blocks += [Block(Content("")), Block(Content.assemble((words, STYLES["cut"])))]
    return blocks


def _token_blocks(view: TokenView) -> list[Block]:
    lines = []
    for number, (token, name) in enumerate(view.tokens, 1):
        words = f"{number:>6}  {token.id:>7}  {token.kind:<8}{token.turn + 1:>3}  "
        # The text shows white space and control characters; a part of a character has none.
        shown = repr(token.text) if token.text.strip() or token.text else name
        lines.append((words + inert(shown) + "\n", STYLES[token.kind]))
    if view.unlisted:
        lines.append((f"… and {counted(view.unlisted, 'more token')}", "$text-muted"))
    head = f"{'':>6}  {'id':>7}  {'':<8}turn  text\n"
    return [Block(Content.assemble((head, "$text-muted"), *lines))]


class TokensDialog(Dialog[None]):
    """Rendered rows, one at a time.

    Args:
        title: What is shown while the rows are read.
        load: Returns the rows and what renders them; called in a thread.
        at: The row to begin with.
    """

    GROUP = "read"
    OK = "close"
    BINDINGS = bindings("read")

    pane = getters.query_one("#tokens-text", TextPane)
    legend = getters.query_one("#tokens-legend", TextPane)

    def __init__(self, title: str, load: Callable[[], TokenRows], at: int = 0) -> None:
        super().__init__()
        self._title = title
        self._load = load
        self._rows: Sequence[Row] = ()
        self._views: TokenViews | None = None
        self._at = at
        self._shown = VIEWS[0]
        self._view: TokenView | None = None

    def compose_box(self) -> ComposeResult:
        """The legend and the text."""
        yield TextPane(id="tokens-legend")
        yield TextPane(id="tokens-text")

    def on_mount(self) -> None:
        """Show the first row, when it is read."""
        self.title_box(self._title)
        self._read()

    @work(group="load", exclusive=True, exit_on_error=False)
    async def _read(self) -> None:
        with self.holding_keys():
            try:
                found = await off_loop(self._load)
            except FinetuiError as error:
                self._show_error(error)
                return
        self._title, self._rows, self._views = found.title, found.rows, found.views
        self.refresh_cheat()
        self._draw()

    def _show_error(self, error: FinetuiError) -> None:
        self._view = None
        self.legend.show([])
        # In the pane, where a key without meaning does not wipe it away.
        hint = [Block(text(one_line(error.hint), "$text-muted"))] if error.hint else []
        self.pane.show([Block(Content(one_line(error.message))), *hint])
        self.say(error.message, hint=error.hint, kind="error")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what can be done with the rows that are there."""
        if action in ("next", "before") and len(self._rows) < 2:
            return False
        if action in ("view", "length") and not self._rows:
            return False
        return super().check_action(action, parameters)

    @work(group="render", exclusive=True, exit_on_error=False)
    async def _draw(self) -> None:
        if self._views is None or not self._rows:
            return
        row = self._rows[self._at]
        self.title_box(
            f"{self._title} · row {self._at + 1:,} of {len(self._rows):,} · {short_id(row.id)}"
        )
        try:
            view = await off_loop(self._views.view, row)
        except FinetuiError as error:
            self._show_error(error)
            return
        self._view = view
        counts = f"{counted(view.total, 'token')} · {view.trained:,} trained"
        if view.truncated:
            counts += f" · {view.truncated:,} cut off"
        self.legend.show([Block(LEGEND, right=Content.assemble((counts, "bold")))])
        self._draw_view()
        path = one_line(str(row.metadata.get("path", "")))
        longest = self._views.max_length
        limit = "no max length" if longest is None else f"max length {longest:,} tokens"
        self.say(" · ".join(part for part in (limit, path) if part))
        if not view.trained:
            self.say("no token would be trained", hint="a freeze refuses this row", kind="error")

    def _draw_view(self) -> None:
        if self._view is not None:
            self.pane.show(view_blocks(self._view, self._shown))

    def action_view(self) -> None:
        """Show the text, the counts by turn, or the tokens one by one."""
        self._shown = VIEWS[(VIEWS.index(self._shown) + 1) % len(VIEWS)]
        self._draw_view()

    def action_length(self) -> None:
        """Try another max length."""
        if self._views is None:
            return
        now = self._views.max_length
        larger = [one for one in LENGTHS if one is None or (now is not None and one > now)]
        self._views.max_length = LENGTHS[0] if now is None else larger[0]
        self._draw()

    def _turn(self, rows: int) -> None:
        at = max(0, min(len(self._rows) - 1, self._at + rows))
        if at != self._at:
            self._at = at
            self._draw()

    def action_next(self) -> None:
        """Next row."""
        self._turn(1)

    def action_before(self) -> None:
        """Previous row."""
        self._turn(-1)

    def action_down(self) -> None:
        """A line further."""
        self.pane.lines_down(1)

    def action_up(self) -> None:
        """A line back."""
        self.pane.lines_down(-1)

    def action_page_down(self) -> None:
        """A page further."""
        self.pane.pages_down(1)

    def action_page_up(self) -> None:
        """A page back."""
        self.pane.pages_down(-1)
