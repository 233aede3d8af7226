"""The list of the Dataset stage: now, the frozen ones, and what is to be looked at."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.models import Filter, short_id
from tui.widgets.borders import set_border
from tui.widgets.flags import SEVERITY, SEVERITY_SIGNS, Severity
from tui.widgets.rows import FixedRows, Part, Style
from tui.widgets.words import ago, fit, one_line

if TYPE_CHECKING:
    from engine.dataset import FrozenInfo, LeakSummary, Overview, Refusal

MOST_LINES = 500
"""Lines of one sort that are listed; with more, the first are what matters."""

_FLAG_STYLE: dict[Severity, Style] = {"severe": "error", "warning": "warning", "note": "muted"}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the list.

    Attributes:
        parts: What is drawn.
        now: Whether it is about what would be frozen now.
        dataset: The frozen dataset that it is about.
        opens: The id of the example that enter goes to.
        filter: The part of the queue that enter goes to.
    """

    parts: tuple[Part, ...]
    now: bool = False
    dataset: FrozenInfo | None = None
    opens: str = ""
    filter: Filter | None = None

    @property
    def heading(self) -> bool:
        """Whether it only names what stands below it."""
        return not (self.now or self.dataset or self.opens or self.filter)


class DatasetList(FixedRows):
    """Lines with a cursor that steps over headings.

    Posts :class:`RowList.Moved` when the cursor is on another line, :class:`RowList.Chosen`
    when one is clicked twice.
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: tuple[Line, ...] = ()

    def on_mount(self) -> None:
        """Title the pane."""
        set_border(self, "Datasets")

    @property
    def line(self) -> Line | None:
        """The line under the cursor."""
        return self._lines[self.cursor] if self.cursor < len(self._lines) else None

    @property
    def dataset(self) -> FrozenInfo | None:
        """The frozen dataset under the cursor."""
        return self.line.dataset if self.line is not None else None

    def show_lines(
        self,
        now: Overview,
        frozen: Sequence[FrozenInfo],
        leaks: Sequence[LeakSummary],
        *,
        select: str = "",
    ) -> None:
        """List other lines; the cursor stays where it was, as far as that is still there.

        Args:
            now: What a freeze would take.
            frozen: The frozen datasets, the newest first.
            leaks: The leak meter of what a freeze would take, where it was measured.
            select: The dataset that the cursor goes to.
        """
        before = self.line
        self._lines = tuple(_all_lines(now, frozen, leaks))
        self.show([line.parts for line in self._lines])
        for index, line in enumerate(self._lines):
            if _is_same(line, before) if not select else _is_named(line, select):
                self.move_to(index)
                return

    def step(self, rows: int) -> None:
        """Move the cursor, over headings."""
        self.move(rows)
        if self.line is not None and self.line.heading:
            self.move(rows)


def _is_named(line: Line, name: str) -> bool:
    return line.dataset is not None and line.dataset.name == name


def _is_same(line: Line, before: Line | None) -> bool:
    if before is None or before.heading:
        return False
    named = before.dataset.name if before.dataset is not None else ""
    return (
        line.now == before.now
        and line.opens == before.opens
        and line.filter == before.filter
        and (line.dataset.name if line.dataset is not None else "") == named
    )


def _all_lines(
    now: Overview, frozen: Sequence[FrozenInfo], leaks: Sequence[LeakSummary]
) -> Iterator[Line]:
    approved = f"{now.counts.approved:,} approved"
    same = f" · frozen as {now.unchanged}" if now.unchanged else ""
    yield Line(((fit("now", 12), "accent"), (approved, "row"), (same, "muted")), now=True)
    if frozen:
        yield _heading("frozen")
        yield from map(_frozen_line, frozen)
    if now.flags:
        yield _heading("flagged · enter shows them in Curate")
    for kind, some, total in now.flags:
        severity = SEVERITY[kind]
        sign: Part = (fit(SEVERITY_SIGNS[severity], 3), _FLAG_STYLE[severity])
        counts = f"{some:,} approved of {total:,}"
        drawn: tuple[Part, ...] = (sign, (fit(kind, 11), "row"), (counts, "muted"))
        yield Line(drawn, filter=Filter(flags=(kind,)))
    if now.refusals:
        yield _heading(f"refused by the gate · {len(now.refusals):,}")
        yield from map(_refusal_line, now.refusals[:MOST_LINES])
    if now.truncation is not None and now.truncation.cuts:
        cuts = now.truncation.cuts
        yield _heading(f"cut off at {now.truncation.limit:,} tokens · {len(cuts):,}")
        for cut in cuts[:MOST_LINES]:
            words = f"loses {cut.tokens:,} tokens, {cut.trained:,} of them trained"
            yield _example_line("·", "muted", cut.example_id, words)
    for leak in leaks:
        yield _heading(f"{leak.side}: nearest to what is trained on")
        for pair in leak.worst:
            words = f"{pair.similarity:.2f} to {short_id(pair.train)}"
            if pair.similarity >= leak.threshold:
                yield _example_line("!!", "error", pair.held_out, words)
            else:
                yield _example_line("·", "muted", pair.held_out, words)


def _heading(words: str) -> Line:
    return Line(((words, "muted"),))


def _frozen_line(info: FrozenInfo) -> Line:
    size = f"{info.train:,} + {info.validation:,}" + (f" + {info.test:,}" if info.test else "")
    when = ago(info.frozen_at, time.time())
    parts: tuple[Part, ...] = (
        (fit(one_line(info.name), 12), "strong"),
        (" ", "row"),
        (fit(size, 14), "row"),
        (when, "muted"),
    )
    return Line(parts, dataset=info)


def _refusal_line(refusal: Refusal) -> Line:
    parts: tuple[Part, ...] = (
        (f"! {short_id(refusal.example_id)} ", "warning"),
        (fit(refusal.code, 16) + " ", "row"),
        (one_line(refusal.reason), "muted"),
    )
    return Line(parts, opens=refusal.example_id)


def _example_line(sign: str, style: Style, example_id: str, words: str) -> Line:
    name = f"{fit(sign, 2)} {short_id(example_id)} "
    return Line(((name, style), (words, "row")), opens=example_id)
