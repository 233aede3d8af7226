"""A row as the model sees it: what is trained, what is masked, what is cut off."""

from __future__ import annotations

from textual import getters, work
from textual.app import ComposeResult
from textual.content import Content

from engine.dataset import Row
from engine.errors import FinetuiError
from engine.models import short_id
from engine.text import inert
from tui.actions import bindings
from tui.bridge.datasets import TokenView, TokenViews
from tui.bridge.threads import off_loop
from tui.screens.modals.dialog import Dialog
from tui.widgets.textpane import Block, TextPane
from tui.widgets.words import counted, one_line

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


def view_blocks(view: TokenView) -> list[Block]:
    """Return the rendered text with its stretches in their looks."""
    parts = [(inert(segment.text).expandtabs(4), STYLES[segment.kind]) for segment in view.segments]
    return [Block(Content.assemble(*parts))]


class TokensDialog(Dialog[None]):
    """Rendered rows, one at a time.

    Args:
        title: The dataset's name.
        rows: Its rows.
        views: Renders them.
        at: The row to begin with.
    """

    GROUP = "read"
    OK = "close"
    BINDINGS = bindings("read")

    pane = getters.query_one("#tokens-text", TextPane)
    legend = getters.query_one("#tokens-legend", TextPane)

    def __init__(self, title: str, rows: list[Row], views: TokenViews, at: int = 0) -> None:
        super().__init__()
        self._title = title
        self._rows = rows
        self._views = views
        self._at = at

    def compose_box(self) -> ComposeResult:
        """The legend and the text."""
        yield TextPane(id="tokens-legend")
        yield TextPane(id="tokens-text")

    def on_mount(self) -> None:
        """Show the first row."""
        self._draw()

    @work(group="render", exclusive=True, exit_on_error=False)
    async def _draw(self) -> None:
        row = self._rows[self._at]
        self.title_box(
            f"{self._title} · row {self._at + 1:,} of {len(self._rows):,} · {short_id(row.id)}"
        )
        try:
            view = await off_loop(self._views.view, row)
        except FinetuiError as error:
            self.legend.show([])
            self.pane.show([Block(Content(one_line(error.message)))])
            self.say(error.message, hint=error.hint, kind="error")
            return
        counts = f"{counted(view.total, 'token')} · {view.trained:,} trained"
        if view.truncated:
            counts += f" · {view.truncated:,} cut off"
        self.legend.show([Block(LEGEND, right=Content.assemble((counts, "bold")))])
        self.pane.show(view_blocks(view))
        self.say(one_line(str(row.metadata.get("path", ""))))

    def _turn(self, rows: int) -> None:
        at = max(0, min(len(self._rows) - 1, self._at + rows))
        if at != self._at:
            self._at = at
            self._draw()

    def action_next(self) -> None:
        """Next row."""
        self._turn(1)

    def action_before(self) -> None:
        """Row before."""
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
