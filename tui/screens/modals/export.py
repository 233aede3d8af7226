"""Where and in which format a dataset is written."""

from __future__ import annotations

from pathlib import Path

from textual import getters, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Label

from engine.dataset.formats import CONTAINERS, FORMATS, Format, default_path
from engine.errors import UsageError
from tui.actions import bindings
from tui.bridge.datasets import ExportChoice, frozen_datasets
from tui.bridge.threads import off_loop
from tui.screens.modals.add import PathSuggester
from tui.screens.modals.dialog import FormDialog
from tui.widgets.choice import Choice
from tui.widgets.field import Field
from tui.widgets.rows import FixedRows, RowList
from tui.widgets.words import fit, short_path

NO, YES = "no", "yes"
_WHOLE = 100_000
_NOTHING = ("there is no frozen dataset to export", "z on Dataset freezes one")


class ExportDialog(FormDialog[ExportChoice]):
    """A list of formats, a path, and what is written into it.

    Args:
        name: The dataset; empty takes the newest, which is looked for once the dialog is open.
    """

    GROUP = "write"
    OK = "write"
    BINDINGS = bindings("write")
    AUTO_FOCUS = "Field"

    rows = getters.query_one("#write-formats", FixedRows)
    field = getters.query_one("#write-path", Field)
    container = getters.query_one("#write-container", Choice)
    metadata = getters.query_one("#write-metadata", Choice)
    system = getters.query_one("#write-system", Choice)
    prompt = getters.query_one("#write-prompt", Field)

    def __init__(self, name: str) -> None:
        super().__init__()
        self._dataset = name
        self._formats: list[Format] = list(FORMATS.values())

    def compose_box(self) -> ComposeResult:
        """The formats and the path."""
        yield FixedRows(id="write-formats")
        field = Field(placeholder="a file, or a folder")
        field.id = "write-path"
        field.suggester = PathSuggester()
        with Horizontal(classes="form-line"):
            yield Label("path", classes="label")
            yield field
        for name, label, widget, note in (
            ("container", "files", Choice(tuple(CONTAINERS), "jsonl"), ""),
            ("metadata", "metadata", Choice((NO, YES), NO), "where each row comes from"),
            ("system", "system", Choice((YES, NO), YES), "whether system messages are written"),
            ("prompt", "system prompt", Field(), "put before rows without one; or empty"),
        ):
            widget.id = f"write-{name}"
            with Horizontal(classes="form-line"):
                yield Label(label, classes="label")
                yield widget
                yield Label(note, classes="note", markup=False, id=f"write-{name}-note")

    def on_mount(self) -> None:
        """Fill the list."""
        self.title_box(f"Export {self._dataset}")
        self.rows.styles.height = len(self._formats)
        self.rows.show(
            [[(fit(one.name, 14), "strong"), (one.line, "muted")] for one in self._formats]
        )
        self._note_container()
        self.say("a file takes all rows; a folder gets a file for each split")
        if self._dataset:
            self._propose()
        else:
            self._find_newest()

    @work(group="load", exclusive=True, exit_on_error=False)
    async def _find_newest(self) -> None:
        with self.holding_keys():
            found = await off_loop(frozen_datasets, self.app.workspace)
            if not found:
                self.say(_NOTHING[0], hint=_NOTHING[1])
                return
            self._dataset = found[0].name
            self.title_box(f"Export {self._dataset}")
            self._propose()

    def _propose(self) -> None:
        self.field.value = self._proposed(self._format.name, self.container.value)
        self.field.cursor_position = len(self.field.value)

    def _proposed(self, format: str, container: str) -> str:
        path = default_path(self.app.workspace, self._dataset, format, container)
        return short_path(str(path), _WHOLE)

    @property
    def _format(self) -> Format:
        return self._formats[self.rows.cursor]

    def _note_container(self) -> None:
        note = self.query_one("#write-container-note", Label)
        note.update(CONTAINERS[self.container.value])

    @on(RowList.Moved, "#write-formats")
    @on(Choice.Changed, "#write-container")
    def _other(self) -> None:
        if self._format.container and self.container.value != self._format.container:
            self.container.value = self._format.container
            self.say(f"{self._format.name} is read as {self._format.container} alone")
        if not self._format.metadata and self.metadata.value == YES:
            self.metadata.value = NO
            self.say(f"{self._format.name} has no place for metadata")
        self._note_container()
        proposals = {self._proposed(one, files) for one in FORMATS for files in CONTAINERS}
        if self.field.value in proposals:  # a path of one's own stays
            self._propose()

    @on(Choice.Changed, "#write-metadata")
    def _other_metadata(self) -> None:
        self._other()

    def action_next(self) -> None:
        """Next format."""
        self.rows.move_to((self.rows.cursor + 1) % len(self._formats))

    def action_before(self) -> None:
        """Previous format."""
        self.rows.move_to((self.rows.cursor - 1) % len(self._formats))

    def action_field(self) -> None:
        """Next field."""
        self.focus_next()

    def action_field_before(self) -> None:
        """Previous field."""
        self.focus_previous()

    def action_accept(self) -> None:
        """Give back what was chosen."""
        if not self._dataset:
            raise UsageError(_NOTHING[0], hint=_NOTHING[1])
        typed = self.field.value.strip()
        if not typed:
            raise UsageError("there is no path to write to", hint="type a file or a folder")
        self.dismiss(
            ExportChoice(
                dataset=self._dataset,
                format=self._format.name,
                path=Path(typed).expanduser(),
                container=self.container.value,
                metadata=self.metadata.value == YES,
                system=self.system.value == YES,
                system_prompt=self.prompt.value.strip(),
            )
        )
