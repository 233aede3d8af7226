"""Two texts of an example, side by side: before and after its source changed, or an edit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import getters, work
from textual.app import ComposeResult
from textual.containers import Horizontal

from engine.models import short_id
from tui.actions import bindings
from tui.bridge.threads import off_loop
from tui.parts.curate_versions import Pair
from tui.screens.modals.dialog import Dialog
from tui.widgets.borders import set_border
from tui.widgets.compare import compared
from tui.widgets.textpane import BLANK, Block, TextPane, text
from tui.widgets.words import one_line


class VersionsDialog(Dialog[str]):
    """Shows what differs; returns the id of the other version where the person goes there.

    Args:
        example_id: The example.
        load: Returns the pairs to compare; called in a thread.
    """

    HEADING = "Versions"
    GROUP = "versions"
    BINDINGS = bindings("versions")

    left = getters.query_one("#version-older", TextPane)
    right = getters.query_one("#version-newer", TextPane)

    def __init__(self, example_id: str, load: Callable[[], Sequence[Pair]]) -> None:
        super().__init__()
        self._example_id = example_id
        self._load = load
        self._pairs: Sequence[Pair] = ()
        self._at = 0
        self.OK = "close"

    def compose_box(self) -> ComposeResult:
        """The older on the left, the newer on the right."""
        with Horizontal(id="versions"):
            yield TextPane(id="version-older", classes="version")
            yield TextPane(id="version-newer", classes="version")

    def on_mount(self) -> None:
        """Show the first pair when it is known."""
        self.title_box(f"{self.HEADING} · {short_id(self._example_id)}")
        self._read()

    @work(group="load", exclusive=True, exit_on_error=False)
    async def _read(self) -> None:
        with self.holding_keys():
            self._pairs = await off_loop(self._load)
        self._show()

    def _show(self) -> None:
        if not self._pairs:
            self.left.show([Block(text("There is no other version of it.", "bold")), BLANK])
            self.right.display = False
            self.say("it was not edited, and the workspace has no other text from its source")
            return
        pair = self._pairs[self._at]
        set_border(self.left, one_line(pair.left_name))
        set_border(self.right, one_line(pair.right_name))
        left, right = compared(pair.left, pair.right)
        self.left.show(left)
        self.right.show(right)
        self.OK = pair.go_words if pair.go else "close"
        self.refresh_cheat()
        more = f"{self._at + 1} of {len(self._pairs)}: → shows the other two"
        hint = more if len(self._pairs) > 1 else ""
        self.say("what only one of them has is underlined", hint=hint)

    def _turn(self, by: int) -> None:
        if len(self._pairs) > 1:
            self._at = (self._at + by) % len(self._pairs)
            self._show()

    def _scroll(self, lines: int) -> None:
        for pane in (self.left, self.right):
            pane.lines_down(lines)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer other pairs only where there are some."""
        if action in ("other", "other_back") and len(self._pairs) < 2:
            return False
        return super().check_action(action, parameters)

    def action_accept(self) -> None:
        """Go to the other version, where it is an example of its own."""
        go = self._pairs[self._at].go if self._pairs else ""
        self.dismiss(go or None)

    def action_other(self) -> None:
        """The next pair."""
        self._turn(1)

    def action_other_back(self) -> None:
        """The previous pair."""
        self._turn(-1)

    def action_down(self) -> None:
        """A line further."""
        self._scroll(1)

    def action_up(self) -> None:
        """A line back."""
        self._scroll(-1)

    def action_scroll_down(self) -> None:
        """A page further."""
        self._scroll(max(1, self.left.size.height - 1))

    def action_scroll_up(self) -> None:
        """A page back."""
        self._scroll(-max(1, self.left.size.height - 1))
