"""What one source holds, or what to do first where there is none."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from textual import work
from textual.content import Content
from textual.worker import Worker, WorkerState

from engine.errors import SourceMissing
from engine.models import Source
from engine.store import Store
from tui.bridge.sources import details
from tui.bridge.threads import off_loop
from tui.messages import PartFailed
from tui.widgets.borders import set_border
from tui.widgets.sources import source_blocks
from tui.widgets.textpane import BLANK, Block, TextPane, text
from tui.widgets.words import one_line, short_path

if TYPE_CHECKING:
    from engine.extract.scan import ScanReport


class SourceDetails(TextPane):
    """Shows a source, read off the event loop; what fails is posted as :class:`PartFailed`.

    Args:
        store: Where sources and examples are.
    """

    def __init__(self, store: Store, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._store = store

    def show_source(self, source: Source, report: ScanReport | None) -> None:
        """Show a source, and what its last scan found if that was since the app was opened."""
        set_border(self, short_path(one_line(source.root), 48))
        self._load(source, report)

    def show_first_steps(self) -> None:
        """Say what can be done where there is no source."""
        set_border(self, "Start here")
        self.show(FIRST_STEPS)

    @work(group="details", exclusive=True, exit_on_error=False)
    async def _load(self, source: Source, report: ScanReport | None) -> None:
        try:
            found = await off_loop(details, self._store, source)
        except SourceMissing:
            return  # removed meanwhile: the list is about to say so
        self.show(source_blocks(source, found, report, time.time()))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Tell the screen what went wrong."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.post_message(PartFailed(event.worker.error))


def _step(key: str, words: str) -> Block:
    return Block(Content.assemble((key, "bold $text-accent"), (f"  {words}", "")))


FIRST_STEPS = [
    Block(text("There is no source yet. Press", "bold")),
    BLANK,
    _step(
        "a",
        "to add your own: a folder of notes, saved chats, a semantic cache, an instruction set, "
        "an app's memory, or templates for synthetic data. Files are read, never written.",
    ),
    BLANK,
    _step("g", "to start with the bundled demo: a year of notes by a person who doesn't exist."),
    BLANK,
    Block(
        text("Then 2 curates, 3 freezes a dataset, 4 trains, 5 asks both models.", "$text-muted")
    ),
    Block(text("? shows every key of a screen.", "$text-muted")),
]
"""What stands beside an empty list of sources."""
