"""The line under the queue: how far towards the target, and how fast."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content

from tui.messages import Progress
from tui.widgets.lines import Lines
from tui.widgets.words import bar, counted


def pace_words(progress: Progress) -> list[str]:
    """Return what stands after the bar, the most important first."""
    words = [f"{progress.rejected:,} rejected"]
    if progress.approved >= progress.target:
        words.append("target reached: 3 freezes a dataset")
    elif progress.per_hour > 0:
        words.append(f"{progress.per_hour:,.0f}/h")
        if progress.minutes_left is not None:
            words.append(f"{_minutes(progress.minutes_left)} to go")
    words.append(f"{progress.undecided:,} undecided")
    return words


def _minutes(minutes: float) -> str:
    if minutes < 1:
        return "less than a min"
    if minutes < 90:
        return f"{minutes:.0f} min"
    return counted(round(minutes / 60), "hour")


class Meter(Lines):
    """``87 of 100 approved ▕████▎ ▏ 41 rejected · 312/h · 3 min to go``."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._progress: Progress | None = None

    def show_progress(self, progress: Progress) -> None:
        """Show another state; only the columns that changed are sent."""
        self._progress = progress
        self._draw()

    def on_resize(self) -> None:
        """Draw for the new width."""
        self._draw()

    def _draw(self) -> None:
        progress, width = self._progress, self.size.width
        if progress is None or not width:
            return
        head = f" {progress.approved:,} of {progress.target:,} approved "
        words = pace_words(progress)
        while len(words) > 1 and cell_len(head + " · ".join(words)) + 15 > width:
            words.pop()
        tail = "  " + " · ".join(words)
        room = min(40, width - cell_len(head) - cell_len(tail) - 3)
        parts: list[tuple[str, str]] = [(head, "bold")]
        if room >= 6:
            parts.append(("▕", "$text-muted"))
            parts.append((bar(progress.approved, progress.target, room), "$success"))
            parts.append(("▏", "$text-muted"))
        parts.append((tail, "$text-muted"))
        self.show([Content.assemble(*parts)])
