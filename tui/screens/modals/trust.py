"""Whether a workspace that somebody else made may name commands, files and addresses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from textual import getters, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from engine.extract.adding import named_by
from engine.paths import shorten
from engine.trust import Acting
from engine.trust import trust as agree_to
from engine.workspace import Workspace
from tui.actions import bindings
from tui.bridge.threads import off_loop
from tui.screens.modals.dialog import TextDialog
from tui.widgets.textpane import BLANK, Block, TextPane, text
from tui.widgets.words import one_line, plain

TrustAnswer = Literal["trust", "without", "leave"]


class TrustDialog(TextDialog[TrustAnswer]):
    """Lists what a workspace would have run, loaded or reached; returns what to do about it.

    Args:
        workspace: The workspace, opened without all that.
    """

    HEADING = "Do you trust this workspace?"
    GROUP = "trust"
    ACCEPTS: ClassVar[bool] = False
    BINDINGS = bindings("trust")

    question = getters.query_one("#trust-question", Static)

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._workspace = workspace
        self._items: Sequence[Acting] = workspace.withheld

    def compose_box(self) -> ComposeResult:
        """The question, and everything that the answer is about."""
        yield Static(
            plain(f"{one_line(shorten(self._workspace.root, 60))} names what follows."),
            id="trust-question",
            markup=False,
        )
        yield TextPane(id="trust-items")

    def on_mount(self) -> None:
        """Show what the settings name, and look for addresses of sources."""
        self._show()
        self.load()

    @work(group="load", exclusive=True, exit_on_error=False)
    async def load(self) -> None:
        """Add what the sources name: all that is agreed to must have been shown."""
        with self.holding_keys():
            self._items = await off_loop(named_by, self._workspace.root, self._workspace.store)
            self._show()
        self.say("what changes later is asked about again")

    def _show(self) -> None:
        blocks: list[Block] = []
        for item in self._items:
            name = Content.assemble((item.name, "bold $text-primary"), f"  {item.meaning}")
            blocks += [Block(name), Block(text(one_line(item.value)), indent=2), BLANK]
        self.pane.show(blocks)

    def action_accept(self) -> None:
        """Nothing: trust is not given by a key pressed out of habit."""

    @work(group="accept", exclusive=True, exit_on_error=False)
    async def action_yes(self) -> None:
        """Trust it with what is shown."""
        await off_loop(agree_to, self._workspace.root, self._items)
        self.dismiss("trust")

    def action_without(self) -> None:
        """Open it with other values for these settings."""
        self.dismiss("without")

    def action_cancel(self) -> None:
        """Leave finetui: nothing was decided about the workspace."""
        self.dismiss("leave")

    def action_leave(self) -> None:
        """Leave finetui."""
        self.dismiss("leave")
