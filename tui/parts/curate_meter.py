"""The meter: how far curation has got, counted off the event loop."""

from __future__ import annotations

from textual import work
from textual.message import Message
from textual.timer import Timer

from engine.curate import PAUSE_SECONDS
from engine.models import Counts
from engine.store import Store
from tui.bridge.curation import measure
from tui.bridge.threads import off_loop
from tui.widgets.meter import Meter


class MeterPart(Meter):
    """Counts when it is asked to, and once more when a pause has ended the pace.

    Args:
        store: Where the examples are.
        target: How many approved ones are wanted.
        pause: Seconds without a decision after which there is no pace.
        id: The widget's id.
    """

    class Measured(Message):
        """The queue was counted."""

        def __init__(self, counts: Counts) -> None:
            super().__init__()
            self.counts = counts

        def can_replace(self, message: Message) -> bool:
            """Only the newest counts are of interest."""
            return isinstance(message, MeterPart.Measured)

    def __init__(
        self, store: Store, target: int, *, pause: float = PAUSE_SECONDS, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self._store = store
        self._target = target
        self._pause = pause
        self._again = False
        self._measuring = False
        self._pause_timer: Timer | None = None

    def measure(self) -> None:
        """Count; calls that come fast share one count."""
        self._again = True
        if not self._measuring:
            self._measuring = True
            self._measure_all()

    @work(group="measure", exclusive=False, exit_on_error=False)
    async def _measure_all(self) -> None:
        try:
            while self._again:
                self._again = False
                counts, progress = await off_loop(measure, self._store, self._target)
                self.show_progress(progress)
                self.post_message(self.Measured(counts))
                self._await_pause(progress.per_hour > 0)
        finally:
            self._measuring = False

    def _await_pause(self, paced: bool) -> None:
        """Count again when the pace has ended, if nothing is decided until then."""
        if self._pause_timer is not None:
            self._pause_timer.stop()
        self._pause_timer = self.set_timer(self._pause + 1, self.measure) if paced else None
