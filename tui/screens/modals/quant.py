"""What an export makes: quantisations, the adapter, and what else it is told."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from textual import getters, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Label

from tui.actions import bindings
from tui.bridge.threads import off_loop
from tui.parts.train_exports import KEEPS, QuantChoice, Wishes
from tui.screens.modals.add import PathSuggester
from tui.screens.modals.dialog import FormDialog
from tui.screens.modals.pick import PickDialog
from tui.widgets.choice import Choice
from tui.widgets.field import Field
from tui.widgets.lines import Lines
from tui.widgets.rows import Part
from tui.widgets.words import one_line

if TYPE_CHECKING:
    from engine.runs.kept import Which

NO, YES = "no", "yes"
_NOTE_COLUMNS = 64


class QuantDialog(PickDialog):
    """Takes the quantisations of an export, and the adapter. It asks for the list once open.

    Args:
        load: Returns the quantisations; it reads files and is called off the event loop.
        note: Lines above the list.
        best: The step of the run's best adapter; 0 where the last one alone was kept.

    Attributes:
        wishes: What else the export is told.
    """

    GROUP = "quant"
    BINDINGS = bindings("quant")
    HEADING = "Export"
    OK = "export"

    def __init__(
        self,
        load: Callable[[], Sequence[QuantChoice]],
        *,
        note: Sequence[Content] = (),
        best: int = 0,
    ) -> None:
        # As many rows as there will be, so that the box does not jump when they come.
        rows: list[list[Part]] = [[("…", "muted")], *([[]] * (self.MOST_ROWS - 1))]
        self._best = best
        self._takes_best = bool(best)
        self._above = tuple(note)
        self._marked: list[str] = []
        self.wishes = Wishes()
        super().__init__(rows, note=self._lines())
        self._read = load
        self._choices: tuple[QuantChoice, ...] = ()

    @property
    def adapter(self) -> Which | None:
        """The adapter that is taken; None where there is no choice."""
        if not self._best:
            return None
        return "best" if self._takes_best else "last"

    def action_adapter(self) -> None:
        """Take the other adapter, where there are two."""
        self._takes_best = bool(self._best) and not self._takes_best
        self._show_lines()

    def action_mark(self) -> None:
        """Mark the quantisation under the cursor, or take its mark off."""
        if self._choices:
            at = self.rows.cursor
            name = self._choices[at].name
            if name in self._marked:
                self._marked.remove(name)
            else:
                self._marked.append(name)
            self._fill(at)

    def action_imatrix(self) -> None:
        """Compute an importance matrix, or do not."""
        self.wishes = replace(self.wishes, imatrix=not self.wishes.imatrix)
        self._show_lines()

    def action_more(self) -> None:
        """Open what else can be told."""

        def take(wishes: Wishes) -> None:
            self.wishes = wishes
            self._show_lines()

        self.app.ask(WishesDialog(self.wishes), take)

    def _show_lines(self) -> None:
        self.query_one("#pick-note", Lines).show(self._lines())

    def _lines(self) -> list[Content]:
        lines = list(self._above)
        if self._best:
            taken = f"the best, of step {self._best:,}" if self._takes_best else "the last"
            lines.append(Content.assemble(("adapter  ", "$text-muted"), (taken, "bold")))
        told = textwrap.wrap(one_line(" · ".join(self.wishes.words())), _NOTE_COLUMNS)
        for number, words in enumerate(told):
            label = "      " if number else "also  "
            lines.append(Content.assemble((label, "$text-muted"), (words, "bold")))
        return lines

    @property
    def quants(self) -> tuple[str, ...]:
        """The marked quantisations, in the order in which they were marked.

        Without marks it is the one under the cursor; before the list is there, none.
        """
        if self._marked or not self._choices:
            return tuple(self._marked)
        return (self._choices[self.rows.cursor].name,)

    def on_mount(self) -> None:
        """Read the list."""
        self.load()

    @work(group="load", exclusive=True, exit_on_error=False)
    async def load(self) -> None:
        """Show the quantisations, with the cursor on the one that is usual for the base."""
        with self.holding_keys():
            self._choices = tuple(await off_loop(self._read))
            self._fill(next((i for i, choice in enumerate(self._choices) if choice.default), 0))

    def _fill(self, at: int) -> None:
        self.fill([choice.row(marked=choice.name in self._marked) for choice in self._choices], at)


class WishesDialog(FormDialog[Wishes]):
    """What an export is told beside its quantisations.

    Args:
        wishes: What it is told so far.
    """

    HEADING = "Export: more"
    GROUP = "wishes"
    OK = "take it"
    BINDINGS = bindings("wishes")
    AUTO_FOCUS = "Choice"

    imatrix = getters.query_one("#wish-imatrix", Choice)
    into = getters.query_one("#wish-into", Field)
    keep = getters.query_one("#wish-keep", Choice)
    allow = getters.query_one("#wish-allow", Field)
    models = getters.query_one("#wish-models", Field)
    file = getters.query_one("#wish-file", Field)
    key = getters.query_one("#wish-key", Field)
    value = getters.query_one("#wish-value", Choice)

    def __init__(self, wishes: Wishes) -> None:
        super().__init__()
        self._wishes = wishes

    def compose_box(self) -> ComposeResult:
        """The fields."""
        told = self._wishes
        for name, label, widget, note in (
            ("imatrix", "imatrix", Choice((NO, YES), YES if told.imatrix else NO),
             "weigh columns by the training text"),
            ("into", "merge into", Field(told.merge_into), "a packed base's 16-bit original"),
            ("keep", "keep", Choice(("", *KEEPS), told.keep, empty="as in settings"),
             "merged for vLLM, f16"),
            ("allow", "may fail", Field(told.allow), "gates, by name"),
            ("models", "models folder", Field(told.models_dir), "empty: as in settings"),
            ("file", "set in file", Field(told.file, placeholder=".env"),
             ".env, JSON, TOML, YAML"),
            ("key", "key", Field(told.key, placeholder="OLLAMA_MODEL"), "the file's own, or a.b.c"),
            ("value", "to", Choice(("path", "name"), told.value), "of the first file"),
        ):  # fmt: skip
            widget.id = f"wish-{name}"
            if isinstance(widget, Field) and name in ("models", "file"):
                widget.suggester = PathSuggester()
            with Horizontal(classes="form-line"):
                yield Label(label, classes="label")
                yield widget
                yield Label(note, classes="note", markup=False)

    def action_field(self) -> None:
        """Next field."""
        self.focus_next()

    def action_field_before(self) -> None:
        """Previous field."""
        self.focus_previous()

    def action_accept(self) -> None:
        """Give back what was told."""
        wishes = Wishes(
            imatrix=self.imatrix.value == YES,
            merge_into=self.into.value.strip(),
            keep=self.keep.value,
            allow=self.allow.value.strip(),
            models_dir=self.models.value.strip(),
            file=self.file.value.strip(),
            key=self.key.value.strip(),
            value=self.value.value,
        )
        wishes.options()  # says here what does not go together
        self.dismiss(wishes)
