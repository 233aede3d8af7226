"""Scans as the Sources screen sees them: what was asked for, what came of it, what stops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.errors import FinetuiError, TokenMissing, TokenRefused
from engine.models import Source
from tui.bridge.reading import Tokens
from tui.bridge.scans import Scans, Standing
from tui.messages import ScanEnded
from tui.widgets.frame import Kind
from tui.widgets.preview import report_words, round_words
from tui.widgets.scanning import begun_words, stop_question, stopped_words
from tui.widgets.words import counted

if TYPE_CHECKING:
    from engine.extract.scan import ScanReport

Said = tuple[str, str, Kind]
"""A message, a hint, and what kind of message it is."""


class SourceScans:
    """Starts and stops scans, and puts what happens into words.

    Args:
        scans: The app's scans, which go on whatever stage is shown.
        tokens: What the person typed for addresses.
    """

    def __init__(self, scans: Scans, tokens: Tokens) -> None:
        self._scans = scans
        self._tokens = tokens
        self._refused: dict[str, str] = {}

    @property
    def active(self) -> bool:
        """Whether something is being read."""
        return self._scans.active

    def reads(self, source: Source) -> bool:
        """Return whether a source is being read, or waits for it."""
        standing = self._scans.standing
        return standing is not None and any(one.id == source.id for one in standing.every)

    def start(self, sources: Sequence[Source]) -> Said:
        """Read sources, now or after what is being read."""
        busy = self._scans.active
        fresh = self._scans.start(sources)
        for source in sources:
            self._refused.pop(source.id, None)
        words = begun_words(sources, fresh, busy=busy)
        return words, "X stops scanning", "busy" if fresh and not busy else "info"

    # -- stopping ---------------------------------------------------------------------

    def question(self) -> tuple[Standing, str, str] | None:
        """Return what would be stopped, the question, and what it costs; None where nothing is."""
        standing = self._scans.standing
        return (standing, *stop_question(standing)) if standing is not None else None

    def stop(self, asked_about: Standing) -> Said:
        """Stop all scans, unless the one that was asked about has ended meanwhile."""
        now = self._scans.standing
        if now is None:
            return "the scan had ended before it was stopped", "", "info"
        if now.source.id != asked_about.source.id and not asked_about.waiting:
            return "the scan had ended; another one goes on", "X stops it", "info"
        self._scans.stop()
        return "stopping …", "", "busy"

    # -- tokens -----------------------------------------------------------------------

    def wants_token(self, source: Source) -> str:
        """Return what an app said that asked for a token in the last scan; empty if none did."""
        return self._refused.get(source.id, "")

    def hold_token(self, source: Source, token: str) -> Said:
        """Hold a token while the app is open, and read the source with it."""
        self._tokens.hold(source.root, token)
        return self.start([source])

    # -- what came of it -----------------------------------------------------------------

    def ended(self, event: ScanEnded) -> Said | None:
        """Return what a scan found, or why it found nothing; None for an error without a name."""
        if isinstance(event.error, TokenMissing | TokenRefused):
            self._tokens.hold(event.source.root, "")
            self._refused[event.source.id] = event.error.message
            return event.error.message, "t types the token", "error"
        report = event.report
        if report is None:
            return None
        if report.cancelled:
            return (*stopped_words(event), "info")
        hint = "d lists what was skipped" if report.skipped_count else "2 curates them"
        hint = next(iter(_unheard(report)), hint)
        return report_words(report, event.source.kind), hint, "done"

    def all_ended(self) -> Said | None:
        """Return what several sources gave together, once the last is read; None after one."""
        ended = self._scans.ended
        if len(ended) < 2 or any(event.report and event.report.cancelled for event in ended):
            return None
        errors = [event.error for event in ended if event.error is not None]
        if not errors:
            reports = [event.report for event in ended if event.report is not None]
            return round_words(reports), "2 curates them", "done"
        first = errors[0]
        count = f"{len(errors)} of {counted(len(ended), 'source')} not read"
        if isinstance(first, FinetuiError):
            return f"{count}: {first.message}", first.hint, "error"
        return f"{count}: something unexpected happened", "the log has the details", "error"


def _unheard(report: ScanReport) -> list[str]:
    """Return which languages notes were not heard in."""
    from engine.extract.unheard import unheard_words  # with the tables of all languages

    return unheard_words(Counter(skip.code for skip in report.skipped))
