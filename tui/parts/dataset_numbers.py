"""The numbers of what would be frozen now, or of a frozen dataset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import work
from textual.worker import Worker, WorkerState

from engine.workspace import Workspace
from tui.bridge.datasets import frozen_stats
from tui.bridge.threads import off_loop, only_long, progress_to
from tui.messages import PartFailed, Progressed
from tui.widgets.borders import set_border
from tui.widgets.datasets import now_blocks, stats_blocks, unchanged_blocks
from tui.widgets.textpane import TextPane
from tui.widgets.words import one_line, short_path

if TYPE_CHECKING:
    from engine.dataset import FrozenInfo, LeakSummary, Overview

COUNTING = "counting"
"""What progress is called while a dataset's rows are counted."""


class DatasetNumbers(TextPane):
    """Shows numbers; those of a frozen dataset are counted off the event loop.

    Posts :class:`Progressed` while that takes long, :class:`PartFailed` when it fails.

    Args:
        workspace: Where datasets are.
    """

    def __init__(
        self, workspace: Workspace, *, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._workspace = workspace

    def show_now(self, now: Overview, leaks: Sequence[LeakSummary]) -> None:
        """Show what a freeze would take."""
        self.workers.cancel_group(self, "numbers")
        set_border(self, "What a freeze would take now")
        self.show(now_blocks(now, leaks))

    def show_unchanged(self, now: Overview, info: FrozenInfo, leaks: Sequence[LeakSummary]) -> None:
        """Show the dataset that holds just what a freeze would take."""
        self._count(info, leaks, now)

    def show_frozen(self, info: FrozenInfo, leaks: Sequence[LeakSummary]) -> None:
        """Show a frozen dataset.

        Args:
            info: The dataset.
            leaks: Its leak meter, where it was measured after the freeze.
        """
        self._count(info, leaks, None)

    @work(group="numbers", exclusive=True, exit_on_error=False)
    async def _count(
        self, info: FrozenInfo, leaks: Sequence[LeakSummary], now: Overview | None
    ) -> None:
        watch = progress_to(self, lambda done, total: Progressed(COUNTING, done, total))
        found = await off_loop(frozen_stats, self._workspace, info.name, progress=only_long(watch))
        numbers = stats_blocks(found, base=info.base, leaks=leaks)
        name = one_line(info.name)
        if now is None:
            set_border(self, f"{name} · {short_path(one_line(str(info.directory)), 44)}")
            self.show(numbers)
        else:
            set_border(self, f"{name} · nothing changed since")
            self.show([*unchanged_blocks(now), *numbers])

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Tell the screen what went wrong."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.post_message(PartFailed(event.worker.error))
