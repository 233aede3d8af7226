"""Choose which part of the queue is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from textual import getters, on, work
from textual.app import ComposeResult

from engine.models import STATES, Filter
from engine.paths import shorten
from tui.actions import bindings
from tui.bridge.curation import QUALITY_BANDS, Shares
from tui.bridge.threads import off_loop
from tui.screens.modals.dialog import Dialog
from tui.widgets.flags import SEVERITY, SEVERITY_SIGNS, code_label
from tui.widgets.rows import FixedRows, Part, RowList
from tui.widgets.words import CONFLICT, EDITED, ORIGIN_SIGNS, SIGNS, fit, kind_label, one_line

MOST_TAGS = 40


@dataclass(frozen=True, slots=True)
class Choice:
    """A line of the dialog.

    Attributes:
        field: The field of Filter that it sets; empty for a heading.
        value: The value that it sets there.
        label: What is shown.
        count: How many examples it stands for, -1 where it isn't told.
    """

    field: str
    value: str
    label: str
    count: int = -1


def choices(shares: Shares) -> list[Choice]:
    """Return the lines: states, origins, kinds, findings, sources and tags, under headings."""
    counts = shares.counts
    by_state = {
        "undecided": counts.undecided,
        "approved": counts.approved,
        "rejected": counts.rejected,
        "skipped": counts.skipped,
    }
    lines = [Choice("", "", "state")]
    lines += [
        Choice("states", state, f"{SIGNS[state]} {state}", by_state[state]) for state in STATES
    ]
    lines.append(Choice("edited", "yes", f"{EDITED} edited", counts.edited))
    if counts.conflicts:
        lines.append(Choice("conflict", "yes", f"{CONFLICT} in conflict", counts.conflicts))
    if any(shares.origins.values()):
        lines.append(Choice("", "", "decided, and since then in its source"))
        lines += [
            Choice("origins", origin, f"{ORIGIN_SIGNS[origin]} {origin}", count)
            for origin, count in shares.origins.items()
        ]
    if shares.kinds:
        lines.append(Choice("", "", "kind"))
        lines += [Choice("kinds", kind, kind_label(kind), count) for kind, count in shares.kinds]
    lines += found_choices(shares)
    if len(shares.sources) > 1:
        lines.append(Choice("", "", "source"))
        lines += [
            Choice("source_id", source.id, shorten(source.root, 40), source.examples)
            for source in shares.sources
        ]
    if shares.tags:
        lines.append(Choice("", "", "tag"))
        lines += [Choice("tag", tag, f"#{tag}", count) for tag, count in shares.tags[:MOST_TAGS]]
    return lines


def found_choices(shares: Shares) -> list[Choice]:
    """Return the lines of what checks found; none where nothing was checked."""
    lines: list[Choice] = []
    if shares.flag_kinds:
        lines.append(Choice("", "", "flagged"))
    for kind, count in shares.flag_kinds:
        lines.append(Choice("flags", kind, f"{SEVERITY_SIGNS[SEVERITY[kind]]} {kind}", count))
        codes = [(code, number) for of, code, number in shares.flag_codes if of == kind]
        lines += [
            Choice("flags", f"{kind}:{code}", f"    {code_label(code)}", number)
            for code, number in codes
        ]
    if any(count for _, count in shares.quality):
        lines.append(Choice("", "", "quality"))
        lines += [Choice("quality", name, name, count) for name, count in shares.quality]
    if shares.languages:
        lines.append(Choice("", "", "language"))
        lines += [Choice("languages", name, name, count) for name, count in shares.languages]
    return lines


_BANDS = {name: (least, most) for name, least, most in QUALITY_BANDS}


def chosen(filter: Filter, choice: Choice) -> bool:
    """Return whether a filter has a choice."""
    if choice.field in ("edited", "conflict"):
        return getattr(filter, choice.field) is True
    if choice.field == "quality":
        return (filter.min_quality, filter.max_quality) == _BANDS[choice.value]
    value: object = getattr(filter, choice.field)
    return choice.value in value if isinstance(value, tuple) else value == choice.value


def toggled(filter: Filter, choice: Choice) -> Filter:
    """Return a filter with a choice made or taken back; of tags, sources, qualities one holds."""
    if choice.field == "edited":
        return replace(filter, edited=None if filter.edited else True)
    if choice.field == "conflict":
        return replace(filter, conflict=None if filter.conflict else True)
    if choice.field == "quality":
        least, most = (None, None) if chosen(filter, choice) else _BANDS[choice.value]
        return replace(filter, min_quality=least, max_quality=most)
    value: object = getattr(filter, choice.field)
    if isinstance(value, tuple):
        rest = tuple(item for item in value if item != choice.value)
        new: object = rest if len(rest) < len(value) else (*value, choice.value)
    else:
        new = "" if value == choice.value else choice.value
    return replace(filter, **{choice.field: new})  # type: ignore[arg-type]


def _label(choice: Choice) -> str:
    # One line, but the codes under a kind stay indented.
    indent = len(choice.label) - len(choice.label.lstrip(" "))
    return " " * indent + one_line(choice.label)


class FilterDialog(Dialog[Filter]):
    """Lists what a queue can be narrowed to; returns the filter.

    Args:
        filter: The filter that holds now.
        load: Returns what can be chosen; called in a thread.
    """

    HEADING = "Show only"
    GROUP = "choose"
    OK = "show them"
    BINDINGS = bindings("choose")

    rows = getters.query_one("#filter-rows", FixedRows)

    def __init__(self, filter: Filter, load: Callable[[], Shares]) -> None:
        super().__init__()
        self._filter = filter
        self._load = load
        self._lines: list[Choice] = []

    def compose_box(self) -> ComposeResult:
        """Show the list."""
        yield FixedRows(id="filter-rows")

    def on_mount(self) -> None:
        """Fill the list when it is known; the cursor stands on the first choice."""
        self._read()

    @work(group="load", exclusive=True, exit_on_error=False)
    async def _read(self) -> None:
        with self.holding_keys():
            self._lines = choices(await off_loop(self._load))
            self._draw()
            self.rows.move_to(1)

    def _draw(self) -> None:
        self.rows.show([self._row(choice) for choice in self._lines])

    def _row(self, choice: Choice) -> list[Part]:
        if not choice.field:
            return [(choice.label, "muted")]
        here = chosen(self._filter, choice)
        mark: Part = ("  [x] " if here else "  [ ] ", "accent" if here else "muted")
        count = f"{choice.count:>8,}" if choice.count >= 0 else ""
        return [
            mark,
            (fit(_label(choice), 44), "strong" if here else "row"),
            (count, "muted"),
        ]

    @on(RowList.Chosen)
    def _clicked(self) -> None:
        self.action_mark()

    def action_mark(self) -> None:
        """Choose the line under the cursor, or take it back."""
        choice = self._lines[self.rows.cursor] if self._lines else None
        if choice is not None and choice.field:
            self._filter = toggled(self._filter, choice)
            self._draw()

    def action_clear(self) -> None:
        """Choose nothing; what is searched for stays."""
        self._filter = Filter(text=self._filter.text)
        self._draw()

    def _step(self, rows: int) -> None:
        self.rows.move(rows)
        # A heading can't be chosen: the cursor steps over it.
        if self._lines and not self._lines[self.rows.cursor].field:
            self.rows.move(1 if rows > 0 or self.rows.cursor == 0 else -1)

    def action_down(self) -> None:
        """Next line."""
        self._step(1)

    def action_up(self) -> None:
        """Previous line."""
        self._step(-1)

    def action_page_down(self) -> None:
        """A page further."""
        self._step(10)

    def action_page_up(self) -> None:
        """A page back."""
        self._step(-10)

    def action_accept(self) -> None:
        """Give the filter back."""
        self.dismiss(self._filter)
